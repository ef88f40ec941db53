import { defineScheme, describe, type Description, type Scheme } from '../contract/scheme.ts'
import type { Variant } from './variants.ts'

const WHOLE = { bits: 256, note: 'Every bit counts, as far as HMAC-SHA-256 and AES-256-CTR are pseudo-random functions.' }
const UNPROVED = {
  bits: 256,
  note: 'An upper bound. Without the whitening nothing is proved: 4 bytes of key stream enter for every 12 bytes of output, and whether the network hides them nobody knows.',
}

/** The smallest tile: below it the four-round bound says too little about the permutation. */
export const MIN_TILE_BYTES = 32

const usual = (id: string, title: string): Pick<Description, 'id' | 'title'> & Partial<Description> => ({
  id,
  title,
  role: 'ours',
  accepts: { formats: ['u8', 'u16'], bytes: MIN_TILE_BYTES },
  nonce: { use: 'optional', bytes: 16, others: 'as they are' },
  keySpace: WHOLE,
  weights: { scheme: 'exact-flow', profile: 'i8' },
})

export const EXACT_FLOW = describe(usual('exact-flow', 'Exact flow (ours)'))

const variant = (id: string, title: string, parts: Variant, facts: Partial<Description> = {}): Scheme =>
  defineScheme({ ...usual(id, title), ...facts, load: async options => (await import('./variants.ts')).openVariant(parts, options) })

/**
 * Pixel mode with either set of weights, and with parts left out for the lab. A cipher image of version 0.1.0 does not say
 * which weights it was made with, so each set has an id of its own, for good.
 */
export const exactFlowSchemes: readonly Scheme[] = [
  variant('exact-flow', 'Exact flow (ours)', { weights: 'constant' }),
  variant('exact-flow-trained', 'Exact flow, trained networks (ours)', { weights: 'trained' }),
  variant('exact-flow-network-only', 'Exact flow without its whitening, trained (ablation)', { weights: 'trained', ablation: 'network-only' }, { role: 'ablation', keySpace: UNPROVED }),
  variant(
    'exact-flow-network-only-untrained',
    'Exact flow without its whitening, untrained (ablation)',
    { weights: 'constant', ablation: 'network-only' },
    { role: 'ablation', keySpace: UNPROVED },
  ),
  variant('exact-flow-stream-only', 'Exact flow without its networks (ablation)', { weights: 'constant', ablation: 'stream-only' }, { role: 'ablation' }),
]
