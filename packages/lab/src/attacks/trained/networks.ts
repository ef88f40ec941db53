import { argumentError, type Image, image } from '@latent/core'
import {
  constantOf,
  type Expr,
  layers,
  normal,
  ops,
  type Operand,
  type Parameter,
  type Shape,
  shape,
  type Tensor,
  tensor,
  type Tree,
  zerosOf,
} from '@latent/graph'
import type { TargetShape } from '../chosen-plaintext.ts'
import { picturesOf, planesOf, sample } from './images.ts'

/** Leaves of a parameter tree, by path; networks here are small enough to know their own. */
type Leaves<L> = { readonly [name: string]: L | Leaves<L> }

/** A network that turns cipher images into guesses of the plain ones. */
export interface Reconstructor {
  readonly id: string
  readonly title: string
  readonly parameters: (size: TargetShape) => Tree<Parameter>
  /** Running statistics, where there are norms. */
  readonly state: (size: TargetShape) => Tree<Parameter>
  /** Shapes of a batch's input, and of what the network gives and learns from. */
  readonly input: (size: TargetShape, count: number) => Shape
  readonly output: (size: TargetShape, count: number) => Shape
  readonly apply: (
    p: Leaves<Operand>,
    state: Leaves<Operand>,
    x: Expr,
    training: boolean,
  ) => { y: Expr; state: Leaves<Expr> }
  readonly encode: (ciphers: readonly Image<'u8'>[]) => Tensor<'f32'>
  readonly target: (plain: readonly Image<'u8'>[]) => Tensor<'f32'>
  readonly decode: (output: Float32Array, size: TargetShape) => Image<'u8'>[]
}

const planes = (size: TargetShape, count: number): Shape => shape([count, size.channels, size.height, size.width])
const asPictures = { input: planes, output: planes, encode: planesOf, target: planesOf, decode: picturesOf }

type Norm<L> = { readonly conv: layers.Affine<L>; readonly norm: layers.Scale<L> }
const normed = (inputs: number, outputs: number, kernel: number): Norm<Parameter> => ({
  conv: layers.conv2dParameters(inputs, outputs, kernel, { bias: false }),
  norm: layers.scaleParameters(outputs),
})

/** Convolution, batch norm, ReLU; records the next running statistics. */
function normedRelu(
  name: string,
  p: Leaves<Operand>,
  state: Leaves<Operand>,
  next: Record<string, Leaves<Expr>>,
  x: Expr,
  training: boolean,
  stride = 1,
): Expr {
  const { conv, norm } = p[name] as unknown as Norm<Operand>
  const y = layers.conv2d(conv, x, { stride, padding: 0 })
  const running = state[name] as unknown as layers.RunningStatistics<Operand>
  if (!training) return ops.relu(layers.batchNorm(y, norm, running))
  const found = layers.batchNormTraining(y, norm, running as layers.RunningStatistics<Expr>)
  next[name] = found.running
  return ops.relu(found.y)
}

/**
 * The inverse transformation network of the attack on pixel-based encryption (repository
 * `learnable_encryption_robustness`): 1x1 convolutions 3-64-128-256-3 with batch norms. **Its weights are the same
 * at every pixel**, so that it cannot learn a key that differs from pixel to pixel.
 *
 * Repaired: a sigmoid and targets in 0..1, where the repository scales targets to -1..1 and sends its
 * output through tanh and a sigmoid, so that it never fits.
 */
export const sharedPixels: Reconstructor = {
  id: 'shared-pixels',
  title: 'published, 1x1 convolutions shared by all pixels',
  ...asPictures,
  parameters: ({ channels }) => ({
    first: normed(channels, 64, 1),
    second: normed(64, 128, 1),
    third: normed(128, 256, 1),
    last: layers.conv2dParameters(256, channels, 1),
  }),
  state: () => ({
    first: layers.runningStatistics(64),
    second: layers.runningStatistics(128),
    third: layers.runningStatistics(256),
  }),
  apply(p, state, x, training) {
    const next: Record<string, Leaves<Expr>> = {}
    const y = ['first', 'second', 'third'].reduce((y, name) => normedRelu(name, p, state, next, y, training), x)
    return { y: ops.sigmoid(layers.conv2d(p['last'] as unknown as layers.Affine<Operand>, y)), state: next }
  },
}

/**
 * Our smallest attacker: what a colour becomes, the same at every pixel, by a hidden layer of 16. It holds any
 * recolouring of whole pictures, and has so little else to learn that a discriminator's word suffices.
 */
export const sharedColours: Reconstructor = {
  id: 'shared-colours',
  title: 'ours, a small map of colours shared by all pixels',
  ...asPictures,
  parameters: ({ channels }) => ({
    first: layers.conv2dParameters(channels, 16, 1, { slope: 0.2 }),
    last: layers.conv2dParameters(16, channels, 1),
  }),
  state: () => ({}),
  apply(p, _, x) {
    const { first, last } = p as unknown as Record<'first' | 'last', layers.Affine<Operand>>
    const inner = ops.leakyRelu(layers.conv2d(first, ops.sub(x, 0.5)), 0.2)
    return { y: ops.add(layers.conv2d(last, inner), 0.5), state: {} }
  },
}

/**
 * The network of the same repository for block-wise ciphers: a 4x4 convolution of stride 4, two 1x1 ones, a
 * pixel shuffle, a last 1x1; shared by all blocks. Repaired as {@link sharedPixels}.
 */
export const sharedBlocks: Reconstructor = {
  id: 'shared-blocks',
  title: 'published, 4x4 blocks with shared weights',
  ...asPictures,
  parameters: ({ channels }) => ({
    first: normed(channels, 48, 4),
    second: normed(48, 48, 1),
    third: normed(48, 512, 1),
    last: layers.conv2dParameters(32, channels, 1),
  }),
  state: () => ({
    first: layers.runningStatistics(48),
    second: layers.runningStatistics(48),
    third: layers.runningStatistics(512),
  }),
  apply(p, state, x, training) {
    const next: Record<string, Leaves<Expr>> = {}
    const first = normedRelu('first', p, state, next, x, training, 4)
    const y = ['second', 'third'].reduce((y, name) => normedRelu(name, p, state, next, y, training), first)
    return {
      y: ops.sigmoid(layers.conv2d(p['last'] as unknown as layers.Affine<Operand>, layers.pixelShuffle(y, 4))),
      state: next,
    }
  },
}

/**
 * Our attacker: one linear map a pixel, a block of 4x4, or for the whole image, from nibbles to samples.
 * Complementing, moving and exchanging nibbles are linear in nibbles, so a map for each pixel holds any
 * key of pixel-based encryption, one for each block any key of learnable encryption, and one for the whole
 * image any key of those that move pixels or blocks about. The outcome is clipped; a sigmoid would bend it. Starts from
 * zero: the problem is convex.
 */
export function linear(group: Group): Reconstructor {
  const { count, samples } = measuresOf(group)
  return {
    id: `linear-${group}`,
    title: {
      pixel: 'ours, a linear map for each pixel',
      block: 'ours, a linear map for each block',
      image: 'ours, one linear map of the whole image',
    }[group],
    parameters: size => ({
      weight: zerosOf([count(size), 2 * samples(size), samples(size)]),
      bias: constantOf([count(size), 1, samples(size)], 0.5),
    }),
    state: () => ({}),
    apply: (p, _, x) => ({ y: ops.add(ops.matmul(x, p['weight'] as Operand), p['bias'] as Operand), state: {} }),
    ...byGroups(group),
  }
}

/** Hidden units of a pixel and of a block in {@link connectedLocally}. */
const HIDDEN = { pixel: 24, block: 64 } as const

/**
 * Our attacker with layers that are connected locally: every pixel, or every block of 4x4, has weights of its own, as
 * in {@link linear}, and a hidden layer beside the linear map, so that keys are held which bend values too. The
 * published networks have the same weights everywhere, and what they do not open may only be a key that differs from
 * place to place.
 */
export function connectedLocally(group: 'pixel' | 'block'): Reconstructor {
  const { count, samples } = measuresOf(group)
  const hidden = HIDDEN[group]
  return {
    id: `local-${group}s`,
    title: `ours, a hidden layer for each ${group}`,
    parameters: size => {
      const [groups, outputs] = [count(size), samples(size)]
      return {
        weight: zerosOf([groups, 2 * outputs, outputs]),
        bias: constantOf([groups, 1, outputs], 0.5),
        // Wide and spread: a sum modulo 256 has a step anywhere.
        inner: normal([groups, outputs, hidden], 4 / Math.sqrt(outputs)),
        innerBias: normal([groups, 1, hidden], 1),
        outer: zerosOf([groups, hidden, outputs]),
      }
    },
    state: () => ({}),
    apply: (p, _, x) => {
      const [places, n, inputs] = x.shape as [number, number, number]
      const nibbles = ops.reshape(x, [places, n, inputs / 2, 2])
      const [low, high] = [ops.slice(nibbles, 3, 0, 1), ops.slice(nibbles, 3, 1, 2)]
      // The sample again, of which a hidden unit bends one side.
      const whole = ops.reshape(ops.add(ops.mul(high, 16 / 17), ops.mul(low, 1 / 17)), [places, n, inputs / 2])
      const inner = ops.relu(ops.add(ops.matmul(whole, p['inner'] as Operand), p['innerBias'] as Operand))
      const straight = ops.add(ops.matmul(x, p['weight'] as Operand), p['bias'] as Operand)
      return { y: ops.add(straight, ops.matmul(inner, p['outer'] as Operand)), state: {} }
    },
    ...byGroups(group),
  }
}

type Group = 'pixel' | 'block' | 'image'

const measuresOf = (group: Group) => {
  const count = (size: TargetShape) => groups(group, size).length
  return { count, samples: (size: TargetShape) => (size.width * size.height * size.channels) / count(size) }
}

/** Nibbles in and samples out, group by group. */
function byGroups(group: Group): Pick<Reconstructor, 'input' | 'output' | 'encode' | 'target' | 'decode'> {
  const { count, samples } = measuresOf(group)
  return {
    input: (size, n) => shape([count(size), n, 2 * samples(size)]),
    output: (size, n) => shape([count(size), n, samples(size)]),
    encode(ciphers) {
      const order = groups(group, ciphers[0]!)
      return grouped(ciphers, order, 2, (out, at, value) => {
        // Nibbles about zero, each of the deviation of a uniform one.
        out[at] = (value & 15) / 15 - 0.5
        out[at + 1] = (value >> 4) / 15 - 0.5
      })
    },
    target: plain =>
      grouped(plain, groups(group, plain[0]!), 1, (out, at, value) => {
        out[at] = value / 255
      }),
    decode(output, size) {
      const order = groups(group, size)
      const n = output.length / (size.width * size.height * size.channels)
      return Array.from({ length: n }, (_, i) => {
        const data = new Uint8Array(size.width * size.height * size.channels)
        for (const [g, members] of order.entries())
          for (const [j, at] of members.entries()) data[at] = sample(output[(g * n + i) * members.length + j]!)
        return image({ ...size, format: 'u8', data })
      })
    },
  }
}

/** The samples of every pixel, every 4x4 block, or of the image. */
function groups(group: Group, { width, height, channels }: TargetShape): Uint32Array[] {
  if (group === 'image') return [Uint32Array.from({ length: width * height * channels }, (_, i) => i)]
  const side = group === 'pixel' ? 1 : 4
  if (width % side !== 0 || height % side !== 0)
    throw argumentError('size', `sides that are multiples of ${side}`, `${width}x${height}`)
  const across = width / side
  return Array.from({ length: across * (height / side) }, (_, g) =>
    Uint32Array.from({ length: side * side * channels }, (_, i) => {
      const [place, channel] = [Math.floor(i / channels), i % channels]
      return (
        ((Math.floor(g / across) * side + Math.floor(place / side)) * width + (g % across) * side + (place % side)) *
          channels +
        channel
      )
    }),
  )
}

/** `[groups, images, values]`, with `each` values a sample. */
function grouped(
  pictures: readonly Image<'u8'>[],
  order: readonly Uint32Array[],
  each: number,
  put: (out: Float32Array, at: number, value: number) => void,
): Tensor<'f32'> {
  const values = order[0]!.length * each
  const data = new Float32Array(order.length * pictures.length * values)
  for (const [g, members] of order.entries()) {
    for (const [n, picture] of pictures.entries()) {
      const from = (g * pictures.length + n) * values
      for (let j = 0; j < members.length; j++) put(data, from + j * each, picture.data[members[j]!]!)
    }
  }
  return tensor('f32', [order.length, pictures.length, values], data)
}
