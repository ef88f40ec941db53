import { defineTest, normalTwoSided } from '@latent/lab'

// Lowest bits are where weak generators show first: half of them are ones, or something is wrong.
export default defineTest({
  id: 'lowest-bit',
  title: 'Share of ones in the lowest bit',
  group: 'cipher',
  failure: 'the lowest bit is not one half of the time',
  claim: {
    topic: 'Lowest bits',
    say: 'Half of the lowest bits were ones in the ciphers of {images}.',
    never: 'the lowest bits are random: a counter has as many',
  },
  column: { heading: 'ones in the\nlowest bit, %', digits: 3, unit: '%' },
  controls: { passes: ['xor-reused-mask', 'aes-256-ctr-fixed', 'aes-256-cbc'] },
  measure({ bytes }) {
    const share = bytes.reduce((ones, byte) => ones + (byte & 1), 0) / bytes.length
    return { value: share, p: normalTwoSided((share - 0.5) * 2 * Math.sqrt(bytes.length)) }
  },
})
