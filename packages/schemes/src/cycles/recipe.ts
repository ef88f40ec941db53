import type { KeyStream } from '@latent/core'
import { adam, cosineRate, losses, muon, ops, shape, tensor, type Tensor } from '@latent/graph'
import type { Expr, Operand, Parameter, Training } from '@latent/graph'
import {
  discriminate,
  type Discriminator,
  discriminatorParameters,
  type Generator,
  generate,
  generatorParameters,
} from '../encipher-gan/network.ts'
import { planesOf, unit } from '../neural/crops.ts'
import { CHECK, openValidation, unitWire } from '../neural/pair-validation.ts'
import { openPhotoCrops } from '../neural/photo-crops.ts'
import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Profile, Recipe, RecipeContext, RecipeRun } from '../recipe.ts'
import { CYCLES, type CycleVariant } from './description.ts'
import { opticalPictures } from './optical-domain.ts'

/**
 * Cycle-consistent training (Zhu et al. 2017), once for all systems that rest on it: a generator takes photographs to
 * the domain that hides, another brings them back, and a patch discriminator for each domain tells what was generated.
 * What sets the systems apart is in their variants. Generators, discriminators and optimisers are those of Encipher
 * GAN here, thresholds in place of norms: with instance norm no picture's contrast can come back.
 */
const BATCH = { batch: 4, crop: 32 }
const DIMS = [BATCH.batch, 3, BATCH.crop, BATCH.crop]
const STEPS = 5_000
/** Weight of a picture that went there and back, in L1: 10 as in CycleGAN. */
const CYCLE = 10

type Networks<L> = {
  readonly encryption: Generator<L>
  readonly decryption: Generator<L>
  readonly judge: Discriminator<L>
  readonly plainJudge?: Discriminator<L>
}

const signed = (x: Expr): Expr => ops.sub(ops.mul(2, x), 1)
const through = (p: Generator<Operand>, x: Expr): Expr => unit(generate(p, signed(x), 'frozen'))

/** Generators and discriminators of a variant; the second discriminator where both ways are cycles. */
function networksOf({ cycles }: CycleVariant, profile: Profile): Networks<Parameter> {
  return {
    encryption: generatorParameters(profile, 'frozen'),
    decryption: generatorParameters(profile, 'frozen'),
    judge: discriminatorParameters('compact'),
    ...(cycles === 'both ways' && { plainJudge: discriminatorParameters('compact') }),
  }
}

/** The training of a variant. Batches: `plain`, `touched` (one sample changed), and `hidden` pictures of the domain. */
export function cycleTraining(variant: CycleVariant, profile: Profile): Training {
  const networks = networksOf(variant, profile)
  const judged = (p: Discriminator<Operand>, x: Expr) => discriminate(p, signed(x))
  const both = variant.cycles === 'both ways'
  return {
    networks,
    batch: { plain: shape(DIMS), touched: shape(DIMS), hidden: shape(DIMS) },
    average: 0.998,
    phases: [
      {
        name: 'judges',
        trains: both ? ['judge', 'plainJudge'] : ['judge'],
        optimiser: adam({ beta1: 0.5 }),
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const [plain, hidden] = [batch['plain']!, batch['hidden']!]
          const made = ops.stopGradient(through(p.encryption, plain))
          const loss = losses.lsgan.discriminator(judged(p.judge, hidden), judged(p.judge, made))
          if (!p.plainJudge) return { loss }
          const drawn = ops.stopGradient(through(p.decryption, hidden))
          return {
            loss: ops.add(loss, losses.lsgan.discriminator(judged(p.plainJudge, plain), judged(p.plainJudge, drawn))),
          }
        },
      },
      {
        name: 'pair',
        trains: ['encryption', 'decryption'],
        optimiser: muon(),
        clip: 1,
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const [plain, touched, hidden] = [batch['plain']!, batch['touched']!, batch['hidden']!]
          const cipher = through(p.encryption, plain)
          const terms: Record<string, Expr> = {
            recovery: ops.mul(CYCLE, losses.l1(through(p.decryption, unitWire(cipher)), plain)),
            adversarial: ops.mul(variant.adversarial, losses.lsgan.generator(judged(p.judge, cipher))),
          }
          if (p.plainJudge) {
            const drawn = through(p.decryption, hidden)
            terms['backward'] = ops.mul(CYCLE, losses.l1(through(p.encryption, drawn), hidden))
            terms['drawn'] = ops.mul(variant.adversarial, losses.lsgan.generator(judged(p.plainJudge, drawn)))
          }
          if (variant.avalanche > 0) {
            // Two ciphers of noise differ by a third of the range on average.
            const apart = losses.l1(through(p.encryption, touched), cipher)
            terms['avalanche'] = ops.mul(variant.avalanche, ops.relu(ops.sub(1 / 3, apart)))
          }
          return { loss: Object.values(terms).reduce((a, b) => ops.add(a, b)), metrics: terms }
        },
      },
    ],
  }
}

function cycleRecipe(variant: CycleVariant): Recipe {
  return {
    id: `cycle-${variant.name}`,
    title: variant.title,
    data: OPEN_PHOTOS,
    published: variant.trainedFor,
    ships: ['encryption', 'decryption'],
    open: context => open(context, variant),
  }
}

async function open(context: RecipeContext, variant: CycleVariant): Promise<RecipeRun> {
  const { profile, images } = context
  const crops = await openPhotoCrops(context, BATCH)
  const checks = (await images('open-photos', 'val'))
    .map(planesOf)
    .filter(({ width, height }) => Math.min(width, height) >= CHECK.size)
    .slice(0, CHECK.pictures)
  const validate = await openValidation(
    {
      networks: chosen => networksOf(variant, chosen) as never,
      encrypt: (p, x) => through(p as unknown as Generator<Operand>, x),
      decrypt: (p, x) => through(p as unknown as Generator<Operand>, x),
    },
    profile,
    checks,
  )
  return {
    training: cycleTraining(variant, profile) as unknown as Training<never, never>,
    rates: [cosineRate(2e-4, { warmup: 100, end: 2e-6 }), cosineRate(1e-3, { warmup: 100, end: 1e-5 })],
    steps: STEPS,
    batchSize: BATCH.batch,
    async data(step) {
      const { plain, stream } = await crops.next(step)
      return { plain, touched: await touched(plain, stream), hidden: await hidden(variant, plain, stream) }
    },
    scoreName: 'PSNR in dB on photographs that are not trained on, through 8 bits',
    validation: {
      every: CHECK.every,
      patience: Number.MAX_SAFE_INTEGER,
      score: async weights => (await validate.measure(weights)).psnr,
    },
    watch: {
      every: CHECK.every,
      measure: async weights =>
        Object.fromEntries(
          Object.entries(await validate.measure(weights)).map(([name, value]) => [`check.${name}`, value]),
        ),
    },
    close: () => validate.close(),
  }
}

/** One sample of each picture as far from itself as half of the range. */
async function touched({ dims, data }: Tensor<'f32'>, stream: KeyStream): Promise<Tensor<'f32'>> {
  const each = data.length / dims[0]!
  const places = await stream.integers(dims[0]!, each)
  const out = data.slice()
  for (const [n, place] of places.entries()) out[n * each + place] = (out[n * each + place]! + 0.5) % 1
  return tensor('f32', dims, out)
}

const hidden = async ({ domain }: CycleVariant, plain: Tensor<'f32'>, stream: KeyStream): Promise<Tensor<'f32'>> =>
  domain === 'noise'
    ? tensor(
        'f32',
        plain.dims,
        Float32Array.from(await stream.bytes(plain.data.length), byte => byte / 255),
      )
    : opticalPictures(plain)

/** A recipe for each system. */
export const cycleRecipes: readonly Recipe[] = CYCLES.map(cycleRecipe)
