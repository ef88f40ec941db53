import { bytesToFill, crc32, LatentError } from '@latent/core'
import { type Adler32, openAdler32 } from './adler32.ts'
import { BLOCKS_A_CHUNK, type Geometry, SIGNATURE, STORED_BLOCK } from './geometry.ts'

/**
 * The file, part by part, from pixel bytes in parts of any size; its parts are whoever's who asks for them.
 * @throws E_INTERNAL if their number is wrong
 */
export async function* writeCarrier(geometry: Geometry, pixels: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { width, height } = geometry
  yield SIGNATURE
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2, 0, 0, 0], 8)
  yield chunk('IHDR', header)

  const rowBytes = width * 3
  const data = new StoredData((rowBytes + 1) * height)
  let column = rowBytes
  for await (const part of pixels) {
    for (let at = 0; at < part.length;) {
      if (column === rowBytes) {
        if (data.left === 0) throw new LatentError('E_INTERNAL', 'more pixel bytes than the picture holds')
        data.put(FILTER_NONE)
        column = 0
      } else {
        const taken = data.put(part.subarray(at, at + rowBytes - column))
        column += taken
        at += taken
      }
      const whole = data.takeWhole()
      if (whole) yield whole
    }
  }
  if (data.left !== 0) throw new LatentError('E_INTERNAL', 'fewer pixel bytes than the picture holds')
  yield chunk('IEND', new Uint8Array(0))
}

const FILTER_NONE = new Uint8Array(1)

let opened: Adler32 | undefined
/** Opened when the first carrier is written. */
const adler32 = (): Adler32 => (opened ??= openAdler32())

/**
 * The zlib stream of stored blocks, as IDAT chunks. Bytes are put where they stay: block headers, lengths and
 * checksums go around them.
 */
class StoredData {
  /** Bytes that are still to come. */
  left: number
  #chunk: Uint8Array = new Uint8Array(0)
  /** Of the chunk: where the next byte goes, and where its block begins and ends. */
  #at = 0
  #start = 0
  #end = 0
  /** Bytes of the chunk that are in no block yet. */
  #blocks = 0
  #adler = 1
  #first = true

  constructor(size: number) {
    this.left = size
  }

  /** Takes what fits into the block. @returns how many bytes */
  put(bytes: Uint8Array): number {
    if (this.#at === this.#end) this.#open()
    const taken = Math.min(bytes.length, this.#end - this.#at)
    this.#chunk.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#at)
    this.#at += taken
    this.left -= taken
    return taken
  }

  /** The chunk, once it is full. */
  takeWhole(): Uint8Array | undefined {
    if (this.#at < this.#end) return undefined
    this.#adler = adler32()(this.#chunk.subarray(this.#start, this.#end), this.#adler)
    if (this.#blocks > 0) {
      this.#openBlock()
      return undefined
    }
    if (this.left === 0) new DataView(this.#chunk.buffer).setUint32(this.#end, this.#adler)
    return withChecksum(this.#chunk)
  }

  #open(): void {
    this.#blocks = Math.min(this.left, STORED_BLOCK * BLOCKS_A_CHUNK)
    const headers = 5 * Math.ceil(this.#blocks / STORED_BLOCK)
    const last = this.#blocks === this.left
    this.#chunk = newChunk('IDAT', (this.#first ? 2 : 0) + headers + this.#blocks + (last ? 4 : 0))
    this.#end = 8
    if (this.#first) {
      this.#chunk.set([0x78, 0x01], 8)
      this.#end += 2
    }
    this.#first = false
    this.#openBlock()
  }

  #openBlock(): void {
    const length = Math.min(this.#blocks, STORED_BLOCK)
    const last = length === this.left
    this.#chunk.set([last ? 1 : 0, length & 255, length >>> 8, ~length & 255, (~length >>> 8) & 255], this.#end)
    this.#at = this.#start = this.#end + 5
    this.#end = this.#start + length
    this.#blocks -= length
  }
}

function newChunk(type: string, length: number): Uint8Array {
  const bytes = bytesToFill(12 + length)
  new DataView(bytes.buffer).setUint32(0, length)
  bytes.set(new TextEncoder().encode(type), 4)
  return bytes
}

function withChecksum(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4
  new DataView(bytes.buffer).setUint32(end, crc32(bytes.subarray(4, end)))
  return bytes
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = newChunk(type, data.length)
  bytes.set(data, 8)
  return withChecksum(bytes)
}
