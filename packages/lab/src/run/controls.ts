import { LatentError } from '@latent/core'
import type { TestId } from './tests.ts'
import { TEST_IDS } from './tests.ts'
import type { TestVerdict } from './verdict.ts'

/**
 * What a control must show in every run. Negative controls have nothing to find; positive controls
 * have a known weakness that the tests must find. A run in which either behaves otherwise has
 * measured nothing, whatever it says of other schemes.
 */
export interface ControlExpectation {
  readonly role: 'negative' | 'positive'
  readonly mustFail: readonly TestId[]
  readonly mustPass: readonly TestId[]
}

const PIXEL = ['pixel-npcr', 'pixel-uaci', 'pixel-avalanche'] as const
const KEY = ['key-npcr', 'key-uaci', 'key-avalanche'] as const
const CIPHER = TEST_IDS.filter(id => !id.startsWith('pixel') && !id.startsWith('key') && !id.startsWith('wrong') && id !== 'mask-reuse')
const NEIGHBOURS = CIPHER.filter(id => id.startsWith('correlation'))

export const CONTROLS: Readonly<Record<string, ControlExpectation>> = {
  'random-bytes': { role: 'negative', mustPass: TEST_IDS, mustFail: [] },
  'aes-256-ctr': { role: 'negative', mustPass: TEST_IDS, mustFail: [] },
  identity: { role: 'positive', mustPass: [], mustFail: ['histogram', 'entropy', ...NEIGHBOURS, 'gvd', 'plain-correlation', 'plain-distance', ...PIXEL, ...KEY, 'wrong-key-correlation', 'wrong-key-distance', 'mask-reuse'] },
  // Its neighbours are unrelated too, but the channels of a pixel are not, so that the test's level is not exact.
  'fixed-permutation': { role: 'positive', mustPass: ['mask-reuse'], mustFail: ['histogram', 'entropy', ...PIXEL] },
  'xor-reused-mask': { role: 'positive', mustPass: [...CIPHER, ...KEY], mustFail: [...PIXEL, 'mask-reuse'] },
  'aes-256-ctr-fixed': { role: 'positive', mustPass: [...CIPHER, ...KEY], mustFail: [...PIXEL, 'mask-reuse'] },
  'aes-256-cbc': { role: 'positive', mustPass: [...CIPHER, ...KEY, 'mask-reuse'], mustFail: ['pixel-npcr', 'pixel-uaci'] },
}

export const CONTROL_IDS = Object.keys(CONTROLS)

/** Deviations of the controls from what they must show; empty where the run is valid. Tests that do not apply to the images are passed over. */
export function controlDeviations(verdicts: (scheme: string) => Partial<Record<TestId, TestVerdict>> | undefined): string[] {
  return Object.entries(CONTROLS).flatMap(([scheme, { mustFail, mustPass }]) => {
    const found = verdicts(scheme)
    if (!found || Object.keys(found).length === 0) return [`${scheme} was not measured`]
    const wrong = (tests: readonly TestId[], expected: 'fails' | 'consistent') =>
      tests.flatMap(id => {
        const verdict = found[id]?.verdict ?? 'not measured'
        return verdict === expected || verdict === 'not measured' ? [] : [`${scheme} ${verdict === 'fails' ? 'fails' : 'passes'} ${id}`]
      })
    return [...wrong(mustFail, 'fails'), ...wrong(mustPass, 'consistent')]
  })
}

/** @throws E_CONTROLS if any control deviates: then no verdict may be printed */
export function requireControls(deviations: readonly string[]): void {
  if (deviations.length === 0) return
  throw new LatentError('E_CONTROLS', `the controls of this run did not behave as known, so it says nothing: ${deviations.slice(0, 6).join('; ')}${deviations.length > 6 ? `; and ${deviations.length - 6} more` : ''}`, {
    hint: 'very few or very small images leave too little to see; give more of them, or larger ones',
  })
}
