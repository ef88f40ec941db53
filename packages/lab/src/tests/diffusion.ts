import { defineTest, type Topic } from './define.ts'

/** Two ciphers of plain images that differ in one sample, under one key. */
export const DIFFUSION: Topic = {
  topic: 'Diffusion',
  say: 'One changed sample changed the whole cipher as a random one would, over {images}.',
  never: 'the scheme resists differential or chosen-plaintext attacks',
  randomised: {
    say:
      'Two ciphers of nearly equal images differ as random ones do, because every encryption draws a ' +
      'fresh nonce ({images}).',
    never: 'a changed pixel spreads through the cipher: with one nonce it need not',
  },
}

const group = 'one pixel changed'

/** Share of samples that differ between ciphers of two pictures one pixel apart. */
export const pixelNpcr = defineTest({
  id: 'pixel-npcr',
  title: 'NPCR, two-sided',
  group,
  failure: 'one changed pixel changes too few samples, or too many',
  claim: DIFFUSION,
  column: { heading: 'pixel NPCR', digits: 4, unit: '%' },
  // Its p-values are exact and not randomised, and the statistic is discrete.
  lenient: true,
  controls: { fails: ['identity', 'fixed-permutation', 'xor-reused-mask', 'aes-256-ctr-fixed', 'aes-256-cbc'] },
  measure: ({ onePixel }) => onePixel.difference.npcr,
})

/** Mean size of these differences. */
export const pixelUaci = defineTest({
  id: 'pixel-uaci',
  title: 'UACI',
  group,
  failure: 'one changed pixel changes values too little, or too much',
  claim: DIFFUSION,
  column: { heading: 'pixel UACI', digits: 4, unit: '%' },
  controls: { fails: ['identity', 'fixed-permutation', 'xor-reused-mask', 'aes-256-ctr-fixed', 'aes-256-cbc'] },
  measure: ({ onePixel }) => onePixel.difference.uaci,
})

/** Share of bits that differ between them. */
export const pixelAvalanche = defineTest({
  id: 'pixel-avalanche',
  title: 'Avalanche in bits',
  group,
  failure: 'one changed pixel does not flip half of the bits',
  claim: DIFFUSION,
  column: { heading: 'pixel, bits', digits: 4, unit: '%' },
  controls: { fails: ['identity', 'fixed-permutation', 'xor-reused-mask', 'aes-256-ctr-fixed'] },
  measure: ({ onePixel }) => onePixel.difference.avalanche,
})
