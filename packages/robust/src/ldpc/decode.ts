import { type Code, CODEWORD_BITS, LIFT } from './code.ts'

/** Likelihoods are whole numbers, 1 / {@link LLR_SCALE} of a natural logarithm each, positive for a bit that is 0. */
export const LLR_SCALE = 8
const LARGEST = 4095
/** Min-sum overstates what a check knows by about so much. Taken off, not a part: chains of parity must add up. */
const OFFSET = 4

/** How decoding a codeword ended. */
export interface Decoded {
  readonly ok: boolean
  /** Rounds over all checks that it took. */
  readonly rounds: number
}

/** Decodes one codeword after the other, and keeps its memory from one to the next. */
export interface LdpcDecoder {
  /** Likelihoods of all bits in, and what they have become. */
  readonly likelihoods: Int16Array
  /** Decodes what stands in `likelihoods`; signs of the first bits are the data then. */
  decode(mostRounds: number): Decoded
}

/**
 * Min-sum with an offset (Chen and Fossorier, 2002), check after check with what the ones before have found (Hocevar,
 * 2004): the definition of what the kernel does, and what decodes where that does not run.
 */
export class PlainDecoder implements LdpcDecoder {
  readonly #degree: number
  /**
   * For each check in turn, which bits it holds. The bit behind the last is always 0: the first check has no bit
   * before it.
   */
  readonly #bits: Int32Array
  readonly #messages: Int16Array
  readonly #held: Int32Array
  readonly likelihoods = new Int16Array(CODEWORD_BITS + 1)

  constructor(code: Code) {
    this.#degree = code.checkDegree
    this.#bits = checksOf(code)
    this.#messages = new Int16Array(this.#bits.length)
    this.#held = new Int32Array(code.checkDegree)
  }

  /** Decodes what stands in `likelihoods`; signs of the first bits are the data then. */
  decode(mostRounds: number): Decoded {
    this.#messages.fill(0)
    this.likelihoods[CODEWORD_BITS] = LARGEST
    for (let rounds = 1; rounds <= mostRounds; rounds++) {
      if (this.#round() && this.#holds()) return { ok: true, rounds }
    }
    return { ok: false, rounds: mostRounds }
  }

  /** One pass over all checks. @returns whether each held when it was left */
  #round(): boolean {
    const degree = this.#degree
    const [bits, messages, held, likelihoods] = [this.#bits, this.#messages, this.#held, this.likelihoods]
    let wrong = 0
    for (let from = 0; from < bits.length; from += degree) {
      let least = LARGEST
      let second = LARGEST
      let at = 0
      let sign = 0
      let parity = 0
      for (let i = 0; i < degree; i++) {
        const value = likelihoods[bits[from + i]!]! - messages[from + i]!
        held[i] = value
        sign ^= value
        const below = value >> 31
        const size = (value ^ below) - below
        if (size < least) {
          second = least
          least = size
          at = i
        } else if (size < second) second = size
      }
      least = least > OFFSET ? least - OFFSET : 0
      second = second > OFFSET ? second - OFFSET : 0
      sign >>= 31
      for (let i = 0; i < degree; i++) {
        const value = held[i]!
        const flip = sign ^ (value >> 31)
        const size = i === at ? second : least
        const message = (size ^ flip) - flip
        messages[from + i] = message
        const sum = value + message
        parity ^= sum
        likelihoods[bits[from + i]!] = sum > LARGEST ? LARGEST : sum < -LARGEST ? -LARGEST : sum
      }
      wrong |= parity
    }
    return wrong >= 0
  }

  #holds(): boolean {
    const degree = this.#degree
    const [bits, likelihoods] = [this.#bits, this.likelihoods]
    for (let from = 0; from < bits.length; from += degree) {
      let sign = 0
      for (let i = 0; i < degree; i++) sign ^= likelihoods[bits[from + i]!]!
      if (sign < 0) return false
    }
    return true
  }
}

function checksOf({ columns, rows, checkDegree }: Code): Int32Array {
  const bits = new Int32Array(rows * LIFT * checkDegree)
  const filled = new Uint32Array(rows * LIFT)
  const put = (check: number, bit: number) => {
    bits[check * checkDegree + filled[check]!++] = bit
  }
  columns.forEach((column, index) => {
    for (const { row, shift } of column)
      for (let z = 0; z < LIFT; z++) put(row * LIFT + z, index * LIFT + ((z + shift) % LIFT))
  })
  const parity = (row: number, z: number) => CODEWORD_BITS - rows * LIFT + row * LIFT + z
  for (let row = 0; row < rows; row++)
    for (let z = 0; z < LIFT; z++) {
      put(row * LIFT + z, parity(row, z))
      put(row * LIFT + z, row > 0 ? parity(row - 1, z) : z > 0 ? parity(rows - 1, z - 1) : CODEWORD_BITS)
    }
  return bits
}
