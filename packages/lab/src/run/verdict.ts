import { binomialLower } from '../statistics/special.ts'

/** What a run says of one scheme in one test. */
export type Verdict = 'consistent' | 'fails' | 'not measured'

/** Level of a single replicate, as in SP 800-22. */
export const LEVEL = 0.01
/** A scheme inside the null bands is called failing in one test about this often. */
const SHARE_LEVEL = 1e-5
const EXTREME_LEVEL = 1e-6

export interface TestVerdict {
  readonly verdict: Verdict
  readonly replicates: number
  /** Replicates with p >= 0.01. */
  readonly passed: number
  readonly smallestP: number
}

/**
 * Judges independent p-values of one scheme in one test. It fails if fewer of them reach 0.01 than
 * chance would explain once in 100,000 (binomial), or if the smallest is below 10^-6 over their number
 * (Bonferroni): a single replicate far outside is enough, a single one just outside never is.
 * "Consistent" means that no deviation was found with these replicates, and nothing more.
 */
export function judge(pValues: readonly number[]): TestVerdict {
  const replicates = pValues.length
  const passed = pValues.filter(p => p >= LEVEL).length
  const smallestP = Math.min(1, ...pValues)
  if (replicates === 0) return { verdict: 'not measured', replicates, passed, smallestP }
  const fails = smallestP * replicates < EXTREME_LEVEL || binomialLower(passed, replicates, 1 - LEVEL) < SHARE_LEVEL
  return { verdict: fails ? 'fails' : 'consistent', replicates, passed, smallestP }
}
