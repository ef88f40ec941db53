import { bytesOfName, concatBytes, LatentError, nameOfBytes, rawByte } from '@latent/core'
import { METADATA_BLOCK } from './header.ts'

/** What is known of the file inside: all of it encrypted. */
export interface Metadata {
  /**
   * The file's own name, without folders: 1 to 255 bytes, no slash, no NUL, not `.` or `..`. Bytes
   * that are no UTF-8 are held as `nameOfBytes` of `@latent/core` gives them.
   */
  readonly name: string
  /** Media type by the file's first bytes; `application/octet-stream` if unknown. Printable ASCII without spaces. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** Last modification, whole milliseconds since 1970. */
  readonly modified: number
  /** Who may read, write and execute it, as Unix has it: 0 to 0o777. Files of other systems have none. */
  readonly mode?: number
}

/** Says what is wrong with metadata that no sealed file may hold. */
export function metadataFault(metadata: Metadata): string | undefined {
  const { name, size, modified, mode } = metadata
  if (typeof name !== 'string' || name === '' || !(name.isWellFormed() || isRaw(name)))
    return 'the name is not a file name'
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    return 'the name leads to another folder'
  if (mode !== undefined && (!Number.isSafeInteger(mode) || mode < 0 || mode > 0o777))
    return 'the mode is not made of permission bits'
  if (typeof metadata.type !== 'string') return 'the media type is malformed'
  const written = onPaper(metadata)
  if (bytesOfName(name).length > 255 || new TextEncoder().encode(written.name).length > 255)
    return 'the name is longer than the format holds'
  if (!/^[\x21-\x7e]{1,127}$/.test(metadata.type) || written.type.length > 127) return 'the media type is malformed'
  if (!Number.isSafeInteger(size) || size < 0) return 'the size is not a number of bytes'
  if (!Number.isSafeInteger(modified)) return 'the time is not a whole number of milliseconds'
  return undefined
}

/**
 * The four fields that every reader knows. What came later travels as parameters of the media type,
 * which decides nothing and which earlier readers let pass: `name=latin1` says that the name's bytes
 * are no UTF-8 and are written as Latin-1, `mode` are the permission bits in octal.
 */
function onPaper({
  name,
  type,
  size,
  modified,
  mode,
}: Metadata): Pick<Metadata, 'name' | 'type' | 'size' | 'modified'> {
  const raw = isRaw(name)
  const bits = mode === undefined ? '' : `;mode=${mode.toString(8).padStart(3, '0')}`
  const parameters = `${raw ? ';name=latin1' : ''}${bits}`
  return {
    name: raw ? Array.from(bytesOfName(name), byte => String.fromCodePoint(byte)).join('') : name,
    type: type + parameters,
    size,
    modified,
  }
}

/** Are there bytes in it that are no UTF-8, and nothing worse? */
const isRaw = (name: string): boolean =>
  !name.isWellFormed() && Array.from(name).every(char => char.isWellFormed() || rawByte(char) !== undefined)

function offPaper({ name, type, size, modified }: Metadata): Metadata {
  const found = typeof type === 'string' ? /^(.*?)(;name=latin1)?(?:;mode=([0-7]{3}))?$/.exec(type) : null
  if (!found || typeof name !== 'string' || found[1] === '') return { name, type, size, modified }
  return {
    name: found[2] === undefined ? name : nameOfBytes(Uint8Array.from(name, char => char.codePointAt(0)!)),
    type: found[1]!,
    size,
    modified,
    ...(found[3] === undefined ? {} : { mode: Number.parseInt(found[3], 8) }),
  }
}

/** The metadata region: JSON, then zeros up to a multiple of 128 bytes, so that its size tells little of the name. */
export function encodeMetadata(metadata: Metadata): Uint8Array {
  const { name, type, size, modified } = onPaper(metadata)
  const json = new TextEncoder().encode(JSON.stringify({ name, type, size, modified }))
  return concatBytes(json, new Uint8Array(METADATA_BLOCK - (json.length % METADATA_BLOCK)))
}

/** @throws E_HEADER if the region is not, to the byte, what {@link encodeMetadata} writes */
export function decodeMetadata(region: Uint8Array): Metadata {
  const end = region.indexOf(0)
  let parsed: Partial<Metadata> | null
  try {
    parsed = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(region.subarray(0, Math.max(0, end))),
    ) as Partial<Metadata> | null
  } catch (cause) {
    throw malformed('it is not JSON', cause)
  }
  const { name, type, size, modified } = { ...parsed } as Metadata
  const plain = { name, type, size, modified }
  // A type that only looks as if it had our parameters is a remark like any other.
  const [read, remark] = [offPaper(plain), plain].map(metadata => ({
    metadata,
    fault:
      metadataFault(metadata) ??
      (sameBytes(encodeMetadata(metadata), region) ? undefined : 'it is not in canonical form'),
  }))
  if (read!.fault === undefined) return read!.metadata
  if (remark!.fault !== undefined) throw malformed(remark!.fault)
  return remark!.metadata
}

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

const malformed = (what: string, cause?: unknown) =>
  new LatentError('E_HEADER', `the metadata of this sealed file is malformed: ${what}`, {
    hint: 'it was not made by latent seal; do not trust it',
    cause,
  })

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

/** The media type that a file's first 16 bytes announce: of common photos and videos; others are octet streams. */
export function mediaType(start: Uint8Array): string {
  // One character a byte: what browsers call Latin-1 is Windows-1252, which has other ones for 0x80 to 0x9f.
  const text = String.fromCodePoint(...start.subarray(0, 16))
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
