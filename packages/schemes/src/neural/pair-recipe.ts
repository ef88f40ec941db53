import { BSDS_TRAIN_AND_TEST, OPEN_PHOTOS } from './photo-terms.ts'
import { adam, epochOrder, muon, losses, ops, shape, stepStream, tensor } from '@latent/graph'
import type { Expr, MapTree, Training } from '@latent/graph'
import type { Profile, Recipe, RecipeContext, RecipeRun } from '../recipe.ts'
import { cut, planesOf, type Planes } from './crops.ts'
import { CHECK, openValidation, margin, unitWire } from './pair-validation.ts'
import { pairObjective, PICTURES } from './pair-objective.ts'
import type { PairVariant } from './pair-variant.ts'

/**
 * Secrecy is brought in from one step to the other: asked for at once it keeps the pair from learning to
 * recover anything, asked for late it finds a pair that shows the picture and must be unlearned.
 */
const RAMP = { from: 100, over: 400 }

/** Images of a step and their side. */
export interface BatchSize {
  /** A multiple of {@link PICTURES}. */
  readonly batch: number
  readonly crop: number
}
const SIZES: Record<Profile, BatchSize> = {
  compact: { batch: 2 * PICTURES, crop: 48 },
  paper: { batch: 8 * PICTURES, crop: 64 },
}
const STEPS = 20_000
const dimsOf = ({ batch, crop }: BatchSize) => [batch, 3, crop, crop]

/** Two recipes: one on photographs that anyone may use, and one (`-more`) with others beside them. */
export function pairRecipes<N>(
  { id, title, published }: Pick<Recipe, 'id' | 'title' | 'published'>,
  variant: PairVariant<N>,
): Recipe[] {
  const make = (suffix: string, more: string, data: string, train: Sources): Recipe => ({
    id: id + suffix,
    title: title + more,
    published,
    data,
    ships: ['encryption', 'decryption'],
    open: context => open(context, variant, train),
  })
  return [
    make('', '', OPEN_PHOTOS, [['open-photos', 'train']]),
    make('-more', ', on more photographs, not all of them free for any use', `${OPEN_PHOTOS}; ${BSDS_TRAIN_AND_TEST}`, [
      ['open-photos', 'train'],
      ['bsds500', 'train'],
      ['bsds500', 'test'],
    ]),
  ]
}

type Sources = readonly (readonly [set: string, split: string])[]

async function open<N>(
  { profile, seed, images, continued = false }: RecipeContext,
  variant: PairVariant<N>,
  train: Sources,
): Promise<RecipeRun> {
  const plain = (await Promise.all(train.map(([set, split]) => images(set, split)))).flat().map(planesOf)
  const checks = (await images('open-photos', 'val'))
    .map(planesOf)
    .filter(({ width, height }) => Math.min(width, height) >= CHECK.size)
    .slice(0, CHECK.pictures)
  const validate = await openValidation(variant, profile, checks)
  const order = epochOrder(seed, plain.length, PICTURES)
  const training = trainingOf(variant, profile)
  const { batch, crop } = SIZES[profile]
  const dims = dimsOf(SIZES[profile])
  return {
    training: training as unknown as Training<never, never>,
    rates: variant.judge ? [variant.rates.judge, variant.rates.pair] : [variant.rates.pair],
    steps: STEPS,
    batchSize: batch,
    async data(step) {
      const stream = await stepStream(seed, step, 'crop')
      const values = new Float32Array(batch * 3 * crop * crop)
      const [picked, draws] = [await order(step), await stream.uniforms(8 * batch)]
      for (let i = 0; i < batch; i++)
        values.set(varied(plain[picked[i % PICTURES]!]!, crop, draws.subarray(8 * i, 8 * i + 8)), i * 3 * crop * crop)
      const noise = Float32Array.from(await stream.bytes(values.length), byte => byte / 255)
      const weight = continued ? 1 : Math.min(1, Math.max(0, (step - RAMP.from) / RAMP.over))
      return {
        plain: tensor('f32', dims, values),
        noise: tensor('f32', dims, noise),
        ramp: tensor('f32', [], Float32Array.of(weight)),
      }
    },
    scoreName: 'least margin to the targets on validation pictures, in units of each (0: all are met)',
    validation: {
      every: CHECK.every,
      patience: Number.MAX_SAFE_INTEGER,
      score: async weights => margin(await validate.measure(weights)),
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

type Traced<N> = { readonly encryption: MapTree<N, Expr>; readonly decryption: MapTree<N, Expr>; readonly judge: never }

/** The training of a pair of networks: what each variant says of itself, and what is the same for all. */
export function trainingOf<N>(variant: PairVariant<N>, profile: Profile, size: BatchSize = SIZES[profile]): Training {
  const dims = dimsOf(size)
  const { judge } = variant
  const networks = variant.networks(profile)
  return {
    networks: networks as Record<string, object>,
    batch: { plain: shape(dims), noise: shape(dims), ramp: shape([]) },
    average: 0.999,
    phases: [
      ...(judge
        ? [
            {
              name: 'judge',
              trains: ['judge'],
              optimiser: adam({ beta1: 0.5 }),
              loss: ({ networks, batch }: { networks: unknown; batch: Readonly<Record<string, Expr>> }) => {
                const { encryption, judge: p } = networks as Traced<N>
                const cipher = ops.stopGradient(variant.encrypt(encryption, batch['plain']!))
                return { loss: losses.lsgan.discriminator(judge(p, batch['noise']!), judge(p, cipher)) }
              },
            },
          ]
        : []),
      {
        name: 'pair',
        trains: ['encryption', 'decryption'],
        optimiser: muon(),
        clip: 1,
        loss: ({ networks, batch }) => {
          const { encryption, decryption, judge: p } = networks as unknown as Traced<N>
          const [plain, noise] = [batch['plain']!, batch['noise']!]
          const cipher = variant.encrypt(encryption, plain)
          const restored = variant.decrypt(decryption, unitWire(cipher))
          return pairObjective(
            variant.emphasis,
            { plain, cipher, restored, noise, judged: judge?.(p, cipher) },
            batch['ramp']!,
          )
        },
      },
    ],
  }
}

/**
 * A crop of a picture, mirrored or not. Every fourth is of the picture at half size, without smoothing, for
 * details finer than photographs have; every fourth gets the blacks and whites that whole pictures have and most crops
 * do not.
 */
function varied(
  picture: Planes,
  size: number,
  [u, v, mirror, kind, contrast, level]: Float32Array | Float64Array,
): Float32Array {
  const place = { size, u: u!, v: v!, mirror: mirror! < 0.5 }
  const coarse = kind! < 0.25 && Math.min(picture.width, picture.height) >= 2 * size
  const found = coarse
    ? everySecond(cut(picture, { ...place, size: 2 * size }, 'unit'), 2 * size)
    : cut(picture, place, 'unit')
  if (kind! < 0.75) return found
  const [gain, middle] = [1 + 2 * contrast!, 0.2 + 0.6 * level!]
  return found.map(value => Math.min(1, Math.max(0, 0.5 + gain * (value - middle))))
}

function everySecond(planes: Float32Array, size: number): Float32Array {
  const half = size / 2
  return Float32Array.from(
    { length: 3 * half * half },
    (_, i) => planes[2 * Math.floor(i / half) * size + 2 * (i % half)]!,
  )
}
