import { argumentError } from '@latent/core'
import * as op from './ops.ts'
import type { Expr } from './ops.ts'
import { tensor } from './tensor.ts'

/**
 * What a cipher image `[N, 3, H, W]` in [0, 1] gives away, as losses: distances from uniform values, as a whole and
 * place by place, and what it has in common with the plain image's outlines. None of them sorts, so
 * that every operator has a kernel on a GPU.
 */

/**
 * How far a set of values in [0, 1] is from uniform, by its first trigonometric moments:
 * the mean over `k = 1..moments` of |E exp(2 pi i k x)|^2. Zero for the uniform distribution, 1 / n in
 * expectation for n independent uniform values, 1 for a constant. Reduces `axes`, and averages what is left.
 */
export function uniformMoments(x: Expr, axes: readonly number[], moments = 8): Expr {
  const angle = op.mul(x, 2 * Math.PI)
  // By Chebyshev's recurrence: cos(k a) and sin(k a) from those of a.
  let [cosine, sine] = [op.cos(angle), op.sin(angle)]
  const [first, firstSine] = [cosine, sine]
  const terms: Expr[] = []
  for (let k = 1; k <= moments; k++) {
    if (k > 1)
      [cosine, sine] = [
        op.sub(op.mul(cosine, first), op.mul(sine, firstSine)),
        op.add(op.mul(sine, first), op.mul(cosine, firstSine)),
      ]
    terms.push(op.add(op.square(op.mean(cosine, axes)), op.square(op.mean(sine, axes))))
  }
  return op.mul(op.mean(terms.reduce((a, b) => op.add(a, b))), 1 / moments)
}

/** @throws E_ARGUMENT for an image that squares of this side do not fill */
function requireSquares({ shape: [, , h, w] }: Expr, side: number): void {
  if (h! % side !== 0 || w! % side !== 0)
    throw argumentError('image', `sides that are multiples of ${side}`, `${w} x ${h}`)
}

/** How {@link localUniformity} looks at an image. */
export interface LocalOptions {
  /** Side of the squares, in pixels: 8 unless given. */
  readonly side?: number
  /** Trigonometric moments: 3 unless given. */
  readonly moments?: number
  /** Channels one by one. Together, what one of them shows another may hide: means of opposite signs cancel. */
  readonly apart?: boolean
}

/**
 * {@link uniformMoments} of each square of `side` pixels, all channels together unless `apart`: what keeps a flat
 * place of the picture from being a flat place of the cipher image. 1 / (3 side^2) in expectation for noise, 1 / side^2
 * channel by channel.
 */
export function localUniformity(x: Expr, { side = 8, moments = 3, apart = false }: LocalOptions = {}): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  requireSquares(x, side)
  const squares = op.reshape(x, [n, c, h / side, side, w / side, side])
  return uniformMoments(squares, apart ? [3, 5] : [1, 3, 5], moments)
}

const LUMA = [0.299, 0.587, 0.114]

/** Size of the Sobel gradient of the brightness, for places with a neighbour on every side. */
export function edgeMap(x: Expr): Expr {
  const across = [-1, 0, 1, -2, 0, 2, -1, 0, 1]
  const down = [-1, -2, -1, 0, 0, 0, 1, 2, 1]
  const kernel = tensor(
    'f32',
    [2, 3, 3, 3],
    Float32Array.from([across, down].flatMap(taps => LUMA.flatMap(share => taps.map(tap => share * tap)))),
  )
  const gradient = op.conv(x, kernel, { padding: 0 })
  return op.sqrt(op.add(op.sum(op.square(gradient), 1), 1e-6))
}

/** Deviation of the samples of each square of `side` pixels, all channels together. */
export function blockDeviation(x: Expr, side = 4): Expr {
  const mean = op.mean(op.avgPool(x, side), 1)
  return op.sqrt(op.add(op.relu(op.sub(op.mean(op.avgPool(op.square(x), side), 1), op.square(mean))), 1e-6))
}

/** What is seen with eyes half closed: means over squares of `side` pixels, channel by channel. */
export const squint = (x: Expr, side = 8): Expr => op.avgPool(x, side)

/**
 * Squared correlation of two maps of each image of a batch, over all axes but the first, as a mean. A
 * map that hardly varies has no correlation to speak of: `floor` is the variance below which it counts less and less.
 */
export function squaredCorrelation(a: Expr, b: Expr, floor = 1e-6): Expr {
  const axes = a.shape.map((_, axis) => axis).slice(1)
  const centred = (x: Expr) => op.sub(x, op.mean(x, axes, true))
  const [ca, cb] = [centred(a), centred(b)]
  const covariance = op.square(op.mean(op.mul(ca, cb), axes))
  const variance = (x: Expr) => op.add(op.mean(op.square(x), axes), floor)
  return op.mean(op.div(covariance, op.mul(variance(ca), variance(cb))))
}

/**
 * Squared correlation of each channel of one map with each channel of another, as a mean over pairs of channels. Unlike
 * {@link squaredCorrelation} it sees channels that show the same with opposite signs.
 * @param a `[N, C, H, W]`
 * @param b `[N, D, H, W]`
 * @param over `batch`: of all places of all images at once, which also tells whether a whole image is brighter than the
 *   next; `image`: of each image for itself, as a mean over them, which sees what has another sign in the next one
 * @param floor the variance below which a channel that hardly varies counts less and less
 */
export function channelCorrelation(a: Expr, b: Expr, over: 'batch' | 'image', floor = 1e-6): Expr {
  const rows = (x: Expr): Expr => {
    const [n, c, h, w] = x.shape as [number, number, number, number]
    const flat =
      over === 'image' ? op.reshape(x, [n, c, h * w]) : op.reshape(op.transpose(x, [1, 0, 2, 3]), [1, c, n * h * w])
    const centred = op.sub(flat, op.mean(flat, 2, true))
    return op.div(centred, op.sqrt(op.add(op.mean(op.square(centred), 2, true), floor)))
  }
  const [p, q] = [rows(a), rows(b)]
  return op.mean(op.square(op.mul(op.matmul(p, op.transpose(q, [0, 2, 1])), 1 / p.shape[2]!)))
}

/**
 * What is local in each square of `side` pixels, as means over it: the samples, and products of two of them, which are
 * each with itself, two channels of one pixel, and neighbours across and down.
 * @param x `[N, C, H, W]`
 * @returns `[N, 5 C, H / side, W / side]`
 * @throws E_ARGUMENT for an image that squares of this side do not fill
 */
export function localMoments(x: Expr, side = 8): Expr {
  requireSquares(x, side)
  // Around the edge, where the last column meets the first, few pairs are no neighbours.
  return op.avgPool(op.concat([x, op.square(x), ...[1, 2, 3].map(axis => op.mul(x, turned(x, axis)))], 1), side)
}

/** Every place along an axis gets what the next one has; the last gets the first's. */
const turned = (x: Expr, axis: number): Expr =>
  op.concat([op.slice(x, axis, 1, x.shape[axis]!), op.slice(x, axis, 0, 1)], axis)

/** Each doubles the right digits of an inverse: enough where no eigenvalue is below 2^-17 of their sum. */
const INVERSION_TURNS = 20

/**
 * The share of the variance of one set of columns that the best linear map of another explains, a mean over columns: as
 * a loss, an opponent who sees all that a linear map can see, and is fitted anew in every step. 0 where nothing is to
 * be seen but for about k / n, by chance; 1 where everything is.
 * @param seen `[n, k]`, a row a sample
 * @param shown `[n, t]`
 * @param ridge of the fit, as a share of the variance of a column
 */
export function linearShare(seen: Expr, shown: Expr, ridge = 1e-3): Expr {
  const [n, k] = seen.shape as [number, number]
  const columns = (x: Expr): Expr => {
    const centred = op.sub(x, op.mean(x, 0, true))
    return op.div(centred, op.sqrt(op.add(op.mean(op.square(centred), 0, true), 1e-6)))
  }
  const [s, p] = [columns(seen), columns(shown)]
  const transposed = op.transpose(s, [1, 0])
  const identity = tensor(
    'f32',
    [k, k],
    Float32Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0)),
  )
  const among = op.add(op.mul(op.matmul(transposed, s), 1 / n), op.mul(identity, ridge))
  const across = op.mul(op.matmul(transposed, p), 1 / n)
  // Newton's iteration for the inverse: the sum of the eigenvalues is k (1 + ridge), so that it converges.
  const fixed = op.stopGradient(among)
  let inverse = op.mul(identity, 1 / (k * (1 + ridge)))
  for (let turn = 0; turn < INVERSION_TURNS; turn++)
    inverse = op.matmul(inverse, op.sub(op.mul(identity, 2), op.matmul(fixed, inverse)))
  // The map is the best one: no small change of it changes what it explains, so that it counts as a constant.
  const map = op.stopGradient(op.matmul(inverse, op.stopGradient(across)))
  const explained = op.sub(op.mul(2, op.mul(map, across)), op.mul(map, op.matmul(among, map)))
  return op.mul(op.sum(explained), 1 / shown.shape[1]!)
}

/** Squared correlations of a cipher image's outlines with the plain image's, by kind. */
export const outlines = (cipher: Expr, plain: Expr): Readonly<Record<'edges' | 'deviation' | 'squint', Expr>> => ({
  edges: squaredCorrelation(edgeMap(cipher), edgeMap(plain)),
  deviation: squaredCorrelation(blockDeviation(cipher), blockDeviation(plain)),
  squint: squaredCorrelation(squint(cipher), squint(plain)),
})
