import { concatBytes, LatentError } from '@latent/core'
import { METADATA_BLOCK } from './header.ts'

/** What is known of the file inside: all of it encrypted. */
export interface Metadata {
  /** The file's own name, without folders: 1 to 255 bytes of UTF-8, no slash, no NUL, not `.` or `..`. */
  readonly name: string
  /** Media type by the file's first bytes; `application/octet-stream` if unknown. Printable ASCII without spaces. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** Last modification, whole milliseconds since 1970. */
  readonly modified: number
}

/** Says what is wrong with metadata that no sealed file may hold. */
export function metadataFault({ name, type, size, modified }: Metadata): string | undefined {
  if (typeof name !== 'string' || name === '' || !name.isWellFormed() || new TextEncoder().encode(name).length > 255) return 'the name is not a file name'
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\0')) return 'the name leads to another folder'
  if (typeof type !== 'string' || !/^[\x21-\x7e]{1,127}$/.test(type)) return 'the media type is malformed'
  if (!Number.isSafeInteger(size) || size < 0) return 'the size is not a number of bytes'
  if (!Number.isSafeInteger(modified)) return 'the time is not a whole number of milliseconds'
  return undefined
}

/** The metadata region: JSON, then zeros up to a multiple of 128 bytes, so that its size tells little of the name. */
export function encodeMetadata({ name, type, size, modified }: Metadata): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify({ name, type, size, modified }))
  return concatBytes(json, new Uint8Array(METADATA_BLOCK - (json.length % METADATA_BLOCK)))
}

/** @throws E_HEADER if the region is not, to the byte, what {@link encodeMetadata} writes */
export function decodeMetadata(region: Uint8Array): Metadata {
  const end = region.indexOf(0)
  let parsed: Partial<Metadata> | null
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(region.subarray(0, Math.max(0, end)))) as Partial<Metadata> | null
  } catch (cause) {
    throw malformed('it is not JSON', cause)
  }
  const metadata = { ...parsed } as Metadata
  const fault = metadataFault(metadata)
  if (fault !== undefined) throw malformed(fault)
  const canonical = encodeMetadata(metadata)
  if (canonical.length !== region.length || canonical.some((byte, i) => byte !== region[i])) throw malformed('it is not in canonical form')
  const { name, type, size, modified } = metadata
  return { name, type, size, modified }
}

const malformed = (what: string, cause?: unknown) =>
  new LatentError('E_HEADER', `the metadata of this sealed file is malformed: ${what}`, { hint: 'it was not made by latent seal; do not trust it', cause })

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
