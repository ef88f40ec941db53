import type { Image } from '@latent/core'
import { bytesPerPixel, byteView } from '../metrics/samples.ts'
import { foldBits } from './fold.ts'
import { endBits, partSums } from './places.ts'
import { maskSums, type PlainPeriods, placeSums, type Relation } from './relation.ts'
import { paritySums, serialSums } from './serial.ts'
import { addWindows, WINDOWS, type Windows, windowsOf } from './windows.ts'

/**
 * All that the pooled tests look at: sums that may be added up over pictures. A small shift that is the same in every
 * picture grows in them with the number of pictures, while chance grows with its root.
 */
export interface Evidence {
  /** How many ciphers of each number of bytes stand behind the sums. */
  readonly lengths: ReadonlyMap<number, number>
  /** Counts of the 256 byte values, one table a byte of a pixel: samples of 16 bits have two. */
  readonly bytes: Float64Array
  /** Ones beyond one half, twice, for every period up to 64, phase and bit: see `foldBits`. */
  readonly ones: Float64Array
  /** See `serialSums`. */
  readonly serial: Float64Array
  readonly serialPairs: Float64Array
  /** See `paritySums`. */
  readonly parity: Float64Array
  readonly parityBlocks: Float64Array
  /** See `partSums`. */
  readonly parts: Float64Array
  readonly partPlaces: Float64Array
  /** See `endBits`; how many ciphers have them stands in {@link Evidence.lengths}. */
  readonly ends: Float64Array
  /** Windows of 4, 8 and 16 bytes. */
  readonly windows: readonly Windows[]
  /** Windows of the cipher of a black picture: a key stream as it is, where there is one. */
  readonly blackWindows: readonly Windows[]
  /** Plain against cipher; empty where their shapes differ. */
  readonly masks: Float64Array
  readonly maskVariances: Float64Array
  readonly places: Float64Array
  readonly placeVariances: Float64Array
}

/** Those of {@link Evidence} that are added up entry by entry. */
export const SUMS = [
  'bytes',
  'ones',
  'serial',
  'serialPairs',
  'parity',
  'parityBlocks',
  'parts',
  'partPlaces',
  'ends',
  'masks',
  'maskVariances',
  'places',
  'placeVariances',
] as const
/** Name of a sum that pictures add up in: a key of {@link Evidence}. */
export type SumName = (typeof SUMS)[number]

/** What one picture gives: {@link Evidence}, and what cannot be added up. */
export interface Gathered {
  readonly evidence: Evidence
  /** Undefined where plain and cipher have different shapes. */
  readonly periods: PlainPeriods | undefined
}

const NONE = new Float64Array(0)
const NO_RELATION: Relation = { masks: NONE, maskVariances: NONE, places: NONE, placeVariances: NONE }

/**
 * @param plain undefined where the cipher has another shape, so that places mean nothing
 * @param black the cipher of a black picture under the same key
 */
export function gatherEvidence(cipher: Image, plain: Image | undefined, black: Image | undefined): Gathered {
  const bytes = byteView(cipher)
  const ones = foldBits(bytes)
  const { sums: serial, pairs: serialPairs } = serialSums(bytes, cipher.width * bytesPerPixel(cipher))
  const { sums: parity, blocks: parityBlocks } = paritySums(bytes)
  const { sums: parts, places: partPlaces } = partSums(cipher, bytes)
  const plainBytes = plain && byteView(plain)
  const { periods, ...places } = plainBytes
    ? placeSums(plainBytes, bytes)
    : { periods: undefined, places: NONE, placeVariances: NONE }
  return {
    evidence: {
      lengths: new Map([[bytes.length, 1]]),
      bytes: countsByChannel(bytes, bytesPerPixel(cipher)),
      ones: new Float64Array(ones),
      serial,
      serialPairs,
      parity,
      parityBlocks,
      parts,
      partPlaces,
      ends: endBits(bytes) ?? NONE,
      windows: WINDOWS.map(length => windowsOf(bytes, length)),
      blackWindows: black ? WINDOWS.map(length => windowsOf(byteView(black), length)) : [],
      ...(plainBytes ? { ...maskSums(plainBytes, bytes), ...places } : NO_RELATION),
    },
    periods,
  }
}

function countsByChannel(bytes: Uint8Array, stride: number): Float64Array {
  const counts = new Float64Array(256 * stride)
  for (let i = 0; i < bytes.length; i++) counts[256 * (i % stride) + bytes[i]!]!++
  return counts
}

/** Entry by entry, the shorter one filled up with nothing: pictures may have different numbers of channels. */
function added(a: Float64Array, b: Float64Array): Float64Array {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a]
  const sum = long.slice()
  for (let i = 0; i < short.length; i++) sum[i]! += short[i]!
  return sum
}

const bothWindows = (a: readonly Windows[], b: readonly Windows[]): readonly Windows[] =>
  a.length === 0 ? b : b.length === 0 ? a : a.map((windows, i) => addWindows(windows, b[i]!))

/** Evidence of several pictures together; undefined where there is none. */
export function pool(all: readonly Evidence[]): Evidence | undefined {
  if (all.length === 0) return undefined
  return all.reduce((a, b) => {
    const lengths = new Map(a.lengths)
    for (const [length, times] of b.lengths) lengths.set(length, (lengths.get(length) ?? 0) + times)
    return {
      ...(Object.fromEntries(SUMS.map(name => [name, added(a[name], b[name])])) as Record<SumName, Float64Array>),
      lengths,
      windows: bothWindows(a.windows, b.windows),
      blackWindows: bothWindows(a.blackWindows, b.blackWindows),
    }
  })
}

/** Bytes of all ciphers together. */
export const byteTotal = ({ lengths }: Pick<Evidence, 'lengths'>): number =>
  [...lengths].reduce((sum, [length, times]) => sum + length * times, 0)

/** Ciphers behind the sums. */
export const cipherTotal = ({ lengths }: Pick<Evidence, 'lengths'>): number =>
  [...lengths.values()].reduce((sum, times) => sum + times, 0)
