import { byteView, maskReuse, OPENS, sameShape } from '../metrics/index.ts'
import { defineTest, type Topic } from './define.ts'

/** Two images under one key. */
export const REUSE: Topic = {
  topic: 'Second use of a key',
  say: 'A known pair, a picture of noise and its cipher, opened no other image by XOR, over {images}.',
  never: 'known or chosen plaintexts do not help: one attack was tried',
}

/** Whether XOR of one known pair opens other pictures under the key. */
export const reusedMask = defineTest({
  id: 'mask-reuse',
  title: 'XOR of one known pair',
  group: 'key reuse',
  failure: 'one known pair opens other images under the key',
  claim: REUSE,
  column: { heading: 'opened by one\nknown pair', digits: 4, unit: '%' },
  // It asks for more than chance, so that noise passes always.
  lenient: true,
  controls: {
    fails: ['identity', 'xor-reused-mask', 'aes-256-ctr-fixed'],
    passes: ['fixed-permutation', 'aes-256-cbc'],
  },
  smallest: () => ({ effect: 100 * OPENS, unit: '% of the bytes opened: fewer are put down to chance' }),
  measure: ({ plain, bytes, alike, known }) =>
    alike && sameShape(known.cipher, known.plain)
      ? maskReuse(byteView(known.plain), byteView(known.cipher), byteView(plain), bytes)
      : undefined,
})
