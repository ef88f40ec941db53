/** What lies in a picture file beside the picture that a decoder shows. */

const SUBFILE = 254
const SUB_IFDS = 330
const DNG_VERSION = 50_706

/** What a TIFF holds beside the picture that is found first. */
export interface TiffParts {
  /** A raw photograph: what a decoder finds first is its preview. */
  readonly isRaw: boolean
  /** Pictures that hang below the first one. */
  readonly below: number
}

/**
 * Looks into the first directory of a TIFF (revision 6.0, section 2). DNG, NEF, ARW and CR2 are TIFFs whose first
 * picture is small and whose photograph lies elsewhere.
 */
export function tiffParts(bytes: Uint8Array): TiffParts {
  const nothing = { isRaw: false, below: 0 }
  if (bytes.length < 8) return nothing
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const little = bytes[0] === 0x49
  const start = view.getUint32(4, little)
  if (start + 2 > bytes.length) return nothing
  let [reduced, below, dng] = [false, 0, false]
  const entries = view.getUint16(start, little)
  for (let i = 0; i < entries; i++) {
    const at = start + 2 + 12 * i
    if (at + 12 > bytes.length) break
    const tag = view.getUint16(at, little)
    if (tag === SUBFILE) reduced = (view.getUint32(at + 8, little) & 1) !== 0
    if (tag === SUB_IFDS) below = view.getUint32(at + 4, little)
    if (tag === DNG_VERSION) dng = true
  }
  // Canon's CR2 says so behind the header.
  const isCr2 = bytes[8] === 0x43 && bytes[9] === 0x52
  return { isRaw: dng || isCr2 || (reduced && below > 0), below }
}

/**
 * How many bytes follow the end of a JPEG: a film of a moving photo, a gain map, pictures of a stereo camera. Zeros and
 * line ends that some programs append are not counted.
 */
export function behindJpeg(bytes: Uint8Array): number {
  const end = endOfJpeg(bytes)
  if (end === undefined) return 0
  let last = bytes.length
  while (last > end && [0, 10, 13].includes(bytes[last - 1]!)) last--
  return last - end
}

/** Behind the first end-of-image marker that belongs to the picture itself (ITU T.81, B.1.1). */
function endOfJpeg(bytes: Uint8Array): number | undefined {
  for (let at = 2; at + 1 < bytes.length;) {
    if (bytes[at] !== 0xff) {
      // Entropy-coded data: an FF in it is followed by a zero.
      at++
      continue
    }
    const marker = bytes[at + 1]!
    if (marker === 0xd9) return at + 2
    const alone = marker === 0 || marker === 1 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd8)
    if (alone) at += marker === 0xff ? 1 : 2
    else if (at + 3 < bytes.length) at += 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!)
    else return undefined
  }
  return undefined
}
