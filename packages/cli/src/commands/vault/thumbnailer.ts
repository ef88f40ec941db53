import type { Thumbnailer } from '@latent/vault'

const EDGE = 256
/** A picture that claims more pixels is none to make small here. */
const MOST_PIXELS = 300_000_000

/** Makes thumbnails of what `sharp` reads. @returns nothing where it is not installed: photos do without */
export async function openThumbnailer(): Promise<Thumbnailer | undefined> {
  try {
    const { default: sharp } = await import('sharp')
    return async (bytes, type) => {
      if (!type.startsWith('image/')) return undefined
      try {
        const small = await sharp(bytes, { limitInputPixels: MOST_PIXELS, failOn: 'none' })
          .rotate()
          .resize(EDGE, EDGE, { fit: 'inside', withoutEnlargement: true })
          .jpeg({ quality: 70 })
          .toBuffer()
        return new Uint8Array(small)
      } catch {
        // HEIC, or damaged: the photo is kept as it is all the same.
        return undefined
      }
    }
  } catch {
    return undefined
  }
}
