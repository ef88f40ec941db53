import {
  byteTotal,
  ENDS,
  type Evidence,
  GRID,
  LAGS,
  largestOf,
  PARITY_BLOCKS,
  periodStart,
  placesAt,
  PLAIN_MASKS,
  repeats,
  walsh,
  type Windows,
} from '../evidence/index.ts'
import { histogramTestOfCounts } from '../metrics/index.ts'
import { smallestOf } from '../statistics/multiple.ts'
import {
  poissonCritical,
  poissonUpper,
  type Visible,
  visibleNoncentrality,
  visiblePoisson,
  visibleZ,
} from '../statistics/power.ts'
import { normalTwoSided } from '../statistics/special.ts'
import type { Finding } from './define.ts'

/**
 * What is said of all ciphers of a scheme together: functions of their evidence, each with the effect that it could
 * see.
 */

/** A deviation of a bit from one half is told in percentage points: ones in 50.5 % of the places are 0.5. */
const BIAS = 'percentage points of one bit beside one half'
const COPIED = '% of the bytes carrying a plain bit'
const COPIED_64 = '% of every 64th byte carrying a plain bit'

const HISTOGRAM_DOF = 255

/** The largest z of several sums, each over so many fair bits. */
interface Largest {
  z: number
  /** Cells looked at. */
  cells: number
  /** How far the bit behind the largest is from one half, as a share. */
  bias: number
  /** Bits behind the largest cell, and behind the fewest. */
  fewest: number
}

class Search implements Largest {
  z = 0
  cells = 0
  bias = 0
  fewest = Infinity

  /** @param sum ones less zeros among `count` bits */
  look(sum: number, count: number): void {
    if (count <= 0) return
    this.cells++
    this.fewest = Math.min(this.fewest, count)
    const z = sum / Math.sqrt(count)
    if (Math.abs(z) <= Math.abs(this.z)) return
    this.z = z
    this.bias = sum / count / 2
  }

  /** The bias of the bit that stands out most, and how likely one of all would. */
  finding(level: number, unit = BIAS): Finding | undefined {
    if (this.cells === 0) return undefined
    const effect = (100 * visibleZ(level, this.cells)) / 2 / Math.sqrt(this.fewest)
    return {
      value: this.bias,
      p: smallestOf(normalTwoSided(this.z), this.cells),
      visible: { effect, unit, root: true },
    }
  }
}

/** The smallest bias of one bit that chi-square of byte counts sees. */
const biasByHistogram = (bytes: number, level: number): Visible => ({
  effect: 50 * Math.sqrt(visibleNoncentrality(HISTOGRAM_DOF, level / 2) / bytes),
  unit: BIAS,
  root: true,
})

/** Byte counts over all channels. */
export function allCounts({ bytes }: Evidence): Float64Array {
  return Float64Array.from({ length: 256 }, (_, v) => {
    let sum = 0
    for (let at = v; at < bytes.length; at += 256) sum += bytes[at]!
    return sum
  })
}

/** A test of byte counts, of all channels together. */
export const ofCounts =
  (test: (counts: Float64Array) => { readonly value: number; readonly p: number } | undefined) =>
  (evidence: Evidence, level: number): Finding | undefined => {
    const found = test(allCounts(evidence))
    return found && { value: found.value, p: found.p, visible: biasByHistogram(byteTotal(evidence), level) }
  }

const channels = ({ bytes }: Evidence): Float64Array[] =>
  Array.from({ length: bytes.length / 256 }, (_, c) => bytes.subarray(256 * c, 256 * (c + 1)))

/** Chi-square of the byte counts of each channel, the one that stands out most. Undefined for a single channel. */
export function channelHistograms(evidence: Evidence, level: number): Finding | undefined {
  const tables = channels(evidence)
  const found = tables.flatMap(counts => histogramTestOfCounts(counts) ?? [])
  if (tables.length < 2 || found.length === 0) return undefined
  const worst = found.reduce((a, b) => (b.p < a.p ? b : a))
  return {
    value: worst.value,
    p: smallestOf(worst.p, found.length),
    visible: biasByHistogram(byteTotal(evidence) / tables.length, level / found.length),
  }
}

/** Each of the eight bits, over all bytes and over each channel. */
export function bitPlanes(evidence: Evidence, level: number): Finding | undefined {
  return parity(evidence, level, [1, 2, 4, 8, 16, 32, 64, 128])
}

/** The XOR of every choice of bits of a byte, over all bytes and over each channel. */
export function byteParities(evidence: Evidence, level: number): Finding | undefined {
  return parity(
    evidence,
    level,
    Array.from({ length: 255 }, (_, k) => k + 1),
  )
}

function parity(evidence: Evidence, level: number, masks: readonly number[]): Finding | undefined {
  const tables = channels(evidence)
  const search = new Search()
  for (const counts of tables.length > 1 ? [allCounts(evidence), ...tables] : tables) {
    const sums = counts.slice()
    walsh(sums)
    for (const mask of masks) search.look(-sums[mask]!, sums[0]!)
  }
  const found = search.finding(level)
  if (!found) return undefined
  // What is visible is told of a bit that is off everywhere: in one channel alone it takes the root of their number
  // more.
  const effect = (100 * visibleZ(level, search.cells)) / 2 / Math.sqrt(byteTotal(evidence))
  return { ...found, visible: { effect, unit: BIAS, root: true } }
}

/** Lengths of blocks that ciphers have. */
const BLOCKS = [2, 4, 8, 16, 32, 64]

/** Each bit at each place of blocks of 2, 4, ... 64 bytes. */
export const blockPlaces = (evidence: Evidence, level: number): Finding | undefined =>
  places(evidence, level, BLOCKS, 'percentage points of one bit in every 64th byte beside one half')

/** Each bit at each place of blocks of every other length up to 64 bytes. */
export const periodPlaces = (evidence: Evidence, level: number): Finding | undefined =>
  places(
    evidence,
    level,
    Array.from({ length: 63 }, (_, i) => i + 1).filter(period => !BLOCKS.includes(period)),
    'percentage points of one bit in every 63rd byte beside one half',
  )

function places({ lengths, ones }: Evidence, level: number, periods: readonly number[], unit: string) {
  const search = new Search()
  for (const period of periods) {
    for (let phase = 0; phase < period; phase++) {
      let count = 0
      for (const [length, times] of lengths) count += times * placesAt(length, period, phase)
      for (let bit = 0; bit < 8; bit++) search.look(ones[8 * (periodStart(period) + phase) + bit]!, count)
    }
  }
  return search.finding(level, unit)
}

/** Each bit in each part of the picture: 8 x 8 parts, 4 x 4 and 2 x 2. */
export function pictureParts({ parts, partPlaces }: Evidence, level: number): Finding | undefined {
  const search = new Search()
  for (let grid = GRID; grid >= 2; grid /= 2) {
    const sums = new Float64Array(8 * grid * grid)
    const counts = new Float64Array(grid * grid)
    for (let cell = 0; cell < GRID * GRID; cell++) {
      const scale = GRID / grid
      const at = grid * Math.floor(cell / GRID / scale) + Math.floor((cell % GRID) / scale)
      counts[at]! += partPlaces[cell]!
      for (let bit = 0; bit < 8; bit++) sums[8 * at + bit]! += parts[8 * cell + bit]!
    }
    sums.forEach((sum, i) => search.look(sum, counts[i >> 3]!))
  }
  return search.finding(level, 'percentage points of one bit in a 64th of the picture beside one half')
}

/** Fewer ciphers than this show nothing of one byte. */
const LEAST_ENDS = 30

/** Each bit of the first and last 64 bytes over all ciphers. */
export function cipherEnds(evidence: Evidence, level: number): Finding | undefined {
  let count = 0
  for (const [length, times] of evidence.lengths) if (length >= 2 * ENDS) count += times
  if (count < LEAST_ENDS) return undefined
  const search = new Search()
  for (const sum of evidence.ends) search.look(sum, count)
  return search.finding(level, 'percentage points of one bit at one place beside one half')
}

/** Every pair of a bit and one some bytes later, or a row below. */
export function serialBits({ serial, serialPairs }: Evidence, level: number): Finding | undefined {
  const search = new Search()
  serial.forEach((sum, i) => search.look(sum, serialPairs[i >> 6]!))
  const found = search.finding(
    level,
    `percentage points of equal pairs beside one half, at one of ${LAGS.length + 1} distances`,
  )
  return found
}

/** The parity of blocks of 2, 4, ... 64 bytes, of each bit and of all. */
export function blockParity({ parity: sums, parityBlocks }: Evidence, level: number): Finding | undefined {
  const search = new Search()
  sums.forEach((sum, i) => search.look(sum, parityBlocks[Math.floor(i / 9)]!))
  return search.finding(level, `percentage points of even blocks of ${PARITY_BLOCKS.at(-1)} bytes beside one half`)
}

/** Windows of 4, 8 and 16 bytes that occur again, in this cipher or another one. */
export const repeatedWindows = (evidence: Evidence, level: number): Finding | undefined =>
  repeated(evidence.windows, byteTotal(evidence), level)

/** The same in the ciphers of a black picture, one under each key: a key stream that repeats. */
export const repeatedStream = (evidence: Evidence, level: number): Finding | undefined =>
  repeated(evidence.blackWindows, byteTotal(evidence), level)

function repeated(windows: readonly Windows[], bytes: number, level: number): Finding | undefined {
  const found = windows.flatMap(all => {
    if (all.kept.length < 2) return []
    const { pairs, expected } = repeats(all)
    const upper = poissonUpper(pairs, expected)
    // Too few repeats, as a counter has, show only where some are expected.
    const lower = 1 - poissonUpper(pairs + 1, expected)
    return [{ ...all, pairs, expected, p: Math.min(1, 2 * Math.min(upper, lower)) }]
  })
  if (found.length === 0) return undefined
  const worst = found.reduce((a, b) => (b.p < a.p ? b : a))
  const long = found.at(-1)!
  const needed = visiblePoisson(poissonCritical(long.expected, level / 2 / found.length)) - long.expected
  // Of so many windows one in `length` begins a block, and one in 2^rate of those is kept.
  const blocks = bytes / long.length
  return {
    value: worst.pairs,
    p: smallestOf(worst.p, found.length),
    visible: {
      effect: Math.log2((blocks * blocks) / 2 / 2 ** long.rate / needed),
      unit: `bits: so many choices of a block of ${long.length} bytes, or fewer, would have been seen`,
    },
    note:
      `${worst.pairs} equal pairs of windows of ${worst.length} bytes, ` +
      `${worst.expected < 0.01 ? 'none' : worst.expected.toPrecision(3)} expected`,
  }
}

/** Bits of a plain byte, and their parity, against every XOR of bits of the cipher byte at its place. */
export function plainBits({ masks, maskVariances }: Evidence, level: number): Finding | undefined {
  const found = largestOf(masks, maskVariances, 256, at => at % 256 === 0)
  return related(
    found,
    maskVariances,
    level,
    COPIED,
    at => `${maskName(PLAIN_MASKS[at >> 8]!)} of the plain byte, ${maskName(at & 255)} of the cipher byte`,
  )
}

/** Plain bits against cipher bits at each place of blocks of 64 bytes, and so of 1, 2, ... 32. */
export function plainPlaces({ places: sums, placeVariances }: Evidence, level: number): Finding | undefined {
  const found = largestOf(sums, placeVariances, 8)
  return related(
    found,
    placeVariances,
    level,
    COPIED_64,
    at => `plain bit ${(at >> 3) & 7}, cipher bit ${at & 7} in byte ${at >> 6} of 64`,
  )
}

const maskName = (mask: number): string =>
  Array.from({ length: 8 }, (_, bit) => bit)
    .filter(bit => (mask >> bit) & 1)
    .reduce((text, bit) => `${text}${text === 'bit ' ? '' : ' xor '}${bit}`, 'bit ')

function related(
  { z, cells, at, variance }: ReturnType<typeof largestOf>,
  variances: Float64Array,
  level: number,
  unit: string,
  name: (at: number) => string,
): Finding | undefined {
  if (cells === 0) return undefined
  const widest = Math.max(...variances)
  return {
    value: z / Math.sqrt(variance),
    p: smallestOf(normalTwoSided(z), cells),
    visible: { effect: (100 * visibleZ(level, cells)) / Math.sqrt(widest), unit, root: true },
    note: name(at),
  }
}
