import { type Image, type ImageCipher, image } from '@latent/core'
import { compile, shape, tensor } from '@latent/graph'
import type { SessionOptions } from '@latent/graph'
import { schemeCipher } from '../contract/open.ts'
import type { LoadOptions, Transform } from '../contract/scheme.ts'
import { sizedNetwork } from '../neural/index.ts'
import { type Model, modelFor, networkWeights } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { transform, transformParameters } from './network.ts'
import { DESCRIPTION } from './description.ts'

/** With the weights that come with Latent, or with those of a file. @throws E_WEIGHTS */
export const loadIto = async ({ weights }: LoadOptions = {}): Promise<Transform> =>
  itoTransform(await modelFor(DESCRIPTION.weights!, weights))

/**
 * Pictures drawn by the transformation network of Ito et al. (see `network.ts`), for 8-bit RGB of sides that are
 * multiples of 16.
 *
 * **There is no key**: the network is the secret, if anything, and whoever may call it makes as many pairs as
 * an inverse network needs. `encrypt` takes a key and passes it over. Nothing decrypts: the scheme was never meant
 * to be undone by anybody, so `decrypt` refuses. What breaks it: the inverse-transformation attack on such pairs.
 */
export function itoTransform(model: Model, session: SessionOptions = {}): Transform {
  const p = networkWeights(model, 'transform', transformParameters(model.profile as Profile))
  const network = sizedNetwork(({ width, height }) =>
    compile(({ p, x }) => transform(p, x), { p, x: shape([1, 3, height, width]) }, session),
  )
  return {
    made: model,
    async encrypt({ width, height, data }: Image) {
      const pixels = width * height
      const x = Float32Array.from(
        { length: 3 * pixels },
        (_, i) => data[(i % pixels) * 3 + Math.floor(i / pixels)]! / 255,
      )
      const { output } = await network.run({ width, height }, { x: tensor('f32', [1, 3, height, width], x) })
      const y = output!.data as Float32Array
      return image({
        width,
        height,
        channels: 3,
        format: 'u8',
        data: Uint8Array.from({ length: 3 * pixels }, (_, i) =>
          Math.round(255 * y[(i % 3) * pixels + Math.floor(i / 3)]!),
        ),
      })
    },
    close: () => network.close(),
  }
}

/** The cipher over weights of a caller's. @throws E_WEIGHTS */
export async function openItoTransform(
  model: Model,
  session: SessionOptions = {},
): Promise<{ cipher: ImageCipher; close: () => Promise<void> }> {
  const network = itoTransform(model, session)
  return { cipher: schemeCipher(DESCRIPTION, network), close: async () => network.close?.() }
}
