import { KeyStream, LatentError } from '@latent/core'
import {
  chiSquareLower,
  chiSquareUpper,
  logGamma,
  normalQuantile,
  normalTwoSided,
  twoSided,
} from '../statistics/special.ts'
import { histogram, HISTOGRAM_DOF, HISTOGRAM_MINIMUM, total } from './histogram.ts'
import type { NullTest } from './samples.ts'

/**
 * Shannon entropy of byte histograms, in bits a byte. A random string of finite length does not reach
 * 8: its expected deficit is about 255 / (2 n ln 2), so 7.9972 is a perfect score at 256 x 256 and
 * "7.99" at 32 x 32 is impossible.
 */

/** H = - sum p log2 p over the byte histogram; 0 to 8. */
export function shannonEntropy(bytes: Uint8Array): number {
  return entropyOfCounts(histogram(bytes), bytes.length)
}

function entropyOfCounts(counts: ArrayLike<number>, n: number): number {
  let sum = 0
  for (let v = 0; v < counts.length; v++) if (counts[v]! > 1) sum += counts[v]! * Math.log2(counts[v]!)
  return Math.log2(n) - sum / n
}

/** The distribution of one byte value's count over `n` uniform bytes, Bin(n, 1/256). */
function countDistribution(n: number): { low: number; weights: Float64Array } {
  // Counts further than 12 deviations from their mean carry less weight than a double resolves.
  const reach = 12 * Math.sqrt(n / 256) + 12
  const low = Math.max(0, Math.floor(n / 256 - reach))
  const high = Math.min(n, Math.ceil(n / 256 + reach))
  const logN = logGamma(n + 1)
  const weights = Float64Array.from({ length: high - low + 1 }, (_, i) => {
    const k = low + i
    return Math.exp(logN - logGamma(k + 1) - logGamma(n - k + 1) - k * Math.log(256) + (n - k) * Math.log1p(-1 / 256))
  })
  return { low, weights }
}

// The contribution of one count to H.
const term = (k: number, n: number): number => (k === 0 ? 0 : -(k / n) * Math.log2(k / n))

const means = new Map<number, number>()

/** Exact mean of H over `n` uniform bytes: 7.9972 at 65,536. Remembered for each n. */
export function expectedEntropy(n: number): number {
  let mean = means.get(n)
  if (mean === undefined) {
    const { low, weights } = countDistribution(n)
    mean = 256 * weights.reduce((sum, weight, i) => sum + weight * term(low + i, n), 0)
    means.set(n, mean)
  }
  return mean
}

const deviations = new Map<number, number>()

/**
 * Exact standard deviation of H over `n` uniform bytes: the variance of one count's term, and the
 * covariance of two, summed over their trinomial distribution. Meant for blocks of a few thousand
 * bytes: the time grows with n. Remembered for each n.
 */
export function entropyDeviation(n: number): number {
  const known = deviations.get(n)
  if (known !== undefined) return known
  const { low, weights } = countDistribution(n)
  const mean = expectedEntropy(n) / 256
  const square = weights.reduce((sum, weight, i) => sum + weight * term(low + i, n) ** 2, 0)
  const size = weights.length
  const logN = logGamma(n + 1)
  const single = Float64Array.from(weights, (_, i) => -(low + i) * Math.log(256) - logGamma(low + i + 1))
  const rest = Float64Array.from({ length: 2 * size - 1 }, (_, i) => {
    const left = n - 2 * low - i
    return left < 0 ? -Infinity : logN - logGamma(left + 1) + left * Math.log1p(-2 / 256)
  })
  let product = 0
  for (let a = 0; a < size; a++) {
    let inner = 0
    for (let b = 0; b < size; b++) inner += Math.exp(single[a]! + single[b]! + rest[a + b]!) * term(low + b, n)
    product += inner * term(low + a, n)
  }
  const deviation = Math.sqrt(256 * (square - mean ** 2) + 256 * 255 * (product - mean ** 2))
  deviations.set(n, deviation)
  return deviation
}

/** Entropy in bits a byte, held against random bytes of the same length. */
export interface EntropyTest extends NullTest {
  /** What a random string of this length gives on average. */
  readonly expected: number
}

/**
 * Global entropy. Its deficit is a likelihood-ratio statistic, G = 2 n ln 2 (8 - H), chi-square with
 * 255 degrees of freedom for large n; G is rescaled to its exact mean for small n (after Williams).
 * p is two-sided.
 * @returns undefined below 1,280 bytes
 */
export function entropyTest(bytes: Uint8Array): EntropyTest | undefined {
  return entropyTestOfCounts(histogram(bytes))
}

/** The same from counts, which may be pooled over small images. */
export function entropyTestOfCounts(counts: ArrayLike<number>): EntropyTest | undefined {
  const n = total(counts)
  if (n < HISTOGRAM_MINIMUM) return undefined
  const value = entropyOfCounts(counts, n)
  const expected = expectedEntropy(n)
  const g = (HISTOGRAM_DOF * (8 - value)) / (8 - expected)
  return { value, expected, p: twoSided(chiSquareLower(HISTOGRAM_DOF, g), chiSquareUpper(HISTOGRAM_DOF, g)) }
}

/** Blocks of 44 x 44 pixels, 30 of them: the parameters that the published intervals are for. */
export const LOCAL_BLOCK_SIDE = 44
/** How many blocks are drawn. */
export const LOCAL_BLOCKS = 30
const BLOCK_BYTES = LOCAL_BLOCK_SIDE ** 2

/**
 * [Note: The published local entropy interval] Wu et al. (Information Sciences 222, 2013) accept a
 * mean block entropy in these intervals. Their half-width divides the deviation of one block by k = 30,
 * where the mean of k blocks has deviation divided by sqrt(k): truly random images fall inside about
 * 28 % of the time at alpha = 0.05, not 95 %. Both intervals are reported; verdicts use the corrected one.
 */
export const LOCAL_PUBLISHED: Readonly<Record<0.05 | 0.01 | 0.001, { low: number; high: number }>> = {
  0.05: { low: 7.901901305, high: 7.903037329 },
  0.01: { low: 7.901722822, high: 7.903215812 },
  0.001: { low: 7.901515698, high: 7.903422936 },
}

/** The interval that a random image's mean block entropy falls into with probability 1 - alpha. */
export function localCorrected(alpha: number, blocks = LOCAL_BLOCKS): { low: number; high: number } {
  const mean = expectedEntropy(BLOCK_BYTES)
  const reach = (normalQuantile(1 - alpha / 2) * entropyDeviation(BLOCK_BYTES)) / Math.sqrt(blocks)
  return { low: mean - reach, high: mean + reach }
}

/** Mean entropy of blocks in bits a byte, held against random bytes. */
export interface LocalEntropyTest extends NullTest {
  /** Inside the interval of the 2013 paper at 0.05, which rejects most random images. */
  readonly insidePublished: boolean
}

/**
 * Local Shannon entropy: the mean entropy of 30 blocks of 44 x 44 pixels, drawn without overlap from a
 * grid laid over every channel. Mean 7.902469, deviation 0.0087 / sqrt(30) under the null; p two-sided.
 * @param stride bytes a pixel, each a channel of its own
 * @param seed chooses the blocks
 * @returns undefined where fewer than 30 blocks fit
 */
export async function localEntropyTest(
  bytes: Uint8Array,
  width: number,
  height: number,
  stride: number,
  seed: Uint8Array,
): Promise<LocalEntropyTest | undefined> {
  if (bytes.length !== width * height * stride)
    throw new LatentError('E_ARGUMENT', `expected ${width * height * stride} bytes, received ${bytes.length}`)
  const across = Math.floor(width / LOCAL_BLOCK_SIDE)
  const down = Math.floor(height / LOCAL_BLOCK_SIDE)
  const available = across * down * stride
  if (available < LOCAL_BLOCKS) return undefined
  const stream = await KeyStream.create(seed, 'latent/v1/lab/local-entropy')
  const chosen = (await stream.permutation(available)).subarray(0, LOCAL_BLOCKS)
  const counts = new Uint32Array(256)
  let sum = 0
  for (const block of chosen) {
    const channel = block % stride
    const cell = Math.floor(block / stride)
    const left = (cell % across) * LOCAL_BLOCK_SIDE
    const top = Math.floor(cell / across) * LOCAL_BLOCK_SIDE
    counts.fill(0)
    for (let y = top; y < top + LOCAL_BLOCK_SIDE; y++) {
      for (let x = left; x < left + LOCAL_BLOCK_SIDE; x++) counts[bytes[(y * width + x) * stride + channel]!]!++
    }
    sum += entropyOfCounts(counts, BLOCK_BYTES)
  }
  const value = sum / LOCAL_BLOCKS
  const z = ((value - expectedEntropy(BLOCK_BYTES)) * Math.sqrt(LOCAL_BLOCKS)) / entropyDeviation(BLOCK_BYTES)
  const published = LOCAL_PUBLISHED[0.05]
  return { value, p: normalTwoSided(z), insidePublished: value > published.low && value < published.high }
}
