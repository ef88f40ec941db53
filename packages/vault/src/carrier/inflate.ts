import { concatBytes } from '@latent/core'
import { Inflate } from 'fflate'

/** What a block may look back upon. */
const WINDOW = 32768
/** A hostile stream can inflate a thousandfold: this much of it is inflated at a time. Of much less, fflate is slow. */
export const STEP = 1 << 16

/**
 * What a zlib stream holds. Stored blocks, and our own carriers have no others, pass through as they lie in what was
 * pushed; from the first block of another kind on fflate inflates. As with it, neither checksums nor the complements of
 * lengths are looked at: what is carried is authenticated, and is to come out wherever it can.
 */
export class Inflater {
  /** Headers are collected here: two bytes before the first block, and five before each. */
  #head: number[] = []
  #wanted = 2
  /** Bytes of a stored block that are still to come. */
  #left = 0
  #last = false
  /** The last bytes that came out, in a circle, and how many ever did. */
  readonly #window = new Uint8Array(WINDOW)
  #count = 0
  #packed: Inflate | undefined
  #parts: Uint8Array[] = []

  #begin([first = 0, second = 0, third = 0]: readonly number[]): void {
    if (this.#wanted === 2 && !isZlib(first, second)) throw new Error('invalid zlib data')
    if (this.#wanted === 5) {
      this.#last = (first & 1) === 1
      this.#left = second | (third << 8)
    }
    this.#head = []
    this.#wanted = 5
  }

  /** Whether what is pushed is inflated: best {@link STEP} bytes at a time, then. */
  get packed(): boolean {
    return this.#packed !== undefined
  }

  /** Parts are views of `bytes`, or whoever's who asks for them. @throws for what is no zlib stream */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      if (this.#packed) {
        // fflate keeps what it is given. Not `slice`, which is a view where the bytes are a Buffer of Node.
        this.#packed.push(new Uint8Array(bytes.subarray(at, at + STEP)))
        at += STEP
        yield* this.#parts
        this.#parts = []
      } else if (this.#left > 0) {
        const part = bytes.subarray(at, at + this.#left)
        at += part.length
        this.#left -= part.length
        this.#remember(part)
        yield part
      } else if (this.#last) {
        return
      } else if (this.#wanted === 5 && this.#head.length === 0 && !isStored(bytes[at]!)) {
        this.#packed = this.#inflate()
      } else {
        this.#head.push(bytes[at++]!)
        if (this.#head.length === this.#wanted) this.#begin(this.#head)
      }
    }
  }

  #remember(part: Uint8Array): void {
    const tail = part.subarray(-WINDOW)
    const start = (this.#count + part.length - tail.length) % WINDOW
    const before = tail.subarray(0, WINDOW - start)
    this.#window.set(before, start)
    this.#window.set(tail.subarray(before.length))
    this.#count += part.length
  }

  #inflate(): Inflate {
    const end = this.#count % WINDOW
    const dictionary =
      this.#count < WINDOW
        ? this.#window.subarray(0, end)
        : concatBytes(this.#window.subarray(end), this.#window.subarray(0, end))
    return new Inflate(dictionary.length > 0 ? { dictionary } : {}, part => this.#parts.push(part))
  }
}

/** Whether the first byte of a block says so. */
const isStored = (first: number) => (first & 6) === 0

/** As RFC 1950 has it, without a dictionary. */
const isZlib = (first: number, second: number) =>
  (first & 15) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0 && (second & 32) === 0
