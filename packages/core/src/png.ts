import { Unzlib } from 'fflate'
import { convertIndexedToRgb, type DecodedPng, decode, encode } from 'fast-png'
import { joinBytes } from './bytes.ts'
import { LatentError } from './errors.ts'
import { type Image, image, MAX_PIXELS } from './image.ts'

/**
 * PNG files and 8- or 16-bit images, pixel for pixel, alike in Node and the browser.
 *
 * [Note: The canvas is not a decoder] Browsers convert colours, premultiply alpha, and some alter
 * pixels against fingerprinting. No path that must be exact ever touches a canvas.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const
// Only what describes pixels is handed to the decoder: colour profiles and animation are ignored.
const WANTED = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'tEXt', 'IEND'])
const SAMPLES_A_PIXEL: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte)
}

/**
 * Decodes a PNG. Palettes become RGB or RGBA, samples below 8 bits are widened to 8, a transparent
 * colour becomes an alpha channel; text chunks become annotations.
 * @throws E_IMAGE (not a PNG, or damaged); E_LIMIT (more than `MAX_PIXELS`, or more data than pixels)
 */
export function decodePng(bytes: Uint8Array): Image<'u8' | 'u16'> {
  const pixelChunks = checkedChunks(bytes)
  let png: DecodedPng
  let data: Uint8Array | Uint16Array
  try {
    png = decode(pixelChunks, { checkCrc: true })
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

/**
 * Encodes an image of 1 to 4 channels; annotations become text chunks (Latin-1).
 * @param level deflate level 0 to 9; noise does not compress, so 0 suits cipher images
 * @throws E_ARGUMENT for float images or more than 4 channels
 */
export function encodePng(source: Image, level: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 = 6): Uint8Array {
  if (source.format === 'f32' || source.channels > 4) {
    throw new LatentError('E_ARGUMENT', `a PNG holds 8- or 16-bit samples in 1 to 4 channels, received ${source.channels} channels of ${source.format}`)
  }
  const { width, height, channels } = source
  const data = source.data as Uint8Array | Uint16Array
  const text = source.annotations ? { text: { ...source.annotations } } : {}
  return encode({ width, height, channels, depth: source.format === 'u16' ? 16 : 8, data, ...text }, { zlib: { level } })
}

/** The chunks that matter, after every limit was checked without decoding pixels. */
function checkedChunks(bytes: Uint8Array): Uint8Array {
  if (!isPng(bytes)) throw new LatentError('E_IMAGE', 'this is not a PNG file', { hint: 'convert the picture to PNG first' })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const kept: Uint8Array[] = [bytes.subarray(0, 8)]
  const packed: Uint8Array[] = []
  let rawBytes = 0
  let ended = false
  for (let at = 8; at + 12 <= bytes.length && !ended; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const end = at + 12 + length
    if (end > bytes.length) throw damaged(`its ${type} chunk is cut off`)
    if (at === 8 && type !== 'IHDR') throw damaged('it does not start with its header')
    if (type === 'IHDR') rawBytes = rawSize(view, at + 8)
    if (type === 'IDAT') packed.push(bytes.subarray(at + 8, end - 4))
    if (WANTED.has(type)) kept.push(bytes.subarray(at, end))
    ended = type === 'IEND'
    at = end
  }
  if (!ended) throw damaged('it ends too early')
  checkInflatedSize(packed, rawBytes)
  return joinBytes(kept)
}

function rawSize(view: DataView, at: number): number {
  const width = view.getUint32(at)
  const height = view.getUint32(at + 4)
  const depth = view.getUint8(at + 8)
  const samples = SAMPLES_A_PIXEL[view.getUint8(at + 9)]
  if (width === 0 || height === 0 || samples === undefined) throw damaged('its header is invalid')
  if (width * height > MAX_PIXELS) {
    throw new LatentError('E_LIMIT', `this picture has ${width} x ${height} pixels, more than the limit of ${MAX_PIXELS}`)
  }
  // Interlaced files hold up to seven partly filled rows and filter bytes for each row: 8 a row covers them.
  return Math.ceil((width * samples * depth) / 8) * height + 8 * height + 8 * width
}

/** Counts without keeping: a small file may unpack to gigabytes that its pixels do not need. */
function checkInflatedSize(packed: readonly Uint8Array[], limit: number): void {
  let size = 0
  const inflate = new Unzlib(part => {
    size += part.length
    if (size > limit) throw new LatentError('E_LIMIT', 'this PNG unpacks to more data than its pixels need')
  })
  try {
    for (const part of packed) {
      // Small steps bound what one call can unpack (deflate expands at most 1032 times).
      for (let at = 0; at < part.length; at += 65536) inflate.push(part.subarray(at, at + 65536))
    }
    inflate.push(new Uint8Array(0), true)
  } catch (cause) {
    if (cause instanceof LatentError) throw cause
    throw damaged('its compressed data is broken', cause)
  }
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
