import { type ImageCipher, LatentError } from '@latent/core'
import { loadModel, type Model, readModel } from '../models/index.ts'
import { maskAutoencoder } from './cipher.ts'
import { drawMask } from './mask.ts'
import type { Form, Subject } from './network.ts'

export { maskAutoencoder, type MaskAutoencoderOptions } from './cipher.ts'
export { drawMask, MASK_PHRASE } from './mask.ts'
export { BLOCK, decode, encode, FORMS, type Form, LATENTS, networkParameters, quantise, SIDES, type Subject } from './network.ts'

/**
 * The ciphers by their registry ids. The bare paper key is the form that the paper describes in full: CIFAR-10, with
 * the fully connected element.
 */
export const maskAutoencoderForms: Readonly<Record<string, { readonly form: Form; readonly subject: Subject }>> = {
  'mask-autoencoder-2025': { form: 'link', subject: 'cifar' },
  'mask-autoencoder-2025-cifar-conv': { form: 'conv', subject: 'cifar' },
  'mask-autoencoder-2025-cifar-repaired': { form: 'repaired', subject: 'cifar' },
  'mask-autoencoder-2025-mnist-link': { form: 'link', subject: 'mnist' },
  'mask-autoencoder-2025-mnist-conv': { form: 'conv', subject: 'mnist' },
  'mask-autoencoder-2025-mnist-repaired': { form: 'repaired', subject: 'mnist' },
}

/** Which of the recipe's profiles the shipped weights are of. */
const PROFILE = 'compact'

export interface OpenMaskAutoencoder {
  /** A weight file instead of the shipped one. */
  readonly weights?: Uint8Array
  /** For experiments: another mask than the weights were trained for. */
  readonly mask?: Uint8Array
}

/** @throws E_ARGUMENT for an unknown id; E_WEIGHTS for weights of another scheme or profile */
export async function openMaskAutoencoder(id: string, { weights, mask }: OpenMaskAutoencoder = {}): Promise<{ cipher: ImageCipher; model: Model; weights: string; close: () => Promise<void> }> {
  const known = maskAutoencoderForms[id]
  if (!known) throw new LatentError('E_ARGUMENT', `there is no masked auto-encoder ${JSON.stringify(id)}`, { hint: `known ones: ${Object.keys(maskAutoencoderForms).join(', ')}` })
  const wanted = { scheme: id, profile: PROFILE }
  const model = weights ? readModel(weights, wanted) : await loadModel(id, wanted)
  return { ...maskAutoencoder({ id, ...known, model, mask: mask ?? (await drawMask(known.subject)) }), model, weights: model.sha256 }
}
