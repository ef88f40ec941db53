import { concatBytes, crc32, LatentError, u32 } from '@latent/core'
import { Unzlib } from 'fflate'
import { closing } from './streams.ts'

/**
 * The PNG that carries sealed bytes: 8-bit RGB, not interlaced, filter 0, stored (uncompressed)
 * deflate. Written and read as a stream, so that a file of any size needs the memory of a few rows.
 *
 * A reader must accept whatever keeps the pixels: other filters, other compression, an opaque alpha
 * channel, extra chunks. Checksums are not needed for integrity (the body is authenticated), so a
 * wrong one is not an error here.
 */
export interface Geometry {
  readonly width: number
  readonly height: number
}

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10)
const STORED_BLOCK = 65535
const BLOCKS_A_CHUNK = 16
// One row is held in memory; sealed files of a petabyte stay below this.
const MAX_WIDTH = 2 ** 24
// A hostile stream can inflate a thousandfold: this much of it is inflated at a time.
const INFLATE_BYTES = 1 << 16

/**
 * The most square picture that holds at least `bytes` pixel bytes with the least left over: widths up
 * to a third above the square's are tried, and more than 1024 of them only while more than `most`
 * bytes are left over.
 */
export function geometryFor(bytes: number, most = Number.POSITIVE_INFINITY): Geometry {
  const pixels = Math.ceil(bytes / 3)
  const square = Math.ceil(Math.sqrt(pixels))
  let best = { width: square, height: Math.ceil(pixels / square) }
  for (
    let width = square;
    width <= square * 1.33 + 1 && (width < square + 1024 || pixelBytes(best) - bytes > most);
    width++
  ) {
    const height = Math.ceil(pixels / width)
    if (width * height < best.width * best.height) best = { width, height }
  }
  return best
}

export const pixelBytes = ({ width, height }: Geometry): number => width * height * 3

/** The size of the file that {@link writeCarrier} makes. */
export function carrierSize(geometry: Geometry): number {
  const raw = (geometry.width * 3 + 1) * geometry.height
  const blocks = Math.ceil(raw / STORED_BLOCK)
  return 8 + 25 + 12 + raw + 5 * blocks + 12 * Math.ceil(blocks / BLOCKS_A_CHUNK) + 2 + 4
}

/** The file, part by part, from pixel bytes in parts of any size. @throws E_INTERNAL if their number is wrong */
export async function* writeCarrier(geometry: Geometry, pixels: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { width, height } = geometry
  yield SIGNATURE
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2, 0, 0, 0], 8)
  yield* chunk('IHDR', header)

  const rowBytes = width * 3
  let left = (rowBytes + 1) * height
  let column = rowBytes
  let adler = 1
  const raw = new Uint8Array(Math.min(left, STORED_BLOCK * BLOCKS_A_CHUNK))
  let filled = 0
  let first = true

  const flush = (): Uint8Array[] => {
    const data = raw.subarray(0, filled)
    adler = adler32(data, adler)
    left -= filled
    filled = 0
    const parts = storedBlocks(data, left === 0)
    if (first) parts.unshift(Uint8Array.of(0x78, 0x01))
    if (left === 0) parts.push(u32(adler))
    first = false
    return chunk('IDAT', ...parts)
  }

  for await (const part of pixels) {
    for (let at = 0; at < part.length;) {
      if (column === rowBytes) {
        if (filled === raw.length) yield* flush()
        if (left === 0) throw new LatentError('E_INTERNAL', 'more pixel bytes than the picture holds')
        raw[filled++] = 0
        column = 0
      }
      const take = Math.min(part.length - at, rowBytes - column, raw.length - filled)
      raw.set(part.subarray(at, at + take), filled)
      filled += take
      column += take
      at += take
      if (filled === raw.length) yield* flush()
    }
  }
  if (filled > 0) yield* flush()
  if (left !== 0) throw new LatentError('E_INTERNAL', 'fewer pixel bytes than the picture holds')
  yield* chunk('IEND')
}

function storedBlocks(data: Uint8Array, final: boolean): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += STORED_BLOCK) {
    const block = data.subarray(at, at + STORED_BLOCK)
    const last = final && at + STORED_BLOCK >= data.length
    parts.push(
      Uint8Array.of(
        last ? 1 : 0,
        block.length & 255,
        block.length >>> 8,
        ~block.length & 255,
        (~block.length >>> 8) & 255,
      ),
      block,
    )
  }
  return parts
}

function chunk(type: string, ...data: Uint8Array[]): Uint8Array[] {
  const name = new TextEncoder().encode(type)
  const length = data.reduce((sum, part) => sum + part.length, 0)
  const joined = new Uint8Array(12 + length)
  const view = new DataView(joined.buffer)
  view.setUint32(0, length)
  joined.set(name, 4)
  let at = 8
  for (const part of data) {
    joined.set(part, at)
    at += part.length
  }
  view.setUint32(at, crc32(joined.subarray(4, at)))
  return [joined]
}

/** Adler-32 (RFC 1950); sums of 3800 bytes stay below 2^31, so the remainder can wait that long. */
function adler32(bytes: Uint8Array, previous: number): number {
  let a = previous & 0xffff
  let b = previous >>> 16
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 3800)
    for (; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return ((b << 16) | a) >>> 0
}

/** As many bytes as show, in the layout that {@link writeCarrier} gives them, whether the pixels begin as a header does. */
export const START_BYTES = 64

/** What a carrier turned out to be, and its pixel bytes in parts of any size. */
export interface CarrierReader {
  readonly geometry: Geometry
  /** The file's first bytes, {@link START_BYTES} of them if it has so many. */
  readonly start: Uint8Array
  /** @throws E_TRUNCATED if the file ends before it should; E_CHUNK if its deflate data is broken */
  readonly pixels: AsyncIterable<Uint8Array>
  /** Lets go of the source; needed where `pixels` is not read to its end. */
  close(): Promise<void>
}

/**
 * Starts reading a carrier.
 * @throws E_NOT_SEALED (not a picture); E_REENCODED (another image format, depth, colour type or
 *   interlacing); E_TRUNCATED; E_LIMIT
 */
export async function readCarrier(source: AsyncIterable<Uint8Array>): Promise<CarrierReader> {
  const input = new ByteReader(source)
  try {
    const start = await input.ahead(START_BYTES)
    const { geometry, channels } = carrierKind(start)
    await input.skip(33)
    return {
      geometry,
      start,
      pixels: unfilter(geometry, channels, inflate(input, (geometry.width * channels + 1) * geometry.height)),
      close: () => input.close(),
    }
  } catch (error) {
    await input.close()
    throw error
  }
}

const NOT_OURS = { hint: 'no sealed file is like that: it was damaged, or there is nothing in it to open' }

/** What signature and IHDR say. */
function carrierKind(start: Uint8Array): { geometry: Geometry; channels: 3 | 4 } {
  const format = imageFormat(start)
  if (format !== 'PNG') throw notACarrier(format)
  if (start.length < 33) throw tooShort()
  const view = new DataView(start.buffer, start.byteOffset, start.length)
  const geometry = { width: view.getUint32(16), height: view.getUint32(20) }
  const [depth, colour, compression, filtering, interlace] = start.subarray(24, 29)
  const isHeader = view.getUint32(8) === 13 && new TextDecoder('latin1').decode(start.subarray(12, 16)) === 'IHDR'
  if (!isHeader || geometry.width === 0 || geometry.height === 0 || compression !== 0 || filtering !== 0) {
    throw new LatentError('E_NOT_SEALED', 'the header of this PNG is damaged', {
      hint: 'download or copy the file again',
    })
  }
  if (geometry.width > MAX_WIDTH)
    throw new LatentError(
      'E_LIMIT',
      `this picture is ${geometry.width} pixels wide, more than the limit of ${MAX_WIDTH}`,
      NOT_OURS,
    )
  if (geometry.width * geometry.height * 4 > Number.MAX_SAFE_INTEGER)
    throw new LatentError('E_LIMIT', 'this picture has more pixels than can be counted', NOT_OURS)
  if (depth !== 8 || (colour !== 2 && colour !== 6) || interlace !== 0) {
    throw reencoded(
      `its pixels were converted (${depth} bits, colour type ${colour}${interlace ? ', interlaced' : ''} instead of 8-bit RGB)`,
    )
  }
  return { geometry, channels: colour === 6 ? 4 : 3 }
}

/**
 * The inflated data of all IDAT chunks, up to the first part that completes `size` bytes. What a file
 * holds beyond that is skipped and not inflated, but it must be there up to the end of IEND.
 */
async function* inflate(input: ByteReader, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let missing = size
  const unzlib = new Unzlib(part => {
    parts.push(part)
    missing -= part.length
  })
  try {
    for (;;) {
      const head = await input.upTo(8)
      if (head.length < 8) throw truncated()
      const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(0)
      const type = new TextDecoder('latin1').decode(head.subarray(4, 8))
      for (let left = type === 'IDAT' ? length : 0; left > 0;) {
        const data = await input.upTo(Math.min(left, INFLATE_BYTES))
        if (data.length === 0) throw truncated()
        left -= data.length
        if (missing <= 0) continue
        try {
          // fflate keeps what it is given: the reader's buffer must not change under it.
          unzlib.push(data)
        } catch (cause) {
          throw new LatentError('E_CHUNK', 'the compressed data of this PNG is broken', {
            hint: 'latent open --salvage reads what is left',
            cause,
          })
        }
        yield* parts
        parts = []
      }
      await input.skip(type === 'IDAT' ? 4 : length + 4)
      if (type === 'IEND') return
    }
  } finally {
    await input.close()
  }
}

/**
 * The pixel bytes of a file that has the very layout of {@link writeCarrier}, found by position
 * alone: nothing in between is looked at. Ends quietly where the file ends.
 */
export function readCanonical(
  { width, height }: Geometry,
  source: AsyncIterable<Uint8Array>,
): Pick<CarrierReader, 'pixels' | 'close'> {
  const input = new ByteReader(source)
  return {
    pixels: closing(positioned(input, width * 3, (width * 3 + 1) * height), () => input.close()),
    close: () => input.close(),
  }
}

async function* positioned(input: ByteReader, rowBytes: number, total: number): AsyncGenerator<Uint8Array> {
  // Signature and IHDR; length and name of the first IDAT; zlib's two bytes.
  if ((await input.upTo(33)).length < 33) return
  for (let raw = 0, block = 0; raw < total; block++) {
    const between = (block === 0 ? 8 + 2 : block % BLOCKS_A_CHUNK === 0 ? 4 + 8 : 0) + 5
    if ((await input.upTo(between)).length < between) return
    const data = await input.upTo(Math.min(STORED_BLOCK, total - raw))
    if (data.length === 0) return
    const out = new Uint8Array(data.length)
    let filled = 0
    for (let at = 0; at < data.length;) {
      const column = (raw + at) % (rowBytes + 1)
      if (column === 0) {
        at++
        continue
      }
      const take = Math.min(data.length - at, rowBytes + 1 - column)
      out.set(data.subarray(at, at + take), filled)
      filled += take
      at += take
    }
    raw += data.length
    yield out.subarray(0, filled)
  }
}

/** Undoes PNG's row filters (PNG 9.2), and drops an opaque alpha channel that a tool has added. */
async function* unfilter(
  { width, height }: Geometry,
  channels: 3 | 4,
  raw: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const rowBytes = width * channels
  let row = new Uint8Array(rowBytes)
  let above = new Uint8Array(rowBytes)
  let filter = -1
  let column = 0
  let rows = 0
  // Rows leave in groups: one part a row would be slow for narrow pictures.
  const group = Math.max(1, Math.floor(65536 / rowBytes))
  let out = new Uint8Array(group * width * 3)
  let filled = 0

  for await (const part of raw) {
    for (let at = 0; at < part.length && rows < height;) {
      if (filter < 0) {
        filter = part[at++]!
        if (filter > 4)
          throw new LatentError('E_CHUNK', `row ${rows} of this PNG has an unknown filter`, {
            hint: 'latent open --salvage reads what is left',
          })
        continue
      }
      const take = Math.min(part.length - at, rowBytes - column)
      row.set(part.subarray(at, at + take), column)
      column += take
      at += take
      if (column < rowBytes) continue
      undoFilter(filter, row, above, channels)
      filled = appendRow(out, filled, row, channels)
      ;[row, above] = [above, row]
      filter = -1
      column = 0
      rows++
      if (filled === out.length) {
        yield out
        out = new Uint8Array(Math.min(group, height - rows) * width * 3)
        filled = 0
      }
    }
  }
  if (filled > 0) yield out.subarray(0, filled)
  if (rows < height) {
    // The rest of an unfinished row may still complete a chunk for salvage.
    if (column > 0 && filter === 0 && channels === 3) yield row.subarray(0, column)
    throw truncated()
  }
}

function appendRow(out: Uint8Array, at: number, row: Uint8Array, channels: 3 | 4): number {
  if (channels === 3) {
    out.set(row, at)
    return at + row.length
  }
  for (let i = 0; i < row.length; i += 4) {
    if (row[i + 3] !== 255) throw reencoded('it has become partly transparent')
    out[at++] = row[i]!
    out[at++] = row[i + 1]!
    out[at++] = row[i + 2]!
  }
  return at
}

function undoFilter(filter: number, row: Uint8Array, above: Uint8Array, bpp: number): void {
  if (filter === 0) return
  for (let i = 0; i < row.length; i++) {
    const a = i >= bpp ? row[i - bpp]! : 0
    const b = above[i]!
    const c = i >= bpp ? above[i - bpp]! : 0
    row[i]! += filter === 1 ? a : filter === 2 ? b : filter === 3 ? (a + b) >>> 1 : paeth(a, b, c)
  }
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

/** Reads exact amounts from parts of any size. */
class ByteReader {
  readonly #parts: AsyncIterator<Uint8Array>
  #part: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#parts = source[Symbol.asyncIterator]()
  }

  /** At least one and at most `limit` bytes, or `undefined` at the end. Valid until the source goes on. */
  async #some(limit: number): Promise<Uint8Array | undefined> {
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
      const part = await this.#some(length - filled)
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
      const part = await this.#some(left)
      if (!part) throw truncated()
      left -= part.length
    }
  }
}

/** The format that a file's first bytes announce; `undefined` if they announce no image. */
export function imageFormat(start: Uint8Array): string | undefined {
  const text = new TextDecoder('latin1').decode(start.subarray(0, 16))
  if (SIGNATURE.every((byte, i) => start[i] === byte)) return 'PNG'
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'WebP'
  if (text.startsWith('GIF8')) return 'GIF'
  if (text.startsWith('BM')) return 'BMP'
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF'
  if (text.slice(4, 8) === 'ftyp')
    return /avif|avis/.test(text) ? 'AVIF' : /hei|mif1|msf1/.test(text) ? 'HEIC' : 'video'
  if (text.startsWith('\xff\x0a') || text.slice(4, 8) === 'JXL ') return 'JPEG XL'
  return undefined
}

function notACarrier(format: string | undefined): LatentError {
  if (format === undefined)
    return new LatentError('E_NOT_SEALED', 'this is not a sealed file', {
      hint: 'sealed files are PNG pictures made by latent seal',
    })
  return reencoded(`this is a ${format} file`)
}

/** The one explanation for everything a service may have done to the pixels. */
export function reencoded(what: string): LatentError {
  return new LatentError('E_REENCODED', `this is not the PNG that was sealed: ${what}`, {
    hint: 'if a service re-encoded it, download the original file; if it never was sealed, there is nothing to open',
  })
}

export const truncated = (): LatentError =>
  new LatentError('E_TRUNCATED', 'this sealed file ends too early', {
    hint: 'download or copy it again; latent open --salvage writes what is there',
  })

/** For a file that ends before it can say what it is. */
export const tooShort = (): LatentError =>
  new LatentError('E_TRUNCATED', 'this PNG ends too early to tell whether it was sealed', {
    hint: 'download or copy it again',
  })
