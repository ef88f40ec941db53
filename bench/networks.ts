import { adam, layers, losses, ops, sgd, shape, tensor } from '@latent/graph'
import type { Expr, Operand, Shape, Tensor, Training } from '@latent/graph'

/** The training problems that are timed; bench/peers/networks.py holds the same in PyTorch. */

type Stack<L> = Record<string, layers.Affine<L>>

const stackParameters = (channels: readonly number[]) =>
  Object.fromEntries(
    channels.slice(1).map((outputs, i) => [`conv${i}`, layers.conv2dParameters(channels[i]!, outputs)]),
  )

const stack = (p: Stack<Operand>, x: Expr): Expr =>
  Object.values(p).reduce((y, layer, i) => layers.conv2d(layer, i === 0 ? y : ops.leakyRelu(y)), x)

/** (a) five 3x3 convolutions with leaky ReLU. */
const fiveLayers = { net: stackParameters([12, 32, 32, 32, 32, 12]) }

export const trainingA: Training<typeof fiveLayers> = {
  networks: fiveLayers,
  batch: { x: shape([8, 12, 64, 64]), y: shape([8, 12, 64, 64]) },
  phases: [
    {
      name: 'mse',
      trains: ['net'],
      optimiser: adam(),
      loss: ({ networks: { net }, batch }) => ({ loss: losses.mse(stack(net, batch['x']!), batch['y']!) }),
    },
  ],
}

/** (b) one FlowCrypt block: two coupled halves, four sub-networks of hidden width 32, a one-channel secret map. */
const block = {
  block: {
    omega: stackParameters([4, 32, 32, 32, 32, 3]),
    phi: stackParameters([4, 32, 32, 32, 32, 3]),
    rho: stackParameters([4, 32, 32, 32, 32, 3]),
    eta: stackParameters([4, 32, 32, 32, 32, 3]),
  },
}

const scaleOf = (s: Expr): Expr => ops.exp(ops.sub(ops.mul(2, ops.sigmoid(s)), 1))

export const trainingB: Training<typeof block> = {
  networks: block,
  batch: {
    x: shape([8, 3, 64, 32]),
    y: shape([8, 3, 64, 32]),
    k: shape([8, 1, 64, 32]),
    target: shape([8, 6, 64, 32]),
  },
  phases: [
    {
      name: 'mse',
      trains: ['block'],
      optimiser: adam(),
      loss: ({ networks: { block: p }, batch }) => {
        const [x, y, k] = [batch['x']!, batch['y']!, batch['k']!]
        const yk = ops.concat([y, k], 1)
        const x2 = ops.add(ops.mul(x, scaleOf(stack(p.omega, yk))), stack(p.phi, yk))
        const xk = ops.concat([x2, k], 1)
        const y2 = ops.add(ops.mul(y, scaleOf(stack(p.rho, xk))), stack(p.eta, xk))
        return { loss: losses.mse(ops.concat([x2, y2], 1), batch['target']!) }
      },
    },
  ],
}

/** (c) the Encipher GAN generator: 2,847,936 weights, instance norm without affine, no biases. */
const plain = { bias: false }
export const generatorParameters = {
  conv1: layers.conv2dParameters(3, 32, 7, plain),
  conv2: layers.conv2dParameters(32, 64, 3, plain),
  conv3: layers.conv2dParameters(64, 128, 3, plain),
  blocks: Array.from({ length: 9 }, () => layers.residualBlockParameters(128, plain)),
  up1: layers.convTranspose2dParameters(128, 64, 3, plain),
  up2: layers.convTranspose2dParameters(64, 32, 3, plain),
  out: layers.conv2dParameters(32, 3, 7, plain),
}

interface Generator<L> {
  readonly conv1: layers.Affine<L>
  readonly conv2: layers.Affine<L>
  readonly conv3: layers.Affine<L>
  readonly blocks: readonly layers.ResidualBlock<L>[]
  readonly up1: layers.Affine<L>
  readonly up2: layers.Affine<L>
  readonly out: layers.Affine<L>
}

export function generator(p: Generator<Operand>, image: Expr): Expr {
  const norm = (y: Expr) => layers.instanceNorm(y)
  const active = (y: Expr) => ops.relu(norm(y))
  let x = active(layers.conv2d(p.conv1, layers.reflectionPad(image, 3), { padding: 0 }))
  x = active(layers.conv2d(p.conv2, x, { stride: 2 }))
  x = active(layers.conv2d(p.conv3, x, { stride: 2 }))
  for (const block of p.blocks) x = layers.residualBlock(block, x, { norm })
  x = active(layers.convTranspose2d(p.up1, x))
  x = active(layers.convTranspose2d(p.up2, x))
  return ops.tanh(layers.conv2d(p.out, layers.reflectionPad(x, 3), { padding: 0 }))
}

const generatorNetworks = { generator: generatorParameters }

export const trainingC: Training<typeof generatorNetworks> = {
  networks: generatorNetworks,
  batch: { x: shape([4, 3, 64, 64]), y: shape([4, 3, 64, 64]) },
  phases: [
    {
      name: 'l1',
      trains: ['generator'],
      optimiser: adam({ beta1: 0.5 }),
      loss: ({ networks, batch }) => ({ loss: losses.l1(generator(networks.generator, batch['x']!), batch['y']!) }),
    },
  ],
}

/** (d) ResNet-20 for CIFAR-10 (He et al. 2016, option A shortcuts), SGD with Nesterov momentum. */
const WIDTHS = [16, 32, 64]
const blocksOfResNet = WIDTHS.flatMap((width, stage) =>
  [0, 1, 2].map(i => ({
    inputs: i === 0 && stage > 0 ? WIDTHS[stage - 1]! : width,
    width,
    stride: i === 0 && stage > 0 ? 2 : 1,
  })),
)

const resNet = {
  resnet: {
    stem: { conv: layers.conv2dParameters(3, 16, 3, plain), norm: layers.scaleParameters(16) },
    blocks: blocksOfResNet.map(({ inputs, width }) => ({
      conv1: layers.conv2dParameters(inputs, width, 3, plain),
      norm1: layers.scaleParameters(width),
      conv2: layers.conv2dParameters(width, width, 3, plain),
      norm2: layers.scaleParameters(width),
    })),
    dense: layers.denseParameters(64, 10),
  },
}
const resNetState = {
  stem: layers.runningStatistics(16),
  blocks: blocksOfResNet.map(({ width }) => ({
    norm1: layers.runningStatistics(width),
    norm2: layers.runningStatistics(width),
  })),
}

export const trainingD: Training<typeof resNet, typeof resNetState> = {
  networks: resNet,
  state: resNetState,
  batch: { x: shape([64, 3, 32, 32]), labels: shape([64, 10]) },
  phases: [
    {
      name: 'entropy',
      trains: ['resnet'],
      optimiser: sgd({ weightDecay: 1e-4 }),
      loss({ networks: { resnet: p }, state, batch }) {
        const stem = layers.batchNormTraining(layers.conv2d(p.stem.conv, batch['x']!), p.stem.norm, state.stem)
        let x = ops.relu(stem.y)
        const blocks = p.blocks.map((block, i) => {
          const { stride, inputs, width } = blocksOfResNet[i]!
          const first = layers.batchNormTraining(
            layers.conv2d(block.conv1, x, { stride, padding: 1 }),
            block.norm1,
            state.blocks[i]!.norm1,
          )
          const second = layers.batchNormTraining(
            layers.conv2d(block.conv2, ops.relu(first.y)),
            block.norm2,
            state.blocks[i]!.norm2,
          )
          // Option A: every second pixel, and zeros for the new channels.
          const shortcut = inputs === width ? x : layers.subsample(x, 2, width)
          x = ops.relu(ops.add(second.y, shortcut))
          return { norm1: first.running, norm2: second.running }
        })
        const logits = layers.dense(p.dense, layers.globalAvgPool(x))
        return { loss: losses.crossEntropy(logits, batch['labels']!), state: { stem: stem.running, blocks } }
      },
    },
  ],
}

/** Waves, so that nothing is zero, denormal or equal. Labels become one-hot rows. */
export function fill(batch: Readonly<Record<string, Shape>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(batch).map(([name, { dims }]) => {
      const count = dims.reduce((a, b) => a * b, 1)
      const data =
        name === 'labels'
          ? Float32Array.from({ length: count }, (_, i) => Number(i % 10 === (i * 7) % 10))
          : Float32Array.from({ length: count }, (_, i) => 0.5 + 0.5 * Math.sin(i * 1.37))
      if (name === 'labels')
        for (let row = 0; row < dims[0]!; row++) data.fill(0, row * 10, row * 10 + 10)[row * 10 + ((row * 7) % 10)] = 1
      return [name, tensor('f32', dims, data)]
    }),
  )
}
