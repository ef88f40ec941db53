import { byteView, imageCorrelation, type NullTest, plainDistanceTest, sameShape } from '../metrics/index.ts'
import { NOISE_ALONE } from './controls.ts'
import { defineTest, type Topic } from './define.ts'
import type { Trial } from './trial.ts'

/** One image under two keys that differ in one bit. */
export const KEY: Topic = {
  topic: 'Key sensitivity',
  say: 'One changed key bit gave an unrelated cipher, and {wrong key} at decryption, over {images}.',
  never: 'every key bit counts towards security',
}

const group = 'one key bit changed'

/** Share of samples that differ between ciphers under two keys one bit apart. */
export const keyNpcr = defineTest({
  id: 'key-npcr',
  title: 'NPCR, two-sided',
  group,
  failure: 'one changed key bit changes too few samples, or too many',
  claim: KEY,
  column: { heading: 'key NPCR', digits: 4, unit: '%' },
  // As for a changed pixel.
  lenient: true,
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ oneKeyBit }) => oneKeyBit.difference.npcr,
})

/** Mean size of these differences. */
export const keyUaci = defineTest({
  id: 'key-uaci',
  title: 'UACI',
  group,
  failure: 'one changed key bit changes values too little, or too much',
  claim: KEY,
  column: { heading: 'key UACI', digits: 4, unit: '%' },
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ oneKeyBit }) => oneKeyBit.difference.uaci,
})

/** Share of bits that differ between them. */
export const keyAvalanche = defineTest({
  id: 'key-avalanche',
  title: 'Avalanche in bits',
  group,
  failure: 'one changed key bit does not flip half of the bits',
  claim: KEY,
  column: { heading: 'key, bits', digits: 4, unit: '%' },
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ oneKeyBit }) => oneKeyBit.difference.avalanche,
})

const ofWrongKey =
  (test: (plain: Uint8Array, wrong: Uint8Array) => NullTest | undefined) =>
  ({ plain, wrongKey }: Trial) =>
    wrongKey && sameShape(wrongKey, plain) ? test(byteView(plain), byteView(wrongKey)) : undefined

/** Whether decrypting with a key one bit off gives something related to the picture. */
export const wrongKeyCorrelation = defineTest({
  id: 'wrong-key-correlation',
  title: 'Correlation of the result with plain',
  group: 'wrong key',
  failure: 'a neighbouring key shows the image',
  claim: KEY,
  controls: { fails: ['identity'] },
  measure: ofWrongKey(imageCorrelation),
})

/** Whether it gives something nearer to the picture, or farther, than chance. */
export const wrongKeyDistance = defineTest({
  id: 'wrong-key-distance',
  title: 'Distance of the result from plain',
  group: 'wrong key',
  failure: 'a neighbouring key gives something like the image',
  claim: KEY,
  controls: { fails: ['identity'] },
  measure: ofWrongKey(plainDistanceTest),
})
