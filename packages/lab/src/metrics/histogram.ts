import { chiSquareCritical, chiSquareLower, chiSquareUpper, twoSided } from '../statistics/special.ts'
import type { NullTest } from './samples.ts'

/** How often each byte value occurs. */
export function histogram(bytes: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256)
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++
  return counts
}

export const HISTOGRAM_DOF = 255

/** The textbook one-sided critical value with 255 degrees of freedom: 293.2478 at 0.05. */
export const histogramCritical = (alpha: number): number => chiSquareCritical(HISTOGRAM_DOF, alpha)

/** Fewer bytes than this give expected counts below 5: pool small images first. */
export const HISTOGRAM_MINIMUM = 1280

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
  if (bytes.length < HISTOGRAM_MINIMUM) return undefined
  const expected = bytes.length / 256
  let squares = 0
  let absolute = 0
  for (const count of histogram(bytes)) {
    squares += (count - expected) ** 2
    absolute += Math.abs(count - expected)
  }
  const value = squares / expected
  const p = twoSided(chiSquareLower(HISTOGRAM_DOF, value), chiSquareUpper(HISTOGRAM_DOF, value))
  return { value, p, variance: squares / 256, deviation: absolute / 256 / expected }
}
