import type { LabTest, TestCard } from './define.ts'
import { pixelAvalanche, pixelNpcr, pixelUaci } from './diffusion.ts'
import { keyTests } from './keys.ts'
import { keyAvalanche, keyNpcr, keyUaci, wrongKeyCorrelation, wrongKeyDistance } from './key.ts'
import { plainCorrelation, plainDistance } from './likeness.ts'
import { pooledTests } from './pooled.ts'
import { correlations, greyValueDegree } from './neighbours.ts'
import { reusedMask } from './reuse.ts'
import { byteHistogram, globalEntropy, localEntropy } from './uniform.ts'

export * from './controls.ts'
export * from './define.ts'
export { type KeySearch, KEYS, KEYS_TRIED, searchKeys } from './key-search.ts'
export { KEY_PRINTED, KEY_USE } from './keys.ts'
export { PLACES, REPETITION, TOGETHER } from './pooled.ts'
export { DIFFUSION } from './diffusion.ts'
export { KEY } from './key.ts'
export { LIKENESS } from './likeness.ts'
export { NEIGHBOURS } from './neighbours.ts'
export { REUSE } from './reuse.ts'
export { PUBLISHED_RATE, UNIFORM } from './uniform.ts'
export { oneBitChanged, oneSampleChanged, type Neighbour, type Trial } from './trial.ts'

/** Every test of the lab, in the order of its reports: a line each. */
export const TESTS: readonly LabTest[] = [
  byteHistogram,
  globalEntropy,
  localEntropy,
  ...correlations,
  greyValueDegree,
  ...pooledTests,
  plainCorrelation,
  plainDistance,
  pixelNpcr,
  pixelUaci,
  pixelAvalanche,
  keyNpcr,
  keyUaci,
  keyAvalanche,
  wrongKeyCorrelation,
  wrongKeyDistance,
  reusedMask,
  ...keyTests,
]

/** A test's id; those of strangers are not known beforehand. */
export type TestId = string
/** Ids of the lab's own tests, in the order of tables. */
export const TEST_IDS: readonly TestId[] = TESTS.map(({ id }) => id)

/** The tests that a summary speaks of: those of the lab, and those of one's own that its run was given. */
export const testsOf = ({ tests = [] }: { readonly tests?: readonly TestCard[] }): readonly TestCard[] => [
  ...TESTS,
  ...tests,
]
