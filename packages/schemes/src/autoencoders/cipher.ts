import { type Image, image } from '@latent/core'
import { compile, type Expr, ops, parameterCount, shape, tensor, type Tensor } from '@latent/graph'
import type { Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type TileRule } from '../neural/index.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { type CompressorWeights, compress, compressorParameters, decompress, eightBits, HALVING } from './network.ts'

/** What follows the auto-encoder: a cipher of the bytes of one plane, row by row. */
export interface PlaneCipher {
  encrypt(bytes: Uint8Array, call: PlaneCall): Promise<Uint8Array>
  decrypt(bytes: Uint8Array, call: PlaneCall): Promise<Uint8Array>
}

/** The key, and the sides of the plane. */
export interface PlaneCall {
  readonly key: Uint8Array
  readonly width: number
  readonly height: number
}

const RULE: TileRule = { tile: 256, multiple: HALVING, minimum: 1, cipherPlanes: 1 }

/**
 * An auto-encoder makes one plane of bytes of three, and a chaotic cipher hides it. Cipher image: one channel, as wide
 * and high as the picture, sides made even; below it the next planes of a picture that has more than three.
 *
 * @throws E_WEIGHTS if the weights do not fit
 */
export function compressorTransform(model: Model, plane: PlaneCipher): Transform {
  const { encoder, decoder } = weightsOf(model)
  const encoders = sizedNetwork(({ width, height }) =>
    compile((x: Expr) => eightBits(compress(encoder, x)), shape([1, 3, height, width])),
  )
  const decoders = sizedNetwork(({ width, height }) =>
    compile((z: Expr) => ops.clip(decompress(decoder, z), 0, 1), shape([1, 1, height, width])),
  )
  const outputOf = async (outputs: Promise<Record<string, Tensor>>) => (await outputs)['output']!.data as Float32Array
  return {
    made: model,
    cost: ({ width, height, channels }) => ({
      parameters: parameterCount(encoder) + parameterCount(decoder),
      // Every weight of a kernel once for each of its outputs: a quarter of the pixels.
      macs: Math.ceil(channels / 3) * Math.round((parameterCount(encoder) * width * height) / HALVING ** 2),
    }),
    async encrypt(plain, { key }) {
      const made = await encryptTiles(plain, RULE, 'u8', (planes, { width, height }) =>
        outputOf(encoders.run({ width, height }, { input: tensor('f32', [1, 3, height, width], planes) })),
      )
      return image({ ...made, data: await plane.encrypt(made.data as Uint8Array, { ...made, key }) })
    },
    async decrypt(cipher, { key, plain }) {
      const bytes = await plane.decrypt((cipher as Image<'u8'>).data.slice(), { ...cipher, key })
      return decryptTiles(image({ ...cipher, data: bytes }), plain, RULE, (planes, { width, height }) =>
        outputOf(decoders.run({ width, height }, { input: tensor('f32', [1, 1, height, width], planes) })),
      )
    },
    close: async () => void (await Promise.all([encoders.close(), decoders.close()])),
  }
}

function weightsOf(model: Model): CompressorWeights {
  const { encoder, decoder } = compressorParameters()
  return { encoder: networkWeights(model, 'encoder', encoder), decoder: networkWeights(model, 'decoder', decoder) }
}
