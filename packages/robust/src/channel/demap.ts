import { LLR_SCALE } from '../ldpc/decode.ts'
import { LEVELS } from './constellation.ts'
import type { Blocks } from './geometry.ts'
import type { Line } from './line.ts'
import { arrival } from './measure.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex } from './pilots.ts'
import type { Received } from './received.ts'

/** Something else than the model knows happens this often: no bit is ever taken for certain. */
const UNKNOWN = 1e-6
const MOST_STEPS = 4095

/** For each value a coefficient arrives with, what its bits are likely to be. */
interface Table {
  readonly reach: number
  /** `bits` numbers a value, from `-reach` on. */
  readonly likelihoods: Int8Array
}

/**
 * What is known of each slot of a picture: whole numbers, 1 / LLR_SCALE of a natural logarithm each, positive for a bit
 * that is 0; 0 where the block is not there.
 */
export function demap(
  received: Received,
  blocks: Blocks,
  mode: Mode,
  lines: readonly Line[],
  slots: number,
): Int8Array {
  const { places, bits } = carriedBy(mode)
  const tables = lines.map((line, index) => tableOf(received, line, places[index]!, bits[index]!, mode))
  const out = new Int8Array(slots)
  const { wide, high, stride, coefficients } = received
  const [shiftX, shiftY] = [received.shift?.x ?? 0, received.shift?.y ?? 0]
  let at = 0
  for (let y = 0; y < blocks.high; y++)
    for (let x = 0; x < blocks.wide; x++) {
      const pilot = pilotIndex(x, y, places.length)
      const [column, row] = [x - shiftX, y - shiftY]
      const from = 64 * (row * stride + column)
      const start = at
      let empty = true
      const there = column >= 0 && column < wide && row >= 0 && row < high
      for (let i = 0; i < places.length; i++) {
        const value = there ? coefficients[from + places[i]!]! : 0
        if (value !== 0) empty = false
        if (i === pilot) continue
        const width = bits[i]!
        const { reach, likelihoods } = tables[i]!
        const entry = width * ((value > reach ? reach : value < -reach ? -reach : value) + reach)
        for (let bit = 0; bit < width; bit++) out[at + bit] = likelihoods[entry + bit]!
        at += width
      }
      // A block of nothing but zeros is one that a broken file lacks: what carries something is never empty.
      if (empty) out.fill(0, start, at)
    }
  return out
}

function tableOf({ steps }: Received, line: Line, place: number, width: number, mode: Mode): Table {
  const step = steps[place]!
  const levels = LEVELS[width]!.map(level => level * mode.amplitude)
  const reach = Math.min(MOST_STEPS, Math.ceil((2 * mode.amplitude * Math.max(1, line.gain) + 4 * line.noise) / step))
  const likelihoods = new Int8Array(width * (2 * reach + 1))
  for (let value = -reach; value <= reach; value++) {
    const arrivals = levels.map(level => arrival(value, step, level, line))
    for (let bit = 0; bit < width; bit++) {
      let [zero, one] = [UNKNOWN, UNKNOWN]
      arrivals.forEach((likelihood, level) => {
        if ((((level ^ (level >> 1)) >> (width - 1 - bit)) & 1) === 0) zero += likelihood
        else one += likelihood
      })
      const ratio = Math.round(LLR_SCALE * Math.log(zero / one))
      likelihoods[width * (value + reach) + bit] = Math.max(-127, Math.min(127, ratio))
    }
  }
  return { reach, likelihoods }
}

/** What the likelihoods say that a slot holds, in bits: 1 where all are certain. Right if they are. */
export function informationIn(slots: Int8Array): number {
  const every = Math.max(1, Math.floor(slots.length / 100_000))
  let [total, count] = [0, 0]
  for (let i = 0; i < slots.length; i += every, count++) {
    const wrong = 1 / (1 + Math.exp(Math.abs(slots[i]!) / LLR_SCALE))
    total += wrong === 0 ? 1 : 1 + wrong * Math.log2(wrong) + (1 - wrong) * Math.log2(1 - wrong)
  }
  return count === 0 ? 0 : total / count
}
