import type { LoadOptions, Transform } from '../contract/scheme.ts'
import { exactFlowTransform } from './cipher.ts'
import { type ExactFlowOptions, openExactFlow } from './engine.ts'
import { WEIGHT_SETS } from './known.ts'
import { parseWeights } from './weights.ts'

interface Variant {
  readonly weights: 'constant' | 'trained'
  readonly ablation?: NonNullable<ExactFlowOptions['ablation']>
}

/** @throws E_WEIGHTS, E_BACKEND */
export async function openVariant({ weights: set, ablation }: Variant, { weights: file }: LoadOptions = {}): Promise<Transform> {
  const weights = file ? parseWeights(file) : await WEIGHT_SETS[set]!()
  const flow = await openExactFlow({ weights, ...(ablation ? { ablation } : {}) })
  const { cost, ...transform } = exactFlowTransform(flow)
  return { ...transform, ...(cost && ablation !== 'stream-only' ? { cost } : {}), made: { profile: 'i8', sha256: flow.weightsId }, close: () => flow.close() }
}
