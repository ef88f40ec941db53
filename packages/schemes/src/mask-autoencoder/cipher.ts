import { argumentError, type Image, type ImageCipher, image, KeyStream } from '@latent/core'
import { compile, type Expr, layers, ops, parameterCount, shape, tensor, type Tensor } from '@latent/graph'
import { schemeCipher } from '../contract/open.ts'
import type { Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type TileRule } from '../neural/index.ts'
import { type Model, networkWeights } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import {
  BLOCK,
  decode,
  encode,
  encoderMacs,
  type Variant,
  networkParameters,
  type Networks,
  quantise,
  SIDES,
  type SetName,
} from './network.ts'
import { MASK_AUTOENCODERS, type MaskAutoencoderId } from './description.ts'

/** Which variant, for which pictures, with which weights. */
export interface MaskAutoencoderOptions {
  readonly variant: Variant
  readonly set: SetName
  readonly model: Model
  /**
   * Published variants: the mask that encryption XORs with; the one the weights were trained for, unless an experiment
   * asks for another.
   */
  readonly mask?: Uint8Array
}

/** The repaired variant is convolutional: tiles only bound the memory. */
const REPAIRED_TILE = 256

/**
 * The masked auto-encoder (Madani and Bourennane, "Visually image encryption and compression using a CNN based
 * auto encoder", IJCNC 17(2), 2025) and a repaired variant.
 *
 * `conv` and `link`: picture XOR mask, encoder, 16 bytes for every 4x4 block; the decoder gives the picture without
 * the mask. So the mask is no decryption key, and as a decoder is trained for one mask, a caller's key cannot choose
 * another: these variants take a key, like every cipher, and make no use of it. Their secret is the weights; those that
 * ship with Latent are public.
 *
 * `repaired` (ours): the encoder sees the plain picture, and a key stream of a fresh nonce is added to its bytes,
 * modulo 256: as good as XOR against whoever reads, and a byte that travels a level off is a latent a level off. As
 * many bytes, and nothing decodes without the key. As with every cipher here without authentication, whoever alters the
 * cipher image alters the picture unnoticed.
 *
 * Cipher image: one channel of bytes, as wide and high as the picture padded to whole tiles; each block of 4x4 holds
 * its 16 latents, row by row (depth to space). Pictures of other sizes are cut into tiles of the side that the network
 * was trained on, each under the same mask (our choice: the decoder knows no other); the repaired variant takes
 * 256x256.
 *
 * @throws E_WEIGHTS if the weights do not fit
 */
export function maskAutoencoderTransform({ variant, set, model, mask }: MaskAutoencoderOptions): Transform {
  const repaired = variant === 'repaired'
  const side = SIDES[set]
  const { encoder, decoder } = weightsOf(variant, set, model)
  const hidden = repaired ? undefined : requireMask(mask, side)
  const rule: TileRule = repaired
    ? { tile: REPAIRED_TILE, multiple: BLOCK, minimum: 1, cipherPlanes: 1 }
    : { tile: side, multiple: side, minimum: 1, cipherPlanes: 1 }
  const encoders = sizedNetwork(tile =>
    compile(
      (x: Expr) => layers.pixelShuffle(quantise(encode(variant, encoder, x)), BLOCK),
      shape([1, 3, tile.height, tile.width]),
    ),
  )
  const decoders = sizedNetwork(tile =>
    compile(
      (z: Expr) => ops.clip(decode(variant, decoder, layers.pixelUnshuffle(z, BLOCK)), 0, 1),
      shape([1, 1, tile.height, tile.width]),
    ),
  )
  return {
    made: model,
    cost: ({ width, height, channels }) => ({
      parameters: parameterCount(encoder) + parameterCount(decoder),
      macs:
        Math.ceil(channels / 3) *
        encoderMacs(variant, encoder, roundUp(width, rule.multiple) * roundUp(height, rule.multiple)),
    }),
    async encrypt(plain, { key, nonce }) {
      const latents = await encryptTiles(plain, rule, 'u8', (planes, tile) =>
        outputOf(
          encoders.run(tile, {
            input: tensor('f32', [1, 3, tile.height, tile.width], hidden ? xorPlanes(planes, hidden) : planes),
          }),
        ),
      )
      return repaired ? shifted(latents, key, nonce, 1) : latents
    },
    async decrypt(cipher, { key, nonce, plain }) {
      const latents = repaired ? await shifted(cipher, key, nonce, -1) : cipher
      return decryptTiles(latents, plain, rule, (planes, tile) =>
        outputOf(decoders.run(tile, { input: tensor('f32', [1, 1, tile.height, tile.width], planes) })),
      )
    },
    close: async () => void (await Promise.all([encoders.close(), decoders.close()])),
  }
}

/** The cipher over weights of a caller's, by the name of its scheme. */
export function maskAutoencoder({ id, ...options }: MaskAutoencoderOptions & { readonly id: MaskAutoencoderId }): {
  cipher: ImageCipher
  close: () => Promise<void>
} {
  const transform = maskAutoencoderTransform(options)
  return { cipher: schemeCipher(MASK_AUTOENCODERS[id], transform), close: async () => transform.close?.() }
}

/** Every byte plus or minus the key stream's, modulo 256. */
async function shifted(source: Image, key: Uint8Array, nonce: Uint8Array, sign: 1 | -1): Promise<Image> {
  const stream = await (
    await KeyStream.create(key, 'latent/v1/mask-autoencoder/latents', nonce)
  ).bytes(source.data.length)
  return image({ ...source, data: Uint8Array.from(stream, (value, i) => source.data[i]! + sign * value) })
}

/** Bytes of a tile XORed with the mask's; a tile is always as large as the mask. */
function xorPlanes(planes: Float32Array, mask: Uint8Array): Float32Array {
  const area = planes.length / 3
  return planes.map((value, i) => (Math.round(255 * value) ^ mask[3 * (i % area) + Math.floor(i / area)]!) / 255)
}

function weightsOf(variant: Variant, set: SetName, model: Model): Networks<Tensor<'f32'>> {
  const { encoder, decoder } = networkParameters(variant, set, model.profile as Profile)
  return {
    encoder: networkWeights(model, 'encoder', encoder),
    decoder: networkWeights(model, 'decoder', decoder),
  } as Networks<Tensor<'f32'>>
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

function requireMask(mask: Uint8Array | undefined, side: number): Uint8Array {
  const length = 3 * side * side
  if (mask?.length !== length) throw argumentError('mask', `${length} bytes`, mask)
  return mask
}

const outputOf = async (outputs: Promise<Record<string, Tensor>>): Promise<Float32Array> =>
  (await outputs)['output']!.data as Float32Array
