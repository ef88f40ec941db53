import { joinBytes, u32 } from './bytes.ts'
import { LatentError } from './errors.ts'
import { MAX_PIXELS } from './image.ts'
import type { RowShape } from './png-rows.ts'
import { crc32 } from './primitives.ts'

/** The first eight bytes of every PNG (PNG 1.2, section 3.1). */
export const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10)
const SAMPLES_A_PIXEL: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}
const INDEXED = 3

/** One part of a PNG file: four letters, whose case says how it is to be treated, and data. */
export interface PngChunk {
  readonly type: string
  readonly data: Uint8Array
}

/** A chunk as it lies in the file; its checksum has not been looked at. */
export interface FoundChunk extends PngChunk {
  readonly intact: () => boolean
}

/** What the header of a PNG says of its pixels. */
export interface PngHeader extends RowShape {
  readonly indexed: boolean
  /** Samples of pixels are grey or colour alone, so that a colour may be named transparent. */
  readonly opaque: boolean
}

/** What is refused from the header alone, before memory is taken. */
export interface PngLimits {
  /**
   * At most this many pixels of up to 4 bytes, {@link MAX_PIXELS} by default; those of 16 bits a sample count up to
   * twice.
   */
  readonly maxPixels?: number
}

/** The bytes of signature and header: enough to refuse a picture before reading more of it. */
export const PNG_HEADER_BYTES = 33

/** Whether these bytes begin as every PNG does; 8 of them are enough. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte)
}

/**
 * What the first {@link PNG_HEADER_BYTES} say of a PNG.
 * @throws E_IMAGE; E_LIMIT
 */
export function readPngHeader(bytes: Uint8Array, limits: PngLimits = {}): PngHeader {
  if (!isPng(bytes))
    throw new LatentError('E_IMAGE', 'this is not a PNG file', { hint: 'latent seal takes any file as it is' })
  if (bytes.length < PNG_HEADER_BYTES) throw damaged('it ends too early')
  const { chunk, end } = chunkAt(bytes, SIGNATURE.length)
  if (chunk.type !== 'IHDR')
    throw chunk.type === 'CgBI' ? unknownChunk('CgBI') : damaged('it does not start with its header')
  if (end !== PNG_HEADER_BYTES) throw damaged('its header is invalid')
  if (!chunk.intact()) throw damaged('the checksum of its IHDR chunk is wrong')
  return parseHeader(chunk.data, limits)
}

/** Every chunk after the header up to IEND. @throws E_IMAGE */
export function readPngChunks(bytes: Uint8Array): FoundChunk[] {
  const chunks: FoundChunk[] = []
  for (let at = PNG_HEADER_BYTES; ;) {
    if (at + 12 > bytes.length) throw damaged('it ends too early')
    const { chunk, end } = chunkAt(bytes, at)
    if (!/^[A-Za-z]{4}$/.test(chunk.type)) throw damaged('a chunk has no valid name')
    if (end > bytes.length) throw damaged(`its ${chunk.type} chunk is cut off`)
    if (isCritical(chunk.type)) {
      if (chunk.type === 'IHDR') throw damaged('it has two headers')
      if (!CRITICAL.has(chunk.type)) throw unknownChunk(chunk.type)
      if (!chunk.intact()) throw damaged(`the checksum of its ${chunk.type} chunk is wrong`)
    }
    if (chunk.type === 'IEND') return chunks
    chunks.push(chunk)
    at = end
  }
}

const CRITICAL = new Set(['PLTE', 'IDAT', 'IEND'])

/** A decoder that does not know a critical chunk cannot show the picture; others may be passed over. */
const isCritical = (type: string): boolean => (type.charCodeAt(0) & 32) === 0

function chunkAt(bytes: Uint8Array, at: number): { chunk: FoundChunk; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = at + 12 + view.getUint32(at)
  const type = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!)
  return {
    end,
    chunk: {
      type,
      data: bytes.subarray(at + 8, end - 4),
      intact: () => crc32(bytes.subarray(at + 4, end - 4)) === view.getUint32(end - 4),
    },
  }
}

function parseHeader(data: Uint8Array, { maxPixels = MAX_PIXELS }: PngLimits): PngHeader {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const [width, height, depth, colour] = [view.getUint32(0), view.getUint32(4), data[8]!, data[9]!]
  const channels = SAMPLES_A_PIXEL[colour]
  if (
    width === 0 ||
    height === 0 ||
    channels === undefined ||
    !DEPTHS[colour]!.includes(depth) ||
    data[10] !== 0 ||
    data[11] !== 0 ||
    data[12]! > 1
  )
    throw damaged('its header is invalid')
  const indexed = colour === INDEXED
  checkSize({ width, height }, (indexed ? 4 : channels) * Math.ceil(depth / 8), maxPixels)
  return { width, height, depth, channels, interlaced: data[12] === 1, indexed, opaque: colour === 0 || colour === 2 }
}

/** Of an 8-bit RGBA pixel, which is what a limit counts; one of more bytes counts for as many as it takes. */
const PIXEL_BYTES = 4

/**
 * Refuses a picture by its dimensions, before any of its pixels is decoded.
 * @param pixelBytes what one decoded pixel takes
 * @throws E_LIMIT
 */
export function checkSize(
  { width, height }: { width: number; height: number },
  pixelBytes: number,
  maxPixels: number,
): void {
  const counted = Math.ceil(width * height * Math.max(1, pixelBytes / PIXEL_BYTES))
  if (counted <= maxPixels) return
  const raise =
    counted <= MAX_PIXELS
      ? `its pixels alone take ${Math.ceil((width * height * pixelBytes) / 1e6)} MB, and a cipher several times ` +
        `that; encrypt and decrypt take --max-pixels ${counted}, everything takes LATENT_MAX_PIXELS=${counted}; `
      : ''
  throw new LatentError(
    'E_LIMIT',
    `this picture has ${width} x ${height} ` +
      `pixels${counted > width * height ? ` of ${pixelBytes} bytes, which count for ${counted}` : ''}, more than ` +
      `the limit of ${maxPixels}`,
    { hint: `${raise}latent seal takes files of any size` },
  )
}

/** A chunk with its length and checksum. */
export function chunkParts({ type, data }: PngChunk): Uint8Array[] {
  const name = Uint8Array.from(type, letter => letter.charCodeAt(0))
  return [joinBytes([u32(data.length), name]), data, u32(crc32(data, crc32(name)))]
}

/** E_IMAGE, with what is wrong in a few words. */
export const damaged = (what: string, cause?: unknown): LatentError =>
  new LatentError('E_IMAGE', `this PNG is damaged: ${what}`, {
    hint: 'open it in a viewer; if it shows there, save it again as PNG, or keep the file as it is with latent seal',
    ...(cause === undefined ? {} : { cause }),
  })

const unknownChunk = (type: string): LatentError =>
  new LatentError('E_IMAGE', `this PNG needs its ${type} chunk to be understood, which Latent does not know`, {
    hint: 'save it again as an ordinary PNG, or keep the file as it is with latent seal',
  })
