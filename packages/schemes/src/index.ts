import { LatentError } from '@latent/core'
import { abadiSchemes } from './abadi-andersen/scheme.ts'
import { autoencoderSchemes } from './autoencoders/scheme.ts'
import { baselineSchemes } from './baselines/scheme.ts'
import { type LoadOptions, openScheme as open, type OpenScheme, type Scheme } from './contract/index.ts'
import { cycleSchemes } from './cycles/scheme.ts'
import { deepKeyGenSchemes } from './deepkeygen/scheme.ts'
import { denseResnetSchemes } from './dense-resnet/scheme.ts'
import { encipherGanSchemes } from './encipher-gan/scheme.ts'
import { encryptGanSchemes } from './encryptgan/scheme.ts'
import { erkanSchemes } from './erkan/scheme.ts'
import { exactFlowSchemes } from './exact-flow/scheme.ts'
import { flowCryptSchemes } from './flowcrypt/scheme.ts'
import { itoSchemes } from './ito-transform/scheme.ts'
import { learnableSchemes } from './learnable/scheme.ts'
import { maniyathSchemes } from './maniyath/scheme.ts'
import { maskAutoencoderSchemes } from './mask-autoencoder/scheme.ts'
import { opticalNetworkSchemes } from './optical-networks/scheme.ts'
import { opticsSchemes } from './optics/scheme.ts'
import { sangSchemes } from './sang/scheme.ts'
import { sirichotedumrongSchemes } from './sirichotedumrong/scheme.ts'
import { vortexSchemes } from './vortex/scheme.ts'

export * from './contract/index.ts'
export * from './pictures.ts'

/** Every scheme by its paper key: one line a folder. */
export const schemes: readonly Scheme[] = [
  ...exactFlowSchemes,
  ...flowCryptSchemes,
  ...vortexSchemes,
  ...maskAutoencoderSchemes,
  ...encipherGanSchemes,
  ...denseResnetSchemes,
  ...learnableSchemes,
  ...itoSchemes,
  ...sirichotedumrongSchemes,
  ...cycleSchemes,
  ...encryptGanSchemes,
  ...abadiSchemes,
  ...autoencoderSchemes,
  ...deepKeyGenSchemes,
  ...erkanSchemes,
  ...maniyathSchemes,
  ...sangSchemes,
  ...opticsSchemes,
  ...opticalNetworkSchemes,
  ...baselineSchemes,
]

/** @throws E_ARGUMENT for an unknown id, naming the known ones */
export function findScheme(id: string): Scheme {
  const scheme = schemes.find(candidate => candidate.id === id)
  if (!scheme)
    throw new LatentError('E_ARGUMENT', `there is no scheme ${JSON.stringify(id)}`, {
      hint: `known schemes: ${schemes.map(known => known.id).join(', ')}`,
    })
  return scheme
}

/**
 * Opens a scheme by its id, or one that a caller defined.
 * @throws E_ARGUMENT for an unknown id, and for weights where a scheme has none; E_WEIGHTS, E_BACKEND
 */
export const openScheme = async (scheme: Scheme | string, options?: LoadOptions): Promise<OpenScheme> =>
  open(typeof scheme === 'string' ? findScheme(scheme) : scheme, options)
