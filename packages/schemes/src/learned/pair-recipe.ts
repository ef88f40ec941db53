import { adam, compile, epochOrder, losses, mapTree, ops, secrecy, shape, stepStream, tensor } from '@latent/graph'
import type { Expr, MapTree, Operand, Parameter, Schedule, Tensor, Training } from '@latent/graph'
import type { Profile, Recipe, RecipeContext, RecipeRun } from '../recipe.ts'
import { cut, planesOf, type Planes } from './crops.ts'
import { type Emphasis, pairObjective, PICTURES } from './pair-objective.ts'

/**
 * Two networks, one that encrypts and one that decrypts, learned together from random weights: what
 * the recipes of such schemes share. The loss is the recovery of the picture (L1 and SSIM) and what its cipher
 * image gives away: whether its values are uniform as a whole and place by place, whether neighbours
 * are alike, whether the picture's outlines show.
 */
export interface PairForm<N> {
  /** Trees of parameters; those of a judge, if there is one, are trained in a phase before the pair's. */
  readonly networks: (profile: Profile) => { readonly encryption: N; readonly decryption: N; readonly judge?: object }
  /** Images in 0..1, both ways. */
  readonly encrypt: (p: MapTree<N, Operand>, plain: Expr) => Expr
  readonly decrypt: (p: MapTree<N, Operand>, cipher: Expr) => Expr
  /** Adversarial terms: scores of images. */
  readonly judge?: (p: never, image: Expr) => Expr
  readonly emphasis: Emphasis
  readonly rates: { readonly pair: Schedule; readonly judge: Schedule }
}

/**
 * Secrecy is brought in from one step to the other: asked for at once it keeps the pair from learning to
 * recover anything, asked for late it finds a pair that shows the picture and must be unlearned.
 */
const RAMP = { from: 500, over: 3000 }

const CROPS = 2
const BATCH = PICTURES * CROPS
const CROP = 48
const STEPS = 20_000
const DIMS = [BATCH, 3, CROP, CROP]

/** Validation: squares from the middle of the first pictures of a set that is not trained on. */
const CHECK = { every: 500, pictures: 8, size: 256 }

/** What is asked of the means over the validation pictures, together, and the unit in which a miss is counted. */
const TARGETS = [
  { name: 'psnr', least: 36, unit: 1 },
  { name: 'ssim', least: 0.99, unit: 0.01 },
  { name: 'entropy', least: 7.9, unit: 0.1 },
  { name: 'correlation', most: 0.1, unit: 0.1 },
  { name: 'edges', most: 0.05, unit: 0.05 },
  { name: 'deviation', most: 0.1, unit: 0.1 },
  { name: 'squint', most: 0.1, unit: 0.1 },
] as const satisfies readonly ({ name: keyof Figures; unit: number } & ({ least: number } | { most: number }))[]

/** Of validation pictures, as means: PSNR in dB, SSIM, bits a byte, and correlations without their sign. */
type Figures = Readonly<
  Record<'psnr' | 'worst' | 'ssim' | 'entropy' | 'correlation' | 'edges' | 'deviation' | 'squint', number>
>

const OPEN = 'open-photos, train: 25 photographs of CLIC 2025 at half size, Unsplash License, free for any use'
const BERKELEY = 'BSDS500, train and test: 400 photographs, for research and education that is not commercial'

/** Two recipes: one on photographs that anyone may use, and one (`-more`) with others beside them. */
export function pairRecipes<N>(id: string, title: string, form: PairForm<N>): Recipe[] {
  const make = (suffix: string, more: string, data: string, train: Sources): Recipe => ({
    id: id + suffix,
    title: title + more,
    data,
    ships: ['encryption', 'decryption'],
    open: context => open(context, form, train),
  })
  return [
    make('', '', OPEN, [['open-photos', 'train']]),
    make('-more', ', on more photographs, not all of them free for any use', `${OPEN}; ${BERKELEY}`, [
      ['open-photos', 'train'],
      ['bsds500', 'train'],
      ['bsds500', 'test'],
    ]),
  ]
}

type Sources = readonly (readonly [set: string, split: string])[]

async function open<N>(
  { profile, seed, images, continued = false }: RecipeContext,
  form: PairForm<N>,
  train: Sources,
): Promise<RecipeRun> {
  const plain = (await Promise.all(train.map(([set, split]) => images(set, split)))).flat().map(planesOf)
  const checks = (await images('open-photos', 'val'))
    .map(planesOf)
    .filter(({ width, height }) => Math.min(width, height) >= CHECK.size)
    .slice(0, CHECK.pictures)
  const validate = await openValidation(form, profile, checks)
  const order = epochOrder(seed, plain.length, PICTURES)
  const training = trainingOf(form, profile)
  return {
    training: training as unknown as Training<never, never>,
    rates: form.judge ? [form.rates.judge, form.rates.pair] : [form.rates.pair],
    steps: STEPS,
    batchSize: BATCH,
    async data(step) {
      const stream = await stepStream(seed, step, 'crop')
      const values = new Float32Array(BATCH * 3 * CROP * CROP)
      const [picked, draws] = [await order(step), await stream.uniforms(8 * BATCH)]
      for (let i = 0; i < BATCH; i++)
        values.set(varied(plain[picked[i % PICTURES]!]!, draws.subarray(8 * i, 8 * i + 8)), i * 3 * CROP * CROP)
      const noise = Float32Array.from(await stream.bytes(values.length), byte => byte / 255)
      const weight = continued ? 1 : Math.min(1, Math.max(0, (step - RAMP.from) / RAMP.over))
      return {
        plain: tensor('f32', DIMS, values),
        noise: tensor('f32', DIMS, noise),
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

/** What is left of a cipher in 0..1 after 8 bits. */
const wire = (cipher: Expr): Expr => ops.mul(1 / 255, ops.roundStraightThrough(ops.mul(255, ops.clip(cipher, 0, 1))))

type Traced<N> = { readonly encryption: MapTree<N, Expr>; readonly decryption: MapTree<N, Expr>; readonly judge: never }

/** The training of a pair of networks, in one phase: what each form says of itself, and what is the same for all. */
export function trainingOf<N>(form: PairForm<N>, profile: Profile): Training {
  const { judge } = form
  const networks = form.networks(profile)
  return {
    networks: networks as Record<string, object>,
    batch: { plain: shape(DIMS), noise: shape(DIMS), ramp: shape([]) },
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
                const cipher = ops.stopGradient(form.encrypt(encryption, batch['plain']!))
                return { loss: losses.lsgan.discriminator(judge(p, batch['noise']!), judge(p, cipher)) }
              },
            },
          ]
        : []),
      {
        name: 'pair',
        trains: ['encryption', 'decryption'],
        optimiser: adam(),
        clip: 1,
        loss: ({ networks, batch }) => {
          const { encryption, decryption, judge: p } = networks as unknown as Traced<N>
          const [plain, noise] = [batch['plain']!, batch['noise']!]
          const cipher = form.encrypt(encryption, plain)
          const restored = form.decrypt(decryption, wire(cipher))
          return pairObjective(
            form.emphasis,
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
function varied(picture: Planes, [u, v, mirror, kind, contrast, level]: Float32Array | Float64Array): Float32Array {
  const place = { size: CROP, u: u!, v: v!, mirror: mirror! < 0.5 }
  const coarse = kind! < 0.25 && Math.min(picture.width, picture.height) >= 2 * CROP
  const found = coarse
    ? everySecond(cut(picture, { ...place, size: 2 * CROP }, 'unit'), 2 * CROP)
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

/** The least of the distances by which the targets are met, each in its unit; below zero where one is missed. */
export const margin = (figures: Figures): number =>
  Math.min(
    ...TARGETS.map(
      target =>
        ('least' in target ? figures[target.name] - target.least : target.most - figures[target.name]) / target.unit,
    ),
  )

async function openValidation<N>(form: PairForm<N>, profile: Profile, checks: readonly Planes[]) {
  const dims = [1, 3, CHECK.size, CHECK.size]
  const { encryption, decryption } = form.networks(profile)
  const weights = mapTree({ encryption, decryption }, (_, leaf) => shape((leaf as Parameter).dims)) as object
  const squares = checks.map(picture => cut(picture, { size: CHECK.size, u: 0.5, v: 0.5, mirror: false }, 'unit'))
  const figuresOf = ({
    p,
    x,
  }: {
    p: { encryption: MapTree<N, Operand>; decryption: MapTree<N, Operand> }
    x: Expr
  }) => {
    const cipher = wire(form.encrypt(p.encryption, x))
    // As it is written: eight bits.
    const restored = wire(form.decrypt(p.decryption, cipher))
    return {
      cipher,
      mse: losses.mse(restored, x),
      ssim: losses.ssim(restored, x),
      ...secrecy.outlines(cipher, x),
      neighbours: neighbourCorrelations(cipher),
    }
  }
  const compiled = await compile(figuresOf as never, { p: weights, x: shape(dims) } as never)
  let last: { weights: object; figures: Figures } | undefined
  return {
    close: () => compiled.close(),
    /** The figures of one set of weights are asked for twice, by the score and by the log. */
    async measure(found: Record<string, Tensor<'f32'>>): Promise<Figures> {
      if (last?.weights === found) return last.figures
      const feeds = Object.fromEntries(
        Object.entries(found)
          .filter(([path]) => !path.startsWith('judge.'))
          .map(([path, value]) => [`p.${path}`, value]),
      )
      const each: Omit<Figures, 'worst'>[] = []
      for (const square of squares) {
        const out = await compiled.run({ ...feeds, x: tensor('f32', dims, square) })
        const value = (name: string) => Number(out[name]!.data[0])
        each.push({
          psnr: -10 * Math.log10(Math.max(value('mse'), 1e-10)),
          ssim: value('ssim'),
          entropy: entropy(out['cipher']!.data as Float32Array),
          correlation: Math.max(...Array.from(out['neighbours']!.data as Float32Array)),
          edges: Math.sqrt(value('edges')),
          deviation: Math.sqrt(value('deviation')),
          squint: Math.sqrt(value('squint')),
        })
      }
      const mean = (name: keyof (typeof each)[number]) => each.reduce((sum, row) => sum + row[name], 0) / each.length
      const figures: Figures = {
        psnr: mean('psnr'),
        worst: Math.min(...each.map(({ psnr }) => psnr)),
        ssim: mean('ssim'),
        entropy: mean('entropy'),
        correlation: mean('correlation'),
        edges: mean('edges'),
        deviation: mean('deviation'),
        squint: mean('squint'),
      }
      last = { weights: found, figures }
      return figures
    },
  }
}

/** Of horizontal, vertical and diagonal neighbours: the mean over channels of the correlation's size. */
function neighbourCorrelations(x: Expr): Expr {
  const [, , h, w] = x.shape as [number, number, number, number]
  const part = (dy: number, dx: number, y: number, left: number) =>
    ops.slice(ops.slice(x, 2, y, h - dy + y), 3, left, w - dx + left)
  return ops.concat(
    [
      [0, 1],
      [1, 0],
      [1, 1],
    ].map(([dy, dx]) => {
      const [a, b] = [part(dy!, dx!, 0, 0), part(dy!, dx!, dy!, dx!)]
      const centred = (y: Expr) => ops.sub(y, ops.mean(y, [2, 3], true))
      const [ca, cb] = [centred(a), centred(b)]
      const size = (y: Expr) => ops.mean(ops.square(y), [2, 3])
      return ops.reshape(
        ops.mean(
          ops.abs(ops.div(ops.mean(ops.mul(ca, cb), [2, 3]), ops.sqrt(ops.add(ops.mul(size(ca), size(cb)), 1e-12)))),
        ),
        [1],
      )
    }),
    0,
  )
}

/** Shannon entropy of the bytes of a cipher image in 0..1, in bits. */
function entropy(values: Float32Array): number {
  const counts = new Float64Array(256)
  for (const value of values) counts[Math.round(value * 255)]!++
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / values.length) * Math.log2(count / values.length)),
    0,
  )
}
