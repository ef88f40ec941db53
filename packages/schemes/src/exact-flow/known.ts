import { LatentError } from '@latent/core'
import { TRAINED } from './trained.ts'
import { constantWeights, parseWeights, type Weights } from './weights.ts'

let trained: Promise<Weights> | undefined

/** Weights trained with the whitening off (`recipe.ts`); what is known of them is on their card, `models/exact-flow.json`. */
export function trainedWeights(): Promise<Weights> {
  trained ??= Promise.resolve().then(() => parseWeights(Uint8Array.from(atob(TRAINED), character => character.charCodeAt(0))))
  return trained
}

/**
 * Every set that a sealed file may name, by what people call it. Sets are only ever added, so that
 * whatever was sealed stays readable.
 */
export const WEIGHT_SETS: Readonly<Record<string, () => Promise<Weights>>> = { trained: trainedWeights, constant: constantWeights }

/** What new files are sealed with. */
export const sealingWeights = trainedWeights

/** @throws E_UNSUPPORTED for a set that this release does not have */
export async function knownWeights(id: string): Promise<Weights> {
  for (const set of Object.values(WEIGHT_SETS)) {
    const weights = await set()
    if (weights.id === id) return weights
  }
  throw new LatentError('E_UNSUPPORTED', `this needs the exact-flow weights ${id.slice(0, 16)}..., which this release does not have`, { hint: 'update latent' })
}
