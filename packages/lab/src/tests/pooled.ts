import type { PlainPeriods } from '../evidence/index.ts'
import type { NullTest } from '../metrics/index.ts'
import { smallestOf } from '../statistics/multiple.ts'
import { normalTwoSided } from '../statistics/special.ts'
import { NOISE_ALONE } from './controls.ts'
import { defineTest, type LabTest, type Topic } from './define.ts'
import { LIKENESS } from './likeness.ts'
import { NEIGHBOURS } from './neighbours.ts'
import {
  bitPlanes,
  blockParity,
  blockPlaces,
  byteParities,
  channelHistograms,
  cipherEnds,
  periodPlaces,
  pictureParts,
  plainBits,
  plainPlaces,
  repeatedStream,
  repeatedWindows,
  serialBits,
} from './together.ts'
import { UNIFORM } from './uniform.ts'

/** Bits of the cipher at chosen places, in one picture and in all of them together. */
export const PLACES: Topic = {
  topic: 'Uniform in every place',
  say: 'No bit was off one half in any place of blocks, of the picture, or at its ends, over {images}.',
  never: 'the cipher is uniform: a bias below what is named here passes',
}

/** Blocks of the cipher that come again. */
export const REPETITION: Topic = {
  topic: 'No repetition',
  say: 'No more windows of 4, 8 or 16 bytes came again than chance has it, over {images} together.',
  never: 'the cipher has no period, or more states than were seen here',
}

const group = 'all ciphers together'

/** Groups of tests that look at more than one image at a time. */
export const TOGETHER: readonly string[] = [group, 'many keys']

/**
 * Of ciphers alone, which what looks like noise passes. A picture that is half black and half white passes some of them
 * too.
 */
const ofCipher = (test: Omit<LabTest, 'group' | 'controls' | 'lenient'>): LabTest =>
  defineTest({ ...test, group, lenient: true, controls: { passes: NOISE_ALONE } })

/** Of ciphers alone, which no picture but noise passes. */
const ofNoPicture = (test: Omit<LabTest, 'group' | 'controls' | 'lenient'>): LabTest =>
  defineTest({ ...test, group, lenient: true, controls: { fails: ['identity'], passes: NOISE_ALONE } })

/**
 * What is looked at in one picture, and in the sums over all of them. Each is the most striking of many cells, whose
 * number its p-value pays for: noise passes more often than stated.
 */
export const pooledTests: readonly LabTest[] = [
  ofNoPicture({
    id: 'channel-histograms',
    title: 'Histogram of each channel',
    failure: 'the byte values of one channel are not equally frequent',
    claim: UNIFORM,
    pooled: channelHistograms,
  }),
  ofCipher({
    id: 'bit-planes',
    title: 'Each bit, in all and in each channel',
    failure: 'one bit of the bytes is not one half of the time',
    claim: UNIFORM,
    column: { heading: 'bit farthest\nfrom half', digits: 4, unit: '%' },
    pooled: bitPlanes,
  }),
  ofNoPicture({
    id: 'byte-parities',
    title: 'Every XOR of bits of a byte',
    failure: 'an XOR of bits of a byte is not one half of the time',
    claim: UNIFORM,
    pooled: byteParities,
  }),
  ofCipher({
    id: 'block-places',
    title: 'Each bit by its place in blocks of 2 to 64 bytes',
    failure: 'a bit is off at one place of blocks',
    claim: PLACES,
    pooled: blockPlaces,
  }),
  ofCipher({
    id: 'period-places',
    title: 'The same for every other period up to 63',
    failure: 'a bit is off at one place of a period',
    claim: PLACES,
    pooled: periodPlaces,
  }),
  ofCipher({
    id: 'picture-parts',
    title: 'Each bit in 84 parts of the picture',
    failure: 'a bit is off in one part of the picture',
    claim: PLACES,
    pooled: pictureParts,
  }),
  // Not of the identity: pictures may begin with anything.
  defineTest({
    id: 'cipher-ends',
    title: 'Each bit of the first and last 64 bytes',
    group,
    failure: 'a bit at the beginning or end is the same in too many ciphers',
    claim: PLACES,
    lenient: true,
    controls: { passes: NOISE_ALONE },
    measure: () => undefined,
    pooled: cipherEnds,
  }),
  ofNoPicture({
    id: 'serial-bits',
    title: 'Pairs of bits at nine distances',
    failure: 'bits tell something of bits that follow them',
    claim: NEIGHBOURS,
    pooled: serialBits,
  }),
  ofCipher({
    id: 'block-parity',
    title: 'Parity of blocks of 2 to 64 bytes',
    failure: 'the parity of blocks is not one half of the time',
    claim: NEIGHBOURS,
    pooled: blockParity,
  }),
  ofNoPicture({
    id: 'repeated-windows',
    title: 'Windows that come again, birthdays expected',
    failure: 'blocks of bytes come again too often, or too rarely',
    claim: REPETITION,
    pooled: repeatedWindows,
  }),
  ofNoPicture({
    id: 'repeated-stream',
    title: 'The same in ciphers of a black picture',
    failure: 'ciphers of black pictures repeat themselves, within one or across keys',
    claim: REPETITION,
    pooled: repeatedStream,
  }),
  defineTest({
    id: 'plain-bits',
    title: 'Plain bits against every XOR of cipher bits',
    group,
    failure: 'bits of the plain picture are to be read off the cipher',
    claim: LIKENESS,
    lenient: true,
    controls: { fails: ['identity'], passes: NOISE_ALONE },
    pooled: plainBits,
  }),
  defineTest({
    id: 'plain-places',
    title: 'Plain bits in every period up to 64',
    group,
    failure: 'bits of the plain picture stand in the cipher at one place of a period',
    claim: LIKENESS,
    lenient: true,
    controls: { fails: ['identity'], passes: NOISE_ALONE },
    measure: ({ periods }) => periods && largestPeriod(periods),
    pooled: plainPlaces,
  }),
]

/**
 * The largest z over all periods, phases and pairs of bits in one picture; undefined where the plain one shows nothing.
 */
export function largestPeriod({ largest, cells }: PlainPeriods): NullTest | undefined {
  if (cells === 0) return undefined
  const z = Math.max(...largest)
  return { value: z, p: smallestOf(normalTwoSided(z), cells) }
}
