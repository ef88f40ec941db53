import { brokenJpeg, type HuffmanSpec } from './markers.ts'

const LOOK = 9

/**
 * A Huffman table ready to decode: `look` gives length * 256 + symbol for codes of up to 9 bits by the next 9 bits, 0
 * for longer ones, which `last` (the largest code of each length) and `first` (where its symbols begin) decode.
 */
export interface HuffmanTable {
  readonly look: Uint16Array
  readonly last: Int32Array
  readonly first: Int32Array
  readonly symbols: Uint8Array
}

/** @throws E_IMAGE for lengths that no prefix code has */
export function huffmanTable({ counts, symbols }: HuffmanSpec): HuffmanTable {
  const look = new Uint16Array(1 << LOOK)
  const last = new Int32Array(18).fill(-1)
  const first = new Int32Array(18)
  let code = 0
  let at = 0
  for (let length = 1; length <= 16; length++) {
    first[length] = at - code
    const count = counts[length - 1]!
    if (code + count > 1 << length) throw brokenJpeg('a Huffman table is no prefix code')
    if (length <= LOOK)
      for (let i = 0; i < count; i++) {
        const from = (code + i) << (LOOK - length)
        look.fill(length * 256 + symbols[at + i]!, from, from + (1 << (LOOK - length)))
      }
    code += count
    at += count
    if (count > 0) last[length] = code - 1
    code <<= 1
  }
  return { look, last, first, symbols }
}

/** Thrown where the data of a scan end: what was decoded until then stands. */
export const OUT_OF_DATA = Symbol('the entropy-coded data end')

/** Bits of one entropy-coded segment, from which byte stuffing has been taken out. */
export class BitReader {
  readonly #bytes: Uint8Array
  #at: number
  #end: number
  #window = 0
  #count = 0

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes
    this.#at = from
    this.#end = to
  }

  /** The next `length` bits (0 to 16). @throws OUT_OF_DATA */
  bits(length: number): number {
    if (length === 0) return 0
    if (this.#count < length) this.#fill()
    this.#count -= length
    if (this.#count < 0) throw OUT_OF_DATA
    return (this.#window >>> this.#count) & ((1 << length) - 1)
  }

  /** A number of `length` bits as T.81 codes signed ones (F.2.2.1). */
  signed(length: number): number {
    if (length === 0) return 0
    const bits = this.bits(length)
    return bits < 1 << (length - 1) ? bits - (1 << length) + 1 : bits
  }

  /** @throws OUT_OF_DATA; E_IMAGE for a code that the table has not */
  symbol({ look, last, first, symbols }: HuffmanTable): number {
    if (this.#count < 16) this.#fill()
    // Behind the end come zeros, so that a last short code is found; `count` tells whether it was there.
    const next =
      this.#count >= 16 ? (this.#window >>> (this.#count - 16)) & 0xffff : (this.#window << (16 - this.#count)) & 0xffff
    const found = look[next >>> (16 - LOOK)]!
    if (found !== 0) {
      this.#count -= found >>> 8
      if (this.#count < 0) throw OUT_OF_DATA
      return found & 255
    }
    for (let length = LOOK + 1; length <= 16; length++) {
      const code = next >>> (16 - length)
      if (code > last[length]!) continue
      this.#count -= length
      if (this.#count < 0) throw OUT_OF_DATA
      return symbols[code + first[length]!]!
    }
    if (this.#count < 16) throw OUT_OF_DATA
    throw brokenJpeg('a code is in no Huffman table')
  }

  #fill(): void {
    while (this.#count <= 24 && this.#at < this.#end) {
      this.#window = (this.#window << 8) | this.#bytes[this.#at++]!
      this.#count += 8
    }
  }
}
