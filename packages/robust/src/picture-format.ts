import { isJpeg } from './jpeg/markers.ts'

/** What a file is, as far as its first bytes say. */
export type PictureFormat = 'JPEG' | 'PNG' | 'WebP' | 'AVIF' | 'HEIC' | 'GIF' | 'other'

/** @returns `other` for what is none of these */
export function pictureFormat(bytes: Uint8Array): PictureFormat {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 32))
  if (isJpeg(bytes)) return 'JPEG'
  if (bytes[0] === 0x89 && text.slice(1, 4) === 'PNG') return 'PNG'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'WebP'
  if (text.startsWith('GIF8')) return 'GIF'
  if (text.slice(4, 8) !== 'ftyp') return 'other'
  return /avif|avis/.test(text) ? 'AVIF' : /hei[cxms]|mif1|msf1/.test(text) ? 'HEIC' : 'other'
}
