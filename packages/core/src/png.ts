import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png'
import { joinBytes } from './bytes.ts'
import { LatentError } from './errors.ts'
import { type Image, image, MAX_PIXELS } from './image.ts'
import { packRows, unpackRows } from './png-rows.ts'
import { crc32, type ZlibLevel, zlibPack, zlibUnpack } from './primitives.ts'

/**
 * PNG files and 8- or 16-bit images, pixel for pixel, alike in Node and the browser.
 *
 * [Note: The canvas is not a decoder] Browsers convert colours, premultiply alpha, and some alter
 * pixels against fingerprinting. No path that must be exact ever touches a canvas.
 *
 * [Note: Two decoders] Nearly every file has plain samples of 8 or 16 bits, row after row: those rows are
 * read here with the platform's own zlib, ten times as fast for the small pictures that data
 * sets are made of. Palettes, interlacing, fewer bits and transparent colours are left to fast-png.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const
// Only what describes pixels is handed to the decoder: colour profiles and animation are ignored.
const WANTED = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'tEXt', 'IEND'])
const SAMPLES_A_PIXEL: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const COLOUR_TYPE = [0, 4, 2, 6] as const

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte)
}

/**
 * Decodes a PNG. Palettes become RGB or RGBA, samples below 8 bits are widened to 8, a transparent
 * colour becomes an alpha channel; text chunks become annotations.
 * @throws E_IMAGE (not a PNG, or damaged); E_LIMIT (more than `MAX_PIXELS`, or more data than pixels)
 */
export function decodePng(bytes: Uint8Array): Image<'u8' | 'u16'> {
  const { header, chunks } = readChunks(bytes)
  const rows = unpacked(joinBytes(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)), header)
  const { width, height, depth, colour } = header
  const plain = header.sequential && depth >= 8 && colour !== INDEXED && chunks.every(({ type }) => type !== 'tRNS')
  if (!plain) return decodeUnusual(joinBytes([bytes.subarray(0, 8), ...chunks.map(({ whole }) => whole)]))
  const channels = SAMPLES_A_PIXEL[colour]!
  const data = unpackRows(rows, { width, height, sampleBytes: depth / 8, channels })
  if (!data) throw damaged('its rows are not what the header says')
  const texts = Object.fromEntries(chunks.flatMap(({ type, data }) => (type === 'tEXt' ? [readText(data)] : [])))
  const extra = Object.keys(texts).length > 0 ? { annotations: texts } : {}
  return data instanceof Uint16Array ? image({ width, height, channels, format: 'u16', data, ...extra }) : image({ width, height, channels, format: 'u8', data, ...extra })
}

/**
 * Encodes an image of 1 to 4 channels; annotations become text chunks (Latin-1).
 * @param level deflate level 0 to 9; noise does not compress, so 0 suits cipher images
 * @throws E_ARGUMENT for float images, more than 4 channels, or annotations that no text chunk holds
 */
export function encodePng(source: Image, level: ZlibLevel = 6): Uint8Array {
  if (source.format === 'f32' || source.channels > 4) {
    throw new LatentError('E_ARGUMENT', `a PNG holds 8- or 16-bit samples in 1 to 4 channels, received ${source.channels} channels of ${source.format}`)
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, source.width)
  view.setUint32(4, source.height)
  header[8] = source.format === 'u16' ? 16 : 8
  header[9] = COLOUR_TYPE[source.channels - 1]!
  const texts = Object.entries(source.annotations ?? {}).flatMap(text => chunk('tEXt', writeText(text)))
  return joinBytes([Uint8Array.from(SIGNATURE), ...chunk('IHDR', header), ...texts, ...chunk('IDAT', zlibPack(packRows(source as Image<'u8' | 'u16'>), level)), ...chunk('IEND', new Uint8Array(0))])
}

function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(8)
  const tail = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, data.length)
  for (let i = 0; i < 4; i++) head[4 + i] = type.charCodeAt(i)
  new DataView(tail.buffer).setUint32(0, crc32(data, crc32(head.subarray(4))))
  return [head, data, tail]
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, byte => String.fromCharCode(byte)).join('')

function readText(data: Uint8Array): [keyword: string, text: string] {
  const end = data.indexOf(0)
  if (end < 1) throw damaged('a text chunk has no keyword')
  return [latin1(data.subarray(0, end)), latin1(data.subarray(end + 1))]
}

function writeText([keyword, text]: [string, string]): Uint8Array {
  const codes = Array.from(`${keyword}\0${text}`, character => character.codePointAt(0)!)
  if (keyword.length < 1 || keyword.length > 79 || codes.indexOf(0) !== keyword.length || codes.includes(0, keyword.length + 1) || codes.some(code => code > 255)) {
    throw new LatentError('E_ARGUMENT', `the annotation ${JSON.stringify(keyword)} does not fit a PNG text chunk`, { hint: 'keywords have 1 to 79 characters, and both they and their text are Latin-1 without zeros' })
  }
  return Uint8Array.from(codes)
}

interface Header {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly colour: number
  /** Row after row, as opposed to interlaced. */
  readonly sequential: boolean
  /** Bytes that the rows can unpack to, at most. */
  readonly limit: number
}

const INDEXED = 3

interface Chunk {
  readonly type: string
  readonly data: Uint8Array
  /** With length, type and checksum. */
  readonly whole: Uint8Array
}

/** The chunks that matter, after every limit was checked without decoding pixels. */
function readChunks(bytes: Uint8Array): { header: Header; chunks: Chunk[] } {
  if (!isPng(bytes)) throw new LatentError('E_IMAGE', 'this is not a PNG file', { hint: 'convert the picture to PNG first' })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const chunks: Chunk[] = []
  let header: Header | undefined
  let ended = false
  for (let at = 8; at + 12 <= bytes.length && !ended; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(bytes[at + 4]!, bytes[at + 5]!, bytes[at + 6]!, bytes[at + 7]!)
    const end = at + 12 + length
    if (end > bytes.length) throw damaged(`its ${type} chunk is cut off`)
    if ((at === 8) !== (type === 'IHDR')) throw damaged('it does not start with its header')
    if (WANTED.has(type)) {
      if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw damaged(`the checksum of its ${type} chunk is wrong`)
      const data = bytes.subarray(at + 8, end - 4)
      if (type === 'IHDR') header = readHeader(data)
      chunks.push({ type, data, whole: bytes.subarray(at, end) })
    }
    ended = type === 'IEND'
    at = end
  }
  if (!ended || !header) throw damaged('it ends too early')
  return { header, chunks }
}

function readHeader(data: Uint8Array): Header {
  if (data.length !== 13) throw damaged('its header is invalid')
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const [width, height, depth, colour] = [view.getUint32(0), view.getUint32(4), data[8]!, data[9]!]
  const samples = SAMPLES_A_PIXEL[colour]
  if (width === 0 || height === 0 || samples === undefined || data[10] !== 0 || data[11] !== 0 || data[12]! > 1) throw damaged('its header is invalid')
  if (colour === 0 || colour === INDEXED ? ![1, 2, 4, 8, ...(colour === 0 ? [16] : [])].includes(depth) : depth !== 8 && depth !== 16) throw damaged('its header is invalid')
  if (width * height > MAX_PIXELS) {
    throw new LatentError('E_LIMIT', `this picture has ${width} x ${height} pixels, more than the limit of ${MAX_PIXELS}`)
  }
  // Interlaced files hold up to seven partly filled rows and filter bytes for each row: 8 a row covers them.
  const limit = Math.ceil((width * samples * depth) / 8) * height + 8 * height + 8 * width
  return { width, height, depth, colour, sequential: data[12] === 0, limit }
}

function unpacked(packed: Uint8Array, { limit }: Header): Uint8Array {
  try {
    return zlibUnpack(packed, limit)
  } catch (cause) {
    if (cause instanceof LatentError) throw new LatentError('E_LIMIT', 'this PNG unpacks to more data than its pixels need', { cause })
    throw damaged('its compressed data is broken', cause)
  }
}

/** What [Note: Two decoders] leaves to the library. */
function decodeUnusual(bytes: Uint8Array): Image<'u8' | 'u16'> {
  let png: DecodedPng
  let data: Uint8Array | Uint16Array
  try {
    png = decode(bytes, { checkCrc: true })
    data = png.palette ? convertIndexedToRgb(png) : png.depth < 8 ? widen(png) : Uint16Array.prototype.isPrototypeOf(png.data) ? (png.data as Uint16Array) : new Uint8Array(png.data.buffer, png.data.byteOffset, png.data.length)
  } catch (cause) {
    throw damaged('its data cannot be decoded', cause)
  }
  let channels = png.palette ? png.palette[0]!.length : png.channels
  if (png.transparency && !png.palette) {
    data = withAlpha(data, channels, Array.from(png.transparency), png.depth)
    channels++
  }
  const fields = { width: png.width, height: png.height, channels }
  const annotations = { ...png.text }
  const extra = Object.keys(annotations).length > 0 ? { annotations } : {}
  return data instanceof Uint16Array ? image({ ...fields, format: 'u16', data, ...extra }) : image({ ...fields, format: 'u8', data, ...extra })
}

/** Grey samples of 1, 2 or 4 bits, packed by rows, as bytes 0..255. */
function widen({ width, height, depth, data }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8)
  const scale = 255 / (2 ** depth - 1)
  const out = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth
      const byte = data[y * rowBytes + (bit >>> 3)]!
      out[y * width + x] = ((byte >>> (8 - depth - (bit & 7))) & (2 ** depth - 1)) * scale
    }
  }
  return out
}

function withAlpha(data: Uint8Array | Uint16Array, channels: number, transparent: readonly number[], depth: number): Uint8Array | Uint16Array {
  const pixels = data.length / channels
  const out = data instanceof Uint16Array ? new Uint16Array(pixels * (channels + 1)) : new Uint8Array(pixels * (channels + 1))
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1
  const opaque = data instanceof Uint16Array ? 65535 : 255
  for (let p = 0; p < pixels; p++) {
    let matches = true
    for (let c = 0; c < channels; c++) {
      const value = data[p * channels + c]!
      out[p * (channels + 1) + c] = value
      matches &&= value === transparent[c]! * scale
    }
    out[p * (channels + 1) + channels] = matches ? 0 : opaque
  }
  return out
}

const damaged = (what: string, cause?: unknown) =>
  new LatentError('E_IMAGE', `this PNG is damaged: ${what}`, { hint: 'open it in a viewer; if it shows there, save it again as PNG', ...(cause === undefined ? {} : { cause }) })
