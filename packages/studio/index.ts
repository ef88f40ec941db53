/**
 * Where the built page lies: in a checkout below `dist`, where `npm run studio` puts it. What is published holds the
 * files themselves, beside a module of the same export: see `release/studio.ts`.
 */
export const folder: URL = new URL('../../dist/studio/', import.meta.url)
