import type { ImageCipher, KeySpace } from '@latent/core'
import { exactFlowCipher } from './cipher.ts'
import { openExactFlow, type ExactFlowOptions } from './engine.ts'
import { trainedWeights } from './known.ts'
import { constantWeights, parseWeights, type Weights } from './weights.ts'

interface Variant {
  readonly title: string
  readonly weights: () => Promise<Weights>
  readonly ablation?: NonNullable<ExactFlowOptions['ablation']>
  readonly keySpace?: KeySpace
}

const UNPROVED: KeySpace = {
  bits: 256,
  note: 'An upper bound. Without the whitening nothing is proved: 4 bytes of key stream enter for every 12 bytes of output, and whether the network hides them nobody knows.',
}

/**
 * Pixel mode in its variants, by scheme id. The first cipher images did not say which weights they were
 * made with, so each set has an id of its own, for good. Those that leave a part out are for the
 * lab alone.
 */
const VARIANTS = {
  'exact-flow': { title: 'Exact flow (ours)', weights: constantWeights },
  'exact-flow-trained': { title: 'Exact flow, trained networks (ours)', weights: trainedWeights },
  'exact-flow-network-only': { title: 'Exact flow without its whitening, trained (ablation)', weights: trainedWeights, ablation: 'network-only', keySpace: UNPROVED },
  'exact-flow-network-only-untrained': { title: 'Exact flow without its whitening, untrained (ablation)', weights: constantWeights, ablation: 'network-only', keySpace: UNPROVED },
  'exact-flow-stream-only': { title: 'Exact flow without its networks (ablation)', weights: constantWeights, ablation: 'stream-only' },
} satisfies Record<string, Variant>

export type VariantId = keyof typeof VARIANTS

/** @param file canonical bytes of weights to use instead. @throws E_WEIGHTS, E_BACKEND */
export async function openVariant(id: VariantId, file?: Uint8Array): Promise<{ cipher: ImageCipher; weights: string; close: () => Promise<void> }> {
  const { title, weights, ablation, keySpace }: Variant = VARIANTS[id]
  const flow = await openExactFlow({ weights: file ? parseWeights(file) : await weights(), ...(ablation ? { ablation } : {}) })
  const { cost, ...whole } = exactFlowCipher(flow)
  const named = { ...whole, id, title, ...(keySpace ? { keySpace } : {}) }
  return { cipher: ablation === 'stream-only' ? named : { ...named, ...(cost ? { cost } : {}) }, weights: flow.weightsId, close: () => flow.close() }
}
