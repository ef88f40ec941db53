import { foldBits, foldBlock, PERIODS, periodStart, placesAt } from './fold.ts'
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

/** Joint counts of plain and cipher bytes, transformed on both sides. */
export function maskSums(plain: Uint8Array, cipher: Uint8Array): Pick<Relation, 'masks' | 'maskVariances'> {
  const n = Math.min(plain.length, cipher.length)
  const joint = new Float64Array(65536)
  for (let i = 0; i < n; i++) joint[256 * plain[i]! + cipher[i]!]!++
  for (let row = 0; row < 256; row++) walsh(joint, 256, 256 * row)
  for (let column = 0; column < 256; column++) walsh(joint, 256, column, 256)
  const masks = new Float64Array(256 * PLAIN_MASKS.length)
  const maskVariances = new Float64Array(PLAIN_MASKS.length)
  PLAIN_MASKS.forEach((mask, at) => {
    const mean = joint[256 * mask]! / n
    maskVariances[at] = n * (1 - mean * mean)
    for (let k = 1; k < 256; k++) masks[256 * at + k] = joint[256 * mask + k]! - mean * joint[k]!
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
  eachPlainBit(
    plain,
    cipher,
    bytes => foldBlock(bytes, PERIODS),
    ({ a, ones, plainOnes, different }) => {
      for (let phase = 0; phase < ones.length / 8; phase++) {
        const { sums, variance } = centred(
          a,
          8 * phase,
          placesAt(cipher.length, PERIODS, phase),
          ones,
          plainOnes,
          different,
        )
        placeVariances[8 * phase + a] = variance
        places.set(sums, 64 * phase + 8 * a)
      }
    },
  )
  return { places, placeVariances, periods: searchPeriods(plain.subarray(0, SEARCHED), cipher.subarray(0, SEARCHED)) }
}

function searchPeriods(plain: Uint8Array, cipher: Uint8Array): PlainPeriods {
  const largest = new Float64Array(PERIODS + 1)
  let cells = 0
  eachPlainBit(plain, cipher, foldBits, ({ a, ones, plainOnes, different }) => {
    for (let period = 1; period <= PERIODS; period++) {
      for (let phase = 0; phase < period; phase++) {
        const count = placesAt(cipher.length, period, phase)
        const at = 8 * (periodStart(period) + phase)
        const { sums, variance } = centred(a, at, count, ones, plainOnes, different)
        if (variance < LEAST_VARIANCE) continue
        for (const sum of sums) largest[period] = Math.max(largest[period]!, Math.abs(sum) / Math.sqrt(variance))
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
  fold: (bytes: Uint8Array) => Int32Array,
  take: (folded: Folded) => void,
): void {
  const [ones, plainOnes] = [fold(cipher), fold(plain)]
  const crossed = new Uint8Array(cipher.length)
  for (let a = 0; a < 8; a++) {
    for (let i = 0; i < crossed.length; i++) crossed[i] = cipher[i]! ^ (((plain[i]! >> a) & 1) * 255)
    take({ a, ones, plainOnes, different: fold(crossed) })
  }
}

/** Products of one plain bit, centred, with the eight cipher bits at one place, all as +-1, and their variance. */
function centred(
  a: number,
  at: number,
  count: number,
  ones: Int32Array,
  plainOnes: Int32Array,
  different: Int32Array,
): { readonly sums: Float64Array; readonly variance: number } {
  const sums = new Float64Array(8)
  if (count === 0) return { sums, variance: 0 }
  const mean = plainOnes[at + a]! / count
  // A product of two bits as +-1 is -1 where they differ.
  for (let b = 0; b < 8; b++) sums[b] = -different[at + b]! - mean * ones[at + b]!
  return { sums, variance: count * (1 - mean * mean) }
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
