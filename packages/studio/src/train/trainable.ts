/** The ciphers that the page can train in minutes. Each has its own words in `strings.ts`. */
export const TRAINABLE = ['mask-autoencoder-2025-mnist-conv', 'mask-autoencoder-2025-mnist-repaired'] as const
/** A cipher that the page can train. */
export type Trainable = (typeof TRAINABLE)[number]
