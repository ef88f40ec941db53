import { argumentError } from '@latent/core'
import * as op from './ops.ts'
import type { ConvOptions, Expr, Operand } from './ops.ts'
import { heNormal, ones, uniform, zerosOf } from './parameters.ts'
import type { Parameter } from './parameters.ts'
import { tensor } from './tensor.ts'

/**
 * The layer vocabulary. A layer is a pair of functions: one describes its parameters (a tree of
 * {@link Parameter}), one applies it to a tree of arrays of that shape. Images are `[N, C, H, W]`.
 * Parameter trees are type aliases, not interfaces: only those are assignable to `Tree`.
 */

/** Weights and, unless left out, a bias for each output. */
export type Affine<L> = { readonly weight: L; readonly bias?: L }

/** How a convolution begins. */
export interface ConvParameterOptions {
  readonly bias?: boolean
  readonly groups?: number
  /** Multiplies the initial weights: 0.1 for last layers of residual branches and coupling blocks, 0 for none. */
  readonly gain?: number
  /** Slope of the leaky ReLU that follows, for the variance of He initialisation. Default 0. */
  readonly slope?: number
}

/**
 * Parameters of {@link conv2d}: weights `[outputs, inputs / groups, kernel, kernel]` with He's variance, biases of
 * zero.
 */
export function conv2dParameters(
  inputs: number,
  outputs: number,
  kernel = 3,
  options: ConvParameterOptions = {},
): Affine<Parameter> {
  const { bias = true, groups = 1 } = options
  const weight = heNormal([outputs, inputs / groups, kernel, kernel], (inputs / groups) * kernel ** 2, options)
  return bias ? { weight, bias: zerosOf([outputs]) } : { weight }
}

/** A convolution with bias: `[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`. */
export function conv2d(p: Affine<Operand>, x: Expr, options: ConvOptions = {}): Expr {
  return biased(op.conv(x, p.weight, options), p.bias)
}

/** Parameters of {@link convTranspose2d}: weights `[inputs, outputs, kernel, kernel]`, biases of zero. */
export function convTranspose2dParameters(
  inputs: number,
  outputs: number,
  kernel = 3,
  options: ConvParameterOptions = {},
): Affine<Parameter> {
  // Each output pixel of stride 2 sees about a quarter of the kernel; He's variance counts the inputs it sees.
  const weight = heNormal([inputs, outputs, kernel, kernel], (inputs * kernel ** 2) / 4, options)
  return options.bias === false ? { weight } : { weight, bias: zerosOf([outputs]) }
}

/** Transposed convolution, by default doubling the size with a 3x3 kernel. */
export function convTranspose2d(
  p: Affine<Operand>,
  x: Expr,
  options: Parameters<typeof op.convTranspose>[2] = { stride: 2, padding: 1, outputPadding: 1 },
): Expr {
  return biased(op.convTranspose(x, p.weight, options), p.bias)
}

const biased = (x: Expr, bias: Operand | undefined): Expr => (bias === undefined ? x : op.add(x, perChannel(bias)))

/** A vector with one element a channel, as `[1, C, 1, 1]`. */
export function perChannel(v: Operand): Expr {
  const taken = op.take(v)
  return taken.reshape([1, -1, 1, 1])
}

/** Parameters of {@link dense}: weights `[inputs, outputs]` with He's variance, biases of zero. */
export function denseParameters(
  inputs: number,
  outputs: number,
  options: Omit<ConvParameterOptions, 'groups'> = {},
): Affine<Parameter> {
  const weight = heNormal([inputs, outputs], inputs, options)
  return options.bias === false ? { weight } : { weight, bias: zerosOf([outputs]) }
}

/** `x W + b` over the last axis. */
export function dense(p: Affine<Operand>, x: Expr): Expr {
  const y = op.matmul(x, p.weight)
  return p.bias === undefined ? y : op.add(y, p.bias)
}

/** Scale and shift of a normalisation; an empty tree for one without. */
export type Scale<L> = { readonly scale?: L; readonly shift?: L }

/** A scale of one and a shift of zero for each channel. */
export const scaleParameters = (channels: number): Scale<Parameter> => ({
  scale: ones([channels]),
  shift: zerosOf([channels]),
})

/** Mean and variance over `axes`, which keep length 1, and `x` less its mean; none of them differentiated. */
function moments(x: Expr, axes: readonly number[]): { mean: Expr; centred: Expr; variance: Expr } {
  const still = op.stopGradient(x)
  const mean = op.mean(still, axes, true)
  const centred = op.sub(still, mean)
  return { mean, centred, variance: op.mean(op.square(centred), axes, true) }
}

interface Normalisation {
  readonly axes: readonly number[]
  readonly p: Scale<Operand>
  readonly place: (v: Operand) => Expr
  readonly epsilon: number
}

/**
 * scale * (x - mean) / sqrt(variance + epsilon) + shift. The derivative by `x` is written in closed
 * form, which takes half the passes over memory that differentiating the definition takes; those by
 * scale and shift share its sums.
 */
function standardise(
  x: Expr,
  { centred, variance }: { centred: Expr; variance: Expr },
  { axes, p, place, epsilon }: Normalisation,
): Expr {
  const inverse = op.reciprocal(op.sqrt(op.add(variance, epsilon)))
  const factor = p.scale === undefined ? inverse : op.mul(inverse, place(p.scale))
  const scaled = op.mul(centred, factor)
  const y = p.shift === undefined ? scaled : op.add(scaled, place(p.shift))
  const fixed = op.stopGradient(factor)
  const tangent = (change: Expr) => {
    const along = op.mul(op.mul(fixed, op.square(inverse)), op.mean(op.mul(change, centred), axes, true))
    const level = op.mul(fixed, op.mean(change, axes, true))
    return op.sub(op.sub(op.mul(change, fixed), op.mul(centred, along)), level)
  }
  return op.add(y, op.alongTangent(x, tangent))
}

/** Instance normalisation (Ulyanov et al. 2016): each channel of each image by its own statistics. */
export const instanceNorm = (x: Expr, p: Scale<Operand> = {}, epsilon = 1e-5): Expr =>
  standardise(x, moments(x, [2, 3]), { axes: [2, 3], p, place: perChannel, epsilon })

/** Layer normalisation (Ba et al. 2016) over the last axis. */
export const layerNorm = (x: Expr, p: Scale<Operand> = {}, epsilon = 1e-5): Expr => {
  const axes = [x.shape.length - 1]
  return standardise(x, moments(x, axes), { axes, p, place: op.take, epsilon })
}

/** Running statistics of a batch norm: state of a network, not trained by gradients. */
export type RunningStatistics<L> = { readonly mean: L; readonly variance: L }

/** Running means of zero and variances of one for each channel: state of {@link batchNorm}. */
export const runningStatistics = (channels: number): RunningStatistics<Parameter> => ({
  mean: zerosOf([channels]),
  variance: ones([channels]),
})

/** Batch normalisation (Ioffe and Szegedy 2015) by the statistics of the batch; also the next running statistics. */
export function batchNormTraining(
  x: Expr,
  p: Scale<Operand>,
  running: RunningStatistics<Expr>,
  momentum = 0.1,
  epsilon = 1e-5,
): { y: Expr; running: RunningStatistics<Expr> } {
  const axes = [0, 2, 3]
  const found = moments(x, axes)
  const y = standardise(x, found, { axes, p, place: perChannel, epsilon })
  const [mean, variance] = [found.mean, found.variance].map(value => op.reshape(value, [-1])) as [Expr, Expr]
  const [n, , h, w] = x.shape as [number, number, number, number]
  const unbiased = (n * h * w) / Math.max(1, n * h * w - 1)
  const blend = (old: Expr, now: Expr) => op.add(op.mul(old, 1 - momentum), op.mul(now, momentum))
  return {
    y,
    running: { mean: blend(running.mean, mean), variance: blend(running.variance, op.mul(variance, unbiased)) },
  }
}

/** Batch normalisation by frozen statistics, as at inference. */
export function batchNorm(x: Expr, p: Scale<Operand>, running: RunningStatistics<Operand>, epsilon = 1e-5): Expr {
  const inverse = op.reciprocal(op.sqrt(op.add(running.variance, epsilon)))
  const factor = p.scale === undefined ? inverse : op.mul(inverse, p.scale)
  const y = op.mul(op.sub(x, perChannel(running.mean)), perChannel(factor))
  return p.shift === undefined ? y : op.add(y, perChannel(p.shift))
}

/** Two convolutions whose result is added to what entered. */
export type ResidualBlock<L> = { readonly first: Affine<L>; readonly second: Affine<L> }

/** Parameters of {@link residualBlock}; `gain` is of the second convolution alone. */
export const residualBlockParameters = (
  channels: number,
  options: ConvParameterOptions = {},
): ResidualBlock<Parameter> => ({
  first: conv2dParameters(channels, channels, 3, { ...options, gain: 1 }),
  second: conv2dParameters(channels, channels, 3, options),
})

/** x + conv(activation(conv(x))), each convolution followed by `norm` (He et al. 2016). */
export function residualBlock(
  p: ResidualBlock<Operand>,
  x: Expr,
  { norm = y => y, activation = op.relu }: { norm?: (y: Expr) => Expr; activation?: (y: Expr) => Expr } = {},
): Expr {
  return op.add(x, norm(conv2d(p.second, activation(norm(conv2d(p.first, x))))))
}

/**
 * Every `step`-th pixel of both axes, from the first, and zeros for channels that `x` does not have:
 * `[N, C, H, W]` to `[N, channels, ceil(H / step), ceil(W / step)]` (He et al. 2016, option A). A convolution with a
 * kernel of ones and zeros, because taking single numbers out of rows is slower than computing.
 * @throws E_ARGUMENT for fewer channels than there are
 */
export function subsample(x: Expr, step: number, channels = x.shape[1]!): Expr {
  const inputs = x.shape[1]!
  if (channels < inputs) throw argumentError('channels', `at least the image's ${inputs}`, channels)
  const kernel = Float32Array.from({ length: channels * inputs }, (_, i) =>
    Number(Math.floor(i / inputs) === i % inputs),
  )
  return op.conv(x, op.constant(tensor('f32', [channels, inputs, 1, 1], kernel)), { stride: step, padding: 0 })
}

/** Depth to space (Shi et al. 2016): `[N, C r^2, H, W]` to `[N, C, H r, W r]`. */
export function pixelShuffle(x: Expr, r: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const parts = op.reshape(x, [n, c / r ** 2, r, r, h, w])
  return op.reshape(op.transpose(parts, [0, 1, 4, 2, 5, 3]), [n, c / r ** 2, h * r, w * r])
}

/** Space to depth, the inverse of {@link pixelShuffle}. */
export function pixelUnshuffle(x: Expr, r: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const parts = op.reshape(x, [n, c, h / r, r, w / r, r])
  return op.reshape(op.transpose(parts, [0, 1, 3, 5, 2, 4]), [n, c * r ** 2, h / r, w / r])
}

/** Every pixel repeated `r` times along both axes. */
export function upsampleNearest(x: Expr, r = 2): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return op.reshape(op.broadcastTo(op.reshape(x, [n, c, h, 1, w, 1]), [n, c, h, r, w, r]), [n, c, h * r, w * r])
}

/** Bilinear resizing with pixel centres aligned (half-pixel convention), as two products with constant matrices. */
export function resizeBilinear(x: Expr, height: number, width: number): Expr {
  const [, , h, w] = x.shape as [number, number, number, number]
  return op.matmul(
    op.matmul(interpolation(height, h), x),
    op.transpose(op.constant(interpolation(width, w)), [0, 1, 3, 2]),
  )
}

function interpolation(to: number, from: number): ReturnType<typeof tensor<'f32'>> {
  const data = new Float32Array(to * from)
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5))
    const low = Math.floor(at)
    const high = Math.min(from - 1, low + 1)
    data[i * from + low]! += 1 - (at - low)
    data[i * from + high]! += at - low
  }
  // Of as many dimensions as a picture: a product with a matrix on its left would put the rows in front.
  return tensor('f32', [1, 1, to, from], data)
}

/** Mirrors `size` rows and columns around the image without repeating the edge. */
export function reflectionPad(x: Expr, size: number): Expr {
  let y = x
  for (const axis of [2, 3]) {
    const length = y.shape[axis]!
    if (size >= length) throw argumentError('size', `less than the image's ${length}`, size)
    const before = op.flip(op.slice(y, axis, 1, size + 1), axis)
    const after = op.flip(op.slice(y, axis, length - size - 1, length - 1), axis)
    y = op.concat([before, y, after], axis)
  }
  return y
}

/** Means over height and width: `[N, C, H, W]` to `[N, C]`. */
export const globalAvgPool = (x: Expr): Expr => op.mean(x, [2, 3])

/** Queries, keys and values in one layer, and the layer behind the heads. */
export type Attention<L> = { readonly qkv: Affine<L>; readonly out: Affine<L> }

/** Parameters of {@link attention} over vectors of this width (Vaswani et al. 2017). */
export const attentionParameters = (width: number): Attention<Parameter> => ({
  qkv: { weight: uniform([width, 3 * width], Math.sqrt(3 / width)), bias: zerosOf([3 * width]) },
  out: { weight: uniform([width, width], Math.sqrt(3 / width)), bias: zerosOf([width]) },
})

/** Multi-head self-attention (Vaswani et al. 2017) over `[N, tokens, width]`. */
export function attention(p: Attention<Operand>, x: Expr, heads: number): Expr {
  const [n, t, d] = x.shape as [number, number, number]
  const all = op.transpose(op.reshape(dense(p.qkv, x), [n, t, 3, heads, d / heads]), [2, 0, 3, 1, 4])
  const [q, k, v] = [0, 1, 2].map(i => op.reshape(op.slice(all, 0, i, i + 1), [n, heads, t, d / heads])) as [
    Expr,
    Expr,
    Expr,
  ]
  const scores = op.mul(op.matmul(q, op.transpose(k, [0, 1, 3, 2])), 1 / Math.sqrt(d / heads))
  const mixed = op.transpose(op.matmul(op.softmax(scores), v), [0, 2, 1, 3])
  return dense(p.out, op.reshape(mixed, [n, t, d]))
}
