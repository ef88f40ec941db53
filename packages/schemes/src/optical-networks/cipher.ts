import { compile, type Expr, ops, parameterCount, shape, tensor } from '@latent/graph'
import type { Transform } from '../contract/scheme.ts'
import { denoise } from '../denoiser/network.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type TileRule } from '../neural/index.ts'
import { menderParameters } from './network.ts'

const RULE: TileRule = { tile: 256, multiple: 1, minimum: 1 }

/**
 * An optical bench with a network behind its way back, which takes off what noise does to the picture. Encryption is
 * the bench's alone.
 *
 * @throws E_WEIGHTS if the weights do not fit
 */
export function mendedTransform(bench: Required<Pick<Transform, 'encrypt' | 'decrypt'>>, model: Model): Transform {
  const weights = networkWeights(model, 'mender', menderParameters())
  const networks = sizedNetwork(({ width, height }) =>
    compile((x: Expr) => ops.clip(denoise(weights, x), 0, 1), shape([3, 1, height, width])),
  )
  return {
    made: model,
    cost: () => ({ parameters: parameterCount(weights), macs: 0 }),
    encrypt: (plain, call) => bench.encrypt(plain, call),
    async decrypt(cipher, call) {
      const seen = await bench.decrypt(cipher, { ...call, plain: { ...call.plain, format: 'f32' } })
      const mended = await encryptTiles(seen, RULE, 'f32', async (planes, { width, height }) => {
        const { output } = await networks.run(
          { width, height },
          { input: tensor('f32', [3, 1, height, width], planes) },
        )
        return output!.data as Float32Array
      })
      return decryptTiles(mended, call.plain, RULE, planes => Promise.resolve(planes))
    },
    close: () => networks.close(),
  }
}
