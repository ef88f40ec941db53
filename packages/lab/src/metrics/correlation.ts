import { chiSquareUpper, normalQuantile } from '../statistics/special.ts'
import type { NullTest } from './samples.ts'

/**
 * Correlation of adjacent pixels: r = cov(x, y) / (s_x s_y) over all pairs of neighbours in one
 * direction, each channel apart. Over n pairs of independent bytes sqrt(n) r is close to a standard
 * normal, so the 95 % band is -+ 1.96 / sqrt(n). Every pair is used: the sums are linear in the image.
 */

/** Steps to a pixel's neighbour, in pixels to the right and down. */
export const DIRECTIONS = { horizontal: [1, 0], vertical: [0, 1], diagonal: [1, 1], antidiagonal: [-1, 1] } as const
/** In which direction neighbours are compared. */
export type Direction = keyof typeof DIRECTIONS

/** Below so many pairs the coefficient is not close to normal. */
const MINIMUM_PAIRS = 100

/** Half-width of the null band over `pairs` pairs. */
export const correlationBand = (pairs: number, alpha = 0.05): number => normalQuantile(1 - alpha / 2) / Math.sqrt(pairs)

/** The correlation of neighbours, held against random bytes. */
export interface CorrelationTest extends NullTest {
  /** One coefficient a channel; NaN where a channel is constant. */
  readonly channels: readonly number[]
  /** Pairs a channel. */
  readonly pairs: number
}

/**
 * @param bytes a byte view of `stride` bytes a pixel
 * @returns value: the mean coefficient over channels; p: upper tail of sum n r^2 against chi-square
 * with one degree of freedom a channel. A constant channel is as far from random as can be: p = 0.
 * Undefined below 100 pairs.
 */
export function correlationTest(
  bytes: Uint8Array,
  width: number,
  height: number,
  stride: number,
  direction: Direction,
): CorrelationTest | undefined {
  const [dx, dy] = DIRECTIONS[direction]
  if (Math.max(0, width - Math.abs(dx)) * Math.max(0, height - dy) < MINIMUM_PAIRS) return undefined
  const channels = Array.from({ length: stride }, (_, c) => coefficient(bytes, width, height, stride, c, dx, dy))
  const pairs = (width - Math.abs(dx)) * (height - dy)
  const constant = channels.some(Number.isNaN)
  const statistic = channels.reduce((sum, r) => sum + pairs * r * r, 0)
  const value = constant ? 1 : channels.reduce((sum, r) => sum + r, 0) / stride
  return { value, p: constant ? 0 : chiSquareUpper(stride, statistic), channels, pairs }
}

function coefficient(
  bytes: Uint8Array,
  width: number,
  height: number,
  stride: number,
  channel: number,
  dx: number,
  dy: number,
): number {
  // Sums of integers below 2^53: exact.
  let sx = 0
  let sy = 0
  let sxx = 0
  let syy = 0
  let sxy = 0
  const from = dx < 0 ? -dx : 0
  const to = width - (dx > 0 ? dx : 0)
  const offset = (dy * width + dx) * stride
  for (let y = 0; y < height - dy; y++) {
    let at = (y * width + from) * stride + channel
    for (let x = from; x < to; x++, at += stride) {
      const a = bytes[at]!
      const b = bytes[at + offset]!
      sx += a
      sy += b
      sxx += a * a
      syy += b * b
      sxy += a * b
    }
  }
  return pearson((width - Math.abs(dx)) * (height - dy), sx, sy, sxx, syy, sxy)
}

function pearson(n: number, sx: number, sy: number, sxx: number, syy: number, sxy: number): number {
  const vx = n * sxx - sx * sx
  const vy = n * syy - sy * sy
  return vx <= 0 || vy <= 0 ? NaN : (n * sxy - sx * sy) / Math.sqrt(vx * vy)
}

/**
 * Correlation of two images sample by sample (cipher with plain, or a wrong key's result with plain).
 * @returns undefined where either is constant: nothing to correlate with
 */
export function imageCorrelation(a: Uint8Array, b: Uint8Array): NullTest | undefined {
  let sx = 0
  let sy = 0
  let sxx = 0
  let syy = 0
  let sxy = 0
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a[i]!
    const y = b[i]!
    sx += x
    sy += y
    sxx += x * x
    syy += y * y
    sxy += x * y
  }
  const value = pearson(n, sx, sy, sxx, syy, sxy)
  return Number.isNaN(value) ? undefined : { value, p: chiSquareUpper(1, n * value * value) }
}

/** Values of `count` neighbouring pairs spread evenly over the image, for a scatter plot of channel 0. */
export function neighbourPairs(
  bytes: Uint8Array,
  width: number,
  height: number,
  stride: number,
  direction: Direction,
  count: number,
): { x: number; y: number }[] {
  const [dx, dy] = DIRECTIONS[direction]
  const columns = width - Math.abs(dx)
  const total = columns * (height - dy)
  const step = Math.max(1, Math.floor(total / count))
  const pairs: { x: number; y: number }[] = []
  for (let i = 0; i < total && pairs.length < count; i += step) {
    const x = (i % columns) + (dx < 0 ? -dx : 0)
    const y = Math.floor(i / columns)
    pairs.push({ x: bytes[(y * width + x) * stride]!, y: bytes[((y + dy) * width + x + dx) * stride]! })
  }
  return pairs
}
