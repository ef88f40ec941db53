/** Whether this is `npm run test:long`: what is short in `npm test` takes its long form, and nothing else runs. */
export const LONG = process.env['LATENT_LONG'] !== undefined

/** At the end of a test's name: `npm run test:long` runs those that have it. */
export const atLength = LONG ? ' (at length)' : ''
