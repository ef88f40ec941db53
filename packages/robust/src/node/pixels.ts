import { LatentError } from '@latent/core'
import sharp from 'sharp'
import type { Pixels } from '../read.ts'

/**
 * Pixels of WebP, AVIF and what else sharp reads, as they are stored: neither turned nor converted by a profile.
 * @throws E_IMAGE; E_LIMIT
 */
export async function sharpPixels(bytes: Uint8Array, limits: { readonly pixels: number }): Promise<Pixels> {
  try {
    const picture = sharp(bytes, { limitInputPixels: limits.pixels })
    const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, channels: info.channels, data }
  } catch (cause) {
    if (cause instanceof Error && /pixel limit/i.test(cause.message))
      throw new LatentError('E_LIMIT', `this picture has more pixels than the limit of ${limits.pixels}`, {
        hint: 'get the picture at the size it was made in: no robust carrier is this large',
        cause,
      })
    throw new LatentError('E_IMAGE', 'this picture cannot be decoded', { hint: 'download or copy it again', cause })
  }
}
