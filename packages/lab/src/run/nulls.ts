import type { Image, ImageCipher } from '@latent/core'
import { binomialLower, binomialUpper, igamc, twoSided } from '../statistics/special.ts'
import { measureImage } from './measure.ts'
import { TEST_IDS, type TestId } from './tests.ts'

/** How often a cipher with nothing to find passed one test, and whether that is its stated rate. */
export interface NullRate {
  readonly test: TestId | 'local-entropy, published interval'
  readonly trials: number
  /** Share of trials with p >= 0.05, and with p >= 0.01. */
  readonly at95: number
  readonly at99: number
  /** p-values over ten bins against uniform; 1 for the published interval, which has no p-value. */
  readonly uniformity: number
  /** Both shares are within what chance explains at 1 in 10,000, and the p-values are uniform at 1 in 10,000. */
  readonly asStated: boolean
}

const TOLERANCE = 1e-4

/**
 * Checks the bands themselves: a cipher that is beyond doubt (AES-CTR with fresh nonces, ChaCha20,
 * noise) is measured over many seeds, and each test must pass it at its stated rate. NPCR is discrete and
 * passes a little more often than stated, because its p-values are exact and not randomised; mask reuse
 * asks for more than chance, and always passes. For these only too few passes count.
 */
export async function nullRates(cipher: ImageCipher, plain: Image, trials: number, onTrial?: (done: number) => void): Promise<NullRate[]> {
  const pValues = new Map<TestId, number[]>(TEST_IDS.map(id => [id, []]))
  let inside = 0
  let measured = 0
  for (let seed = 0; seed < trials; seed++) {
    const row = await measureImage(cipher, plain, { imageId: 'null', seed })
    for (const id of TEST_IDS) if (row.tests[id]) pValues.get(id)!.push(row.tests[id].p)
    if (row.localEntropyPublished !== undefined) {
      measured++
      if (row.localEntropyPublished) inside++
    }
    onTrial?.(seed + 1)
  }
  const rates = TEST_IDS.flatMap(id => (pValues.get(id)!.length > 0 ? [rate(id, pValues.get(id)!)] : []))
  // The published interval is known to hold 27.8 % of random images: that is what must be seen.
  const tail = twoSided(binomialLower(inside, measured, PUBLISHED_RATE), binomialUpper(inside, measured, PUBLISHED_RATE))
  if (measured > 0) rates.push({ test: 'local-entropy, published interval', trials: measured, at95: inside / measured, at99: NaN, uniformity: 1, asStated: tail >= TOLERANCE })
  return rates
}

/** P(|Z| < 1.96 / sqrt(30)): the interval that divides by 30 where it should by its root. */
export const PUBLISHED_RATE = 0.2796

const LENIENT = new Set<TestId>(['pixel-npcr', 'key-npcr', 'mask-reuse'])
const BINS = 10

function rate(test: TestId, values: readonly number[]): NullRate {
  const trials = values.length
  const at = (level: number) => values.filter(p => p >= level).length
  const tail = (level: number) => {
    const lower = binomialLower(at(level), trials, 1 - level)
    return LENIENT.has(test) ? lower : twoSided(lower, binomialUpper(at(level), trials, 1 - level))
  }
  const bins = new Uint32Array(BINS)
  for (const p of values) bins[Math.min(BINS - 1, Math.floor(p * BINS))]!++
  const uniformity = igamc((BINS - 1) / 2, bins.reduce((sum, count) => sum + (count - trials / BINS) ** 2 / (trials / BINS), 0) / 2)
  return { test, trials, at95: at(0.05) / trials, at99: at(0.01) / trials, uniformity, asStated: tail(0.05) >= TOLERANCE && tail(0.01) >= TOLERANCE && (LENIENT.has(test) || uniformity >= TOLERANCE) }
}
