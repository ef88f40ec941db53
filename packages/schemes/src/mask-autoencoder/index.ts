import { LatentError } from '@latent/core'
import type { ImageCipher } from '@latent/core'
import type { LoadOptions, Transform } from '../contract/scheme.ts'
import { type Model, modelFor } from '../models/index.ts'
import { maskAutoencoder, maskAutoencoderTransform } from './cipher.ts'
import { drawMask } from './mask.ts'
import { maskAutoencoderVariants, MASK_AUTOENCODERS, type MaskAutoencoderId } from './description.ts'

export { maskAutoencoder, type MaskAutoencoderOptions } from './cipher.ts'
export { drawMask, MASK_PHRASE } from './mask.ts'
export {
  BLOCK,
  decode,
  encode,
  VARIANTS,
  type Variant,
  LATENTS,
  networkParameters,
  quantise,
  SIDES,
  type SetName,
} from './network.ts'
export * from './description.ts'

/** @throws E_WEIGHTS for weights of another scheme or profile */
export async function loadMaskAutoencoder(id: MaskAutoencoderId, { weights }: LoadOptions = {}): Promise<Transform> {
  const variant = maskAutoencoderVariants[id]
  return maskAutoencoderTransform({
    ...variant,
    model: await modelFor(MASK_AUTOENCODERS[id].weights!, weights),
    mask: await drawMask(variant.set),
  })
}

/** What opening a masked auto-encoder takes. */
export interface OpenMaskAutoencoder extends LoadOptions {
  /** For experiments: another mask than the weights were trained for. */
  readonly mask?: Uint8Array
}

/**
 * With its model, and with another mask than the weights were trained for: for experiments.
 * @throws E_ARGUMENT for an unknown id; E_WEIGHTS
 */
export async function openMaskAutoencoder(
  id: string,
  { weights, mask }: OpenMaskAutoencoder = {},
): Promise<{ cipher: ImageCipher; model: Model; close: () => Promise<void> }> {
  const known = Object.keys(MASK_AUTOENCODERS).find((name): name is MaskAutoencoderId => name === id)
  if (!known)
    throw new LatentError('E_ARGUMENT', `there is no masked auto-encoder ${JSON.stringify(id)}`, {
      hint: `known ones: ${Object.keys(MASK_AUTOENCODERS).join(', ')}`,
    })
  const model = await modelFor(MASK_AUTOENCODERS[known].weights!, weights)
  return {
    ...maskAutoencoder({
      id: known,
      ...maskAutoencoderVariants[known],
      model,
      mask: mask ?? (await drawMask(maskAutoencoderVariants[known].set)),
    }),
    model,
  }
}
