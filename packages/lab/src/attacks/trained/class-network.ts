import type { Image } from '@latent/core'
import {
  adam,
  compile,
  type Compiled,
  cosineRate,
  epochOrder,
  type Expr,
  layers,
  losses,
  mapTree,
  openStepper,
  ops,
  type Operand,
  type Parameter,
  type SessionOptions,
  type Shape,
  shape,
  type Tensor,
  tensor,
} from '@latent/graph'
import { commonShape } from '../common-shape.ts'
import { planesOf } from './images.ts'
import { type LearnOptions, trained } from './paired.ts'

/** A picture and the number of its class. */
export interface Example {
  readonly picture: Image<'u8'>
  readonly label: number
}

type Weights<L> = {
  readonly first: layers.Affine<L>
  readonly second: layers.Affine<L>
  readonly third: layers.Affine<L>
  readonly last: layers.Affine<L>
}

const parametersFor = (channels: number, classes: number): Weights<Parameter> => ({
  first: layers.conv2dParameters(channels, 16, 5),
  second: layers.conv2dParameters(16, 32, 3),
  third: layers.conv2dParameters(32, 64, 3),
  last: layers.denseParameters(64, classes),
})

/** Three convolutions of stride 2 and the greatest value of each feature: where something stands does not matter. */
function logits(p: Weights<Operand>, x: Expr): Expr {
  const first = ops.relu(layers.conv2d(p.first, ops.sub(x, 0.5), { stride: 2, padding: 2 }))
  const second = ops.relu(layers.conv2d(p.second, first, { stride: 2, padding: 1 }))
  const third = ops.relu(layers.conv2d(p.third, second, { padding: 1 }))
  return layers.dense(p.last, ops.max(third, [2, 3]))
}

/**
 * A small convolutional network that names classes, trained on few labelled pictures.
 * @throws E_ARGUMENT for pictures of several shapes
 */
export async function learnClasses(
  examples: readonly Example[],
  classes: number,
  { steps, batch = 32, rate = 2e-3, seed = 1, onStep, ...session }: LearnOptions,
): Promise<(pictures: readonly Image<'u8'>[]) => Promise<number[]>> {
  const { width, height, channels } = commonShape(examples.map(({ picture }) => picture))
  const count = Math.min(batch, examples.length)
  const parameters = parametersFor(channels, classes)
  const stepper = await openStepper(
    {
      networks: { probe: parameters },
      batch: { pictures: shape([count, channels, height, width]), labels: shape([count, classes]) },
      phases: [
        {
          name: 'loss',
          trains: ['probe'],
          optimiser: adam(),
          loss: ({ networks, batch }) => ({
            loss: losses.crossEntropy(logits(networks.probe, batch['pictures']!), batch['labels']!),
          }),
        },
      ],
    },
    seed,
    session,
  )
  try {
    const order = epochOrder(seed, examples.length, count)
    const rates = cosineRate(rate)
    for (let step = 0; step < steps; step++) {
      const picked = Array.from(await order(step), i => examples[i]!)
      const labels = new Float32Array(count * classes)
      for (const [n, { label }] of picked.entries()) labels[n * classes + label] = 1
      const found = await stepper.advance(
        { pictures: planesOf(picked.map(({ picture }) => picture)), labels: tensor('f32', [count, classes], labels) },
        [rates(step, steps)],
      )
      onStep?.(step + 1, found)
    }
    const { weights } = await trained(stepper, 'probe')
    return async pictures => {
      const output = await scoresOf(parameters, weights, pictures, session)
      return Array.from(pictures, (_, n) => {
        const own = output.subarray(n * classes, (n + 1) * classes)
        return own.indexOf(Math.max(...own))
      })
    }
  } finally {
    await stepper.close()
  }
}

/** `compile` would derive the types of the weights' tree. */
type Untyped = (fn: (args: { p: never; x: Expr }) => Expr, args: object, session: SessionOptions) => Promise<Compiled>

/** The network with its weights on pictures: one row of scores each. */
async function scoresOf(
  parameters: Weights<Parameter>,
  weights: Readonly<Record<string, Tensor>>,
  pictures: readonly Image<'u8'>[],
  session: SessionOptions,
): Promise<Float32Array> {
  const p = mapTree<Shape, unknown>(parameters, (_, leaf) => shape((leaf as Parameter).dims))
  const x = planesOf(pictures)
  const compiled = await (compile as Untyped)(({ p, x }) => logits(p, x), { p, x: shape(x.dims) }, session)
  try {
    const feeds = Object.fromEntries(Object.entries(weights).map(([name, value]) => [`p.${name}`, value]))
    const { output } = await compiled.run({ ...feeds, x })
    return output!.data as Float32Array
  } finally {
    await compiled.close()
  }
}
