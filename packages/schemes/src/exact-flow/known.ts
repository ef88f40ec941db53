import { LatentError } from '@latent/core'
import { constantWeights } from './constant-weights.ts'
import { TRAINED, TRAINED_SHA256 } from './trained.ts'
import { parseWeights, type Weights } from './weights.ts'

let trained: Promise<Weights> | undefined
let second: Promise<Weights> | undefined

/**
 * Weights trained with the whitening off (`recipe.ts`); what is known of them is on their card,
 * `models/exact-flow.json`.
 */
export function trainedWeights(): Promise<Weights> {
  trained ??= Promise.resolve().then(() => weightsFrom(TRAINED, TRAINED_SHA256))
  return trained
}

/**
 * The second generation, trained in the same way, at a seventh of the cost: `models/exact-flow-2.json`. Loaded when it
 * is asked for: a page that seals with others does not carry it.
 */
export function secondWeights(): Promise<Weights> {
  second ??= import('./second.ts').then(({ TRAINED, TRAINED_SHA256 }) => weightsFrom(TRAINED, TRAINED_SHA256))
  return second
}

/**
 * Weights that travel as text in a module.
 * @throws E_WEIGHTS unless they are the ones with this hash: files sealed with others could be opened by no other copy
 * of Latent
 */
export function weightsFrom(base64: string, sha256: string): Weights {
  const weights = parseWeights(Uint8Array.from(atob(base64), character => character.charCodeAt(0)))
  if (weights.id !== sha256)
    throw new LatentError(
      'E_WEIGHTS',
      `the exact-flow weights have the SHA-256 ${weights.id.slice(0, 16)}..., and ${sha256.slice(0, 16)}... is ` +
        'expected',
      { hint: 'the module was altered or damaged; install Latent again' },
    )
  return weights
}

/**
 * Every set that a sealed file may name, by what people call it. Sets are only ever added, so that
 * whatever was sealed stays readable.
 */
export const WEIGHT_SETS: Readonly<Record<string, () => Promise<Weights>>> = {
  trained: trainedWeights,
  constant: constantWeights,
  // Last: whoever looks for a set by its name loads this one only where it is none of the others.
  second: secondWeights,
}

/** What new files are sealed with: `second` is quicker, and not yet as good in every term (docs/decisions/6). */
export const sealingWeights = trainedWeights

/** @throws E_UNSUPPORTED for a set that this release does not have */
export async function knownWeights(id: string): Promise<Weights> {
  for (const set of Object.values(WEIGHT_SETS)) {
    const weights = await set()
    if (weights.id === id) return weights
  }
  throw new LatentError(
    'E_UNSUPPORTED',
    `this needs the exact-flow weights ${id.slice(0, 16)}..., which this release does not have`,
    { hint: 'update latent' },
  )
}
