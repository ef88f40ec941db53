import { compile, type Expr, ops, parameterCount, shape, tensor } from '@latent/graph'
import type { Tensor } from '@latent/graph'
import { chaoticOrder, chaoticSeeds, chaoticStart, logisticMap, orbit } from '../chaos/index.ts'
import type { Transform } from '../contract/scheme.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type Tile, type TileRule } from '../neural/index.ts'
import { autoencoderParameters, BLOCK, decode, encode } from './network.ts'

/** Squares of 8 x 8 pixels: three planes of them are whole blocks. */
const RULE: TileRule = { tile: 256, multiple: 8, minimum: 1 }
const PLANES = 3

/**
 * Samples are scrambled by the order of a logistic map's states, and an auto-encoder makes codes of blocks of them,
 * which are the cipher image. The key is that of the map alone; each tile of a large picture has its own states.
 *
 * @throws E_WEIGHTS if the weights do not fit
 */
export function scrambledTransform(model: Model): Transform {
  const parameters = autoencoderParameters()
  const encoder = networkWeights(model, 'encoder', parameters.encoder)
  const decoder = networkWeights(model, 'decoder', parameters.decoder)
  const rows = ({ width, height }: Pick<Tile, 'width' | 'height'>) => [(PLANES * width * height) / BLOCK, BLOCK]
  const encoders = sizedNetwork(size => compile((x: Expr) => encode(encoder, x), shape(rows(size))))
  const decoders = sizedNetwork(size => compile((z: Expr) => ops.clip(decode(decoder, z), 0, 1), shape(rows(size))))
  const run = async (networks: typeof encoders, tile: Tile, blocks: Float32Array): Promise<Float32Array> => {
    const { output } = await networks.run(tile, { input: tensor('f32', rows(tile), blocks) })
    return (output as Tensor<'f32'>).data
  }
  return {
    made: model,
    cost: ({ width, height, channels }) => ({
      parameters: parameterCount(encoder) + parameterCount(decoder),
      macs: Math.ceil(channels / PLANES) * PLANES * width * height * ((parameterCount(encoder) / BLOCK) | 0),
    }),
    encrypt: (plain, { key, wire }) =>
      encryptTiles(plain, RULE, wire, async (planes, tile) => {
        const order = await orderOf(key, tile)
        return run(
          encoders,
          tile,
          planes.map((_, i) => planes[order[i]!]!),
        )
      }),
    decrypt: (cipher, { key, plain }) =>
      decryptTiles(cipher, plain, RULE, async (planes, tile) => {
        const order = await orderOf(key, tile)
        const found = await run(decoders, tile, planes)
        const out = new Float32Array(found.length)
        for (let i = 0; i < out.length; i++) out[order[i]!] = found[i]!
        return out
      }),
    close: async () => void (await Promise.all([encoders.close(), decoders.close()])),
  }
}

async function orderOf(key: Uint8Array, { index, width, height }: Tile): Promise<Uint32Array> {
  const [u, v] = await chaoticSeeds(key, `sang-2022/${index}`, 2)
  return chaoticOrder(orbit(logisticMap, ...chaoticStart(logisticMap, u!, v!), PLANES * width * height))
}
