import { BSDS_TRAIN } from '../neural/photo-terms.ts'
import { LatentError } from '@latent/core'
import {
  adam,
  compile,
  constantRate,
  cosineRate,
  epochOrder,
  linearRate,
  losses,
  mapTree,
  ops,
  sgd,
  shape,
  stepStream,
  tensor,
} from '@latent/graph'
import type { Expr, MapTree, Operand, Optimiser, Parameter, Tensor, Training } from '@latent/graph'
import type { Profile, Recipe, RecipeContext, RecipeRun } from '../recipe.ts'
import { cut, planesOf, unit, wire } from '../neural/crops.ts'
import {
  discriminate,
  discriminatorParameters,
  type Generator,
  generate,
  generatorParameters,
  type Norm,
} from './network.ts'
import { type CipherTerms, pairObjective, PICTURES, publishedTerms, structuredTerms } from './objective.ts'
import { startingPair } from './structure.ts'

const CROPS = 2
const BATCH = PICTURES * CROPS
const CROP = 48
/** Validation: the middle of some pictures of `val`. */
const CHECK = { pictures: 8, size: 128 }

const SHIPS = ['encryption', 'decryption']

interface Variant {
  readonly norm: Norm
  readonly steps: Record<Profile, number>
  /** The part of the run before the cipher terms count, and the part over which they are brought in. */
  readonly ramp: { readonly from: number; readonly over: number }
  readonly cipherTerms: CipherTerms
  /** Of the pair. */
  readonly optimiser: Optimiser
  readonly rates: RecipeRun['rates']
}

/**
 * As published as far as it is known: instance norm, random start, adversarial + SSIM + L1. Weights,
 * optimiser, batch and the target cipher images are unknown; ours are 1, 1, 10, 10, least squares, Adam with
 * beta1 0.5, and uniform noise. The paper's length of training is unknown too; ours is short.
 */
const PUBLISHED: Variant = {
  norm: 'instance',
  steps: { compact: 300, paper: 300 },
  ramp: { from: 0.6, over: 0.1 },
  cipherTerms: publishedTerms,
  optimiser: adam({ beta1: 0.5 }),
  rates: [linearRate(2e-4), linearRate(2e-4)],
}

/**
 * Ours: thresholds in place of norms, the structured start, and cipher terms that say what the tests
 * measure: samples of one picture's cipher uniform, its neighbours uncorrelated.
 */
const STRUCTURED: Variant = {
  norm: 'frozen',
  steps: { compact: 800, paper: 800 },
  ramp: { from: -1, over: 1 },
  cipherTerms: structuredTerms,
  optimiser: sgd(),
  rates: [constantRate(2e-4), cosineRate(5e-5, { warmup: 20 })],
}

/** What the paper says of its training. */
export const PUBLISHED_LENGTH = 'the publication states neither epochs nor data-set size'

/** The variant that the paper describes, from random weights. */
export const encipherGanPublishedRecipe: Recipe = {
  id: 'encipher-gan-published',
  title: 'Encipher GAN as published: instance norm, random start',
  published: PUBLISHED_LENGTH,
  data: BSDS_TRAIN,
  ships: SHIPS,
  open: context => open(context, PUBLISHED),
}

/** Our variant without norms, started as the linear code of `structure.ts`. */
export const encipherGanRecipe: Recipe = {
  id: 'encipher-gan',
  title: 'Encipher GAN, ours: thresholds in place of norms, started as a linear code',
  published: PUBLISHED_LENGTH,
  data: BSDS_TRAIN,
  ships: SHIPS,
  async open(context) {
    const run = await open(context, STRUCTURED)
    return { ...run, training: { ...run.training, start: flat(await startingPair(context.profile, context.seed)) } }
  },
}

function flat(pair: Record<string, object>): Record<string, Tensor<'f32'>> {
  const found: Record<string, Tensor<'f32'>> = {}
  mapTree(pair, (path, leaf) => (found[path] = leaf as unknown as Tensor<'f32'>))
  return found
}

async function open(
  { profile, seed, images }: RecipeContext,
  { norm, steps, ramp, cipherTerms, optimiser, rates }: Variant,
): Promise<RecipeRun> {
  const plain = (await images('bsds500', 'train')).map(planesOf)
  const checks = (await images('bsds500', 'val'))
    .slice(0, CHECK.pictures)
    .map(picture => cut(planesOf(picture), { size: CHECK.size, u: 0.5, v: 0.5, mirror: false }, 'signed'))
  const networks = {
    encryption: generatorParameters(profile, norm),
    decryption: generatorParameters(profile, norm),
    discriminator: discriminatorParameters(profile),
  }
  const dims = [BATCH, 3, CROP, CROP]
  const training: Training<typeof networks> = {
    networks,
    batch: { plain: shape(dims), noise: shape(dims), ramp: shape([]) },
    average: 0.998,
    phases: [
      {
        name: 'discriminator',
        trains: ['discriminator'],
        optimiser: adam({ beta1: 0.5 }),
        loss: ({ networks: { encryption, discriminator }, batch }) => {
          const cipher = ops.stopGradient(generate(encryption, batch['plain']!, norm))
          return {
            loss: losses.lsgan.discriminator(
              discriminate(discriminator, batch['noise']!),
              discriminate(discriminator, cipher),
            ),
          }
        },
      },
      {
        name: 'pair',
        trains: ['encryption', 'decryption'],
        optimiser,
        clip: 1,
        loss: ({ networks: { encryption, decryption, discriminator }, batch }) => {
          const cipher = generate(encryption, batch['plain']!, norm)
          const restored = unit(generate(decryption, wire(cipher), norm))
          const seen = {
            cipher: unit(cipher),
            restored,
            plain: unit(batch['plain']!),
            noise: unit(batch['noise']!),
            judged: discriminate(discriminator, cipher),
          }
          return pairObjective(cipherTerms, seen, batch['ramp']!)
        },
      },
    ],
  }
  const length = steps[profile]
  const order = epochOrder(seed, plain.length, PICTURES)
  const validate = await openValidation(profile, norm, checks)
  return {
    training: training as unknown as Training<never, never>,
    rates,
    steps: length,
    batchSize: BATCH,
    async data(step) {
      const picked = await order(step)
      const stream = await stepStream(seed, step, 'crop')
      const places = await stream.uniforms(3 * BATCH)
      const values = new Float32Array(BATCH * 3 * CROP * CROP)
      for (let i = 0; i < BATCH; i++) {
        const [u, v, mirror] = places.subarray(3 * i, 3 * i + 3)
        // Crop i of the batch is of picture i % PICTURES: `byPicture` counts on it.
        values.set(
          cut(plain[picked[i % PICTURES]!]!, { size: CROP, u: u!, v: v!, mirror: mirror! < 0.5 }, 'signed'),
          i * 3 * CROP * CROP,
        )
      }
      const noise = Float32Array.from(await stream.bytes(values.length), byte => byte / 127.5 - 1)
      const weight = Math.min(1, Math.max(0, (step / length - ramp.from) / ramp.over))
      return {
        plain: tensor('f32', dims, values),
        noise: tensor('f32', dims, noise),
        ramp: tensor('f32', [], Float32Array.of(weight)),
      }
    },
    scoreName: 'PSNR in dB on validation pictures, cipher in 8 bits',
    validation: { every: 100, patience: length, score: weights => validate.score(weights) },
    close: () => validate.close(),
  }
}

async function openValidation(profile: Profile, norm: Norm, checks: readonly Float32Array[]) {
  if (checks.length === 0) throw new LatentError('E_DATA', 'there are no validation pictures')
  const dims = [1, 3, CHECK.size, CHECK.size]
  const weights = mapTree(
    { encryption: generatorParameters(profile, norm), decryption: generatorParameters(profile, norm) },
    (_, leaf) => shape((leaf as Parameter).dims),
  )
  const compiled = await compile(
    ({ p, x }: { p: MapTree<typeof weights, Expr>; x: Expr }) =>
      generate(p.decryption as Generator<Operand>, wire(generate(p.encryption as Generator<Operand>, x, norm)), norm),
    { p: weights, x: shape(dims) },
  )
  return {
    close: () => compiled.close(),
    async score(found: Record<string, Tensor<'f32'>>): Promise<number> {
      const feeds = Object.fromEntries(
        Object.entries(found)
          .filter(([path]) => !path.startsWith('discriminator.'))
          .map(([path, value]) => [`p.${path}`, value]),
      )
      let total = 0
      for (const picture of checks) {
        const { output } = await compiled.run({ ...feeds, x: tensor('f32', dims, picture) })
        const restored = output!.data as Float32Array
        total +=
          10 *
          Math.log10(4 / (picture.reduce((sum, value, i) => sum + (value - restored[i]!) ** 2, 0) / picture.length))
      }
      return total / checks.length
    },
  }
}
