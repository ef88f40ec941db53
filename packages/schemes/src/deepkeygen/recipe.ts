import {
  adam,
  compile,
  cosineRate,
  losses,
  mapTree,
  normals,
  ops,
  secrecy,
  shape,
  stepStream,
  tensor,
} from '@latent/graph'
import type { Expr, layers, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import { discriminate, type Discriminator, discriminatorParameters } from '../encipher-gan/network.ts'
import { clouds } from '../neural/clouds.ts'
import { unit } from '../neural/crops.ts'
import type { Recipe } from '../recipe.ts'
import { generate, type Generator, generatorParameters, PLANES } from './network.ts'

const [BATCH, SIDE, STEPS, CHECK_EVERY] = [4, 32, 5_000, 250]
const DIMS = [BATCH, PLANES, SIDE, SIDE]
/** Channels behind the first layer of the discriminator. */
const JUDGE = 8
/** Deviation of the noise on all that the discriminator sees. */
const GRAIN = 0.5
/**
 * Weights, beside the game: of the distance from uniform values, of the covariance of neighbours, and of what key
 * images of different keys have in common.
 */
const [UNIFORM, COVARIANCE, COMMON] = [200, 2_000, 20]

/**
 * DeepKeyGen's game: a generator makes key images of initial ones, and a patch discriminator tells them from pictures
 * of the transformation domain. Which pictures those are is not open to us: here they are uniform noise, which is what
 * a key stream is to look like.
 *
 * A discriminator that learns at the usual rate wins, and key images become flat. This one is twenty times slower and
 * sees everything through noise; what it does not see, statistics ask for. Without the last of them the generator draws
 * one image from the borders of the picture, whatever the key.
 */
export function keyImageTraining(): Training {
  return {
    networks: { generator: generatorParameters(), judge: discriminatorParameters(JUDGE) },
    batch: { initial: shape(DIMS), domain: shape(DIMS), grain: shape(DIMS) },
    average: 0.998,
    phases: [
      {
        name: 'judge',
        trains: ['judge'],
        optimiser: adam({ beta1: 0.5 }),
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const made = ops.stopGradient(generate(p.generator, batch['initial']!))
          return { loss: losses.lsgan.discriminator(seen(p, batch['domain']!, batch), seen(p, made, batch)) }
        },
      },
      {
        name: 'generator',
        trains: ['generator'],
        optimiser: adam({ beta1: 0.5 }),
        clip: 1,
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const made = generate(p.generator, batch['initial']!)
          const terms = {
            game: losses.lsgan.generator(seen(p, made, batch)),
            uniform: ops.mul(UNIFORM, losses.uniformDistance(unit(made))),
            covariance: ops.mul(COVARIANCE, losses.neighbourCovariance(unit(made))),
            common: ops.mul(COMMON, secrecy.squaredCorrelation(made, nextOf(made))),
          }
          return { loss: Object.values(terms).reduce((a, b) => ops.add(a, b)), metrics: terms }
        },
      },
    ],
  }
}

/** Each image of a batch replaced by the one behind it. */
const nextOf = (x: Expr): Expr => ops.concat([ops.slice(x, 0, 1, BATCH), ops.slice(x, 0, 0, 1)], 0)

/** What the discriminator makes of images behind the noise of a batch. */
const seen = (p: Networks<Expr>, x: Expr, batch: Readonly<Record<string, Expr>>): Expr =>
  discriminate(p.judge, ops.add(x, ops.mul(GRAIN, batch['grain']!)))

type Networks<L> = { readonly generator: Generator<layers.Affine<L>>; readonly judge: Discriminator<L> }

/** The recipe of this folder: initial images and domain are drawn. */
export const keyImageRecipe: Recipe = {
  id: 'deepkeygen',
  title: 'a generator of key images learns to make noise (after Ding et al. 2022)',
  published: 'the publication is not open to us; a patent of its authors states neither steps nor epochs',
  data: 'clouds and noise, drawn; no data set',
  ships: ['generator'],
  async open({ seed }) {
    const parameters = generatorParameters()
    const weights = mapTree(parameters, (_, leaf) => shape((leaf as Parameter).dims)) as object
    const check = await compile(({ p, x }: { p: MapTree<typeof parameters, Expr>; x: Expr }) => generate(p, x), {
      p: weights,
      x: shape(DIMS),
    } as never)
    const initial = await initialImages(await stepStream(seed, 0, 'check'))
    const measure = async (found: Record<string, Tensor<'f32'>>) => {
      const feeds = Object.fromEntries(
        Object.entries(found).map(([path, value]) => [`p.${path.replace(/^generator\./, '')}`, value]),
      )
      const made = (await check.run({ ...feeds, x: initial }))['output']!.data as Float32Array
      return { ...keyImageFigures(made), common: likeness(made, BATCH) }
    }
    return {
      training: keyImageTraining() as unknown as Training<never, never>,
      rates: [cosineRate(1e-5, { warmup: 100, end: 2e-6 }), cosineRate(1e-3, { warmup: 100, end: 1e-5 })],
      steps: STEPS,
      batchSize: BATCH,
      async data(step) {
        const stream = await stepStream(seed, step, 'clouds')
        const count = BATCH * PLANES * SIDE * SIDE
        const bytes = await stream.bytes(count)
        return {
          initial: await initialImages(stream),
          grain: tensor('f32', DIMS, await normals(stream, count)),
          domain: tensor(
            'f32',
            DIMS,
            Float32Array.from(bytes, byte => byte / 127.5 - 1),
          ),
        }
      },
      scoreName:
        'bits a byte of key images, less eight times the correlations, without sign, of neighbours and of two keys',
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        async score(found) {
          const { entropy, correlation, common } = await measure(found)
          return entropy - 8 * Math.abs(correlation) - 8 * Math.abs(common)
        },
      },
      watch: {
        every: CHECK_EVERY,
        measure: async found =>
          Object.fromEntries(Object.entries(await measure(found)).map(([name, value]) => [`check.${name}`, value])),
      },
      close: () => check.close(),
    }
  },
}

/** Entropy in bits of the bytes of key images in -1..1, and the correlation of pixels side by side. */
export function keyImageFigures(values: Float32Array): { readonly entropy: number; readonly correlation: number } {
  const counts = new Float64Array(256)
  let [n, sum, squares, products] = [0, 0, 0, 0]
  for (const [i, value] of values.entries()) {
    counts[Math.floor(127.5 * (value + 1) + 0.5)]!++
    if (i % SIDE === SIDE - 1) continue
    n++
    sum += value
    squares += value * value
    products += value * values[i + 1]!
  }
  const entropy = counts.reduce(
    (bits, count) => (count ? bits - (count / values.length) * Math.log2(count / values.length) : bits),
    0,
  )
  const [mean, variance] = [sum / n, squares / n - (sum / n) ** 2]
  return { entropy, correlation: variance > 0 ? (products / n - mean * mean) / variance : 1 }
}

/** The mean correlation of key images of different keys, each with the next. */
export function likeness(values: Float32Array, images: number): number {
  const each = values.length / images
  const centred = Array.from({ length: images }, (_, n) => {
    const own = values.subarray(n * each, (n + 1) * each)
    const mean = own.reduce((sum, value) => sum + value, 0) / each
    return own.map(value => value - mean)
  })
  const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  return (
    centred.slice(1).reduce((sum, b, n) => {
      const a = centred[n]!
      return sum + product(a, b) / Math.sqrt(product(a, a) * product(b, b))
    }, 0) /
    (images - 1)
  )
}

async function initialImages(stream: KeyStream): Promise<Tensor<'f32'>> {
  const values = new Float32Array(BATCH * PLANES * SIDE * SIDE)
  for (let n = 0; n < BATCH; n++) values.set(await clouds(stream, PLANES, SIDE, SIDE), n * PLANES * SIDE * SIDE)
  return tensor('f32', DIMS, values)
}
