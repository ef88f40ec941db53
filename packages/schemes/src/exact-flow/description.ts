import { describe, type Description } from '../contract/scheme.ts'

const WHOLE = {
  bits: 256,
  note: 'Every bit counts, as far as HMAC-SHA-256 and AES-256-CTR are pseudo-random functions.',
}
/** Key space of the variants without whitening, and what is not known of them. */
export const UNPROVED = {
  bits: 256,
  note:
    'An upper bound. Without the whitening nothing is proved: 4 bytes of key stream enter for every 12 bytes of ' +
    'output, and whether the network hides them nobody knows.',
}

/** The smallest tile: below it the four-round bound says too little about the permutation. */
export const MIN_TILE_BYTES = 32

/** 512 x 512 RGB pixels: large enough for the network's speed, small enough for flat memory. */
export const TILE_BYTES = 512 * 512 * 3

/** What all variants share. */
export const usual = (id: string, title: string): Pick<Description, 'id' | 'title'> & Partial<Description> => ({
  id,
  title,
  role: 'ours',
  accepts: { formats: ['u8', 'u16'], bytes: MIN_TILE_BYTES },
  nonce: { use: 'optional', bytes: 16, others: 'as they are' },
  tileBytes: TILE_BYTES,
  keySpace: WHOLE,
  weights: { scheme: 'exact-flow', profile: 'i8' },
})

/** What is said of the flagship without code or weights. */
export const EXACT_FLOW = describe(usual('exact-flow', 'Exact flow (ours)'))
