import { type Image, image, LatentError, MAX_PIXELS } from '@latent/core'
import { decodePng, isPng } from '@latent/core/png'
import sharp from 'sharp'
import { readFile } from 'node:fs/promises'

/**
 * Any picture file that Node can decode. PNGs keep every bit of every channel and 16-bit samples;
 * other formats come out as 8-bit grey or sRGB, alpha dropped.
 * @throws E_IO; E_IMAGE; E_LIMIT
 */
export async function readImage(path: string): Promise<Image<'u8' | 'u16'>> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new LatentError('E_IO', `cannot read ${path}`, { cause })
  }
  return decodeImage(bytes)
}

/** @throws E_IMAGE; E_LIMIT */
export async function decodeImage(bytes: Uint8Array): Promise<Image<'u8' | 'u16'>> {
  return isPng(bytes) ? decodePng(bytes) : decodeLossy(bytes)
}

async function decodeLossy(bytes: Uint8Array): Promise<Image<'u8'>> {
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' }).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
    return image({ width: info.width, height: info.height, channels: info.channels, format: 'u8', data: new Uint8Array(data) })
  } catch (cause) {
    const tooLarge = cause instanceof Error && cause.message.includes('pixel limit')
    throw new LatentError(tooLarge ? 'E_LIMIT' : 'E_IMAGE', tooLarge ? `the picture has more than ${MAX_PIXELS} pixels` : 'the file is not a picture that can be decoded', { cause })
  }
}

/** What a photo service does to a picture: JPEG at a quality of 1 to 100, colour at half resolution, and back. */
export async function jpegRoundTrip(source: Image<'u8'>, quality: number): Promise<Image<'u8'>> {
  const { width, height } = source
  const channels = source.channels as 1 | 3
  const jpeg = await sharp(source.data, { raw: { width, height, channels } }).jpeg({ quality }).toBuffer()
  const back = channels === 1 ? sharp(jpeg).toColourspace('b-w') : sharp(jpeg)
  const { data } = await back.raw().toBuffer({ resolveWithObject: true })
  return image({ width, height, channels, format: 'u8', data: new Uint8Array(data) })
}
