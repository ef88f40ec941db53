/** What seals in threads of `latent vault add`, and in child processes of `latent worker`. */
export const SANDBOX = new URL('./sandbox-script.ts', import.meta.url)
