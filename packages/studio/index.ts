/**
 * Where the built page lies: in a checkout below `dist`, where `npm run studio` puts it. What is published holds the
 * files themselves, beside a module of the same export: see `release/studio.ts`.
 */
export const folder: URL = new URL('../../dist/studio/', import.meta.url)

/**
 * Where a file of the site lies that another package has: none in a checkout, and in what is published the runtimes,
 * which are most of the page and which `onnxruntime-web` has already.
 * @param path below `site/`
 */
export const elsewhere = (path: string): URL | undefined => void path
