import { argumentError } from '@latent/core'
import { binomialLower, binomialUpper, normalQuantile, normalTwoSided, twoSided } from '../statistics/special.ts'
import type { NullTest } from './samples.ts'

/**
 * How two ciphers differ. The two are ciphers of plains that differ in one pixel, or of one plain
 * under two keys; never a plain and its cipher, a common misuse of these names.
 *
 * Source of NPCR and UACI and their limits: Wu, Noonan and Agaian, "NPCR and UACI randomness tests
 * for image encryption", Cyber Journals: JSAT 2011. Their NPCR test is one-sided; here it is
 * two-sided, since a constant difference (NPCR of exactly 100 %) is no more random than none.
 */

const F = 255

/** Mean and standard deviation of NPCR over `n` random bytes, as shares of 1: F/(F+1), sqrt(F/n)/(F+1). */
export const npcrNull = (n: number) => ({ mean: F / (F + 1), deviation: Math.sqrt(F / n) / (F + 1) })

/** Mean and standard deviation of UACI over `n` random bytes, as shares of 1. */
export const uaciNull = (n: number) => ({
  mean: (F + 2) / (3 * F + 3),
  deviation: Math.sqrt(((F + 2) * (F * F + 2 * F + 3)) / (18 * (F + 1) ** 2 * F * n)),
})

/** The limits of a test at level `alpha`, as shares of 1. */
export interface Limits {
  readonly low: number
  readonly high: number
}

/** The published one-sided limit: reject below mean - z(1 - alpha) deviation. */
export function npcrOneSidedLimit(n: number, alpha: number): number {
  const { mean, deviation } = npcrNull(n)
  return mean - normalQuantile(1 - alpha) * deviation
}

/** Two-sided limits: mean -+ z(1 - alpha/2) deviation. */
export const npcrLimits = (n: number, alpha: number): Limits => around(npcrNull(n), alpha)
/**
 * Two-sided limits of UACI, as {@link npcrLimits} of NPCR.
 * @param n bytes of a cipher
 * @param alpha share of random pairs outside
 */
export const uaciLimits = (n: number, alpha: number): Limits => around(uaciNull(n), alpha)

function around({ mean, deviation }: { mean: number; deviation: number }, alpha: number): Limits {
  const reach = normalQuantile(1 - alpha / 2) * deviation
  return { low: mean - reach, high: mean + reach }
}

/** Differences of two ciphers, with p-values against two independent random byte strings. */
export interface Differential {
  /** Bytes compared. */
  readonly n: number
  /** Share of differing bytes, 0 to 1; p from the exact binomial distribution, two-sided. */
  readonly npcr: NullTest
  /** Mean absolute difference over 255, 0 to 1; p from the normal approximation, two-sided. */
  readonly uaci: NullTest
  /** Share of differing bits, 0 to 1, expected 1/2 -+ 1.96 x 0.5 / sqrt(8 n); p two-sided. */
  readonly avalanche: NullTest
}

const ONES = Uint8Array.from({ length: 256 }, (_, v) => v.toString(2).replaceAll('0', '').length)

/**
 * NPCR = #{a != b} / n, UACI = sum |a - b| / (255 n), avalanche = popcount(a ^ b) / (8 n).
 * @param a bytes of one cipher
 * @param b bytes of another, as many
 */
export function differential(a: Uint8Array, b: Uint8Array): Differential {
  if (a.length !== b.length || a.length === 0) throw argumentError('b', `${a.length} bytes`, b)
  const n = a.length
  let differing = 0
  let distance = 0
  let bits = 0
  for (let i = 0; i < n; i++) {
    const x = a[i]!
    const y = b[i]!
    if (x === y) continue
    differing++
    distance += x > y ? x - y : y - x
    bits += ONES[x ^ y]!
  }
  const uaci = distance / (F * n)
  const { mean, deviation } = uaciNull(n)
  const share = F / (F + 1)
  return {
    n,
    npcr: { value: differing / n, p: twoSided(binomialLower(differing, n, share), binomialUpper(differing, n, share)) },
    uaci: { value: uaci, p: normalTwoSided((uaci - mean) / deviation) },
    avalanche: { value: bits / (8 * n), p: normalTwoSided((bits / (8 * n) - 0.5) * 2 * Math.sqrt(8 * n)) },
  }
}

/** A share of samples below which nothing was opened: four times what chance alone gives, one byte in 256. */
export const OPENS = 1 / 64

/**
 * The share of `target` that falls to someone who knows one pair: estimates it as
 * `targetCipher ^ knownCipher ^ known` (a reused mask gives all of it). p is the upper binomial tail
 * against one sample in 64. Chance gives one in 256, and a permutation adds the pixels that it happens to
 * leave in place; neither is a reused mask, however many pictures are looked at.
 * @param known must not depend on `target`: a pair of equal pictures opens itself under any cipher
 */
export function maskReuse(
  known: Uint8Array,
  knownCipher: Uint8Array,
  target: Uint8Array,
  targetCipher: Uint8Array,
): NullTest {
  const n = Math.min(known.length, target.length)
  let found = 0
  for (let i = 0; i < n; i++) if ((targetCipher[i]! ^ knownCipher[i]! ^ known[i]!) === target[i]) found++
  return { value: found / n, p: binomialUpper(found, n, OPENS) }
}
