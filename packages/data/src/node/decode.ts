import { argumentError, type Image, image, LatentError, MAX_PIXELS } from '@latent/core'
import { ioError, onDisk } from '@latent/core/node'
import {
  checkSize,
  isPng,
  PNG_HEADER_BYTES,
  type PngChunk,
  type PngLimits,
  readPng,
  readPngHeader,
} from '@latent/core/png'
import { behindJpeg, tiffParts } from './hidden-parts.ts'
import sharp, { type Metadata } from 'sharp'
import { type FileHandle, open } from 'node:fs/promises'

/** A picture file, decoded. */
export interface PictureFile {
  readonly image: Image<'u8' | 'u16'>
  readonly format: string
  /** Chunks of a PNG that say how its pixels are to be seen, and whence they come. */
  readonly beside: readonly PngChunk[]
  /** What the file holds and neither `image` nor `beside` does, each in a few words. */
  readonly lost: readonly string[]
  /** The camera was held otherwise, and the picture has been turned upright. */
  readonly turned: boolean
}

/** Above what cameras of today make, and below what fills the memory of a small machine; see `PngLimits`. */
const USUAL_MAX_PIXELS = 100_000_000

/**
 * How many pixels a picture may have, for everything that decodes picture files: as many as `LATENT_MAX_PIXELS` says.
 * @throws E_ARGUMENT
 */
export function usualMaxPixels(): number {
  const text = process.env['LATENT_MAX_PIXELS'] ?? ''
  if (text === '') return USUAL_MAX_PIXELS
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > MAX_PIXELS)
    throw argumentError('LATENT_MAX_PIXELS', `a number from 1 to ${MAX_PIXELS}`, text)
  return Number(text)
}
const usual = (): PngLimits => ({ maxPixels: usualMaxPixels() })
const MAX_FILE_BYTES = 2 ** 31 - 1

/** Rasters alone: vector pictures and documents have no pixels of their own, and may name other files. */
const FORMATS: Readonly<Record<string, string>> = { jpeg: 'JPEG', webp: 'WebP', heif: 'AVIF', tiff: 'TIFF', gif: 'GIF' }

/**
 * Any picture file that Node can decode. PNGs keep every bit of every channel; other formats come out
 * upright, as grey or sRGB of 8 or 16 bits, with their alpha.
 * @throws E_IO; E_IMAGE; E_LIMIT, before any pixel is decoded
 */
export const readImage = async (path: string, limits = usual()): Promise<Image<'u8' | 'u16'>> =>
  (await readPicture(path, limits)).image

/** {@link readImage}, with what else the file holds. @throws E_IO; E_IMAGE; E_LIMIT */
export async function readPicture(path: string, limits = usual()): Promise<PictureFile> {
  let file: FileHandle | undefined
  try {
    file = await open(onDisk(path))
    const { size } = await file.stat()
    if (size > MAX_FILE_BYTES)
      throw new LatentError('E_LIMIT', 'this picture file is larger than 2 GiB', {
        hint: 'latent seal takes files of any size',
      })
    const { buffer, bytesRead } = await file.read(new Uint8Array(PNG_HEADER_BYTES), 0, PNG_HEADER_BYTES, 0)
    if (isPng(buffer)) readPngHeader(buffer.subarray(0, bytesRead), limits)
    const bytes = new Uint8Array(size)
    // A file that shrinks meanwhile ends in zeros, which no checksum takes for a picture.
    for (let at = 0; at < size;) {
      const { bytesRead: more } = await file.read(bytes, at, size - at, at)
      if (more === 0) break
      at += more
    }
    return await decodePicture(bytes, limits)
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  } finally {
    await file?.close()
  }
}

/** @throws E_IMAGE; E_LIMIT */
export const decodeImage = async (bytes: Uint8Array, limits = usual()): Promise<Image<'u8' | 'u16'>> =>
  (await decodePicture(bytes, limits)).image

/** @throws E_IMAGE; E_LIMIT */
export async function decodePicture(bytes: Uint8Array, limits = usual()): Promise<PictureFile> {
  return isPng(bytes) ? { ...readPng(bytes, limits), format: 'PNG', turned: false } : decodeOther(bytes, limits)
}

async function decodeOther(bytes: Uint8Array, { maxPixels = usualMaxPixels() }: PngLimits): Promise<PictureFile> {
  try {
    // The limit is ours to check, with the hint that belongs to it.
    const source = sharp(bytes, { limitInputPixels: false, failOn: 'error' })
    const about = await source.metadata()
    const format = FORMATS[about.format]
    if (format === undefined) throw notDecodable()
    if (format === 'TIFF' && tiffParts(bytes).isRaw) throw rawPhotograph()
    if (about.depth !== 'uchar' && about.depth !== 'ushort')
      throw new LatentError(
        'E_IMAGE',
        `this ${format} has samples of the type ${about.depth}, and only those of 8 and 16 bits can be decoded exactly`,
        { hint: 'latent seal takes any file as it is' },
      )
    const wide = about.depth === 'ushort'
    checkSize(about, about.channels * (wide ? 2 : 1), maxPixels)
    const { data, info } = await source
      .autoOrient()
      .toColourspace(wide ? (about.channels < 3 ? 'grey16' : 'rgb16') : 'srgb')
      .raw(wide ? { depth: 'ushort' } : {})
      .toBuffer({ resolveWithObject: true })
    const shape = { width: info.width, height: info.height, channels: info.channels }
    const samples = wide
      ? image({ ...shape, format: 'u16', data: new Uint16Array(data.buffer, data.byteOffset, data.length / 2) })
      : image({ ...shape, format: 'u8', data: new Uint8Array(data.buffer, data.byteOffset, data.length) })
    return {
      image: samples,
      format,
      beside: [],
      lost: [...lostOf(about), ...hiddenIn(bytes, format)],
      turned: (about.orientation ?? 1) > 1,
    }
  } catch (cause) {
    if (cause instanceof LatentError) throw cause
    throw notDecodable(cause)
  }
}

function lostOf({ pages = 1, exif, icc, xmp, iptc }: Metadata): string[] {
  return [
    pages > 1 ? [`${pages - 1} more pictures`] : [],
    icc ? ['its colour profile (the pixels are converted to sRGB)'] : [],
    exif ? ['EXIF'] : [],
    xmp ? ['XMP'] : [],
    iptc ? ['IPTC'] : [],
  ].flat()
}

function hiddenIn(bytes: Uint8Array, format: string): string[] {
  const { below } = format === 'TIFF' ? tiffParts(bytes) : { below: 0 }
  const behind = format === 'JPEG' ? behindJpeg(bytes) : 0
  return [
    below > 0 ? [`${below} pictures below the first one`] : [],
    behind > 0 ? [`${behind} bytes behind the picture, such as a film or a gain map`] : [],
  ].flat()
}

const rawPhotograph = (): LatentError =>
  new LatentError('E_IMAGE', 'this is a raw photograph, of which only the preview could be decoded', {
    hint: 'latent seal takes it as it is; or develop it to PNG or TIFF first',
  })

const notDecodable = (cause?: unknown): LatentError =>
  new LatentError('E_IMAGE', 'the file is not a picture that can be decoded', {
    hint: `PNG, ${Object.values(FORMATS).join(', ')} are; latent seal takes any file as it is`,
    ...(cause === undefined ? {} : { cause }),
  })

/** What a photo service does to a picture: JPEG at a quality of 1 to 100, colour at half resolution, and back. */
export async function jpegRoundTrip(source: Image<'u8'>, quality: number): Promise<Image<'u8'>> {
  const { width, height } = source
  const channels = source.channels as 1 | 3
  const jpeg = await sharp(source.data, { raw: { width, height, channels } }).jpeg({ quality }).toBuffer()
  const back = channels === 1 ? sharp(jpeg).toColourspace('b-w') : sharp(jpeg)
  const { data } = await back.raw().toBuffer({ resolveWithObject: true })
  return image({ width, height, channels, format: 'u8', data: new Uint8Array(data) })
}
