import { normalTwoSided } from '../statistics/special.ts'
import { histogram } from './histogram.ts'
import type { NullTest } from './samples.ts'

/** Mean of uniform bytes, and their second and fourth central moments. */
const MEAN = 127.5
const VARIANCE = (256 ** 2 - 1) / 12
const FOURTH = (3 * 256 ** 4 - 10 * 256 ** 2 + 7) / 240

/**
 * Mean squared difference of every inner pixel to its four neighbours, averaged over channels:
 * A = mean of G(x, y), G = 1/4 sum (I(x, y) - I(neighbour))^2.
 */
export function meanGradient(bytes: Uint8Array, width: number, height: number, stride: number): number {
  let sum = 0
  const row = width * stride
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + stride; at < (y + 1) * row - stride; at++) {
      const v = bytes[at]!
      sum +=
        (v - bytes[at - stride]!) ** 2 +
        (v - bytes[at + stride]!) ** 2 +
        (v - bytes[at - row]!) ** 2 +
        (v - bytes[at + row]!) ** 2
    }
  }
  return sum / (4 * stride * (width - 2) * (height - 2))
}

/**
 * Grey value degree, GVD = (A_cipher - A_plain) / (A_cipher + A_plain) in (-1, 1), near 1 for a well
 * scrambled picture (a textbook measure; Xiang et al. 2007 use it). Its size depends on the plain
 * image, so p is that of A_cipher alone: over n inner samples of random bytes A has mean
 * 2 s^2 = 10922.5 and variance (4 m4 - 2 s^4) / n, every edge being shared by two pixels.
 * @returns undefined below 3 x 3 pixels, and value 0 where both images are flat
 */
export function gvdTest(
  plain: Uint8Array,
  cipher: Uint8Array,
  width: number,
  height: number,
  stride: number,
): NullTest | undefined {
  if (width < 3 || height < 3) return undefined
  const before = meanGradient(plain, width, height, stride)
  const after = meanGradient(cipher, width, height, stride)
  const n = stride * (width - 2) * (height - 2)
  const z = (after - 2 * VARIANCE) / Math.sqrt((4 * FOURTH - 2 * VARIANCE ** 2) / n)
  return { value: before + after === 0 ? 0 : (after - before) / (after + before), p: normalTwoSided(z) }
}

/**
 * Mean squared difference of cipher and plain against what bytes independent of the plain would give:
 * (mean(p) - 127.5)^2 + var(p) + 5461.25, with the deviation that follows from the plain's histogram.
 * p is two-sided. A cipher that stays close to its plain, or mirrors it, fails.
 */
export function plainDistanceTest(plain: Uint8Array, cipher: Uint8Array): NullTest {
  const n = plain.length
  let squares = 0
  for (let i = 0; i < n; i++) squares += (plain[i]! - cipher[i]!) ** 2
  let expected = 0
  let variance = 0
  const counts = histogram(plain)
  for (let v = 0; v < 256; v++) {
    const d = v - MEAN
    const mean = d * d + VARIANCE
    // (C - v)^4 with C uniform: the third central moment vanishes.
    const fourth = FOURTH + 6 * d * d * VARIANCE + d ** 4
    expected += counts[v]! * mean
    variance += counts[v]! * (fourth - mean * mean)
  }
  return { value: squares / n, p: normalTwoSided((squares - expected) / Math.sqrt(variance)) }
}
