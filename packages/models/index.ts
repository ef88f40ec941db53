/**
 * Where cards and weights lie: in a checkout in the folder `models` at its top. What is published holds the files
 * themselves, beside a module of the same export: see `release/models.ts`.
 */
export const folder: URL = new URL('../../models/', import.meta.url)
