import { LatentError } from '@latent/core'

/** `ZIGZAG[i]` is where the `i`-th coefficient of a scan stands in the block (T.81, figure A.6). */
export const ZIGZAG: Uint8Array = zigzag()

function zigzag(): Uint8Array {
  const order: number[] = []
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    const low = Math.max(0, diagonal - 7)
    const rows = Array.from({ length: Math.min(diagonal, 7) - low + 1 }, (_, i) => low + i)
    for (const row of diagonal % 2 === 0 ? rows.toReversed() : rows) order.push(8 * row + diagonal - row)
  }
  return Uint8Array.from(order)
}

/** One colour component of a frame. */
export interface Component {
  readonly id: number
  /** Sampling factors, 1 to 4. */
  readonly h: number
  readonly v: number
  readonly table: number
}

/** What SOF says. */
export interface Frame {
  readonly progressive: boolean
  readonly width: number
  readonly height: number
  readonly components: readonly Component[]
}

/** A Huffman table as DHT gives it: how many codes there are of each length, and what they stand for. */
export interface HuffmanSpec {
  readonly counts: Uint8Array
  readonly symbols: Uint8Array
}

/** What SOS says. */
export interface ScanHeader {
  readonly components: readonly { readonly id: number; readonly dc: number; readonly ac: number }[]
  readonly from: number
  readonly to: number
  readonly high: number
  readonly low: number
}

/** Do these bytes begin a JPEG? */
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff

/** The file cannot be read as a JPEG. */
export const brokenJpeg = (what: string): LatentError =>
  new LatentError('E_IMAGE', `this JPEG cannot be read: ${what}`, { hint: 'download or copy it again' })

const unsupported = (what: string) =>
  new LatentError('E_IMAGE', `this JPEG ${what}, which is not read here`, {
    hint: 'convert it to a PNG, and open that',
  })

/** Reads the numbers of one marker segment. @throws E_IMAGE where it ends too early */
class Segment {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    if (this.left < 1) throw brokenJpeg('a segment is too short')
    return this.#bytes[this.#at++]!
  }

  word(): number {
    return this.byte() * 256 + this.byte()
  }

  take(length: number): Uint8Array {
    if (this.left < length) throw brokenJpeg('a segment is too short')
    this.#at += length
    return this.#bytes.slice(this.#at - length, this.#at)
  }
}

/** Quantisation tables of a DQT segment, in raster order. @throws E_IMAGE */
export function readQuantisation(bytes: Uint8Array, into: Map<number, Uint16Array>): void {
  const segment = new Segment(bytes)
  while (segment.left > 0) {
    const kind = segment.byte()
    const table = new Uint16Array(64)
    for (const place of ZIGZAG) {
      table[place] = kind >> 4 === 0 ? segment.byte() : segment.word()
      if (table[place] === 0) throw brokenJpeg('a quantisation step is zero')
    }
    into.set(kind & 15, table)
  }
}

/** Huffman tables of a DHT segment; AC tables have 16 added to their number. @throws E_IMAGE */
export function readHuffman(bytes: Uint8Array, into: Map<number, HuffmanSpec>): void {
  const segment = new Segment(bytes)
  while (segment.left > 0) {
    const kind = segment.byte()
    const counts = segment.take(16)
    const total = counts.reduce((sum, count) => sum + count, 0)
    if (total > 256) throw brokenJpeg('a Huffman table has more than 256 codes')
    into.set(kind & 31, { counts, symbols: segment.take(total) })
  }
}

/** @throws E_IMAGE for what is neither baseline, extended with 8 bits nor progressive */
export function readFrame(marker: number, bytes: Uint8Array): Frame {
  if (marker > 0xc2) throw unsupported(marker >= 0xc9 ? 'is coded arithmetically' : 'is lossless or hierarchical')
  const segment = new Segment(bytes)
  const precision = segment.byte()
  if (precision !== 8) throw unsupported(`has ${precision} bits a sample`)
  const height = segment.word()
  const width = segment.word()
  if (width === 0 || height === 0) throw unsupported('does not say its size')
  const count = segment.byte()
  if (count < 1 || count > 4) throw brokenJpeg('it has no component, or more than four')
  const components = Array.from({ length: count }, () => {
    const id = segment.byte()
    const sampling = segment.byte()
    return { id, h: sampling >> 4, v: sampling & 15, table: segment.byte() }
  })
  if (components.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4))
    throw brokenJpeg('a sampling factor is impossible')
  if (new Set(components.map(({ id }) => id)).size < count) throw brokenJpeg('two components have one name')
  return { progressive: marker === 0xc2, width, height, components }
}

/** @throws E_IMAGE */
export function readScanHeader(bytes: Uint8Array): ScanHeader {
  const segment = new Segment(bytes)
  const count = segment.byte()
  const components = Array.from({ length: count }, () => {
    const id = segment.byte()
    const tables = segment.byte()
    return { id, dc: tables >> 4, ac: tables & 15 }
  })
  const from = segment.byte()
  const to = segment.byte()
  const shifts = segment.byte()
  if (count < 1 || count > 4 || from > to || to > 63 || (shifts & 15) > 13) throw brokenJpeg('a scan is malformed')
  return { components, from, to, high: shifts >> 4, low: shifts & 15 }
}

/** @throws E_IMAGE */
export const readRestart = (bytes: Uint8Array): number => new Segment(bytes).word()
