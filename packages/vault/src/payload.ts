import { concatBytes, LatentError } from '@latent/core'

/** What is known of the file inside: all of it encrypted. */
export interface Metadata {
  /** The file's own name, without folders. */
  readonly name: string
  /** Media type by the file's first bytes; `application/octet-stream` if unknown. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** Last modification, milliseconds since 1970. */
  readonly modified: number
}

const BLOCK = 128

/** The metadata region: JSON, then zeros up to a multiple of 128 bytes, so that its size tells little of the name. */
export function encodeMetadata({ name, type, size, modified }: Metadata): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ name, type, size, modified }))
  return concatBytes(json, new Uint8Array(BLOCK - (json.length % BLOCK)))
}

/** @throws E_HEADER if the region is not what {@link encodeMetadata} writes */
export function decodeMetadata(region: Uint8Array): Metadata {
  const end = region.indexOf(0)
  let parsed: unknown
  try {
    if (end === -1 || region.subarray(end).some(byte => byte !== 0)) throw new Error('padding')
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(region.subarray(0, end)))
  } catch (cause) {
    throw malformed(cause)
  }
  const { name, type, size, modified, ...rest } = (parsed ?? {}) as Record<string, unknown>
  const valid = typeof name === 'string' && typeof type === 'string' && Number.isSafeInteger(size) && (size as number) >= 0 && typeof modified === 'number' && Number.isFinite(modified)
  if (!valid || Object.keys(rest).length > 0) throw malformed()
  return { name, type, size: size as number, modified }
}

const malformed = (cause?: unknown) => new LatentError('E_HEADER', 'the metadata of this sealed file is malformed', { cause })

/**
 * Padme (Nikitin et al., PURBs, 2019): the size rounded up so that only its magnitude and a few
 * leading bits show; at most 12 % more.
 */
export function padme(size: number): number {
  if (size < 2) return size
  const exponent = Math.floor(Math.log2(size))
  const bits = Math.floor(Math.log2(exponent)) + 1
  const step = 2 ** Math.max(0, exponent - bits)
  return Math.ceil(size / step) * step
}

// First bytes of common photo and video files; anything else is sealed all the same.
export function mediaType(start: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(start.subarray(0, 16))
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('GIF8')) return 'image/gif'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp'
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'image/tiff'
  if (text.startsWith('\xff\x0a') || text.slice(4, 8) === 'JXL ') return 'image/jxl'
  if (text.slice(4, 8) === 'ftyp') {
    const brand = text.slice(8, 12)
    if (brand === 'avif' || brand === 'avis') return 'image/avif'
    if (brand.startsWith('he') || brand === 'mif1' || brand === 'msf1') return 'image/heic'
    return brand.startsWith('qt') ? 'video/quicktime' : 'video/mp4'
  }
  if (text.startsWith('%PDF-')) return 'application/pdf'
  return 'application/octet-stream'
}
