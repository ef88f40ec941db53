import type { LoadOptions, Transform } from '../contract/scheme.ts'
import { exactFlowTransform, networkCost } from './cipher.ts'
import { type ExactFlowOptions, openExactFlow } from './engine.ts'
import { WEIGHT_SETS, type WeightSetName } from './known.ts'
import { parseWeights } from './weights.ts'

/** Which weights, and what is left out. */
export interface Variant {
  readonly weights: WeightSetName
  readonly ablation?: NonNullable<ExactFlowOptions['ablation']>
}

/** @throws E_WEIGHTS, E_BACKEND */
export async function openVariant(
  { weights: set, ablation }: Variant,
  { weights: file }: LoadOptions = {},
): Promise<Transform> {
  const weights = file ? parseWeights(file) : await WEIGHT_SETS[set].load()
  const flow = await openExactFlow({ weights, ...(ablation ? { ablation } : {}) })
  const whole = {
    ...exactFlowTransform(flow),
    made: { profile: 'i8', sha256: flow.weightsId },
    close: () => flow.close(),
  }
  // Without its networks it has no parameters to count.
  return ablation === 'stream-only' ? whole : { ...whole, cost: networkCost(weights) }
}
