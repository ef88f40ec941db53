import { defineScheme, type Description, type Scheme } from '../contract/scheme.ts'
import { UNPROVED, usual } from './description.ts'
import type { Variant } from './variants.ts'

const variant = (id: string, title: string, parts: Variant, facts: Partial<Description> = {}): Scheme =>
  defineScheme({
    ...usual(id, title),
    ...facts,
    load: async options => (await import('./variants.ts')).openVariant(parts, options),
  })

/**
 * Pixel mode with every set of weights, and with parts left out for the lab. A cipher image of version 0.1.0 does not
 * say which weights it was made with, so each set has an id of its own, for good.
 */
export const exactFlowSchemes: readonly Scheme[] = [
  variant('exact-flow', 'Exact flow (ours)', { weights: 'constant' }),
  variant('exact-flow-trained', 'Exact flow, trained networks (ours)', { weights: 'trained' }),
  variant('exact-flow-2', 'Exact flow, second generation (ours)', { weights: 'second' }),
  variant(
    'exact-flow-network-only',
    'Exact flow without its whitening, trained (ablation)',
    { weights: 'trained', ablation: 'network-only' },
    { role: 'ablation', keySpace: UNPROVED },
  ),
  variant(
    'exact-flow-network-only-untrained',
    'Exact flow without its whitening, untrained (ablation)',
    { weights: 'constant', ablation: 'network-only' },
    { role: 'ablation', keySpace: UNPROVED },
  ),
  variant(
    'exact-flow-stream-only',
    'Exact flow without its networks (ablation)',
    { weights: 'constant', ablation: 'stream-only' },
    { role: 'ablation' },
  ),
]
