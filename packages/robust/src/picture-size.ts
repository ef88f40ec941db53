import type { PictureFormat } from './picture-format.ts'

/** Pixels of a picture. */
export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** More boxes than any picture has. */
const MOST_BOXES = 4096

/**
 * The largest size that a WebP (RFC 9649) or AVIF (ISO/IEC 23008-12, `ispe`) says it has, without decoding any of it:
 * so that what is too large is refused before a decoder takes the memory.
 * @returns nothing where it says none, as broken files and animations do, which no robust carrier is
 */
export function pictureSize(format: PictureFormat, bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const sizes = format === 'WebP' ? webpSizes(view) : format === 'AVIF' ? avifSizes(view) : []
    const [first] = sizes
    return first && sizes.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a), first)
  } catch (error) {
    // It ends within a header.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const fourBytes = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map(i => view.getUint8(at + i)))
const uint24 = (view: DataView, at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16)

function webpSizes(view: DataView): PictureSize[] {
  const sizes: PictureSize[] = []
  for (let at = 12, boxes = 0; boxes < MOST_BOXES; boxes++) {
    const [name, data] = [fourBytes(view, at), at + 8]
    if (name === 'VP8X') {
      const animated = (view.getUint8(data) & 2) !== 0
      if (animated) return []
      sizes.push({ width: uint24(view, data + 4) + 1, height: uint24(view, data + 7) + 1 })
    } else if (name === 'VP8 ') {
      const [width, height] = [view.getUint16(data + 6, true) & 0x3fff, view.getUint16(data + 8, true) & 0x3fff]
      return [...sizes, { width, height }]
    } else if (name === 'VP8L') {
      const bits = view.getUint32(data + 1, true)
      return [...sizes, { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }]
    }
    const length = view.getUint32(at + 4, true)
    at = data + length + (length % 2)
  }
  return []
}

/** Boxes that hold others, and how many bytes they have before these. */
const HOLDERS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 }

function avifSizes(view: DataView): PictureSize[] {
  const sizes: PictureSize[] = []
  let boxes = 0
  const walk = (from: number, to: number): void => {
    for (let at = from; at + 8 <= to && boxes++ < MOST_BOXES;) {
      const [length, name] = [view.getUint32(at), fourBytes(view, at + 4)]
      // A length of 1 stands before one of 64 bits, which only data needs; 0 is what goes on to the end.
      const end = length === 1 ? at + Number(view.getBigUint64(at + 8)) : length === 0 ? to : at + length
      if (end <= at) return
      if (name === 'ispe') sizes.push({ width: view.getUint32(at + 12), height: view.getUint32(at + 16) })
      const before = HOLDERS[name]
      if (before !== undefined) walk(at + 8 + before, Math.min(to, end))
      at = end
    }
  }
  walk(0, view.byteLength)
  return sizes
}
