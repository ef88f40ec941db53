import { type Image, type ImageCipher, image, LatentError } from '@latent/core'
import { compile, shape, tensor } from '@latent/graph'
import type { SessionOptions } from '@latent/graph'
import { sizedNetwork } from '../learned/index.ts'
import { loadModel, type Model, networkWeights, readModel } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { transform, TRANSFORM_MULTIPLE, transformParameters } from './network.ts'

export const ITO_TRANSFORM = 'ito-transform-2021'
/** Far above what the network is trained for; bounds its memory. */
const MAX_SIDE = 512

/** With the weights that come with Latent, or with those of a file. @throws E_WEIGHTS */
export async function openIto(weights?: Uint8Array) {
  const wanted = { scheme: ITO_TRANSFORM, profile: 'compact' }
  return openItoTransform(weights === undefined ? await loadModel(ITO_TRANSFORM, wanted) : readModel(weights, wanted))
}

/**
 * Pictures drawn by the transformation network of Ito et al. (see `network.ts`), for 8-bit RGB of sides that are
 * multiples of 16.
 *
 * **There is no key**: the network is the secret, if anything, and whoever may call it makes as many pairs as
 * an inverse network needs. `encrypt` takes a key and passes it over. Nothing decrypts: the scheme was never meant
 * to be undone by anybody, so `decrypt` refuses. What breaks it: the inverse-transformation attack on such pairs.
 */
export async function openItoTransform(model: Model, session: SessionOptions = {}): Promise<{ cipher: ImageCipher; close: () => Promise<void> }> {
  const p = networkWeights(model, 'transform', transformParameters(model.profile as Profile))
  const network = sizedNetwork(({ width, height }) => compile(({ p, x }) => transform(p, x), { p, x: shape([1, 3, height, width]) }, session))
  const cipher: ImageCipher = {
    id: ITO_TRANSFORM,
    title: 'Transformation network (Ito et al. 2021)',
    traits: { exact: false, wire: ['u8'], lengthPreserving: true, secret: 'none', randomised: false, learnable: true },
    keySpace: { bits: 0, note: 'There is no key; the network is the same for everybody who has it.' },
    async encrypt(plain) {
      const { width, height } = accepted(plain)
      const pixels = width * height
      const x = Float32Array.from({ length: 3 * pixels }, (_, i) => plain.data[(i % pixels) * 3 + Math.floor(i / pixels)]! / 255)
      const { output } = await network.run({ width, height }, { x: tensor('f32', [1, 3, height, width], x) })
      const y = output!.data as Float32Array
      return image({ width, height, channels: 3, format: 'u8', data: Uint8Array.from({ length: 3 * pixels }, (_, i) => Math.round(255 * y[(i % 3) * pixels + Math.floor(i / 3)]!)) })
    },
    async decrypt() {
      throw new LatentError('E_UNSUPPORTED', `${ITO_TRANSFORM} has no decryption`, { hint: 'its pictures are made for a classifier alone; keep the plain ones sealed' })
    },
  }
  return { cipher, close: () => network.close() }
}

function accepted(plain: Image): Image {
  const { width, height, channels, format } = plain
  if (format !== 'u8' || channels !== 3) throw new LatentError('E_IMAGE', `${ITO_TRANSFORM} takes 8-bit RGB images, received ${channels} channels of ${format}`)
  if (width % TRANSFORM_MULTIPLE !== 0 || height % TRANSFORM_MULTIPLE !== 0) throw new LatentError('E_IMAGE', `${ITO_TRANSFORM} takes sides that are multiples of ${TRANSFORM_MULTIPLE}, received ${width}x${height}`, { hint: 'crop or pad the images' })
  if (width > MAX_SIDE || height > MAX_SIDE) throw new LatentError('E_LIMIT', `${ITO_TRANSFORM} takes sides of at most ${MAX_SIDE}, received ${width}x${height}`, { hint: 'make the picture smaller, or take another scheme' })
  return plain
}
