import { fisher, holm, smallestOf } from '../statistics/multiple.ts'
import { binomialLower } from '../statistics/special.ts'

/**
 * What a run says of one scheme in one test. A test can contradict the hypothesis that the cipher is noise, and never
 * support it.
 */
export type Verdict = 'not contradicted' | 'fails' | 'not measured'

/** Level of a single replicate, as in SP 800-22. */
export const LEVEL = 0.01

/**
 * A scheme with nothing to find fails a single one of all its tests in a run about this often, at most: the level is
 * shared out over them by Holm's method.
 */
export const FAMILY_LEVEL = 1e-4

/** What all measurements of one test come to. */
export interface Weighed {
  readonly replicates: number
  /** Replicates with p >= 0.01. */
  readonly passed: number
  readonly smallestP: number
  /** One p-value of everything in the test. */
  readonly p: number
}

/** A test's standing among the others of its scheme. */
export interface TestVerdict extends Weighed {
  readonly verdict: Verdict
  /** `p` after all tests of the scheme in this run were looked at (Holm); it fails below {@link FAMILY_LEVEL}. */
  readonly adjusted: number
}

/**
 * One p-value from those of single images and of all together. Images speak in three ways: how many of them reach 0.01
 * (binomial), the smallest (Bonferroni), and their product (Fisher), so that one far outside is seen as well as many a
 * little outside. The smallest of these and of what was found `together` counts, times their number.
 * @param together p-values of sums over all images, or over keys
 */
export function judge(pValues: readonly number[], together: readonly number[] = []): Weighed {
  const replicates = pValues.length
  const passed = pValues.filter(p => p >= LEVEL).length
  const smallestP = Math.min(1, ...pValues)
  const ways = [...waysOf(pValues, passed, smallestP), ...together]
  // Where nothing was measured, nothing was found: not a p-value of 0.
  const p = ways.length === 0 ? 1 : smallestOf(Math.min(...ways), ways.length)
  return { replicates, passed, smallestP, p }
}

function waysOf(pValues: readonly number[], passed: number, smallestP: number): number[] {
  if (pValues.length < 2) return [...pValues]
  return [binomialLower(passed, pValues.length, 1 - LEVEL), smallestOf(smallestP, pValues.length), fisher(pValues)]
}

/** In how many ways {@link judge} looks. */
export const waysFor = (replicates: number, together: number): number => (replicates < 2 ? replicates : 3) + together

/** The verdicts of one scheme: all its tests of a run are one family. */
export function verdicts<T extends Weighed>(judged: Readonly<Record<string, T>>): Record<string, T & TestVerdict> {
  const names = Object.keys(judged)
  const adjusted = holm(names.map(name => judged[name]!.p))
  return Object.fromEntries(
    names.map((name, at) => [
      name,
      {
        ...judged[name]!,
        adjusted: adjusted[at]!,
        verdict: adjusted[at]! < FAMILY_LEVEL ? ('fails' as const) : ('not contradicted' as const),
      },
    ]),
  )
}
