import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import { compile, cosineRate, losses, mapTree, muon, shape } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import { openPhotoCrops, psnrOf } from '../neural/photo-crops.ts'
import type { Recipe } from '../recipe.ts'
import { type Compressor, compress, compressorParameters, decompress, eightBits } from './network.ts'

const BATCH = { batch: 8, crop: 32 }
const DIMS = [BATCH.batch, 3, BATCH.crop, BATCH.crop]
const STEPS = 10_000
const CHECK_EVERY = 250

/** The auto-encoder that three systems share. All settings are ours. */
export const compressorRecipe: Recipe = {
  id: 'autoencoder-compressor',
  title: 'colour to one plane of bytes and back: the auto-encoder before the chaos of three systems',
  published: 'our own: how the systems that it stands before trained is not open to us',
  data: OPEN_PHOTOS,
  async open(context) {
    const networks = compressorParameters()
    const training: Training<typeof networks> = {
      networks,
      batch: { plain: shape(DIMS) },
      average: 0.998,
      phases: [
        {
          name: 'mse',
          trains: ['encoder', 'decoder'],
          optimiser: muon(),
          clip: 1,
          loss: ({ networks, batch }) => {
            const mse = losses.mse(through(networks, batch['plain']!), batch['plain']!)
            return { loss: mse }
          },
        },
      ],
    }
    const crops = await openPhotoCrops(context, BATCH)
    const { dims } = crops.checks[0]!
    const weights = mapTree(networks, (_, leaf) => shape((leaf as Parameter).dims)) as object
    const check = await compile(
      ({ p, x }: { p: MapTree<typeof networks, Expr>; x: Expr }) => ({ mse: losses.mse(eightBits(through(p, x)), x) }),
      { p: weights, x: shape([...dims]) } as never,
    )
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(2e-3, { warmup: 100, end: 1e-5 })],
      steps: STEPS,
      batchSize: BATCH.batch,
      data: async step => ({ plain: (await crops.next(step)).plain }),
      scoreName: 'PSNR in dB on photographs that are not trained on, latents and picture in 8 bits',
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        async score(found: Record<string, Tensor<'f32'>>) {
          const feeds = Object.fromEntries(Object.entries(found).map(([path, value]) => [`p.${path}`, value]))
          let sum = 0
          for (const x of crops.checks) sum += psnrOf(Number((await check.run({ ...feeds, x }))['mse']!.data[0]))
          return sum / crops.checks.length
        },
      },
      close: () => check.close(),
    }
  },
}

const through = (p: Compressor<Expr>, x: Expr): Expr => decompress(p.decoder, eightBits(compress(p.encoder, x)))
