import { foldBlock, foldWords, PERIODS, periodStart, placesAt, wordsOf } from './fold.ts'
import { byFirstBit, jointCounts } from './joint.ts'
import { walsh } from './walsh.ts'

/** What of a plain byte is looked for in the cipher: each of its bits, lowest first, and the parity of all. */
export const PLAIN_MASKS = [1, 2, 4, 8, 16, 32, 64, 128, 255] as const

/**
 * Sums of products of something of the plain bytes, centred, with a bit or an XOR of bits of the cipher bytes at the
 * same places, both as +-1. Where the cipher is noise, a sum has mean 0 and the variance that is kept beside it,
 * whatever the plain picture is.
 */
export interface Relation {
  /** For each of {@link PLAIN_MASKS} 256 sums, one for each choice of cipher bits; the first of them says nothing. */
  readonly masks: Float64Array
  readonly maskVariances: Float64Array
  /** For each place in blocks of 64 bytes, plain bit and cipher bit. */
  readonly places: Float64Array
  /** For each place in blocks of 64 bytes and plain bit. */
  readonly placeVariances: Float64Array
}

/** Bits of plain and cipher at each place of blocks of every length up to 64 bytes, in the beginning of one picture. */
export interface PlainPeriods {
  /** The largest |z| of each period over its phases and the 64 pairs of bits; 0 where nothing can be seen. */
  readonly largest: Float64Array
  /** How many pairs and phases were looked at in all. */
  readonly cells: number
}

/** A sum is looked at from this variance on: below, it is far from normal. */
const LEAST_VARIANCE = 16

/** Bytes with an odd number of ones. */
const ODD = Uint8Array.from({ length: 256 }, (_, v) => (0x6996 >> ((v ^ (v >> 4)) & 15)) & 1)

/** Joint counts of plain and cipher bytes, transformed on both sides. */
export function maskSums(plain: Uint8Array, cipher: Uint8Array): Pick<Relation, 'masks' | 'maskVariances'> {
  const n = Math.min(plain.length, cipher.length)
  const joint = jointCounts(plain, cipher)
  const parity = new Float64Array(256)
  for (let i = 0; i < joint.length; i++) parity[i & 255]! += ODD[i >> 8]! ? -joint[i]! : joint[i]!
  const { set, all } = byFirstBit(joint)
  const total = new Float64Array(all)
  const signed = [...set.map(row => total.map((count, v) => count - 2 * row[v]!)), parity]
  for (const row of [total, ...signed]) walsh(row)
  const masks = new Float64Array(256 * PLAIN_MASKS.length)
  const maskVariances = new Float64Array(PLAIN_MASKS.length)
  signed.forEach((row, at) => {
    const mean = row[0]! / n
    maskVariances[at] = n * (1 - mean * mean)
    for (let k = 1; k < 256; k++) masks[256 * at + k] = row[k]! - mean * total[k]!
  })
  return { masks, maskVariances }
}

/** Bytes of a picture, from its beginning, in which every period is looked for. */
const SEARCHED = 2 ** 14

/** Plain bits against cipher bits at each place of blocks of 64 bytes, and in every period of up to 64. */
export function placeSums(
  plain: Uint8Array,
  cipher: Uint8Array,
): Pick<Relation, 'places' | 'placeVariances'> & { readonly periods: PlainPeriods } {
  const places = new Float64Array(64 * PERIODS)
  const placeVariances = new Float64Array(8 * PERIODS)
  const sums = new Float64Array(8)
  eachPlainBit(plain, cipher, foldBlock, folded => {
    for (let phase = 0; phase < PERIODS; phase++) {
      const variance = centred(folded, 8 * phase, placesAt(cipher.length, PERIODS, phase), sums)
      placeVariances[8 * phase + folded.a] = variance
      places.set(sums, 64 * phase + 8 * folded.a)
    }
  })
  return { places, placeVariances, periods: searchPeriods(plain.subarray(0, SEARCHED), cipher.subarray(0, SEARCHED)) }
}

function searchPeriods(plain: Uint8Array, cipher: Uint8Array): PlainPeriods {
  const largest = new Float64Array(PERIODS + 1)
  const sums = new Float64Array(8)
  let cells = 0
  eachPlainBit(plain, cipher, foldWords, folded => {
    for (let period = 1; period <= PERIODS; period++) {
      for (let phase = 0; phase < period; phase++) {
        const at = 8 * (periodStart(period) + phase)
        const variance = centred(folded, at, placesAt(cipher.length, period, phase), sums)
        if (variance < LEAST_VARIANCE) continue
        let most = 0
        for (let b = 0; b < 8; b++) most = Math.max(most, Math.abs(sums[b]!))
        largest[period] = Math.max(largest[period]!, most / Math.sqrt(variance))
        cells += sums.length
      }
    }
  })
  return { largest, cells }
}

interface Folded {
  /** The plain bit. */
  readonly a: number
  readonly ones: Int32Array
  readonly plainOnes: Int32Array
  /** Of the cipher bytes, each turned over where the plain bit is 1: ones where the bits differ. */
  readonly different: Int32Array
}

function eachPlainBit(
  plain: Uint8Array,
  cipher: Uint8Array,
  fold: (words: Int32Array, places: number) => Int32Array,
  take: (folded: Folded) => void,
): void {
  const [plainWords, words] = [wordsOf(plain), wordsOf(cipher)]
  const [ones, plainOnes] = [fold(words, cipher.length), fold(plainWords, plain.length)]
  const crossed = new Int32Array(words.length)
  for (let a = 0; a < 8; a++) {
    // One bit of each of four bytes becomes all eight of it.
    for (let i = 0; i < words.length; i++) crossed[i] = words[i]! ^ (((plainWords[i]! >>> a) & 0x01010101) * 255)
    take({ a, ones, plainOnes, different: fold(crossed, cipher.length) })
  }
}

/**
 * Products of one plain bit, centred, with the eight cipher bits at one place, all as +-1.
 * @param sums takes the eight
 * @returns their variance
 */
function centred({ a, ones, plainOnes, different }: Folded, at: number, count: number, sums: Float64Array): number {
  sums.fill(0)
  if (count === 0) return 0
  const mean = plainOnes[at + a]! / count
  // A product of two bits as +-1 is -1 where they differ.
  for (let b = 0; b < 8; b++) sums[b] = -different[at + b]! - mean * ones[at + b]!
  return count * (1 - mean * mean)
}

/** The largest |z| among sums with their variances, where `per` sums share one, and how many were looked at. */
export function largestOf(
  sums: Float64Array,
  variances: Float64Array,
  per: number,
  skip = (_at: number): boolean => false,
): { readonly z: number; readonly cells: number; readonly at: number; readonly variance: number } {
  let found = { z: 0, at: -1, variance: 0 }
  let cells = 0
  for (let i = 0; i < sums.length; i++) {
    const variance = variances[Math.floor(i / per)]!
    if (variance < LEAST_VARIANCE || skip(i)) continue
    cells++
    const z = Math.abs(sums[i]!) / Math.sqrt(variance)
    // The first cell is taken even where all are exactly zero: its variance is what the effect is measured by.
    if (found.at === -1 || z > found.z) found = { z, at: i, variance }
  }
  return { ...found, cells }
}
