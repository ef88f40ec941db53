/**
 * Bits counted by their place in blocks of every length up to 64 at once. A sequence is folded to lengths that many of
 * the periods divide, eight bits of a byte in eight lanes of two numbers, and those to the periods themselves.
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

// Long folds take fewer passes over the bytes, and more work to fold on to the periods.
const [SHORT, LONG] = [2 ** 9, 2 ** 12]
/** From so many bytes on the passes are what takes time. */
const MANY = 2 ** 16

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))

type Fold = { readonly length: number; readonly periods: readonly number[] }

/** Lengths of at most `longest`, and the periods that each of them is folded on to. */
function foldsOf(longest: number): readonly Fold[] {
  const folds: { length: number; periods: number[] }[] = []
  for (let period = PERIODS; period >= 1; period--) {
    const common = (length: number) => (length / greatestDivisor(length, period)) * period
    const fold = folds.find(({ length }) => common(length) <= longest)
    if (fold) {
      fold.length = common(fold.length)
      fold.periods.push(period)
    } else folds.push({ length: period, periods: [period] })
  }
  return folds
}

const FOLDS = { short: foldsOf(SHORT), long: foldsOf(LONG) }

// Four lanes of eight bits each: what a byte adds to the counts of its bits 0 to 3, and 4 to 7.
const LOW = Uint32Array.from({ length: 256 }, (_, v) => (v & 1) | ((v & 2) << 7) | ((v & 4) << 14) | ((v & 8) << 21))
const HIGH = Uint32Array.from(LOW, (_, v) => LOW[v >> 4]!)
/** Additions that a lane holds. */
const LANE = 255

/**
 * Ones beyond one half, twice: 2 * ones - places, for every period, phase and bit (0 is the lowest).
 * @returns 8 numbers a phase, phases as {@link periodStart} has them
 */
export function foldBits(bytes: Uint8Array): Int32Array {
  const found = new Int32Array(8 * PHASES)
  for (const { length, periods } of bytes.length < MANY ? FOLDS.short : FOLDS.long) {
    const folded = foldTo(bytes, length)
    for (const period of periods) {
      const start = 8 * periodStart(period)
      const end = start + 8 * period
      for (let i = 0, at = start; i < folded.length; i++) {
        found[at]! += folded[i]!
        if (++at === end) at = start
      }
    }
  }
  for (let period = 1; period <= PERIODS; period++) {
    for (let phase = 0; phase < period; phase++) {
      const places = placesAt(bytes.length, period, phase)
      for (let bit = 0; bit < 8; bit++) {
        const at = 8 * (periodStart(period) + phase) + bit
        found[at] = 2 * found[at]! - places
      }
    }
  }
  return found
}

/** Ones of each bit at each place of blocks of `length`. */
function foldTo(bytes: Uint8Array, length: number): Int32Array {
  const size = Math.min(length, bytes.length)
  const ones = new Int32Array(8 * size)
  const [low, high] = [new Uint32Array(size), new Uint32Array(size)]
  const flush = () => {
    for (let i = 0; i < size; i++) {
      for (let bit = 0; bit < 4; bit++) {
        ones[8 * i + bit]! += (low[i]! >>> (8 * bit)) & 255
        ones[8 * i + bit + 4]! += (high[i]! >>> (8 * bit)) & 255
      }
    }
    low.fill(0)
    high.fill(0)
  }
  for (let from = 0, rows = 0; from < bytes.length; from += length) {
    const end = Math.min(length, bytes.length - from)
    for (let i = 0; i < end; i++) {
      const byte = bytes[from + i]!
      low[i]! += LOW[byte]!
      high[i]! += HIGH[byte]!
    }
    if (++rows === LANE) {
      flush()
      rows = 0
    }
  }
  flush()
  return ones
}

/** Ones beyond one half, twice, of each bit at each place of blocks of one length: 8 numbers a place. */
export function foldBlock(bytes: Uint8Array, length: number): Int32Array {
  return foldTo(bytes, length).map((ones, i) => 2 * ones - placesAt(bytes.length, length, i >> 3))
}

/** Ones of each of the eight bits, from how often each byte value occurs. */
export function bitCounts(counts: ArrayLike<number>): Float64Array {
  const ones = new Float64Array(8)
  const rest = Float64Array.from(counts)
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
