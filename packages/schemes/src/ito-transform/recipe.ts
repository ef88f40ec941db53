import { type Image, LatentError } from '@latent/core'
import { adam, epochOrder, losses, ops, sgd, shape, stepRate, stepStream, tensor } from '@latent/graph'
import type { Expr, Parameter, Schedule, Training } from '@latent/graph'
import type { Profile, Recipe } from '../recipe.ts'
import { CLASSES, judge, type JudgeNetwork, judgeParameters, transform, type TransformNetwork, transformParameters } from './network.ts'

const SIDE = 32
const BATCH: Record<Profile, number> = { compact: 32, paper: 128 }
const STEPS: Record<Profile, number> = { compact: 3000, paper: 156_000 }
/** The part of the run in which the classifier learns; for the rest it is frozen and the transformation learns. */
const JUDGE_PART = 1 / 3
/** Weight of the difference of features, `p_ratio` of the published examples. Features are ours and taken relative to their size. */
const DIFFERENCE = 0.01

/** A schedule over a part of the run; nothing moves outside it. */
const during = (from: number, to: number, schedule: Schedule): Schedule => (step, total) => {
  const [first, last] = [Math.round(from * total), Math.round(to * total)]
  return step < first || step >= last ? 0 : schedule(step - first, last - first)
}

/**
 * Loss as published: cross-entropy of the frozen classifier on the protected picture, less `p_ratio` times the
 * mean squared difference of features of the protected and the plain one. Published settings (SGD at
 * 0.1, momentum 0.9, decay 5e-4, a fifth at 60, 120 and 160 of 200 epochs of batches of 128) are the
 * profile `paper`, but for four equal parts in place of 60, 60, 40 and 40; `compact` takes Adam.
 */
export const itoTransformRecipe: Recipe = {
  id: 'ito-transform',
  title: 'Ito et al. 2021: a classifier, then a network that draws pictures which only that classifier reads',
  data: 'CIFAR-10, train: 50,000 small photographs with their classes, for research',
  async open({ profile, seed, images, labels }) {
    const pictures = await images('cifar10', 'train')
    const classes = await labels?.('cifar10', 'train')
    if (!classes || classes.length !== pictures.length) throw new LatentError('E_DATA', `cifar10/train has ${pictures.length} images and ${classes?.length ?? 'no'} labels`, { hint: 'latent data fetch cifar10 brings a whole set' })
    const odd = pictures.find(({ width, height, channels }) => width !== SIDE || height !== SIDE || channels !== 3)
    if (odd) throw new LatentError('E_DATA', `an image of cifar10/train is ${odd.width}x${odd.height}x${odd.channels}`)
    const count = BATCH[profile]
    const optimiser = () => (profile === 'paper' ? sgd({ nesterov: false, weightDecay: 5e-4 }) : adam())
    const rate = stepRate(profile === 'paper' ? 0.1 : 1e-3, { factor: 0.2, parts: 4 })
    const training: Training<{ judge: JudgeNetwork<Parameter>; transform: TransformNetwork<Parameter> }> = {
      networks: { judge: judgeParameters(), transform: transformParameters(profile) },
      batch: { images: shape([count, 3, SIDE, SIDE]), labels: shape([count, CLASSES]) },
      phases: [
        {
          name: 'judge',
          trains: ['judge'],
          optimiser: optimiser(),
          clip: 5,
          loss: ({ networks, batch }) => ({ loss: losses.crossEntropy(judge(networks.judge, batch['images']!).logits, batch['labels']!) }),
        },
        {
          name: 'transform',
          trains: ['transform'],
          optimiser: optimiser(),
          clip: 5,
          loss({ networks, batch }) {
            const plain = batch['images']!
            const found = judge(networks.judge, transform(networks.transform, plain))
            const difference = relativeDifference(found.features, judge(networks.judge, plain).features)
            const entropy = losses.crossEntropy(found.logits, batch['labels']!)
            return { loss: ops.sub(entropy, ops.mul(DIFFERENCE, difference)), metrics: { entropy, difference } }
          },
        },
      ],
    }
    const order = epochOrder(seed, pictures.length, count)
    return {
      training: training as unknown as Training<never, never>,
      rates: [during(0, JUDGE_PART, rate), during(JUDGE_PART, 1, rate)],
      steps: STEPS[profile],
      batchSize: count,
      async data(step) {
        const draws = await (await stepStream(seed, step, 'crop')).uniforms(3 * count)
        const picked = await order(step)
        const x = new Float32Array(count * 3 * SIDE * SIDE)
        const y = new Float32Array(count * CLASSES)
        for (const [n, index] of picked.entries()) {
          shifted(pictures[index]!, draws.subarray(3 * n, 3 * n + 3), x.subarray(n * 3 * SIDE * SIDE, (n + 1) * 3 * SIDE * SIDE))
          y[n * CLASSES + classes[index]!] = 1
        }
        return { images: tensor('f32', [count, 3, SIDE, SIDE], x), labels: tensor('f32', [count, CLASSES], y) }
      },
    }
  },
}

/** Mean squared difference over mean square. */
const relativeDifference = (a: Expr, b: Expr): Expr => ops.div(losses.mse(a, b), ops.add(ops.mean(ops.square(ops.stopGradient(b))), 1e-6))

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
