import { findMode } from './picture.ts'
import { type Opened, type PixelDecoder, openPicture } from './read.ts'
import { ENLARGED_CORNER, showsEnlarged } from './scale.ts'
import { pictureFormat } from './picture-format.ts'

/** What is read of a JPEG whose rows come one after the other: thousands of blocks, in hundredths of a second. */
const ENOUGH = 2 ** 19

/**
 * Does a picture show the pilots of a robust carrier, upright and at a scale that it survives? Quickly, where that is
 * possible: for telling carriers from photographs among what somebody has dropped. One that was turned or cropped is
 * missed here, and found by `readPicture`.
 * @throws E_IMAGE; E_LIMIT
 */
export async function showsCarrier(picture: Blob, decode?: PixelDecoder): Promise<boolean> {
  const start = new Uint8Array(await picture.slice(0, ENOUGH).arrayBuffer())
  const format = pictureFormat(start)
  if (format === 'other' || format === 'GIF' || format === 'HEIC') return false
  if (format === 'JPEG' && picture.size > ENOUGH) {
    const opened = await openPicture(start, decode)
    const { received, jpeg } = opened
    if (!jpeg!.progressive) {
      // Rows that are not there are zeros, and no pilots.
      const last = received.coefficients.findLastIndex(coefficient => coefficient !== 0)
      const high = Math.floor(last / 64 / received.stride)
      return high > 0 && shows(opened, high)
    }
  }
  return shows(await openPicture(new Uint8Array(await picture.arrayBuffer()), decode))
}

/** @param high rows of blocks that are there */
function shows(opened: Opened, high = opened.received.high): boolean {
  if (findMode({ ...opened.received, high })) return true
  const corner = opened.luma(ENLARGED_CORNER)
  return showsEnlarged({ ...corner, height: Math.min(corner.height, 8 * high) })
}
