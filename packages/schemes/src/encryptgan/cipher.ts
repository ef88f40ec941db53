import { KeyStream, sha256Of } from '@latent/core'
import { compile, type Expr, ops, parameterCount, shape, tensor } from '@latent/graph'
import type { Transform } from '../contract/scheme.ts'
import { MINIMUM_SIDE } from '../encipher-gan/description.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { clouds } from '../neural/clouds.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type Tile, type TileRule } from '../neural/index.ts'
import type { Profile } from '../recipe.ts'
import { disguise, encryptGanParameters, keyFeatures, keySide, PLANES, uncover } from './network.ts'

const TILES: TileRule = { tile: 256, multiple: 4, minimum: MINIMUM_SIDE }

/**
 * EncryptGAN with public networks. The picture is the message, hidden in a cover that is disguised; key and cover
 * pictures are drawn, from the key and from the nonce, for each tile. What breaks it: networks that look for the
 * message in a disguise without its key, trained on pairs that everybody can make.
 *
 * @throws E_WEIGHTS if the weights do not fit
 */
export function encryptGanTransform(model: Model): Transform {
  const parameters = encryptGanParameters(model.profile as Profile)
  const [keys, encryption, decryption] = [
    networkWeights(model, 'keys', parameters.keys),
    networkWeights(model, 'encryption', parameters.encryption),
    networkWeights(model, 'decryption', parameters.decryption),
  ]
  const picture = ({ width, height }: Size) => shape([1, PLANES, height, width])
  const key = ({ width, height }: Size) => shape([1, PLANES, keySide(height), keySide(width)])
  const features = (picture: Expr, { width, height }: Size) => keyFeatures(keys, picture, width, height)
  const hide = sizedNetwork(size =>
    compile(
      (x: Record<'cover' | 'message' | 'key', Expr>) => disguise(encryption, x.cover, x.message, features(x.key, size)),
      { cover: picture(size), message: picture(size), key: key(size) },
    ),
  )
  const show = sizedNetwork(size =>
    compile(
      (x: Record<'disguised' | 'noise' | 'key', Expr>) =>
        ops.take(uncover(decryption, x.disguised, x.noise, features(x.key, size)).message),
      { disguised: picture(size), noise: picture(size), key: key(size) },
    ),
  )
  const planes = ({ width, height }: Size, data: Float32Array) => tensor('f32', [1, PLANES, height, width], data)
  return {
    made: model,
    cost: () => ({
      parameters: parameterCount(keys) + parameterCount(encryption) + parameterCount(decryption),
      macs: 0,
    }),
    encrypt: (plain, { key, nonce }) =>
      encryptTiles(plain, TILES, 'u8', async (message, tile) => {
        const feeds = {
          cover: planes(tile, await drawn(nonce, 'cover', tile)),
          message: planes(tile, message),
          key: await keyPicture(key, tile),
        }
        return (await hide.run(tile, feeds))['output']!.data as Float32Array
      }),
    decrypt: (cipher, { key, plain }) =>
      decryptTiles(cipher, plain, TILES, async (disguised, tile) => {
        const stream = await streamOf(key, 'noise', tile)
        const noise = Float32Array.from(await stream.uniforms(disguised.length))
        const feeds = {
          disguised: planes(tile, disguised),
          noise: planes(tile, noise),
          key: await keyPicture(key, tile),
        }
        return (await show.run(tile, feeds))['output']!.data as Float32Array
      }),
    close: async () => void (await Promise.all([hide.close(), show.close()])),
  }
}

type Size = Pick<Tile, 'width' | 'height'>

async function keyPicture(key: Uint8Array, tile: Tile) {
  const [width, height] = [keySide(tile.width), keySide(tile.height)]
  return tensor('f32', [1, PLANES, height, width], await drawn(key, 'key', { ...tile, width, height }))
}

const streamOf = (secret: Uint8Array, use: 'key' | 'cover' | 'noise', { index }: Tile): Promise<KeyStream> =>
  KeyStream.create(sha256Of(secret), `latent/v1/encryptgan/${use}/${index}`)

/** Clouds of a tile. */
async function drawn(secret: Uint8Array, use: 'key' | 'cover', tile: Tile): Promise<Float32Array> {
  return Float32Array.from(await clouds(await streamOf(secret, use, tile), PLANES, tile.width, tile.height))
}
