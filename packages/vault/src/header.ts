import {
  concatBytes,
  deriveKey,
  deriveKeys,
  equalConstantTime,
  fromHex,
  hmacSha256,
  LatentError,
  sha256Of,
  toHex,
} from '@latent/core'
import { type BodyType, findBody } from './bodies/index.ts'
import { reencoded } from './carrier/index.ts'

/**
 * The header of a sealed file: text lines with one binary age envelope, then the body. The grammar
 * is in `docs/sealed-format.md`; what cannot change without sealing anew (version, body type, sizes,
 * nonce) comes first and is bound to every chunk, so that the envelope behind it can be replaced.
 */
/** What the first line of every version starts with. */
export const FAMILY = 'latent sealed '
/** The first line of this version. */
export const MAGIC = `${FAMILY}1`

// Behind 33 + 8 bytes of PNG, zlib's 2, a block's 5 and a filter byte.
const FAMILY_AT = 49
/** What lies at fixed places in front of it in the layout that we write. */
const LAYOUT = [
  [37, 'IDAT\x78\x01'],
  [48, `\0${FAMILY}`],
] as const

/**
 * Do these first bytes of a file begin a sealed one, in the very layout that we write? `open`: the
 * file ends too early to tell.
 */
export function announcement(start: Uint8Array): 'sealed' | 'open' | 'other' {
  const there = (at: number, wanted: string) =>
    Array.from(wanted, char => char.codePointAt(0)).every((byte, i) => at + i >= start.length || start[at + i] === byte)
  if (start.length >= FAMILY_AT + FAMILY.length) return there(FAMILY_AT, FAMILY) ? 'sealed' : 'other'
  return LAYOUT.every(([at, wanted]) => there(at, wanted)) ? 'open' : 'other'
}
/** Bytes of plaintext in a chunk, as writers cut them. */
export const CHUNK_BYTES = 786_432
/** Bytes of the largest age envelope. */
export const MAX_ENVELOPE = 1 << 19
/** As much as one HKDF output gives. */
export const MAX_FILLER = 8160
/** Sizes of the metadata region and of chunks: a region is whole blocks, and lies in the first chunk. */
export const METADATA_BLOCK = 128
const MAX_METADATA = 1 << 16
const MAX_CHUNK = 1 << 24

/** What a header says, but for the code over it. */
export interface Header {
  readonly body: BodyType
  /** SHA-256 of the exact-flow weights, for bodies that use them. */
  readonly weights?: string
  /** Bytes of plaintext a chunk, except the last. */
  readonly chunk: number
  /** Bytes at the start of the plaintext that hold the metadata. */
  readonly metadata: number
  /** 32 random bytes, distinct for every file. */
  readonly nonce: Uint8Array
  /** The album key in an age envelope. */
  readonly envelope: Uint8Array
}

/** Keys of one file, all derived from the album key and the file's nonce. */
export interface FileKeys {
  readonly body: Uint8Array
  readonly flow: Uint8Array
  readonly header: Uint8Array
  /** Where the filler bytes come from. */
  readonly filler: Uint8Array
  /** Of the note at the start of the filler, where there is one. */
  readonly note: Uint8Array
}

const PURPOSES = [
  'latent/v1/sealed/body',
  'latent/v1/sealed/flow',
  'latent/v1/sealed/header',
  'latent/v1/sealed/filler',
  'latent/v1/sealed/note',
] as const

/** Derives the keys of one file. @param albumKey 32 bytes @param nonce 32 bytes, of the header */
export async function fileKeys(albumKey: Uint8Array, nonce: Uint8Array): Promise<FileKeys> {
  const file = await deriveKey(albumKey, 'latent/v1/sealed/file', nonce)
  const [body, flow, header, filler, note] = await deriveKeys(file, PURPOSES)
  return { body, flow, header, filler, note }
}

const ascii = (text: string) => new TextEncoder().encode(text)

/** The lines that are bound to every chunk. */
function fixedPart({ body, weights, chunk, metadata, nonce }: Header): Uint8Array {
  const weightsLine = weights === undefined ? '' : `weights ${weights}\n`
  return ascii(`${MAGIC}\nbody ${body}\n${weightsLine}chunk ${chunk}\nmetadata ${metadata}\nnonce ${toHex(nonce)}\n`)
}

/** Associated data of every chunk: the hash of the fixed lines. */
export const headerId = (header: Header): Uint8Array => sha256Of(fixedPart(header))

const fillerLine = (length: number) => `filler ${String(length).padStart(5, '0')}\n`
const MAC_BYTES = 'mac \n'.length + 64

/** The header's size for a filler of `filler` bytes. */
export function headerSize(header: Header, filler: number): number {
  return (
    fixedPart(header).length +
    `envelope ${header.envelope.length}\n`.length +
    header.envelope.length +
    1 +
    fillerLine(0).length +
    filler +
    1 +
    MAC_BYTES
  )
}

/**
 * Serialises a header. `filler` makes the whole file fill its picture exactly.
 * @param note sealed by `sealNote`: the filler's first bytes
 */
export async function encodeHeader(
  header: Header,
  keys: FileKeys,
  filler: number,
  note: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  if (filler > MAX_FILLER || note.length > filler) throw new LatentError('E_INTERNAL', 'the filler is too long')
  // Derived rather than drawn, so that one set of inputs has one sealed file.
  const noise =
    filler === note.length
      ? new Uint8Array(0)
      : await deriveKey(keys.filler, 'latent/v1/sealed/filler-bytes', undefined, filler - note.length)
  const covered = concatBytes(
    fixedPart(header),
    ascii(`envelope ${header.envelope.length}\n`),
    header.envelope,
    ascii(`\n${fillerLine(filler)}`),
    note,
    noise,
    ascii('\n'),
  )
  return concatBytes(covered, ascii(`mac ${toHex(await hmacSha256(keys.header, [covered]))}\n`))
}

/** A header as it stands in a file, not authenticated yet. */
export interface ParsedHeader {
  readonly header: Header
  /** Bytes of the whole header: the body starts here. */
  readonly size: number
  /** Noise, or a note and noise: see `openNote`. */
  readonly filler: Uint8Array
  /** Checks the code over all of it. Needs the album key; call before anything is trusted. */
  authenticate(keys: FileKeys): Promise<boolean>
}

/** Are these sizes what the format allows? Says what is wrong. */
export function sizeFault({
  chunk,
  metadata,
  envelope,
}: Pick<Header, 'chunk' | 'metadata' | 'envelope'>): string | undefined {
  if (envelope.length < 1 || envelope.length > MAX_ENVELOPE) return 'its age envelope is larger than allowed'
  if (chunk < METADATA_BLOCK || chunk > MAX_CHUNK) return 'its chunk size is out of range'
  if (metadata < METADATA_BLOCK || metadata > MAX_METADATA || metadata > chunk || metadata % METADATA_BLOCK !== 0)
    return 'its metadata size is out of range'
  return undefined
}

/**
 * Reads a header from the front of `bytes`.
 * @returns `undefined` if more bytes are needed
 * @throws E_REENCODED (no header at all); E_UNSUPPORTED (another version, body type); E_HEADER
 */
export function parseHeader(bytes: Uint8Array): ParsedHeader | undefined {
  if (!ascii(FAMILY).every((byte, i) => i >= bytes.length || bytes[i] === byte))
    throw reencoded('its pixels do not start with a Latent header')
  try {
    return parseLines(bytes)
  } catch (error) {
    if (error === INCOMPLETE) return undefined
    throw error
  }
}

const INCOMPLETE = Symbol('the header goes on behind these bytes')

function parseLines(bytes: Uint8Array): ParsedHeader {
  const lines = new LineReader(bytes)
  const magic = lines.next(FAMILY.length + 16)
  if (!/^latent sealed [0-9a-z.-]+$/.test(magic)) throw damaged('its first line is malformed')
  if (magic !== MAGIC)
    throw new LatentError(
      'E_UNSUPPORTED',
      `this file has the format ${JSON.stringify(magic)}, and this release reads ${JSON.stringify(MAGIC)}`,
      { hint: 'update latent' },
    )
  const body = lines.field('body', /^[a-z0-9+-]{1,64}$/)
  const format = findBody(body)
  if (!format)
    throw new LatentError('E_UNSUPPORTED', `this file has the body type ${body}, which this release does not know`, {
      hint: 'update latent',
    })
  const weights = format.weights ? { weights: lines.field('weights', /^[0-9a-f]{64}$/) } : {}
  const chunk = Number(lines.field('chunk', /^[1-9]\d{1,7}$/))
  const metadata = Number(lines.field('metadata', /^[1-9]\d{1,4}$/))
  const nonce = fromHex(lines.field('nonce', /^[0-9a-f]{64}$/))
  const envelopeSize = Number(lines.field('envelope', /^[1-9]\d{0,5}$/))
  if (envelopeSize > MAX_ENVELOPE) throw damaged('its age envelope is larger than allowed')
  const header: Header = { body: format.type, ...weights, chunk, metadata, nonce, envelope: lines.bytes(envelopeSize) }
  const fault = sizeFault(header)
  if (fault !== undefined) throw damaged(fault)
  const fillerSize = Number(lines.field('filler', /^\d{5}$/))
  if (fillerSize > MAX_FILLER) throw damaged('its filler is larger than allowed')
  const filler = lines.bytes(fillerSize)
  const covered = bytes.slice(0, lines.at)
  const mac = fromHex(lines.field('mac', /^[0-9a-f]{64}$/))
  return {
    header,
    size: lines.at,
    filler,
    authenticate: async keys => equalConstantTime(await hmacSha256(keys.header, [covered]), mac),
  }
}

/** No header may be longer: a reader stops looking here. */
export const MAX_HEADER = MAX_ENVELOPE + MAX_FILLER + 1024

const damaged = (what: string) =>
  new LatentError('E_HEADER', `the header of this sealed file is damaged: ${what}`, {
    hint: 'download or copy the file again',
  })

class LineReader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** One line of at most `limit` bytes, without its end. */
  next(limit: number): string {
    const end = this.#bytes.subarray(this.at, this.at + limit + 1).indexOf(10)
    if (end === -1 && this.#bytes.length - this.at <= limit) throw INCOMPLETE
    if (end === -1) throw damaged('a line is too long')
    const line = new TextDecoder('latin1').decode(this.#bytes.subarray(this.at, this.at + end))
    this.at += end + 1
    return line
  }

  field(name: string, value: RegExp): string {
    const line = this.next(name.length + 1 + 64)
    if (!line.startsWith(`${name} `) || !value.test(line.slice(name.length + 1)))
      throw damaged(`its ${name} line is malformed`)
    return line.slice(name.length + 1)
  }

  /** `length` raw bytes and the line end behind them. */
  bytes(length: number): Uint8Array {
    if (this.#bytes.length <= this.at + length) throw INCOMPLETE
    const found = this.#bytes.slice(this.at, this.at + length)
    if (this.#bytes[this.at + length] !== 10) throw damaged('a line end is missing')
    this.at += length + 1
    return found
  }
}
