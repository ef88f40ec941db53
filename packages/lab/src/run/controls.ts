import { LatentError } from '@latent/core'
import { CONTROL_IDS, CONTROLS, type TestCard, type TestId, TESTS } from '../tests/index.ts'
import type { TestVerdict } from './verdict.ts'

/**
 * Deviations of the controls from what they must show; empty where the run is valid. Tests that do not apply to the
 * images are passed over.
 */
export function controlDeviations(
  verdicts: (scheme: string) => Readonly<Record<TestId, TestVerdict>> | undefined,
  tests: readonly TestCard[] = TESTS,
): string[] {
  return CONTROL_IDS.flatMap(scheme => {
    const found = verdicts(scheme)
    if (!found || Object.keys(found).length === 0) return [`${scheme} was not measured`]
    const mustFail = tests.filter(({ controls }) => controls?.fails?.includes(scheme))
    const mustPass =
      CONTROLS[scheme].role === 'negative' ? tests : tests.filter(({ controls }) => controls?.passes?.includes(scheme))
    const wrong = (asked: readonly TestCard[], expected: 'fails' | 'not contradicted') =>
      asked.flatMap(({ id }) => {
        const verdict = found[id]?.verdict ?? 'not measured'
        return verdict === expected || verdict === 'not measured'
          ? []
          : [`${scheme} ${verdict === 'fails' ? 'fails' : 'passes'} ${id}`]
      })
    return [...wrong(mustFail, 'fails'), ...wrong(mustPass, 'not contradicted')]
  })
}

const TOLD = 6

/**
 * The one place where controls decide: whatever is measured here, by the lab, a study or a comparison of classifiers,
 * is told only if that whose outcome is known came out as known.
 * @param deviations one half sentence each
 * @param what was measured, as in "the controls of this run"
 * @throws E_CONTROLS if there are any: then nothing may be reported
 */
export function requireControls(
  deviations: readonly string[],
  what = 'run',
  hint = 'very few or very small images leave too little to see; give more of them, or larger ones',
): void {
  if (deviations.length === 0) return
  const more = deviations.length > TOLD ? `; and ${deviations.length - TOLD} more` : ''
  throw new LatentError(
    'E_CONTROLS',
    `the controls of this ${what} did not behave as known, so it says nothing: ` +
      `${deviations.slice(0, TOLD).join('; ')}${more}`,
    { hint },
  )
}
