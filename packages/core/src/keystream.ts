import { argumentError } from './errors.ts'
import { aes256CtrStream, deriveKey } from './primitives.ts'

/**
 * A deterministic, seekless stream of pseudo-random values: AES-256-CTR under a key derived for one
 * purpose. Everything in Latent that must be random and repeatable (masks, permutations, initial
 * weights, data order) draws from one of these, never from `Math.random`.
 */
export class KeyStream {
  readonly #key: Uint8Array
  #block: Uint8Array = new Uint8Array(0)
  #at = 0
  #blocks = 0

  private constructor(key: Uint8Array) {
    this.#key = key
  }

  static async create(key: Uint8Array, purpose: `latent/v1/${string}`, nonce?: Uint8Array): Promise<KeyStream> {
    return new KeyStream(await deriveKey(key, purpose, nonce))
  }

  /** The next `length` bytes. */
  async bytes(length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length)
    let done = 0
    while (done < length) {
      if (this.#at === this.#block.length) await this.#refill(length - done)
      const part = this.#block.subarray(this.#at, this.#at + length - done)
      out.set(part, done)
      done += part.length
      this.#at += part.length
    }
    return out
  }

  /** `count` uniform integers below `bound` (at most 2^32), by rejection: no modulo bias. */
  async integers(count: number, bound: number): Promise<Uint32Array> {
    if (!Number.isSafeInteger(bound) || bound < 1 || bound > 2 ** 32)
      throw argumentError('bound', 'an integer from 1 to 2^32', bound)
    const limit = 2 ** 32 - (2 ** 32 % bound)
    const out = new Uint32Array(count)
    let done = 0
    while (done < count) {
      const words = await this.bytes(4 * (count - done))
      const view = new DataView(words.buffer, words.byteOffset, words.length)
      for (let i = 0; i < words.length; i += 4) {
        const word = view.getUint32(i)
        if (word < limit) out[done++] = word % bound
      }
    }
    return out
  }

  /** `count` uniform floats in [0, 1), 32 bits each. */
  async uniforms(count: number): Promise<Float64Array> {
    const words = await this.integers(count, 2 ** 32)
    const out = new Float64Array(count)
    for (let i = 0; i < count; i++) out[i] = words[i]! / 2 ** 32
    return out
  }

  /** A uniform permutation of 0..n-1 (Fisher-Yates). */
  async permutation(n: number): Promise<Uint32Array> {
    const order = Uint32Array.from({ length: n }, (_, i) => i)
    // One 64-bit draw a step: the bias of a multiply-shift on 53 bits is below 2^-21 for any n here.
    const words = await this.bytes(8 * Math.max(0, n - 1))
    const view = new DataView(words.buffer, words.byteOffset, words.length)
    for (let i = n - 1; i > 0; i--) {
      const high = view.getUint32(8 * (i - 1)) >>> 5
      const low = view.getUint32(8 * (i - 1) + 4) >>> 6
      const j = Math.floor(((high * 2 ** 26 + low) / 2 ** 53) * (i + 1))
      const swap = order[i]!
      order[i] = order[j]!
      order[j] = swap
    }
    return order
  }

  async #refill(wanted: number): Promise<void> {
    const size = Math.max(4096, (wanted + 15) & ~15)
    const counter = new Uint8Array(16)
    new DataView(counter.buffer).setBigUint64(8, BigInt(this.#blocks))
    this.#block = await aes256CtrStream(this.#key, counter, size)
    this.#blocks += size / 16
    this.#at = 0
  }
}
