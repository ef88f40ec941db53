import type { Mode } from './modes.ts'
import { pilotOf } from './pilots.ts'
import type { Luma } from './received.ts'
import { mirrored } from './enlarge.ts'

/**
 * A picture that was made smaller has gone through somebody's kernel, which blurs: each coefficient has something of
 * its neighbours in other blocks. What undoes that, as far as noise allows, is learned from the pilots: a symmetric
 * filter whose output agrees with them best (least squares; each frequency counts by how little noise it has).
 */

/** The filter reaches so many pixels, both directions together. */
const REACH = 5
/** Its weights: pixels to the right or left, and below or above. */
const TAPS = Array.from({ length: (REACH + 1) ** 2 }, (_, i) => ({
  x: i % (REACH + 1),
  y: Math.floor(i / (REACH + 1)),
})).filter(({ x, y }) => x + y <= REACH)
/** Blocks beyond some thousand tell nothing new. */
const MOST_BLOCKS = 8192
const ROUNDS = 3
/** Weights are drawn to those of a filter that does nothing as if so many pilots of their power said so. */
const PRIOR = 4
/** No coefficient is taken for cleaner than this, as a part of what was sent. */
const LEAST_NOISE = 0.002

/** What the pilots of one coefficient say: sums of products of taps, of taps and what was sent, and its squares. */
interface Moments {
  readonly products: Float64Array
  readonly sent: Float64Array
  power: number
  count: number
}

const SIZE = TAPS.length

/** The picture filtered so that pilots are found best. */
export function equalised(luma: Luma, mode: Mode): Luma {
  return filtered(luma, weightsOf(momentsOf(luma, mode)))
}

const wave = (frequency: number) =>
  Float64Array.from(
    { length: 8 },
    (_, i) => (frequency === 0 ? Math.SQRT1_2 / 2 : 0.5) * Math.cos(((2 * i + 1) * frequency * Math.PI) / 16),
  )
const WAVES = Array.from({ length: 8 }, (_, frequency) => wave(frequency))

function momentsOf({ width, height, data }: Luma, mode: Mode): Map<number, Moments> {
  const found = new Map<number, Moments>()
  // The reach of the filter is within the picture for all but the outermost blocks.
  const [wide, high] = [Math.floor(width / 8) - 2, Math.floor(height / 8) - 2]
  const every = Math.max(1, Math.floor((wide * high) / MOST_BLOCKS))
  const rows = new Float64Array((8 + 2 * REACH) * (REACH + 1))
  const taps = new Float64Array(SIZE)
  for (let index = 0; index < wide * high; index += every) {
    const [x, y] = [1 + (index % wide), 1 + Math.floor(index / wide)]
    const { place, value } = pilotOf(x, y, mode)
    const [across, down] = [WAVES[place & 7]!, WAVES[place >> 3]!]
    for (let row = 0; row < 8 + 2 * REACH; row++) {
      const at = (8 * y + row - REACH) * width + 8 * x
      for (let shift = 0; shift <= REACH; shift++) {
        let sum = 0
        for (let i = 0; i < 8; i++) sum += across[i]! * (data[at + i - shift]! + data[at + i + shift]! - 256)
        rows[row * (REACH + 1) + shift] = shift === 0 ? sum / 2 : sum
      }
    }
    TAPS.forEach((tap, i) => {
      let sum = 0
      for (let row = 0; row < 8; row++) {
        const [above, below] = [row + REACH - tap.y, row + REACH + tap.y]
        sum += down[row]! * (rows[above * (REACH + 1) + tap.x]! + rows[below * (REACH + 1) + tap.x]!)
      }
      taps[i] = tap.y === 0 ? sum / 2 : sum
    })
    const moments = found.get(place) ?? {
      products: new Float64Array(SIZE * SIZE),
      sent: new Float64Array(SIZE),
      power: 0,
      count: 0,
    }
    found.set(place, moments)
    for (let a = 0; a < SIZE; a++) {
      moments.sent[a]! += taps[a]! * value
      for (let b = 0; b <= a; b++) moments.products[a * SIZE + b]! += taps[a]! * taps[b]!
    }
    moments.power += value * value
    moments.count++
  }
  // What is below the diagonal is above it, too.
  for (const { products } of found.values())
    for (let a = 0; a < SIZE; a++) for (let b = 0; b < a; b++) products[b * SIZE + a] = products[a * SIZE + b]!
  return found
}

function weightsOf(moments: Map<number, Moments>): Float64Array {
  let weights: Float64Array = Float64Array.from({ length: SIZE }, (_, i) => (i === 0 ? 1 : 0))
  const pilots = [...moments.values()].reduce((sum, { count }) => sum + count, 0)
  for (let round = 0; round < ROUNDS; round++) {
    const matrix = Array.from({ length: SIZE }, () => new Float64Array(SIZE + 1))
    for (const those of moments.values()) {
      const noise = Math.max(LEAST_NOISE * those.power, errorOf(weights, those)) / those.count
      const certainty = round === 0 ? 1 : 1 / noise
      for (let a = 0; a < SIZE; a++) {
        for (let b = 0; b < SIZE; b++) matrix[a]![b]! += certainty * those.products[a * SIZE + b]!
        matrix[a]![SIZE]! += certainty * those.sent[a]!
      }
    }
    for (let a = 0; a < SIZE; a++) {
      const drawn = (PRIOR / pilots) * matrix[a]![a]! + Number.EPSILON
      matrix[a]![a]! += drawn
      if (a === 0) matrix[a]![SIZE]! += drawn
    }
    weights = solved(matrix)
  }
  return weights
}

/** The squares of what these weights miss. */
function errorOf(weights: Float64Array, { products, sent, power }: Moments): number {
  let error = power
  for (let a = 0; a < SIZE; a++) {
    error -= 2 * weights[a]! * sent[a]!
    for (let b = 0; b < SIZE; b++) error += weights[a]! * weights[b]! * products[a * SIZE + b]!
  }
  return Math.max(0, error)
}

/** The solution of linear equations whose matrix is symmetric and positive; the right side is its last column. */
function solved(rows: readonly Float64Array[]): Float64Array {
  const size = rows.length
  rows.forEach((row, i) => {
    for (let below = i + 1; below < size; below++) {
      const factor = rows[below]![i]! / row[i]!
      for (let k = i; k <= size; k++) rows[below]![k]! -= factor * row[k]!
    }
  })
  const found = new Float64Array(size)
  for (let i = size - 1; i >= 0; i--) {
    let value = rows[i]![size]!
    for (let k = i + 1; k < size; k++) value -= rows[i]![k]! * found[k]!
    found[i] = value / rows[i]![i]!
  }
  return found
}

function filtered({ width, height, data }: Luma, weights: Float64Array): Luma {
  const out = new Float32Array(width * height)
  const lines = Array.from({ length: REACH + 1 }, () => new Float64Array(width + 2 * REACH))
  const columns = Int32Array.from(lines[0]!, (_, i) => mirrored(i - REACH, width))
  const sum = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    // Rows as far above as below are filtered alike, so they are added up first.
    lines.forEach((line, shift) => {
      const [above, below] = [mirrored(y - shift, height) * width, mirrored(y + shift, height) * width]
      for (let i = 0; i < line.length; i++) {
        const x = columns[i]!
        line[i] = shift === 0 ? data[above + x]! - 128 : data[above + x]! + data[below + x]! - 256
      }
    })
    sum.fill(128)
    TAPS.forEach((tap, i) => {
      const [line, weight] = [lines[tap.y]!, weights[i]!]
      const [left, right] = [REACH - tap.x, REACH + tap.x]
      if (tap.x === 0) for (let x = 0; x < width; x++) sum[x]! += weight * line[x + left]!
      else for (let x = 0; x < width; x++) sum[x]! += weight * (line[x + left]! + line[x + right]!)
    })
    out.set(sum, y * width)
  }
  return { width, height, data: out }
}
