import { expect, test } from 'vitest'
import { LEAK, OPENED, verdict } from '../src/scoring.ts'

/** An attack that works, on a cipher whose pictures look like nothing. */
const evidence = { guessing: 0.13, untouched: 0.02, control: 0.95 }

test.each([
  ['a picture as it was', { ssim: 0.9 }, 'opened'],
  ['just at the mark', { ssim: OPENED }, 'opened'],
  ['just below it', { ssim: OPENED - 1e-9 }, 'leaks'],
  ['a little more than guessing', { ssim: 0.13 + LEAK }, 'not opened'],
  ['clearly more', { ssim: 0.13 + LEAK + 1e-9 }, 'leaks'],
  [
    'an attack that does not open plain pictures either',
    { ssim: 0.1, control: 0.596 },
    'no verdict: the control failed',
  ],
  ['such an attack may still find something', { ssim: 0.4, control: 0.596 }, 'leaks'],
  [
    'a cipher that shows its pictures, and an attack that makes less of them',
    { ssim: 0.3, untouched: 0.45 },
    'leaks as it is',
  ],
  ['the same, with an attack that failed its control', { ssim: 0.3, untouched: 0.45, control: 0.5 }, 'leaks as it is'],
  ['no better than doing nothing by a leak', { ssim: 0.5, untouched: 0.45 }, 'leaks as it is'],
  ['better than doing nothing', { ssim: 0.6, untouched: 0.45 }, 'leaks'],
  ['pictures that were never hidden', { ssim: 0.8, untouched: 1 }, 'opened as it is'],
])('%s', (_, given, expected) => {
  expect(verdict({ ...evidence, ...given })).toBe(expected)
})
