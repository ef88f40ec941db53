import { concatBytes } from '@latent/core'
import { truncated } from './refusals.ts'

/** Reads exact amounts from parts of any size. */
export class ByteReader {
  readonly #parts: AsyncIterator<Uint8Array>
  #part: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#parts = source[Symbol.asyncIterator]()
  }

  /** At least one and at most `limit` bytes, or `undefined` at the end. Valid until the source goes on. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#part.length === 0) {
      const next = await this.#parts.next()
      if (next.done) return undefined
      this.#part = next.value
    }
    const taken = this.#part.subarray(0, limit)
    this.#part = this.#part.subarray(taken.length)
    return taken
  }

  /** The next `length` bytes, or fewer at the end, which stay to be read. A copy. */
  async ahead(length: number): Promise<Uint8Array> {
    const bytes = await this.upTo(length)
    this.#part = concatBytes(bytes, this.#part)
    return bytes
  }

  /** `length` bytes, or fewer at the end. A copy. */
  async upTo(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const part = await this.some(length - filled)
      if (!part) break
      bytes.set(part, filled)
      filled += part.length
    }
    return bytes.subarray(0, filled)
  }

  async close(): Promise<void> {
    await this.#parts.return?.()
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      const part = await this.some(left)
      if (!part) throw truncated()
      left -= part.length
    }
  }
}
