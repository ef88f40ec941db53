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

  /** Writes the bits of a codeword into their slots. */
  scatter(frame: number, codeword: Uint8Array, slots: Uint8Array): void {
    const [frames, order, turns] = [this.#frames, this.#order, this.#turns]
    for (let row = 0; row < CODEWORD_BITS; row++) {
      const column = frame - turns[row]!
      slots[row * frames + (column < 0 ? column + frames : column)] = codeword[order[row]!]!
    }
  }

  /** Collects what is known of the bits of a codeword from its slots. */
  gather(frame: number, slots: Int8Array, codeword: Int16Array): void {
    const [frames, order, turns] = [this.#frames, this.#order, this.#turns]
    for (let row = 0; row < CODEWORD_BITS; row++) {
      const column = frame - turns[row]!
      codeword[order[row]!] = slots[row * frames + (column < 0 ? column + frames : column)]!
    }
  }
}

let order: Uint32Array | undefined
const bitOrder = (): Uint32Array => (order ??= new Draws(0x4f52_4452).permutation(CODEWORD_BITS))
