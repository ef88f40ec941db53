import { joinBytes } from './bytes.ts'
import { LatentError } from './errors.ts'
import type { Image } from './image.ts'
import {
  chunkParts,
  damaged,
  type FoundChunk,
  type PngChunk,
  type PngHeader,
  type PngLimits,
  readPngChunks,
  readPngHeader,
  SIGNATURE,
} from './png-chunks.ts'
import { colours } from './png-colour.ts'
import { packRows, unpackedSize, unpackRows } from './png-rows.ts'
import { type ZlibLevel, zlibPack, zlibUnpack } from './primitives.ts'

export {
  checkSize,
  isPng,
  PNG_HEADER_BYTES,
  type PngChunk,
  type PngHeader,
  type PngLimits,
  readPngChunks,
  readPngHeader,
} from './png-chunks.ts'

/**
 * PNG files and 8- or 16-bit images, pixel for pixel, alike in Node and the browser: every colour type,
 * depth, filter and interlacing that the specification allows.
 *
 * [Note: The canvas is not a decoder] Browsers convert colours, premultiply alpha, and some alter
 * pixels against fingerprinting. No path that must be exact ever touches a canvas.
 */
export interface PngPicture {
  readonly image: Image<'u8' | 'u16'>
  /** What stands beside the pixels and keeps its meaning in a copy of them: profiles, texts, resolution, EXIF. */
  readonly beside: readonly PngChunk[]
  /** What an image cannot hold and no copy can carry on, by chunk name; other pictures of an animation say how many. */
  readonly lost: readonly string[]
}

/**
 * Decodes a PNG. Palettes become RGB or RGBA, samples below 8 bits are widened to 8, a transparent
 * colour becomes an alpha channel; text chunks become annotations.
 * @throws E_IMAGE (not a PNG, or damaged); E_LIMIT (more pixels than allowed, or more data than pixels)
 */
export const decodePng = (bytes: Uint8Array, limits?: PngLimits): Image<'u8' | 'u16'> => decode(bytes, limits).image

/** {@link decodePng}, with what else the file holds. @throws E_IMAGE; E_LIMIT */
export function readPng(bytes: Uint8Array, limits?: PngLimits): PngPicture {
  const { image, chunks, header } = decode(bytes, limits)
  return { image, ...sortChunks(chunks, header) }
}

/** What is said in the text chunks of a PNG, without decoding its pixels. @throws E_IMAGE; E_LIMIT */
export function readPngTexts(bytes: Uint8Array): Readonly<Record<string, string>> {
  readPngHeader(bytes)
  return textsOf(readPngChunks(bytes))
}

const textsOf = (chunks: readonly FoundChunk[]): Readonly<Record<string, string>> =>
  Object.fromEntries(chunks.filter(({ type }) => type === 'tEXt').map(readText))

function decode(bytes: Uint8Array, limits?: PngLimits) {
  const header = readPngHeader(bytes, limits)
  const chunks = readPngChunks(bytes)
  // Some encoders append a few bytes; a bomb appends more.
  const rows = unpacked(joinedData(chunks), unpackedSize(header) + 8 * (header.width + header.height))
  const data = unpackRows(rows, header)
  if (!data) throw damaged('its rows are not what the header says')
  const image = colours({
    ...header,
    data,
    palette: paletteOf(chunks, header),
    transparency: transparencyOf(chunks, header),
  })
  if (!image) throw damaged('a pixel names a colour that its palette has not')
  const texts = textsOf(chunks)
  return { header, chunks, image: Object.keys(texts).length > 0 ? { ...image, annotations: texts } : image }
}

function joinedData(chunks: readonly PngChunk[]): Uint8Array {
  const parts = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)
  return parts.length === 1 ? parts[0]! : joinBytes(parts)
}

function unpacked(packed: Uint8Array, limit: number): Uint8Array {
  try {
    return zlibUnpack(packed, limit)
  } catch (cause) {
    if (cause instanceof LatentError)
      throw new LatentError('E_LIMIT', 'this PNG unpacks to more data than its pixels need', {
        hint: 'save it again as PNG, or keep the file as it is with latent seal',
        cause,
      })
    throw damaged('its compressed data is broken', cause)
  }
}

/** An RGB picture may have a palette too, as a proposal for old screens: it says nothing of its pixels. */
function paletteOf(chunks: readonly PngChunk[], { indexed }: PngHeader): Uint8Array | undefined {
  if (!indexed) return undefined
  const palette = chunks.find(({ type }) => type === 'PLTE')?.data
  if (!palette) throw damaged('its palette is missing')
  if (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768) throw damaged('its palette is invalid')
  return palette
}

function transparencyOf(
  chunks: readonly FoundChunk[],
  { indexed, opaque, channels }: PngHeader,
): Uint8Array | undefined {
  const found = indexed || opaque ? chunks.find(({ type }) => type === 'tRNS') : undefined
  if (!found) return undefined
  if (!found.intact()) throw damaged('the checksum of its tRNS chunk is wrong')
  if (opaque && found.data.length !== 2 * channels) throw damaged('its transparent colour is invalid')
  return found.data
}

/**
 * Encodes an image of 1 to 4 channels; annotations become text chunks (Latin-1).
 * @param level deflate level 0 to 9; noise does not compress, so 0 suits cipher images
 * @param beside more chunks to write before the pixels
 * @throws E_ARGUMENT for float images, more than 4 channels, or annotations that no text chunk holds
 */
export const encodePng = (source: Image, level: ZlibLevel = 6, beside: readonly PngChunk[] = []): Uint8Array =>
  joinBytes(pngParts(source, level, beside))

/** {@link encodePng} in parts, for writing: the whole file is never held. @throws E_ARGUMENT */
export function pngParts(source: Image, level: ZlibLevel = 6, beside: readonly PngChunk[] = []): Uint8Array[] {
  if (source.format === 'f32' || source.channels > 4) {
    throw new LatentError(
      'E_ARGUMENT',
      `a PNG holds 8- or 16-bit samples in 1 to 4 channels, received ${source.channels} channels of ${source.format}`,
    )
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, source.width)
  view.setUint32(4, source.height)
  header[8] = source.format === 'u16' ? 16 : 8
  header[9] = COLOUR_TYPE[source.channels - 1]!
  const texts = Object.entries(source.annotations ?? {}).map(text => ({ type: 'tEXt', data: writeText(text) }))
  const pixels = { type: 'IDAT', data: zlibPack(packRows(source as Image<'u8' | 'u16'>), level) }
  return [
    SIGNATURE,
    ...[{ type: 'IHDR', data: header }, ...beside, ...texts, pixels, { type: 'IEND', data: new Uint8Array(0) }].flatMap(
      chunkParts,
    ),
  ]
}

const COLOUR_TYPE = [0, 4, 2, 6] as const

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, byte => String.fromCharCode(byte)).join('')

function readText({ data, intact }: FoundChunk): [keyword: string, text: string] {
  if (!intact()) throw damaged('the checksum of its tEXt chunk is wrong')
  const end = data.indexOf(0)
  if (end < 1) throw damaged('a text chunk has no keyword')
  return [latin1(data.subarray(0, end)), latin1(data.subarray(end + 1))]
}

function writeText([keyword, text]: [string, string]): Uint8Array {
  const codes = Array.from(`${keyword}\0${text}`, character => character.codePointAt(0)!)
  if (
    keyword.length < 1 ||
    keyword.length > 79 ||
    codes.indexOf(0) !== keyword.length ||
    codes.includes(0, keyword.length + 1) ||
    codes.some(code => code > 255)
  ) {
    throw new LatentError('E_ARGUMENT', `the annotation ${JSON.stringify(keyword)} does not fit a PNG text chunk`, {
      hint: 'keywords have 1 to 79 characters, and both they and their text are Latin-1 without zeros',
    })
  }
  return Uint8Array.from(codes)
}

/** Chunks that describe samples as they are stored: they would lie about widened ones and unfolded palettes. */
const OF_STORED_SAMPLES = new Set(['bKGD', 'sBIT', 'hIST'])
const FRAMES = new Set(['acTL', 'fcTL', 'fdAT'])
/** Unsafe to copy for editors that change pixels; a decrypted picture has the pixels it had. */
const OF_PIXELS = new Set(['cHRM', 'gAMA', 'iCCP', 'sRGB', 'cICP', 'mDCV', 'cLLI', 'sPLT', ...OF_STORED_SAMPLES])
const DECODED = new Set(['PLTE', 'IDAT', 'tRNS'])

/**
 * What may stand in a new file with the same pixels: the last letter of a chunk nobody knows here tells whether it may.
 */
function sortChunks(
  chunks: readonly FoundChunk[],
  { depth, indexed, opaque }: PngHeader,
): Pick<PngPicture, 'beside' | 'lost'> {
  const unfolded = indexed || depth < 8 || (opaque && chunks.some(({ type }) => type === 'tRNS'))
  const beside: PngChunk[] = []
  const lost = new Set<string>()
  const frames = chunks.filter(({ type }) => type === 'fcTL').length
  for (const { type, data, intact } of chunks) {
    if (DECODED.has(type)) continue
    const safe = (type.charCodeAt(3) & 32) !== 0
    if (FRAMES.has(type))
      lost.add(frames > 1 ? `the other pictures of its animation (${frames - 1})` : `the animation (${type})`)
    else if (!intact() || (unfolded && OF_STORED_SAMPLES.has(type)) || !(safe || OF_PIXELS.has(type))) lost.add(type)
    else beside.push({ type, data })
  }
  return { beside, lost: [...lost] }
}
