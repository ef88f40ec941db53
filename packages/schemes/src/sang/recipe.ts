import { compile, cosineRate, losses, mapTree, muon, ops, shape, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import { openPhotoCrops, psnrOf } from '../neural/photo-crops.ts'
import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import { unitWire } from '../neural/pair-validation.ts'
import type { Recipe } from '../recipe.ts'
import { autoencoderParameters, type BlockAutoencoder, BLOCK, decode, encode } from './network.ts'

const CROPS = { batch: 4, crop: 32, checks: 8, size: 128 }
const [STEPS, CHECK_EVERY] = [5_000, 250]
const PLANES = 3

const through = (p: BlockAutoencoder<Expr>, x: Expr): Expr => decode(p.decoder, unitWire(encode(p.encoder, x)))

/** The auto-encoder learns scrambled photographs: the samples of each crop in an order of their own. */
export const scrambledRecipe: Recipe = {
  id: 'sang-autoencoder',
  title: 'blocks of scrambled samples to codes and back (after Sang, Sang and Alam 2022)',
  published: 'the publication is not open to us',
  data: OPEN_PHOTOS,
  async open(context) {
    const networks = autoencoderParameters()
    const rows = (planes: number, side: number) => [(planes * side * side) / BLOCK, BLOCK]
    const dims = rows(PLANES * CROPS.batch, CROPS.crop)
    const training: Training<typeof networks> = {
      networks,
      batch: { plain: shape(dims) },
      average: 0.998,
      phases: [
        {
          name: 'mse',
          trains: ['encoder', 'decoder'],
          optimiser: muon(),
          clip: 1,
          loss: ({ networks, batch }) => ({ loss: losses.mse(through(networks, batch['plain']!), batch['plain']!) }),
        },
      ],
    }
    const crops = await openPhotoCrops(context, CROPS)
    const checkDims = rows(PLANES, CROPS.size)
    const weights = mapTree(networks, (_, leaf) => shape((leaf as Parameter).dims)) as object
    const check = await compile(
      ({ p, x }: { p: MapTree<typeof networks, Expr>; x: Expr }) => ({
        mse: losses.mse(unitWire(ops.clip(through(p, x), 0, 1)), x),
      }),
      { p: weights, x: shape(checkDims) } as never,
    )
    // In an order of their own each: the stream of a step that is never trained.
    const { stream } = await crops.next(0)
    const checks: Tensor<'f32'>[] = []
    for (const { data } of crops.checks) checks.push(tensor('f32', checkDims, await scrambled(data, 1, stream)))
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(2e-3, { warmup: 100, end: 1e-5 })],
      steps: STEPS,
      batchSize: CROPS.batch,
      async data(step) {
        const { plain, stream: own } = await crops.next(step)
        return { plain: tensor('f32', dims, await scrambled(plain.data, CROPS.batch, own)) }
      },
      scoreName: 'PSNR in dB on scrambled photographs that are not trained on, codes and samples in 8 bits',
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        async score(found: Record<string, Tensor<'f32'>>) {
          const feeds = Object.fromEntries(Object.entries(found).map(([path, value]) => [`p.${path}`, value]))
          let sum = 0
          for (const x of checks) sum += psnrOf(Number((await check.run({ ...feeds, x }))['mse']!.data[0]))
          return sum / checks.length
        },
      },
      close: () => check.close(),
    }
  },
}

/** The samples of each of some pictures of one size in another order. */
async function scrambled(samples: Float32Array, pictures: number, stream: KeyStream): Promise<Float32Array> {
  const each = samples.length / pictures
  const out = new Float32Array(samples.length)
  for (let n = 0; n < pictures; n++) {
    const order = await stream.permutation(each)
    for (let i = 0; i < each; i++) out[n * each + i] = samples[n * each + order[i]!]!
  }
  return out
}
