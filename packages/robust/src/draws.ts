/**
 * The pseudo-random numbers of the format: Marsaglia's xorshift with shifts 13, 17 and 5 on 32 bits (2003). They hide
 * nothing; they spread bits and choose signs, alike in every implementation.
 */
export class Draws {
  #state: number

  /** @param seed any 32-bit integer but 0 */
  constructor(seed: number) {
    this.#state = seed | 0
    for (let i = 0; i < 8; i++) this.next()
  }

  /** The next state, 1 to 2^32 - 1. */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }

  /** An integer from 0 to `bound - 1`: the upper part of the product of the next state and `bound`. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound)
  }

  /** A permutation of 0 to `length - 1` (Fisher and Yates, from the end). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, i) => i)
    for (let i = length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = order[i]!
      order[i] = order[j]!
      order[j] = kept
    }
    return order
  }
}
