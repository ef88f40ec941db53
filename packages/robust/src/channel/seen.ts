import { LLR_SCALE } from '../ldpc/decode.ts'
import { LEVELS } from './constellation.ts'
import type { Blocks } from './geometry.ts'
import type { Line } from './line.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex, pilotOf } from './pilots.ts'
import type { Received } from './received.ts'

/**
 * What the learned demapper sees of a coefficient: what became of its kind, how its block and those beside it came
 * through, and what arrived. Numbers near 1.
 */
export const SEEN = { line: 8, block: 7, own: 7 } as const
/** Bits of a coefficient at most. */
export const MOST_BITS = 4

const cut = (value: number, most: number) => Math.max(-most, Math.min(most, value))
/** Squares of misses have this mean where noise is as it was measured, or nearly. */
const USUAL_MISS = 0.6

/** A picture as the learned demapper sees it. */
export class Sight {
  /** For each carrying coefficient, {@link SEEN}`.line` numbers. */
  readonly lines: Float32Array
  /** For each block of the picture as it was made, {@link SEEN}`.block` numbers. */
  readonly blocks: Float32Array
  /** 1 for each block that is there and holds something: one of zeros is what a broken file lacks. */
  readonly present: Uint8Array
  readonly #received: Received
  readonly #places: Uint8Array
  readonly #bits: Uint8Array
  /** What a level of 1 has become, and how far values miss it, in steps of the file; for each carrying coefficient. */
  readonly #scales: Float64Array
  readonly #spreads: Float64Array

  constructor(received: Received, blocks: Blocks, mode: Mode, lines: readonly Line[]) {
    const { places, bits } = carriedBy(mode)
    this.#received = received
    this.#places = places
    this.#bits = bits
    const steps = Float64Array.from(places, place => received.steps[place]!)
    this.#scales = Float64Array.from(lines, ({ gain }, i) => (mode.amplitude * Math.max(0.05, gain)) / steps[i]!)
    this.#spreads = Float64Array.from(lines, ({ noise }, i) => Math.sqrt(noise ** 2 + steps[i]! ** 2 / 12) / steps[i]!)
    this.lines = Float32Array.from(
      lines.flatMap(({ noise, reluctance }, i) => [
        ...[2, 3, 4].map(width => (width === bits[i] ? 1 : 0)),
        Math.log(noise / steps[i]! / this.#scales[i]!) + 2,
        2 - Math.log(this.#scales[i]!),
        4 * reluctance,
        (places[i]! & 7) / 7,
        (places[i]! >> 3) / 7,
      ]),
    )
    this.present = new Uint8Array(blocks.wide * blocks.high)
    this.blocks = this.#seenOfBlocks(blocks, mode)
  }

  /** Where a block's coefficients begin, if it is there. */
  at(x: number, y: number): number {
    const { stride, shift } = this.#received
    return 64 * ((y - (shift?.y ?? 0)) * stride + x - (shift?.x ?? 0))
  }

  #isThere(x: number, y: number): boolean {
    const { wide, high, shift } = this.#received
    const [column, row] = [x - (shift?.x ?? 0), y - (shift?.y ?? 0)]
    return column >= 0 && column < wide && row >= 0 && row < high
  }

  /**
   * What arrived as a coefficient.
   * @param from where its block begins; @param i which of the carrying ones it is
   * @param hand likelihoods of its bits as the demapper made by hand has them, from `slot` on
   * @param to {@link SEEN}`.own` numbers
   */
  own(from: number, i: number, hand: Int8Array, slot: number, to: Float32Array): void {
    const width = this.#bits[i]!
    for (let bit = 0; bit < MOST_BITS; bit++) to[bit] = bit < width ? hand[slot + bit]! / LLR_SCALE / 4 : 0
    const value = cut(this.#received.coefficients[from + this.#places[i]!]! / this.#scales[i]!, 4)
    to[4] = value
    to[5] = Math.abs(value)
    to[6] = this.#miss(from, i) - USUAL_MISS
  }

  /** The square of how far a coefficient is from the nearest level, in terms of its noise. */
  #miss(from: number, i: number): number {
    const value = this.#received.coefficients[from + this.#places[i]!]!
    const scale = this.#scales[i]!
    let least = Number.POSITIVE_INFINITY
    for (const level of LEVELS[this.#bits[i]!]!) least = Math.min(least, Math.abs(value - level * scale))
    return Math.min(9, (least / this.#spreads[i]!) ** 2)
  }

  #seenOfBlocks({ wide, high }: Blocks, mode: Mode): Float32Array {
    const { coefficients, steps } = this.#received
    const places = this.#places
    const silent = Uint8Array.from({ length: 64 }, (_, place) => place).filter(place => !places.includes(place))
    const seen = new Float32Array(SEEN.block * wide * high)
    const misses = new Float32Array(wide * high).fill(USUAL_MISS)
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        if (!this.#isThere(x, y)) continue
        const from = this.at(x, y)
        let [sum, zeros, energy] = [0, 0, 0]
        for (let i = 0; i < places.length; i++) {
          if (coefficients[from + places[i]!] === 0) zeros++
          sum += this.#miss(from, i)
        }
        if (zeros === places.length) continue
        this.present[y * wide + x] = 1
        for (const place of silent) energy += (coefficients[from + place]! * steps[place]!) ** 2
        const i = pilotIndex(x, y, places.length)
        const { place, value } = pilotOf(x, y, mode)
        const sent = (value / mode.amplitude) * this.#scales[i]!
        const off = cut((coefficients[from + place]! - sent) / this.#spreads[i]!, 4)
        misses[y * wide + x] = sum / places.length
        seen.set(
          [
            0,
            0,
            (4 * Math.sqrt(energy / 64)) / mode.amplitude,
            off,
            Math.abs(off),
            (2 * zeros) / places.length - 0.5,
            cut(Math.abs(coefficients[from]! * steps[0]!) / mode.amplitude, 3),
          ],
          SEEN.block * (y * wide + x),
        )
      }
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const block = y * wide + x
        let [sum, count] = [0, 0]
        const add = (there: boolean, other: number) => {
          if (!there) return
          sum += misses[other]!
          count++
        }
        add(x > 0, block - 1)
        add(x + 1 < wide, block + 1)
        add(y > 0, block - wide)
        add(y + 1 < high, block + wide)
        seen[SEEN.block * block] = misses[block]! - USUAL_MISS
        seen[SEEN.block * block + 1] = sum / Math.max(1, count) - USUAL_MISS
      }
    return seen
  }
}
