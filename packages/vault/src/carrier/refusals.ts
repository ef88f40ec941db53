import { LatentError } from '@latent/core'
import { SIGNATURE } from './geometry.ts'

/** The format that a file's first bytes announce; `undefined` if they announce no image. */
export function imageFormat(start: Uint8Array): string | undefined {
  const text = new TextDecoder('latin1').decode(start.subarray(0, 16))
  if (SIGNATURE.every((byte, i) => start[i] === byte)) return 'PNG'
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'WebP'
  if (text.startsWith('GIF8')) return 'GIF'
  if (text.startsWith('BM')) return 'BMP'
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF'
  if (text.slice(4, 8) === 'ftyp')
    return /avif|avis/.test(text) ? 'AVIF' : /hei|mif1|msf1/.test(text) ? 'HEIC' : 'video'
  if (text.startsWith('\xff\x0a') || text.slice(4, 8) === 'JXL ') return 'JPEG XL'
  return undefined
}

/** For a file that is no PNG. */
export function notACarrier(format: string | undefined): LatentError {
  if (format === undefined)
    return new LatentError('E_NOT_SEALED', 'this is not a sealed file', {
      hint: 'sealed files are PNG pictures made by latent seal',
    })
  return reencoded(`this is a ${format} file`)
}

/** The one explanation for everything a service may have done to the pixels. */
export function reencoded(what: string): LatentError {
  return new LatentError('E_REENCODED', `this is not the PNG that was sealed: ${what}`, {
    hint: 'if a service re-encoded it, download the original file; if it never was sealed, there is nothing to open',
  })
}

/** For a file that ends before its last pixel byte, or chunk. */
export const truncated = (): LatentError =>
  new LatentError('E_TRUNCATED', 'this sealed file ends too early', {
    hint: 'download or copy it again; latent open --salvage writes what is there',
  })

/** For a file that ends before it can say what it is. */
export const tooShort = (): LatentError =>
  new LatentError('E_TRUNCATED', 'this PNG ends too early to tell whether it was sealed', {
    hint: 'download or copy it again',
  })
