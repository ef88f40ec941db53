import { CODEWORD_BITS } from '../ldpc/code.ts'
import { Draws } from '../draws.ts'

/**
 * Which bit of which codeword a slot holds. Slots are taken in rows of one for each codeword, and rows are turned by
 * drawn amounts, so that every codeword has bits of all kinds from all over the picture; within a codeword their order
 * is drawn.
 */
export class Interleaver {
  readonly #frames: number
  readonly #order = bitOrder()
  readonly #turns: Uint32Array

  constructor(frames: number) {
    this.#frames = frames
    const draws = new Draws(0x5455_524e)
    this.#turns = Uint32Array.from({ length: CODEWORD_BITS }, () => draws.below(frames))
  }

  /**
   * Writes the bits of some codewords, one behind the other, into their slots. Several at a time, for neighbours have
   * neighbouring slots.
   */
  scatter(first: number, codewords: Uint8Array, slots: Uint8Array): void {
    const [frames, order, turns] = [this.#frames, this.#order, this.#turns]
    const count = codewords.length / CODEWORD_BITS
    for (let row = 0; row < CODEWORD_BITS; row++) {
      let from = order[row]!
      let column = first - turns[row]!
      if (column < 0) column += frames
      for (let i = 0; i < count; i++, from += CODEWORD_BITS) {
        slots[row * frames + column] = codewords[from]!
        if (++column === frames) column = 0
      }
    }
  }

  /** Collects what is known of the bits of some codewords, one behind the other, from their slots. */
  gather(first: number, slots: Int8Array, codewords: Int8Array): void {
    const [frames, order, turns] = [this.#frames, this.#order, this.#turns]
    const count = codewords.length / CODEWORD_BITS
    for (let row = 0; row < CODEWORD_BITS; row++) {
      let to = order[row]!
      let column = first - turns[row]!
      if (column < 0) column += frames
      for (let i = 0; i < count; i++, to += CODEWORD_BITS) {
        codewords[to] = slots[row * frames + column]!
        if (++column === frames) column = 0
      }
    }
  }
}

let order: Uint32Array | undefined
const bitOrder = (): Uint32Array => (order ??= new Draws(0x4f52_4452).permutation(CODEWORD_BITS))
