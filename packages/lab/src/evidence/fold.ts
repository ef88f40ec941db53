/**
 * Bits counted by their place in blocks of every length up to 64 at once. A sequence is laid in rows of a length that
 * many of the periods divide. Bits below each other are counted 32 at a time by adders made of XOR and AND, one word a
 * binary place of the counts; the counts are then folded to the periods.
 */

/** Blocks of 1 to this many bytes. */
export const PERIODS = 64

/** Where the phases of each period begin in a table with one entry a phase. */
export const periodStart = (period: number): number => (period * (period - 1)) / 2

/** Phases of all periods together: 2080. */
export const PHASES = periodStart(PERIODS + 1)

/** How many of `length` places are at `phase` of `period`. */
export const placesAt = (length: number, period: number, phase: number): number =>
  length > phase ? Math.floor((length - 1 - phase) / period) + 1 : 0

/** Rows of one block: as many as five binary places count. */
const ROWS = 31
/** Longest row: blocks of it, folded to more than half of {@link PERIODS}, still fit eight bits. */
const LONGEST = 256

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))
const common = (a: number, b: number): number => (a / greatestDivisor(a, b)) * b

type Fold = { readonly length: number; readonly periods: readonly number[] }

/** Whole words a row, and the periods that each of them is folded to. Shorter periods follow from their doubles. */
const FOLDS: readonly Fold[] = (() => {
  const folds: { length: number; periods: number[] }[] = []
  for (let period = PERIODS; 2 * period > PERIODS; period--) {
    const fold = folds.find(({ length }) => common(length, period) <= LONGEST)
    if (fold) {
      fold.length = common(fold.length, period)
      fold.periods.push(period)
    } else folds.push({ length: common(4, period), periods: [period] })
  }
  return folds
})()

// Four lanes of eight bits each: what a byte adds to the counts of its bits 0 to 3, and 4 to 7.
const LOW = Uint32Array.from({ length: 256 }, (_, v) => (v & 1) | ((v & 2) << 7) | ((v & 4) << 14) | ((v & 8) << 21))
const HIGH = Uint32Array.from(LOW, (_, v) => LOW[v >> 4]!)

/** Bytes four to a word, filled up with zeros. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const words = new Int32Array(Math.ceil(bytes.length / 4))
  new Uint8Array(words.buffer).set(bytes)
  return words
}

/**
 * Ones beyond one half, twice: 2 * ones - places, for every period, phase and bit (0 is the lowest).
 * @returns 8 numbers a phase, phases as {@link periodStart} has them
 */
export const foldBits = (bytes: Uint8Array): Int32Array => foldWords(wordsOf(bytes), bytes.length)

/** As {@link foldBits}, of the first `places` bytes of words whose others are zero. */
export function foldWords(words: Int32Array, places: number): Int32Array {
  const found = new Int32Array(8 * PHASES)
  for (const fold of FOLDS) addFolded(words, fold, found)
  for (let period = PERIODS >> 1; period >= 1; period--) {
    const [to, from, size] = [8 * periodStart(period), 8 * periodStart(2 * period), 8 * period]
    for (let i = 0; i < size; i++) found[to + i] = found[from + i]! + found[from + size + i]!
  }
  for (let period = 1; period <= PERIODS; period++) centre(found, places, period, 8 * periodStart(period))
  return found
}

/** Ones beyond one half, twice, of each bit at each place of blocks of {@link PERIODS}: 8 numbers a place. */
export function foldBlock(words: Int32Array, places: number): Int32Array {
  const found = new Int32Array(8 * PERIODS)
  addFolded(words, { length: PERIODS, periods: [PERIODS] }, found, 0)
  centre(found, places, PERIODS, 0)
  return found
}

function centre(ones: Int32Array, places: number, period: number, start: number): void {
  for (let i = 0; i < 8 * period; i++) ones[start + i] = 2 * ones[start + i]! - placesAt(places, period, i >> 3)
}

/** Adds the ones of each period of one fold. */
function addFolded(words: Int32Array, { length, periods }: Fold, found: Int32Array, start?: number): void {
  const [low, high] = [new Uint32Array(length), new Uint32Array(length)]
  const block = (ROWS * length) / 4
  for (let from = 0; from < words.length; from += block) {
    countColumns(words, from, Math.min(words.length, from + block), low, high)
    for (const period of periods) {
      for (let phase = 0, at = start ?? 8 * periodStart(period); phase < period; phase++) {
        let lows = 0
        let highs = 0
        for (let i = phase; i < length; i += period) {
          lows += low[i]!
          highs += high[i]!
        }
        for (let shift = 0; shift < 32; shift += 8, at++) {
          found[at]! += (lows >>> shift) & 255
          found[at + 4]! += (highs >>> shift) & 255
        }
        at += 4
      }
    }
  }
}

/** Ones in each column of the rows between two words: those of the lower four bits of each byte, and of the upper. */
function countColumns(words: Int32Array, from: number, end: number, low: Uint32Array, high: Uint32Array): void {
  const row = low.length / 4
  for (let column = 0; column < row; column++) {
    let ones = 0
    let twos = 0
    let fours = 0
    let eights = 0
    let sixteens = 0
    let at = from + column
    // Two full adders take four words, a third their two carries.
    for (; at + 3 * row < end; at += 4 * row) {
      const b = words[at + row]!
      const d = words[at + 3 * row]!
      const ab = ones ^ words[at]!
      const first = (ones & words[at]!) | (ab & b)
      ones = ab ^ b
      const cd = ones ^ words[at + 2 * row]!
      const second = (ones & words[at + 2 * row]!) | (cd & d)
      ones = cd ^ d
      const both = twos ^ first
      let carry = (twos & first) | (both & second)
      twos = both ^ second
      const four = fours & carry
      fours ^= carry
      carry = eights & four
      eights ^= four
      sixteens ^= carry
    }
    for (; at < end; at += row) {
      const word = words[at]!
      const two = ones & word
      ones ^= word
      const four = twos & two
      twos ^= two
      const eight = fours & four
      fours ^= four
      sixteens ^= eights & eight
      eights ^= eight
    }
    for (let k = 0; k < 32; k += 8) {
      const place = 4 * column + (k >> 3)
      low[place] = lanes(LOW, k, ones, twos, fours, eights, sixteens)
      high[place] = lanes(HIGH, k, ones, twos, fours, eights, sixteens)
    }
  }
}

/** Counts of four bits of the byte `shift` bits up, from their binary places. */
const lanes = (
  table: Uint32Array,
  shift: number,
  v1: number,
  v2: number,
  v4: number,
  v8: number,
  v16: number,
): number =>
  table[(v1 >>> shift) & 255]! +
  (table[(v2 >>> shift) & 255]! << 1) +
  (table[(v4 >>> shift) & 255]! << 2) +
  (table[(v8 >>> shift) & 255]! << 3) +
  (table[(v16 >>> shift) & 255]! << 4)

/** Ones of each of the eight bits, from how often each byte value occurs. */
export function bitCounts(counts: ArrayLike<number>): Float64Array {
  const ones = new Float64Array(8)
  const rest = new Float64Array(counts)
  for (let bit = 7; bit >= 0; bit--) {
    const half = 1 << bit
    let sum = 0
    for (let v = 0; v < half; v++) {
      sum += rest[half + v]!
      rest[v]! += rest[half + v]!
    }
    ones[bit] = sum
  }
  return ones
}
