import { adam, compile, cosineRate, losses, mapTree, ops, secrecy, shape, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Training } from '@latent/graph'
import { discriminate, type Discriminator, discriminatorParameters } from '../encipher-gan/network.ts'
import { frozenJudge } from '../ito-transform/judge.ts'
import {
  judge,
  type JudgeNetwork,
  transform,
  type TransformNetwork,
  transformParameters,
} from '../ito-transform/network.ts'
import { cut, planesOf } from '../neural/crops.ts'
import { openPhotoCrops } from '../neural/photo-crops.ts'
import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Profile, Recipe } from '../recipe.ts'

/** Squares of photographs, reduced to the size that the classifier reads. */
const CROPS = { batch: 8, crop: 128 }
const [SIDE, REDUCED] = [32, 4]
const [STEPS, CHECK_EVERY] = [5_000, 250]
/** Channels behind the first layer of the discriminator. */
const JUDGE = 8
/** Weights of being taken for noise, and of outlines, beside the classifier's entropy. */
const [ADVERSARIAL, OUTLINES] = [1, 5]
/** Validation: squares of each photograph, across and down. */
const GRID = 4

type Networks<L> = { readonly transform: TransformNetwork<L>; readonly discriminator: Discriminator<L> }

/**
 * A generator draws pictures that a discriminator takes for noise and that a frozen classifier takes for what it takes
 * the plain ones for. Batches: `plain` photographs `[N, 3, 128, 128]` and `noise` `[N, 3, 32, 32]`, in 0..1.
 */
export function ganTransformTraining(profile: Profile, classifier: JudgeNetwork<Tensor<'f32'>>): Training {
  const judged = (p: Discriminator<Expr>, x: Expr) => discriminate(p, ops.sub(ops.mul(2, x), 1))
  return {
    networks: { transform: transformParameters(profile), discriminator: discriminatorParameters(JUDGE) },
    batch: { plain: shape([CROPS.batch, 3, CROPS.crop, CROPS.crop]), noise: shape([CROPS.batch, 3, SIDE, SIDE]) },
    average: 0.998,
    phases: [
      {
        name: 'discriminator',
        trains: ['discriminator'],
        optimiser: adam({ beta1: 0.5 }),
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const drawn = ops.stopGradient(transform(p.transform, ops.avgPool(batch['plain']!, REDUCED)))
          return {
            loss: losses.lsgan.discriminator(judged(p.discriminator, batch['noise']!), judged(p.discriminator, drawn)),
          }
        },
      },
      {
        name: 'transform',
        trains: ['transform'],
        optimiser: adam(),
        clip: 1,
        loss({ networks, batch }) {
          const p = networks as unknown as Networks<Expr>
          const plain = ops.avgPool(batch['plain']!, REDUCED)
          const drawn = transform(p.transform, plain)
          const { edges, deviation, squint } = secrecy.outlines(drawn, plain)
          const terms = {
            entropy: losses.crossEntropy(
              judge(classifier, drawn).logits,
              ops.stopGradient(ops.softmax(judge(classifier, plain).logits)),
            ),
            adversarial: ops.mul(ADVERSARIAL, losses.lsgan.generator(judged(p.discriminator, drawn))),
            outlines: ops.mul(OUTLINES, ops.add(edges, ops.add(deviation, squint))),
          }
          return { loss: Object.values(terms).reduce((a, b) => ops.add(a, b)), metrics: terms }
        },
      },
    ],
  }
}

/** The recipe of this folder; the classifier is one of the weights that come with Latent. */
export const ganTransformRecipe: Recipe = {
  id: 'gan-transform',
  title: 'a GAN draws pictures that only a classifier reads (after Sirichotedumrong and Kiya 2020)',
  published: 'the abstract states neither data nor length',
  data: `${OPEN_PHOTOS}; the classifier that it is trained with learned CIFAR-10`,
  ships: ['transform'],
  async open(context) {
    const { profile, images } = context
    const classifier = await frozenJudge()
    const crops = await openPhotoCrops(context, CROPS)
    const validation = (await images('open-photos', 'val')).map(planesOf)
    const parameters = transformParameters(profile)
    const dims = [GRID * GRID, 3, CROPS.crop, CROPS.crop]
    const squares = validation.map(picture =>
      tensor(
        'f32',
        dims,
        Float32Array.from(
          Array.from({ length: GRID * GRID }, (_, i) => [
            ...cut(
              picture,
              { size: CROPS.crop, u: (i % GRID) / GRID, v: Math.floor(i / GRID) / GRID, mirror: false },
              'unit',
            ),
          ]).flat(),
        ),
      ),
    )
    const check = await compile(
      ({ p, x }: { p: MapTree<typeof parameters, Expr>; x: Expr }) => {
        const plain = ops.avgPool(x, REDUCED)
        const drawn = ops.mul(1 / 255, ops.roundStraightThrough(ops.mul(255, transform(p, plain))))
        return {
          plain: judge(classifier, plain).logits,
          drawn: judge(classifier, drawn).logits,
          ...secrecy.outlines(drawn, plain),
          moments: secrecy.uniformMoments(drawn, [1, 2, 3]),
        }
      },
      { p: mapTree(parameters as unknown, (_, leaf) => shape((leaf as Parameter).dims)), x: shape(dims) } as never,
    )
    let last: { found: object; figures: Readonly<Record<string, number>> } | undefined
    const measure = async (found: Record<string, Tensor<'f32'>>) => {
      if (last?.found === found) return last.figures
      const feeds = Object.fromEntries(
        Object.entries(found)
          .filter(([path]) => path.startsWith('transform.'))
          .map(([path, value]) => [path.replace('transform', 'p'), value]),
      )
      const sums: Record<string, number> = { same: 0, edges: 0, deviation: 0, squint: 0, moments: 0 }
      const taken = new Map<number, number>()
      for (const x of squares) {
        const out = await check.run({ ...feeds, x })
        const [plain, drawn] = [out['plain']!, out['drawn']!].map(classes)
        for (const c of plain!) taken.set(c, (taken.get(c) ?? 0) + 1)
        sums['same']! += plain!.filter((c, i) => c === drawn![i]).length / plain!.length / squares.length
        for (const name of ['edges', 'deviation', 'squint', 'moments'])
          sums[name]! += Number(out[name]!.data[0]) / squares.length
      }
      // Whoever gave one answer to everything would be right that often.
      const constant = Math.max(...taken.values()) / (GRID * GRID * squares.length)
      last = { found, figures: { ...sums, constant } }
      return last.figures
    }
    return {
      training: ganTransformTraining(profile, classifier) as unknown as Training<never, never>,
      rates: [cosineRate(1e-4, { warmup: 100, end: 1e-6 }), cosineRate(2e-3, { warmup: 100, end: 2e-5 })],
      steps: STEPS,
      batchSize: CROPS.batch,
      async data(step) {
        const { plain, stream } = await crops.next(step)
        const noise = await stream.uniforms(CROPS.batch * 3 * SIDE * SIDE)
        return { plain, noise: tensor('f32', [CROPS.batch, 3, SIDE, SIDE], Float32Array.from(noise)) }
      },
      scoreName: 'share of squares of photographs, not trained on, that the classifier takes for what it took them for',
      validation: {
        every: CHECK_EVERY,
        patience: Number.MAX_SAFE_INTEGER,
        score: async found => (await measure(found))['same']!,
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

/** The likeliest class of each row. */
function classes({ dims, data }: Tensor): number[] {
  const [rows, columns] = dims as [number, number]
  return Array.from({ length: rows }, (_, n) => {
    const row = Array.from(data.subarray(n * columns, (n + 1) * columns), Number)
    return row.indexOf(Math.max(...row))
  })
}
