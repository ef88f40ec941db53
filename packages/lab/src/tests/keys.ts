import { smallestOf } from '../statistics/multiple.ts'
import { poissonUpper, type Visible, visibleZ } from '../statistics/power.ts'
import { binomialUpper, normalTwoSided } from '../statistics/special.ts'
import { defineTest, type Finding, type LabTest, type Topic } from './define.ts'
import type { KeySearch } from './key-search.ts'

/** What a black box can show of how much of a key is used: one small picture under many keys. */
export const KEY_USE: Topic = {
  topic: 'The whole key is used',
  say: 'Every key bit changed half of the cipher, and no two keys gave equal ciphers.',
  never: 'the key is as long as it looks: a generator that keeps more bits than named here passes',
}

/** The key itself in what is sent. */
export const KEY_PRINTED: Topic = {
  topic: 'No key in the cipher',
  say: 'No run of bytes of the key stood in a cipher, over {images}.',
  never: 'the cipher tells nothing of the key',
}

/** A bit of the cipher that is a bit of the key, or its opposite, in nearly all of the keys. */
export function keyBitsPrinted({ keys, agreements, cells }: KeySearch, level: number): Finding {
  let needed = keys
  while (needed > keys / 2 && 2 * cells * binomialUpper(needed - 1, keys, 0.5) < level) needed--
  return {
    value: agreements / keys,
    p: smallestOf(2 * binomialUpper(agreements, keys, 0.5), cells),
    visible: { effect: (100 * needed) / keys, unit: '% of the keys, one of whose bits is a bit of the cipher' },
  }
}

/** The chance of a run of key bytes so long at any place of ciphers with so many bytes, in either direction. */
export function runTail(run: number, keyBytes: number, cipherBytes: number): number {
  if (run === 0) return 1
  return Math.min(1, 2 * (keyBytes - run + 1) * cipherBytes * 256 ** -run)
}

/** The shortest run that would have been called found. */
function visibleRun(keyBytes: number, cipherBytes: number, level: number): Visible {
  let run = 1
  while (run < keyBytes && runTail(run, keyBytes, cipherBytes) >= level) run++
  return { effect: run, unit: 'bytes of the key one after the other, at any place of a cipher' }
}

const KEY_BYTES = 32

/** Bytes of the key, forwards or backwards, one after the other at any place. */
export function keyBytesPrinted({ longestRun, keys, cipherBytes }: KeySearch, level: number): Finding {
  const bytes = keys * cipherBytes
  return { value: longestRun, p: runTail(longestRun, KEY_BYTES, bytes), visible: visibleRun(KEY_BYTES, bytes, level) }
}

/** Key bits of which nothing in the cipher depends, and changes of the whole key that make no difference. */
export function keyBitsUnused({ flips, equivalents }: KeySearch): Finding {
  const unused = flips.filter(share => share === 0).length
  return {
    value: unused,
    p: unused > 0 || equivalents.length > 0 ? 0 : 1,
    visible: { effect: 1, unit: 'bit of the key that changes nothing' },
    ...(equivalents.length > 0 && { note: `the key and ${equivalents.join(', ')} give one cipher` }),
  }
}

/** The key bit that changes least, or most, of the cipher. */
export function keyBitsWeak({ flips, cipherBytes }: KeySearch, level: number): Finding {
  const bits = 8 * cipherBytes
  const worst = flips.reduce((a, b) => (Math.abs(b - 0.5) > Math.abs(a - 0.5) ? b : a))
  return {
    value: worst,
    p: smallestOf(normalTwoSided((worst - 0.5) * 2 * Math.sqrt(bits)), flips.length),
    visible: {
      effect: (100 * visibleZ(level, flips.length)) / 2 / Math.sqrt(bits),
      unit: 'percentage points of the cipher that a key bit changes beside one half',
    },
  }
}

/** Pairs of keys with equal ciphers, against birthdays. */
export function equalCiphers({ tried, equalPairs, cipherBytes }: KeySearch): Finding {
  const pairs = (tried * (tried - 1)) / 2
  const expected = pairs * 2 ** (-8 * cipherBytes)
  // Nine times in ten at least one pair is seen where there are ln 10 on average.
  const visible = Math.log2(pairs / Math.LN10)
  return {
    value: equalPairs,
    p: poissonUpper(equalPairs, expected),
    visible: { effect: visible, unit: `bits of an effective key, or fewer, would have been seen with ${tried} keys` },
    ...(equalPairs > 0 && { note: `as many as a key of about ${Math.log2(pairs / equalPairs).toFixed(1)} bits gives` }),
  }
}

const group = 'many keys'
const shared = { group, claim: KEY_USE, lenient: true } as const

/** What is looked at over keys, not over pictures. */
export const keyTests: readonly LabTest[] = [
  defineTest({
    ...shared,
    id: 'key-bits-unused',
    title: 'Key bits that change nothing',
    failure: 'parts of the key change nothing',
    controls: { fails: ['identity'] },
    keys: keyBitsUnused,
  }),
  defineTest({
    ...shared,
    id: 'key-bits-weak',
    title: 'Key bits that change too little, or too much',
    failure: 'a key bit does not flip half of the cipher',
    controls: { fails: ['identity'] },
    keys: keyBitsWeak,
  }),
  defineTest({
    ...shared,
    id: 'equal-ciphers',
    title: 'Keys that give one cipher, birthdays expected',
    failure: 'different keys give one cipher: the key is shorter than it looks',
    controls: { fails: ['identity'] },
    keys: equalCiphers,
  }),
  defineTest({
    ...shared,
    claim: KEY_PRINTED,
    id: 'key-bits-printed',
    title: 'Key bits at fixed places of the cipher',
    failure: 'bits of the key stand in the cipher at fixed places',
    keys: keyBitsPrinted,
  }),
  defineTest({
    ...shared,
    claim: KEY_PRINTED,
    id: 'key-bytes-printed',
    title: 'Key bytes at any place of the cipher',
    failure: 'the key stands in the cipher',
    // In the ciphers of large pictures too, each under a key of its own.
    measure: ({ keyRun, bytes }) => ({ value: keyRun, p: runTail(keyRun, KEY_BYTES, bytes.length) }),
    keys: keyBytesPrinted,
  }),
]
