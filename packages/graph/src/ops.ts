import { lax, numpy as np } from '@jax-js/jax'
import { argumentError } from '@latent/core'
import type { Tensor } from './tensor.ts'

/**
 * The operator vocabulary: pure functions over arrays that are being traced (or, in tests, computed
 * at once by jax-js). jax-js moves its arrays, so that a second use throws; every function here takes
 * its own references, and code written with it reads like mathematics. References are never given
 * back: while tracing there is no memory behind them.
 */
export type Expr = np.Array

/** What operators accept: arrays, host tensors (which become constants) and numbers. */
export type Operand = Expr | Tensor | number

/** An operand as jax-js takes it, with a reference of its own. */
export function take(x: Operand): Expr {
  if (typeof x === 'number') return x as unknown as Expr
  return isTensor(x) ? constant(x) : x.ref
}

/** A host tensor as a constant of the graph. */
export function constant(value: Tensor): Expr {
  const { dtype, dims, data } = value
  if (dtype === 'f32') return np.array(Float32Array.from(data as Float32Array)).reshape([...dims])
  if (dtype === 'i32') return np.array(Int32Array.from(data as Int32Array)).reshape([...dims])
  if (dtype === 'bool')
    return np
      .array(Int32Array.from(data as Uint8Array))
      .reshape([...dims])
      .astype(np.bool)
  throw argumentError('constant', 'a tensor of f32, i32 or bool', dtype)
}

const isTensor = (x: Expr | Tensor): x is Tensor => 'dims' in x

/** A constant array of one value. */
export const full = (shape: readonly number[], value: number): Expr => np.full([...shape], value)

/** a + b, broadcast. */
export const add = (a: Operand, b: Operand): Expr => np.add(take(a), take(b))
/** a - b, broadcast. */
export const sub = (a: Operand, b: Operand): Expr => np.subtract(take(a), take(b))
/** a * b, broadcast. */
export const mul = (a: Operand, b: Operand): Expr => np.multiply(take(a), take(b))
/** a / b, broadcast. */
export const div = (a: Operand, b: Operand): Expr => np.trueDivide(take(a), take(b))
/** -a. */
export const neg = (a: Operand): Expr => np.negative(take(a))
/** 1 / a. */
export const reciprocal = (a: Operand): Expr => np.reciprocal(take(a))
/** The larger of the two, broadcast. */
export const maximum = (a: Operand, b: Operand): Expr => np.maximum(take(a), take(b))
/** The smaller of the two, broadcast. */
export const minimum = (a: Operand, b: Operand): Expr => np.minimum(take(a), take(b))
/** e to the power of a. */
export const exp = (a: Operand): Expr => np.exp(take(a))
/** The natural logarithm. */
export const log = (a: Operand): Expr => np.log(take(a))
/** The square root. Its gradient at zero is infinite. */
export const sqrt = (a: Operand): Expr => np.sqrt(take(a))
/** The sine of radians. */
export const sin = (a: Operand): Expr => np.sin(take(a))
/** The cosine of radians. */
export const cos = (a: Operand): Expr => np.cos(take(a))
/** The error function. */
export const erf = (a: Operand): Expr => lax.erf(take(a))
/** The largest integer that is not above a; no gradient passes. */
export const floor = (a: Operand): Expr => np.floor(take(a))
/** a * a. */
export const square = (a: Expr): Expr => mul(a, a)
/** Whether a < b, broadcast. */
export const less = (a: Operand, b: Operand): Expr => np.less(take(a), take(b))
/** Whether a equals b, broadcast. */
export const equal = (a: Operand, b: Operand): Expr => np.equal(take(a), take(b))
/** a where the condition holds, else b, broadcast. */
export const where = (condition: Expr, a: Operand, b: Operand): Expr => np.where(take(condition), take(a), take(b))
/** As f32; booleans become 0 and 1. */
export const toFloat = (a: Expr): Expr => take(a).astype(np.float32)
/** As i32, towards zero. */
export const toInt = (a: Expr): Expr => take(a).astype(np.int32)
/** The value itself, as a constant to every derivative. */
export const stopGradient = (a: Operand): Expr => lax.stopGradient(take(a))

/**
 * `value`, with a derivative of our choosing: `tangent` maps a change of `x` to the change of the
 * result and must be linear. It is added as `tangent(x - x)`, which is zero for every finite `x` and
 * which the compiler folds away, so that only its transpose survives, in the backward pass. First
 * derivatives alone come out right.
 */
export const withTangent = (value: Expr, x: Expr, tangent: (change: Expr) => Expr): Expr =>
  add(stopGradient(value), alongTangent(x, tangent))

/** Zero, with the derivative `tangent`. */
export const alongTangent = (x: Expr, tangent: (change: Expr) => Expr): Expr => tangent(sub(x, stopGradient(x)))

/** |x|. The gradient is the sign, and 1 at zero. */
export const abs = (x: Expr): Expr => mul(x, stopGradient(where(less(x, 0), -1, 1)))
/** x held between two numbers; no gradient passes outside. */
export const clip = (x: Expr, low: number, high: number): Expr => minimum(maximum(x, low), high)

/** Rounds half to even; the backward pass does not see it (straight-through estimator, Bengio et al. 2013). */
export function roundStraightThrough(x: Expr): Expr {
  const nearest = floor(add(x, 0.5))
  const half = mul(0.5, nearest)
  const odd = sub(half, floor(half))
  const tie = equal(sub(nearest, x), 0.5)
  return withTangent(where(tie, sub(nearest, mul(2, odd)), nearest), x, change => change)
}

/** 1 / (1 + e^-x) */
export function sigmoid(x: Expr): Expr {
  const y = stopGradient(reciprocal(add(1, exp(neg(stopGradient(x))))))
  return withTangent(y, x, change => mul(change, mul(y, sub(1, y))))
}

/** The hyperbolic tangent, with a gradient that is taken from its value. */
export function tanh(x: Expr): Expr {
  const y = stopGradient(sub(mul(2, reciprocal(add(1, exp(neg(mul(2, stopGradient(x))))))), 1))
  return withTangent(y, x, change => mul(change, sub(1, square(y))))
}

/** x for x > 0, slope * x (0 <= slope < 1) elsewhere; the derivative at 0 is the slope. */
export const leakyRelu = (x: Expr, slope = 0.01): Expr => mul(x, stopGradient(where(less(0, x), 1, slope)))
/** max(x, 0). */
export const relu = (x: Expr): Expr => leakyRelu(x, 0)
/** ln(1 + e^x), without overflow. */
export const softplus = (x: Expr): Expr => add(relu(x), log(add(1, exp(neg(abs(x))))))
/** Gaussian error linear unit (Hendrycks and Gimpel 2016), exact form. */
export const gelu = (x: Expr): Expr => mul(mul(0.5, x), add(1, erf(mul(x, Math.SQRT1_2))))
/** x * sigmoid(x) (Elfwing et al. 2018). */
export const silu = (x: Expr): Expr => mul(x, sigmoid(x))

type Axes = number | readonly number[]
const axesOf = (axes: Axes | undefined): number[] | null =>
  axes === undefined ? null : typeof axes === 'number' ? [axes] : [...axes]

/** Sum over `axes` (default all); `keep` leaves them with length 1. */
export const sum = (x: Expr, axes?: Axes, keep = false): Expr => np.sum(take(x), axesOf(axes), { keepdims: keep })
/** The mean along dimensions, all unless given. */
export const mean = (x: Expr, axes?: Axes, keep = false): Expr => mul(sum(x, axes, keep), 1 / count(x, axes))
/** The largest along dimensions, all unless given. */
export const max = (x: Expr, axes?: Axes, keep = false): Expr => np.max(take(x), axesOf(axes), { keepdims: keep })
/** The smallest along dimensions, all unless given. */
export const min = (x: Expr, axes?: Axes, keep = false): Expr => np.min(take(x), axesOf(axes), { keepdims: keep })

function count(x: Expr, axes: Axes | undefined): number {
  const picked = axesOf(axes) ?? x.shape.map((_, axis) => axis)
  return picked.reduce((product, axis) => product * x.shape.at(axis)!, 1)
}

/** The same elements in another shape. */
export const reshape = (x: Expr, shape: readonly number[]): Expr => take(x).reshape([...shape])
/** Dimensions in another order: dimension i of the result is `perm[i]` of x. */
export const transpose = (x: Expr, perm: readonly number[]): Expr => take(x).transpose([...perm])
/** Repeats dimensions of one, and missing leading ones, up to a shape. */
export const broadcastTo = (x: Expr, shape: readonly number[]): Expr => np.broadcastTo(take(x), [...shape])
/** Arrays one behind the other along a dimension. */
export const concat = (xs: readonly Expr[], axis: number): Expr => np.concatenate(xs.map(take), axis)
/** Reverses dimensions. */
export const flip = (x: Expr, axes: Axes): Expr => np.flip(take(x), axesOf(axes))
/** Ascending along the last axis. */
export const sort = (x: Expr): Expr => np.sort(take(x))
/** Rows of `x` along `axis` picked by an integer array. */
export const gather = (x: Expr, indices: Operand, axis = 0): Expr => np.take(take(x), take(indices), axis)
/**
 * The matrix product of the last two dimensions, the others broadcast; rows of a bare matrix on the left come first.
 */
export const matmul = (a: Operand, b: Operand): Expr => np.matmul(take(a), take(b))

/** The part of `x` from `start` (inclusive) to `end` (exclusive) along one axis. */
export function slice(x: Expr, axis: number, start: number, end: number): Expr {
  const at = axis < 0 ? x.shape.length + axis : axis
  return take(x).slice(...x.shape.map((dim, i): [number, number] => (i === at ? [start, end] : [0, dim])))
}

/** Cuts `x` along one axis into parts of the given sizes. */
export function split(x: Expr, axis: number, sizes: readonly number[]): Expr[] {
  let from = 0
  return sizes.map(size => slice(x, axis, from, (from += size)))
}

/** Zeros around `x`: one [before, after] pair an axis. */
export const pad = (x: Expr, widths: readonly (readonly [number, number])[]): Expr =>
  np.pad(
    take(x),
    widths.map(([before, after]) => [before, after]),
  )

/** Strides, padding and the rest of a convolution; padding is `same` unless given. */
export interface ConvOptions {
  /** Default 1. */
  readonly stride?: number
  /** Zeros on every side. Default: so that stride 1 keeps the size (kernels of odd size). */
  readonly padding?: number
  readonly dilation?: number
  readonly groups?: number
}

/** 2-D convolution (cross-correlation, as the field means it) of `[N, C, H, W]` with `[O, C / groups, kH, kW]`. */
export function conv(
  x: Expr,
  kernel: Operand,
  { stride = 1, dilation = 1, padding, groups = 1 }: ConvOptions = {},
): Expr {
  const shape = typeof kernel === 'number' ? [] : isTensor(kernel) ? kernel.dims : kernel.shape
  const side = (size: number) => padding ?? (dilation * (size - 1)) / 2
  const pads = [side(shape[2]!), side(shape[3]!)].map((p): [number, number] => [p, p])
  return lax.convGeneralDilated(take(x), take(kernel), [stride, stride], pads, {
    rhsDilation: [dilation, dilation],
    featureGroupCount: groups,
  })
}

/**
 * Transposed 2-D convolution: the adjoint of {@link conv} of the same stride and padding, from
 * `[N, I, H, W]` with a kernel `[I, O, kH, kW]` to `[N, O, (H - 1) * stride - 2 * padding + kH + outputPadding, ...]`.
 */
export function convTranspose(
  x: Expr,
  kernel: Operand,
  { stride = 1, padding = 0, outputPadding = 0 }: { stride?: number; padding?: number; outputPadding?: number } = {},
): Expr {
  const weights = typeof kernel === 'number' || isTensor(kernel) ? take(kernel) : kernel
  const sides = [2, 3].map((axis): [number, number] => [
    weights.shape[axis]! - 1 - padding,
    weights.shape[axis]! - 1 - padding + outputPadding,
  ])
  const turned = transpose(flip(weights, [2, 3]), [1, 0, 2, 3])
  return lax.convGeneralDilated(take(x), turned, [1, 1], sides, { lhsDilation: [stride, stride] })
}

/**
 * Windows of the last two axes reduced to their maximum; what no window covers is left out. Gradients of ties are
 * shared equally.
 */
export function maxPool(x: Expr, window: number, stride = window): Expr {
  if (stride !== window) return lax.reduceWindow(take(x), part => np.max(part), [window, window], [stride, stride])
  // Windows side by side are axes of their own: gradients then need no padding.
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const [rows, columns] = [Math.floor(h / window), Math.floor(w / window)]
  const whole = slice(slice(x, 2, 0, rows * window), 3, 0, columns * window)
  return max(reshape(whole, [n, c, rows, window, columns, window]), [3, 5])
}

/** The mean of adjoining square blocks of the last two axes, whose sizes `window` must divide. */
export function avgPool(x: Expr, window: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return mean(reshape(x, [n, c, h / window, window, w / window, window]), [3, 5])
}

/** e^x over its sum along a dimension, without overflow. */
export function softmax(x: Expr, axis = -1): Expr {
  const powers = exp(sub(x, stopGradient(max(x, axis, true))))
  return div(powers, sum(powers, axis, true))
}

/** The logarithm of {@link softmax}, without overflow. */
export function logSoftmax(x: Expr, axis = -1): Expr {
  const shifted = sub(x, stopGradient(max(x, axis, true)))
  return sub(shifted, log(sum(exp(shifted), axis, true)))
}
