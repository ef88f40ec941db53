import { LatentError } from '@latent/core'
import { decodePng } from '@latent/core/png'
import type { Blocks } from './channel/geometry.ts'
import { regridded, windowsOf } from './channel/regrid.ts'
import type { Mode } from './channel/modes.ts'
import { type Luma, pixelsOf, type Received, transformed } from './channel/received.ts'
import { type JpegFacts, readJpegLuma } from './jpeg/index.ts'
import { locate, type Place, turned } from './locate.ts'
import { type DecodedPicture, decodePicture, findMode, pictureSize } from './picture.ts'
import { type PictureFormat, pictureFormat } from './picture-format.ts'
import { type Enlarged, findEnlarged, findScale, type Scaled } from './scale.ts'

export { type PictureFormat, pictureFormat } from './picture-format.ts'

/** Pixels a picture may have. */
export const MOST_PIXELS = 2 ** 26

/** Samples of a decoded picture: 1 to 4 channels of 8 bits, grey or red, green and blue first. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly data: Uint8Array
}

/** Decodes what is neither JPEG nor PNG: sharp in Node, a WASM decoder in a page; never a canvas. */
export type PixelDecoder = (bytes: Uint8Array, limits: { readonly pixels: number }) => Promise<Pixels>

/** A picture's luma, as coefficients where the file has them and as pixels where not. */
export interface Opened {
  readonly format: PictureFormat
  readonly width: number
  readonly height: number
  /** On the grid that begins at the first pixel. */
  readonly received: Received
  /** All of it, or at least so many pixels each way from the upper left corner on. */
  luma(most?: number): Luma
  /** What a JPEG says of itself. */
  readonly jpeg?: JpegFacts & { readonly steps: Uint16Array; readonly cut: boolean }
}

/** @throws E_IMAGE; E_LIMIT; E_NOT_SEALED for what is no picture */
export async function openPicture(bytes: Uint8Array, decode: PixelDecoder | undefined): Promise<Opened> {
  const format = pictureFormat(bytes)
  if (format === 'JPEG') {
    const { width, height, blocksWide, blocksHigh, stride, coefficients, steps, facts, cut } = readJpegLuma(bytes, {
      pixels: MOST_PIXELS,
    })
    const received = { wide: blocksWide, high: blocksHigh, stride, coefficients, steps }
    const jpeg = { ...facts, steps, cut }
    const luma = (most = MOST_PIXELS) => pixelsOf(received, Math.min(most, width), Math.min(most, height))
    return { format, width, height, received, jpeg, luma }
  }
  const pixels = format === 'PNG' ? pngPixels(bytes) : await otherPixels(format, bytes, decode)
  const luma = lumaOf(pixels)
  return { format, width: luma.width, height: luma.height, received: transformed(luma), luma: () => luma }
}

function pngPixels(bytes: Uint8Array): Pixels {
  const { width, height, channels, data } = decodePng(bytes, { maxPixels: MOST_PIXELS })
  return {
    width,
    height,
    channels,
    data: data instanceof Uint8Array ? data : Uint8Array.from(data, value => value >> 8),
  }
}

async function otherPixels(
  format: PictureFormat,
  bytes: Uint8Array,
  decode: PixelDecoder | undefined,
): Promise<Pixels> {
  if (format === 'other' || format === 'GIF')
    throw new LatentError('E_NOT_SEALED', 'this is no picture that could carry sealed files', {
      hint: 'robust carriers come back as JPEG, PNG, WebP or AVIF',
    })
  if (!decode) throw new LatentError('E_IMAGE', `there is no decoder for ${format} here`, { hint: 'give one' })
  return decode(bytes, { pixels: MOST_PIXELS })
}

/** Luma as JPEG has it (BT.601, full range); alpha is not looked at. */
function lumaOf({ width, height, channels, data }: Pixels): Luma {
  const luma = new Float32Array(width * height)
  if (channels < 3) for (let i = 0; i < luma.length; i++) luma[i] = data[i * channels]!
  else
    for (let i = 0, at = 0; i < luma.length; i++, at += channels)
      luma[i] = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!
  return { width, height, data: luma }
}

/** What a carrier held, and how it was found. */
export interface ReadPicture extends DecodedPicture {
  readonly opened: Opened
  readonly blocks: Blocks
  /** How it had to be turned, and pixels that are missing at its left and top. */
  readonly orientation: number
  readonly cropped: { readonly left: number; readonly top: number }
  /** Its sides in terms of those that it was made with: other than 1 only for modes that survive it. */
  readonly scale: number
}

/**
 * Reads a carrier as it came back.
 * @throws E_NOT_SEALED where no pilots are found: it is none, or was scaled, which is said if it shows;
 * E_IMAGE; E_LIMIT; E_UNSUPPORTED
 */
export async function readPicture(bytes: Uint8Array, decode?: PixelDecoder): Promise<ReadPicture> {
  const opened = await openPicture(bytes, decode)
  const upright = findMode(opened.received)
  if (upright) return readPlain(opened, opened.received, upright.mode, UPRIGHT)
  const luma = opened.luma()
  const enlarged = findEnlarged(luma)
  if (enlarged) return readEnlarged(opened, enlarged)
  const place = locate(luma)
  if (!place) throw noPilots(opened, findScale(luma))
  const received = { ...transformed(turned(luma, place.orientation), place.left, place.top), shift: place.shift }
  return readPlain(opened, received, place.mode, place)
}

/** One of its own size. What it was before it was cut is tried; with all means where nothing shows what that was. */
function readPlain(opened: Opened, received: Received, mode: Mode, place: Omit<Place, 'mode'>): ReadPicture {
  const cropped = { left: (8 * place.shift.x - place.left) % 2 ** 16, top: 8 * place.shift.y - place.top }
  const about = { opened, orientation: place.orientation, cropped, scale: 1 }
  const all = candidates(opened, received, place)
  for (const blocks of all) {
    const decoded = decodePicture(received, blocks, mode, true)
    if (decoded.frames.some(Boolean)) return { ...decoded, ...about, blocks }
  }
  return { ...decodePicture(received, all[0]!, mode), ...about, blocks: all[0]! }
}

/** Below half of their sides, pictures lack a part of what carries; a little less may leave enough. */
const LEAST_SCALE = 0.45

/** @throws E_NOT_SEALED for one that was made too small, or cut: its blocks are not where they were */
function readEnlarged(opened: Opened, { mode, orientation, scale, whole }: Enlarged): ReadPicture {
  if (!whole || scale < LEAST_SCALE) throw wasScaled(opened, { mode, scale }, !whole)
  const { luma, blocks } = whole
  const received = regridded(luma, blocks, mode, windowsOf(luma, pictureSize(blocks, mode)))
  const decoded = decodePicture(received, blocks, mode)
  return { ...decoded, opened, blocks, orientation, cropped: { left: 0, top: 0 }, scale }
}

const UPRIGHT = { orientation: 1, left: 0, top: 0, shift: { x: 0, y: 0 } } as const

/**
 * What the picture may have been before it was cut: an even number of blocks each way, up to four more than are
 * there.
 */
function candidates(
  opened: Opened,
  received: Received,
  { orientation, left, top, shift }: Omit<Place, 'mode'>,
): Blocks[] {
  const [width, height] = orientation >= 5 ? [opened.height, opened.width] : [opened.width, opened.height]
  const sides = (shift: number, pixels: number) => {
    const least = 2 * Math.ceil((shift + Math.ceil(pixels / 8)) / 2)
    return pixels % 8 === 0 && left + top + shift === 0 && received.wide % 2 === 0
      ? [least, least + 2]
      : [least, least + 2, least + 4]
  }
  const found = sides(shift.y, height - top).flatMap(high => sides(shift.x, width - left).map(wide => ({ wide, high })))
  return found.toSorted((a, b) => a.wide + a.high - b.wide - b.high)
}

function noPilots(opened: Opened, scaled: Scaled | undefined): LatentError {
  if (scaled) return wasScaled(opened, scaled)
  const { format, width, height } = opened
  const message = `nothing of a robust carrier is found in this ${format} of ${width} x ${height} pixels`
  return new LatentError('E_NOT_SEALED', message, {
    hint: 'it was never one, or a service has scaled it: latent probe tells what a service does',
  })
}

/** What of it could be read is lost by that. */
function wasScaled({ format, width, height }: Opened, { mode, scale }: Scaled, wasCut = false): LatentError {
  const side = Math.max(width, height)
  const share = (100 * scale).toFixed(0)
  const allowed = mode.enlargement * side
  return new LatentError(
    'E_NOT_SEALED',
    `this ${format} of ${width} x ${height} pixels is a robust carrier that was scaled to ${share} % of its sides` +
      `${wasCut ? ' and cut' : ''}, which leaves nothing of it`,
    {
      hint:
        `it had a side of about ${Math.round(side / scale)} pixels: ` +
        `get that one, or seal again with a side of ${allowed} at most`,
    },
  )
}
