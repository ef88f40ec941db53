import { byteView, imageCorrelation, plainDistanceTest } from '../metrics/index.ts'
import { NOISE_ALONE } from './controls.ts'
import { defineTest, type Topic } from './define.ts'

/** The cipher image beside its plain one. */
export const LIKENESS: Topic = {
  topic: 'Cipher unlike its plain',
  say: 'No linear relation of cipher and plain image was found over {images}.',
  never: 'the plain image cannot be recovered',
}

/** Whether samples of the cipher are related to the plain ones at the same places. */
export const plainCorrelation = defineTest({
  id: 'plain-correlation',
  title: 'Correlation of cipher with plain',
  group: 'plain and cipher',
  failure: 'the cipher resembles its plain image',
  claim: LIKENESS,
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ plain, bytes, alike }) => (alike ? imageCorrelation(byteView(plain), bytes) : undefined),
})

/** Whether the cipher is nearer to its plain image, or farther, than random samples are. */
export const plainDistance = defineTest({
  id: 'plain-distance',
  title: 'Distance of cipher from plain',
  group: 'plain and cipher',
  failure: 'the cipher is nearer to its plain image, or farther, than chance',
  claim: LIKENESS,
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ plain, bytes, alike }) => (alike ? plainDistanceTest(byteView(plain), bytes) : undefined),
})
