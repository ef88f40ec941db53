import { chiSquareCritical, chiSquareLower, chiSquareUpper, twoSided } from '../statistics/special.ts'
import type { NullTest } from './samples.ts'

/** How often each byte value occurs. */
export function histogram(bytes: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256)
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++
  return counts
}

/** Degrees of freedom of 256 counts that add up to n. */
export const HISTOGRAM_DOF = 255

/** The textbook one-sided critical value with 255 degrees of freedom: 293.2478 at 0.05. */
export const histogramCritical = (alpha: number): number => chiSquareCritical(HISTOGRAM_DOF, alpha)

/** Fewer bytes than this give expected counts below 5: pool small images first. */
export const HISTOGRAM_MINIMUM = 1280

/** Chi-square of a histogram, held against random bytes. */
export interface HistogramTest extends NullTest {
  /** Variance of the 256 counts. */
  readonly variance: number
  /** Mean absolute deviation of a count from n/256, relative to n/256. */
  readonly deviation: number
}

/**
 * Pearson's chi-square of the byte histogram against uniform, sum (o - e)^2 / e with e = n/256;
 * 255 degrees of freedom under the null. p is two-sided: a histogram flatter than chance is suspect too.
 * @returns undefined below {@link HISTOGRAM_MINIMUM} bytes
 */
export function histogramTest(bytes: Uint8Array): HistogramTest | undefined {
  return histogramTestOfCounts(histogram(bytes))
}

/** The same from counts, which may be pooled over small images. */
export function histogramTestOfCounts(counts: ArrayLike<number>): HistogramTest | undefined {
  const n = total(counts)
  if (n < HISTOGRAM_MINIMUM) return undefined
  const expected = n / 256
  let squares = 0
  let absolute = 0
  for (let v = 0; v < 256; v++) {
    squares += (counts[v]! - expected) ** 2
    absolute += Math.abs(counts[v]! - expected)
  }
  const value = squares / expected
  const p = twoSided(chiSquareLower(HISTOGRAM_DOF, value), chiSquareUpper(HISTOGRAM_DOF, value))
  return { value, p, variance: squares / 256, deviation: absolute / 256 / expected }
}

/** Sum of counts. */
export function total(counts: ArrayLike<number>): number {
  let sum = 0
  for (let v = 0; v < counts.length; v++) sum += counts[v]!
  return sum
}
