import {
  bytesPerPixel,
  entropyTest,
  entropyTestOfCounts,
  histogramTest,
  histogramTestOfCounts,
  LOCAL_PUBLISHED,
  localEntropyTest,
} from '../metrics/index.ts'
import { NOISE_ALONE } from './controls.ts'
import { defineTest, type Topic } from './define.ts'
import { ofCounts } from './together.ts'

/** Byte values of one cipher image: are they those of noise? */
export const UNIFORM: Topic = {
  topic: 'Uniform cipher',
  say: 'No deviation from uniform bytes was found in the ciphers of {images}.',
  never: 'a flat histogram or an entropy near 8 makes a cipher secure (a reused mask has both)',
}

/** Whether all byte values are equally frequent in a cipher. */
export const byteHistogram = defineTest({
  id: 'histogram',
  title: 'Histogram, chi-square',
  group: 'cipher',
  failure: 'byte values are not equally frequent',
  claim: UNIFORM,
  column: { heading: 'χ², 255 dof', digits: 1 },
  controls: { fails: ['identity', 'fixed-permutation'], passes: NOISE_ALONE },
  measure: ({ bytes }) => histogramTest(bytes),
  pooled: ofCounts(histogramTestOfCounts),
})

/** Whether a cipher's entropy is that of random bytes. */
export const globalEntropy = defineTest({
  id: 'entropy',
  title: 'Global entropy',
  group: 'cipher',
  failure: 'entropy is off what a random string of this length has',
  claim: UNIFORM,
  column: { heading: 'entropy', digits: 5 },
  controls: { fails: ['identity', 'fixed-permutation'], passes: NOISE_ALONE },
  measure: ({ bytes }) => entropyTest(bytes),
  pooled: ofCounts(entropyTestOfCounts),
})

/** P(|Z| < 1.96 / sqrt(30)): the interval that divides by 30 where it should by its root. */
export const PUBLISHED_RATE = 0.2796

/** Whether blocks of a cipher have the entropy of random bytes. */
export const localEntropy = defineTest({
  id: 'local-entropy',
  title: 'Local entropy, corrected interval',
  group: 'cipher',
  failure: 'blocks of the cipher are not equally disordered',
  claim: UNIFORM,
  column: { heading: 'local entropy', digits: 5 },
  controls: { passes: NOISE_ALONE },
  published: { ...LOCAL_PUBLISHED[0.05], holds: PUBLISHED_RATE },
  measure: async ({ cipher, bytes, draw }) =>
    localEntropyTest(bytes, cipher.width, cipher.height, bytesPerPixel(cipher), await draw('blocks', 32)),
})
