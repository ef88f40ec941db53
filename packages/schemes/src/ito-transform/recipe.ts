import { type Image, LatentError } from '@latent/core'
import { adam, cosineRate, epochOrder, losses, ops, sgd, shape, stepRate, stepStream, tensor } from '@latent/graph'
import type { Expr, Optimiser, Parameter, Schedule, Training } from '@latent/graph'
import type { Recipe, RecipeContext, RecipeRun } from '../recipe.ts'
import { frozenJudge } from './judge.ts'
import {
  CLASSES,
  DIFFERENCE,
  judge,
  type JudgeNetwork,
  judgeParameters,
  transform,
  type TransformNetwork,
  transformParameters,
} from './network.ts'

const SIDE = 32
/** Batches of 128 in 200 epochs of CIFAR-10. */
const PUBLISHED = { batch: 128, steps: 78_200 }
const DATA = 'CIFAR-10, train: 50,000 small photographs with their classes, for research'

interface Settings {
  readonly batch: number
  readonly steps: number
  readonly optimiser: () => Optimiser
  readonly rate: Schedule
}

/** Published: SGD at 0.1, momentum 0.9, decay 5e-4, a fifth at 60, 120 and 160 of 200 epochs; four equal parts here. */
const published: Settings = {
  ...PUBLISHED,
  optimiser: () => sgd({ nesterov: false, weightDecay: 5e-4 }),
  rate: stepRate(0.1, { factor: 0.2, parts: 4 }),
}
const quick = (batch: number, steps: number, rate: number): Settings => ({
  batch,
  steps,
  optimiser: adam,
  rate: cosineRate(rate),
})

/** The classifier first; the network that draws pictures for it finds its weights among those that come with Latent. */
export const itoJudgeRecipe: Recipe = {
  id: 'ito-judge',
  title: 'Ito et al. 2021: the classifier that shall go on reading the pictures',
  published: "the publication's classifiers: 200 epochs of CIFAR, batch 128",
  data: DATA,
  async open(context) {
    const settings = context.profile === 'paper' ? published : quick(64, 2400, 2e-3)
    const training: Training<{ judge: JudgeNetwork<Parameter> }> = {
      networks: { judge: judgeParameters() },
      batch: batchShapes(settings.batch),
      phases: [
        {
          name: 'judge',
          trains: ['judge'],
          optimiser: settings.optimiser(),
          clip: 5,
          loss: ({ networks, batch }) => ({
            loss: losses.crossEntropy(judge(networks.judge, batch['images']!).logits, batch['labels']!),
          }),
        },
      ],
    }
    return runOf(training, settings, context)
  },
}

/**
 * Loss of the published variant: cross-entropy of the frozen classifier on the protected picture, less a weight times
 * the mean squared difference of features of the protected and the plain one; weight and scale of the features are
 * ours. `compact` takes Adam for fewer steps.
 */
export const itoTransformRecipe: Recipe = {
  id: 'ito-transform',
  title: 'Ito et al. 2021: a network that draws pictures which only the classifier of ito-judge reads',
  published: 'the publication states its loss; the length is unknown to us',
  data: DATA,
  async open(context) {
    const { profile } = context
    const settings = profile === 'paper' ? published : quick(32, 2400, 2e-3)
    const classifier = await frozenJudge()
    const training: Training<{ transform: TransformNetwork<Parameter> }> = {
      networks: { transform: transformParameters(profile) },
      batch: batchShapes(settings.batch),
      phases: [
        {
          name: 'transform',
          trains: ['transform'],
          optimiser: settings.optimiser(),
          clip: 5,
          loss({ networks, batch }) {
            const plain = batch['images']!
            const found = judge(classifier, transform(networks.transform, plain))
            const difference = relativeDifference(found.features, judge(classifier, plain).features)
            const entropy = losses.crossEntropy(found.logits, batch['labels']!)
            return { loss: ops.sub(entropy, ops.mul(DIFFERENCE, difference)), metrics: { entropy, difference } }
          },
        },
      ],
    }
    return runOf(training, settings, context)
  },
}

const batchShapes = (count: number) => ({ images: shape([count, 3, SIDE, SIDE]), labels: shape([count, CLASSES]) })

/** @throws E_DATA without labels, or for images of another size */
async function runOf(
  training: unknown,
  { batch: count, steps, rate }: Settings,
  { seed, images, labels }: RecipeContext,
): Promise<RecipeRun> {
  const pictures = await images('cifar10', 'train')
  const classes = await labels?.('cifar10', 'train')
  if (!classes || classes.length !== pictures.length)
    throw new LatentError(
      'E_DATA',
      `cifar10/train has ${pictures.length} images and ${classes?.length ?? 'no'} labels`,
      { hint: 'latent data fetch cifar10 brings a whole set' },
    )
  const odd = pictures.find(({ width, height, channels }) => width !== SIDE || height !== SIDE || channels !== 3)
  if (odd) throw new LatentError('E_DATA', `an image of cifar10/train is ${odd.width}x${odd.height}x${odd.channels}`)
  const order = epochOrder(seed, pictures.length, count)
  return {
    training: training as Training<never, never>,
    rates: [rate],
    steps,
    batchSize: count,
    async data(step) {
      const draws = await (await stepStream(seed, step, 'crop')).uniforms(3 * count)
      const picked = await order(step)
      const x = new Float32Array(count * 3 * SIDE * SIDE)
      const y = new Float32Array(count * CLASSES)
      for (const [n, index] of picked.entries()) {
        shifted(
          pictures[index]!,
          draws.subarray(3 * n, 3 * n + 3),
          x.subarray(n * 3 * SIDE * SIDE, (n + 1) * 3 * SIDE * SIDE),
        )
        y[n * CLASSES + classes[index]!] = 1
      }
      return { images: tensor('f32', [count, 3, SIDE, SIDE], x), labels: tensor('f32', [count, CLASSES], y) }
    },
  }
}

/** Mean squared difference over mean square. */
const relativeDifference = (a: Expr, b: Expr): Expr =>
  ops.div(losses.mse(a, b), ops.add(ops.mean(ops.square(ops.stopGradient(b))), 1e-6))

const PADDING = 4

/** A crop after padding by 4 pixels of zeros, mirrored at random, as `[3, 32, 32]`; as published. */
function shifted({ data }: Image<'u8'>, [u, v, mirror]: Float64Array, out: Float32Array): void {
  const [left, top] = [Math.floor(u! * (2 * PADDING + 1)) - PADDING, Math.floor(v! * (2 * PADDING + 1)) - PADDING]
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [from, row] = [left + (mirror! < 0.5 ? x : SIDE - 1 - x), top + y]
      if (from < 0 || from >= SIDE || row < 0 || row >= SIDE) continue
      for (let c = 0; c < 3; c++) out[(c * SIDE + y) * SIDE + x] = data[(row * SIDE + from) * 3 + c]! / 255
    }
  }
}
