import { LatentError } from '@latent/core'
import { constantWeights } from './constant-weights.ts'
import { parseWeights, type Weights } from './weights.ts'

/** A set of weights that sealed files may name. */
export interface WeightSet {
  /** The SHA-256 by which files name it: known before the weights are here. */
  readonly id: string
  readonly load: () => Promise<Weights>
}

/** The module of a set, fetched when the set is first asked for: a page loads no set that no file of it names. */
type Module = () => Promise<{ readonly TRAINED: string }>

function setOf(id: string, module: Module): WeightSet {
  let loading: Promise<Weights> | undefined
  return {
    id,
    load() {
      loading ??= module().then(({ TRAINED }) => weightsFrom(TRAINED, id))
      // A page that was cut off may ask again.
      loading.catch(() => (loading = undefined))
      return loading
    },
  }
}

/**
 * Every set that a sealed file may name, by what people call it. Sets are only ever added, so that
 * whatever was sealed stays readable.
 */
export const WEIGHT_SETS = {
  trained: setOf('f894e66144086593506fd80293baf22120374f172e1a0fe0106c20ceb34bef06', () => import('./trained.ts')),
  second: setOf('64a16bea01b96e7da5df74a034d47a9bfa1460c84ac88bbfcf86e00bbe99e79f', () => import('./second.ts')),
  constant: { id: '00af600b22436db4d40e3b5d6a3a32ec1faba1b279b943b41a13105846f80225', load: constantWeights },
} satisfies Record<string, WeightSet>

/** What people call a set. */
export type WeightSetName = keyof typeof WEIGHT_SETS

/**
 * Weights trained with the whitening off (`recipe.ts`); what is known of them is on their card,
 * `models/exact-flow.json`.
 */
export const trainedWeights = WEIGHT_SETS.trained.load

/** The second generation, trained in the same way, at a sixth of the cost: `models/exact-flow-2.json`. */
export const secondWeights = WEIGHT_SETS.second.load

/** What new files are sealed with (docs/decisions/6). */
export const sealingWeights = secondWeights

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

/** @throws E_UNSUPPORTED for a set that this release does not have */
export async function knownWeights(id: string): Promise<Weights> {
  const set = Object.values(WEIGHT_SETS).find(set => set.id === id)
  if (set) return set.load()
  throw new LatentError(
    'E_UNSUPPORTED',
    `this needs the exact-flow weights ${id.slice(0, 16)}..., which this release does not have`,
    { hint: 'update latent' },
  )
}
