import { adam, compile, cosineRate, losses, mapTree, normals, ops, shape, stepStream, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import { denoise } from '../denoiser/network.ts'
import { openPhotoCrops, psnrOf } from '../neural/photo-crops.ts'
import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Recipe } from '../recipe.ts'
import { ofAmplitude } from './damage.ts'
import { menderParameters } from './network.ts'

const CROPS = { batch: 2, crop: 32, checks: 8, size: 128 }
const PLANES = 3
const [STEPS, CHECK_EVERY] = [5_000, 250]
/** Deviation of the noise of each part of the light: from none to this, where a picture's white has length one. */
const MOST = 0.3
/** Deviations at which a training is watched. */
const WATCHED = [0.02, 0.1, 0.3] as const

/** A network that takes the noise of a bench off pictures, each plane by itself. */
export const menderRecipe: Recipe = {
  id: 'optical-mender',
  title: 'takes the noise of an optical bench off pictures, for the scheme optical-denoiser-2019',
  published: 'the publication is not open to us',
  data: OPEN_PHOTOS,
  async open(context) {
    const networks = { mender: menderParameters() }
    const batch = shape([PLANES * CROPS.batch, 1, CROPS.crop, CROPS.crop])
    const training: Training<typeof networks> = {
      networks,
      batch: { clean: batch, seen: batch },
      average: 0.998,
      phases: [
        {
          name: 'mse',
          trains: ['mender'],
          optimiser: adam(),
          clip: 1,
          loss: ({ networks: { mender }, batch }) => ({
            loss: losses.mse(denoise(mender, batch['seen']!), batch['clean']!),
          }),
        },
      ],
    }
    const crops = await openPhotoCrops(context, CROPS)
    const dims = [PLANES, 1, CROPS.size, CROPS.size]
    const weights = mapTree(networks, (_, leaf) => shape((leaf as Parameter).dims)) as object
    const check = await compile(
      ({ p, seen, clean }: { p: MapTree<typeof networks, Expr>; seen: Expr; clean: Expr }) => ({
        mse: losses.mse(ops.clip(denoise(p.mender, seen), 0, 1), clean),
      }),
      { p: weights, seen: shape(dims), clean: shape(dims) } as never,
    )
    const watched = await Promise.all(
      WATCHED.map(async deviation => {
        const stream = await stepStream(context.seed, 0, `check ${deviation}`)
        const pairs: { seen: Tensor<'f32'>; clean: Tensor<'f32'> }[] = []
        for (const { data } of crops.checks) {
          const seen = await damaged(data, stream, { plane: CROPS.size ** 2, deviations: () => deviation })
          pairs.push({ seen: tensor('f32', dims, seen), clean: tensor('f32', dims, data) })
        }
        return { deviation, pairs }
      }),
    )
    const measure = async (found: Record<string, Tensor<'f32'>>): Promise<Readonly<Record<string, number>>> => {
      const feeds = Object.fromEntries(Object.entries(found).map(([path, value]) => [`p.${path}`, value]))
      const out: Record<string, number> = {}
      for (const { deviation, pairs } of watched) {
        let sum = 0
        for (const pair of pairs) sum += psnrOf(Number((await check.run({ ...feeds, ...pair }))['mse']!.data[0]))
        out[`check.${deviation}`] = sum / pairs.length
      }
      return out
    }
    return {
      training: training as unknown as Training<never, never>,
      rates: [cosineRate(2e-3, { warmup: 100, end: 1e-5 })],
      steps: STEPS,
      batchSize: CROPS.batch,
      async data(step) {
        const { plain, stream } = await crops.next(step)
        const levels = await stream.uniforms(PLANES * CROPS.batch)
        const seen = await damaged(plain.data, stream, {
          plane: CROPS.crop ** 2,
          deviations: plane => MOST * levels[plane]!,
        })
        return { clean: tensor('f32', batch.dims, plain.data), seen: tensor('f32', batch.dims, seen) }
      },
      scoreName: `PSNR in dB on photographs that are not trained on, mean over noise of ${WATCHED.join(', ')}`,
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        async score(found) {
          const values = Object.values(await measure(found))
          return values.reduce((sum, value) => sum + value, 0) / values.length
        },
      },
      watch: { every: CHECK_EVERY, measure },
      close: () => check.close(),
    }
  },
}

/** What is seen of planes of samples behind a bench whose field has noise, of a deviation for each plane. */
async function damaged(
  samples: Float32Array,
  stream: KeyStream,
  { plane, deviations }: { plane: number; deviations: (plane: number) => number },
): Promise<Float32Array> {
  const noise = await normals(stream, 2 * samples.length)
  return samples.map((sample, i) => {
    const deviation = deviations(Math.floor(i / plane))
    return ofAmplitude(sample, [deviation * noise[2 * i]!, deviation * noise[2 * i + 1]!])
  })
}
