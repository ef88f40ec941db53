import type { Image, ImageCipher } from '@latent/core'
import type { NullTest } from '../metrics/index.ts'
import { binomialLower, binomialUpper, igamc, twoSided } from '../statistics/special.ts'
import { measureImage } from './measure.ts'
import type { ImageRow } from './rows.ts'
import { resultsOf } from './test-results.ts'
import { type LabTest, searchKeys, TESTS } from '../tests/index.ts'
import { requireControls } from './controls.ts'

/** How often a cipher with nothing to find passed one test, and whether that is its stated rate. */
export interface NullRate {
  /** A test, or `ID, published interval`. */
  readonly test: string
  readonly trials: number
  /** Share of trials with p >= 0.05, and with p >= 0.01. */
  readonly at95: number
  readonly at99: number
  /** p-values over ten bins against uniform; 1 for the published interval, which has no p-value; NaN of whole runs. */
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
export async function nullRates(
  cipher: ImageCipher,
  plain: Image,
  trials: number,
  { tests = TESTS, onTrial }: NullOptions = {},
): Promise<NullRate[]> {
  const found = new Map<string, NullTest[]>(tests.map(({ id }) => [id, []]))
  for (let seed = 0; seed < trials; seed++) {
    const row = await measureImage(cipher, plain, { imageId: 'null', seed, tests })
    for (const [id, result] of Object.entries(row.tests)) found.get(id)!.push(result)
    onTrial?.(seed + 1)
  }
  const measured = tests.flatMap(test =>
    found.get(test.id)!.length > 0 ? [{ test, results: found.get(test.id)! }] : [],
  )
  return [
    ...measured.map(({ test, results }) =>
      rate(
        test,
        results.map(({ p }) => p),
      ),
    ),
    ...measured.flatMap(({ test, results }) =>
      publishedRate(
        test,
        results.map(({ value }) => value),
      ),
    ),
  ]
}

/** Which tests are checked (those of the lab by default), and who is told of progress. */
export interface NullOptions {
  readonly tests?: readonly LabTest[]
  readonly onTrial?: (done: number) => void
}

/** @throws E_CONTROLS if a band does not hold: then the tests say nothing here */
export function requireBands(rates: readonly (NullRate & { readonly cipher: string })[]): void {
  const off = rates.filter(({ asStated }) => !asStated)
  requireControls(
    off.map(({ cipher, test }) => `${cipher} is not passed by ${test} at its stated rate`),
    'check of the bands',
    'with other trials a single one may be chance; more than one is not',
  )
}

/** A published interval is known to hold another share of random images than it says: that is what must be seen. */
function publishedRate({ id, published }: LabTest, values: readonly number[]): NullRate[] {
  if (!published) return []
  const { low, high, holds } = published
  const [inside, trials] = [values.filter(value => value > low && value < high).length, values.length]
  const tail = twoSided(binomialLower(inside, trials, holds), binomialUpper(inside, trials, holds))
  return [
    {
      test: `${id}, published interval`,
      trials,
      at95: inside / trials,
      at99: NaN,
      uniformity: 1,
      asStated: tail >= TOLERANCE,
    },
  ]
}

/** Keys among which a trial looks for equal ciphers: noise has none, however many there are. */
const KEYS_TRIED = 256

/**
 * The same for whole runs: all pictures under keys of their own, all ciphers together, and many keys. The p-value of
 * each test of a run is made of several, and most tests look at many cells, so that noise passes them more often than
 * stated. The last entry is of the family: how often not one test of a run, after all were looked at, was below 0.05 or
 * 0.01.
 */
export async function familyRates(
  cipher: ImageCipher,
  pictures: readonly Image[],
  trials: number,
  { tests = TESTS, onTrial }: NullOptions = {},
): Promise<NullRate[]> {
  const found = new Map<string, number[]>()
  const note = (test: string, p: number) => found.set(test, [...(found.get(test) ?? []), p])
  for (let seed = 0; seed < trials; seed++) {
    const rows: ImageRow[] = []
    for (const [at, plain] of pictures.entries())
      rows.push(await measureImage(cipher, plain, { imageId: `null-${at}`, seed, tests }))
    const results = resultsOf(tests, rows, await searchKeys(cipher, pictures[0]!, KEYS_TRIED, seed), {})
    for (const [id, { p }] of Object.entries(results)) note(`${id}, in a run`, p)
    note(FAMILY, Math.min(...Object.values(results).map(({ adjusted }) => adjusted)))
    onTrial?.(seed + 1)
  }
  // They are no uniform p-values, and none are asked for.
  return [...found].map(([test, values]) => ({ ...rate({ id: test, lenient: true }, values), uniformity: NaN }))
}

/** The name of the entry for all tests of a run. */
export const FAMILY = 'every test of a run'

const BINS = 10

function rate({ id, lenient = false }: Pick<LabTest, 'id' | 'lenient'>, values: readonly number[]): NullRate {
  const trials = values.length
  const at = (level: number) => values.filter(p => p >= level).length
  const tail = (level: number) => {
    const lower = binomialLower(at(level), trials, 1 - level)
    return lenient ? lower : twoSided(lower, binomialUpper(at(level), trials, 1 - level))
  }
  const bins = new Uint32Array(BINS)
  for (const p of values) bins[Math.min(BINS - 1, Math.floor(p * BINS))]!++
  const uniformity = igamc(
    (BINS - 1) / 2,
    bins.reduce((sum, count) => sum + (count - trials / BINS) ** 2 / (trials / BINS), 0) / 2,
  )
  return {
    test: id,
    trials,
    at95: at(0.05) / trials,
    at99: at(0.01) / trials,
    uniformity,
    asStated: tail(0.05) >= TOLERANCE && tail(0.01) >= TOLERANCE && (lenient || uniformity >= TOLERANCE),
  }
}
