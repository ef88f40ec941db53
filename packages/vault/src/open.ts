import { concatBytes, equalConstantTime, GCM_TAG_BYTES, LatentError, release, sha256OfSize } from '@latent/core'
import { type BodyCipher, bodyOf, type FlowProvider } from './bodies/index.ts'
import { bodyCipher, type Chunks, chunksIn } from './body.ts'
import { type CarrierReader, type Geometry, pixelBytes, readCarrier, tooShort, truncated } from './carrier/index.ts'
import type { AlbumKeys } from './envelope.ts'
import { announcement, FAMILY, fileKeys, type Header, MAX_HEADER, type ParsedHeader, parseHeader } from './header.ts'
import { openNote } from './note.ts'
import { decodeMetadata, type Metadata } from './payload.ts'
import { HASH_BYTES } from './seal.ts'
import { closing, mapInOrder, pieces, releasing } from './streams.ts'

/** What anyone can read off a sealed file without a key. Nothing of it is authenticated yet. */
export interface Inspection {
  readonly geometry: Geometry
  readonly header: Header
  readonly headerSize: number
  readonly chunks: Chunks
}

/** A sealed file whose header, envelope and metadata are authentic. */
export interface Opened extends Inspection {
  readonly metadata: Metadata
  /** What its header says beside it, if it has a note. */
  readonly note: Uint8Array | undefined
  /**
   * The file's bytes; parts are whoever's who asks for them. They are authentic as they come, the whole only when the
   * iteration has ended without an error: write to a temporary place until then.
   * @throws E_CHUNK (which one, and which bytes it held); E_TRUNCATED; E_HASH
   */
  readonly bytes: AsyncIterable<Uint8Array>
  /**
   * The SHA-256 that was sealed with the file. Where `bytes` was read to its end, what came out has it. Otherwise this
   * takes the place of `bytes` and opens no chunk before it: it tells in a fraction of the time whether a file that is
   * there is this one.
   * @throws E_CHUNK; E_TRUNCATED
   */
  sha256(): Promise<Uint8Array>
  /** Lets go of the source and waits for what is under way; needed where `bytes` is not read to its end. */
  close(): Promise<void>
}

/** Reads the header alone. @throws as {@link readCarrier} and {@link parseHeader} */
export async function inspectSealed(png: AsyncIterable<Uint8Array>): Promise<Inspection> {
  const carrier = await readCarrier(png)
  try {
    return inspection(carrier.geometry, (await readHeader(carrier)).parsed)
  } finally {
    await carrier.close()
  }
}

/**
 * Opens a sealed file: header, envelope and metadata are read and authenticated here, the bytes as
 * they are asked for.
 * @throws E_NOT_SEALED, E_REENCODED, E_UNSUPPORTED, E_HEADER, E_NO_MATCH, E_TRUNCATED, E_CHUNK, E_LIMIT
 */
export async function openSealed(
  png: AsyncIterable<Uint8Array>,
  keyring: AlbumKeys,
  flows: FlowProvider,
): Promise<Opened> {
  const carrier = await readCarrier(png)
  try {
    const { parsed, rest } = await readHeader(carrier)
    const found = inspection(carrier.geometry, parsed)
    const { cipher, note } = await unlock(parsed, keyring, flows)
    const view: View = { from: 0, size: roomFor(found) }
    const plaintext = openChunks(rest, cipher, found, view)
    const close = async () => {
      await plaintext.return(undefined)
      await carrier.close()
    }
    try {
      const first = await plaintext.next()
      if (first.done) throw truncated()
      const metadata = decodeMetadata(first.value.subarray(0, found.header.metadata))
      // The size is authentic and the picture's is not: chunks were cut off and the picture made anew.
      if (metadata.size > roomFor(found)) throw truncated()
      view.size = metadata.size
      let compared: Uint8Array | undefined
      const bytes = fileBytes(metadata, first.value.subarray(found.header.metadata), plaintext, sha256 => {
        compared = sha256
      })
      return {
        ...found,
        metadata,
        note,
        bytes: closing(bytes, close),
        async sha256() {
          if (compared) return compared
          try {
            return await sealedHash(found, metadata, first.value, plaintext, view)
          } finally {
            await close()
          }
        },
        close,
      }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    await carrier.close()
    throw error
  }
}

/** What is asked of the chunks. */
interface View {
  /** Chunks before this one that are not opened yet are passed over. */
  from: number
  /** Bytes of the file inside, as far as it is known: at most so many. */
  size: number
}

/** Bytes of metadata, file, hash and padding together. */
const plaintextSize = ({ chunks }: Inspection) => chunks.sealedSize - chunks.count * GCM_TAG_BYTES

/** The largest file that fits in: what comes before the metadata say how large it is. */
export const roomFor = (found: Inspection): number =>
  Math.max(0, plaintextSize(found) - found.header.metadata - HASH_BYTES)

/** The body cipher of a header whose code is right, and its note. */
export async function unlock(
  parsed: ParsedHeader,
  keyring: AlbumKeys,
  flows: FlowProvider,
): Promise<{ cipher: BodyCipher; note: Uint8Array | undefined }> {
  const keys = await fileKeys(await keyring.albumKey(parsed.header.envelope), parsed.header.nonce)
  if (!(await parsed.authenticate(keys))) {
    throw new LatentError('E_HEADER', 'the header of this sealed file was altered', {
      hint: 'download or copy the file again; latent open --salvage goes on in spite of it',
    })
  }
  return {
    cipher: await bodyCipher(parsed.header, keys, flows),
    note: await openNote(keys, parsed.header, parsed.filler),
  }
}

/** What header and picture say together. @throws E_TRUNCATED if no sealed file has that size */
export function inspection(geometry: Geometry, { header, size }: ParsedHeader): Inspection {
  const chunks = chunksIn(pixelBytes(geometry) - size, header.chunk, bodyOf(header.body).smallestChunk)
  // Every sealed file has room for its header and a chunk, and ends with a chunk that is long enough.
  if (!chunks) throw truncated()
  return { geometry, header, headerSize: size, chunks }
}

/**
 * The header, and the pixel bytes behind it.
 * @throws E_NOT_SEALED for a broken picture in which nothing shows that it was sealed; as {@link parseHeader}
 */
export async function readHeader({
  pixels,
  start,
}: Pick<CarrierReader, 'pixels' | 'start'>): Promise<{ parsed: ParsedHeader; rest: AsyncGenerator<Uint8Array> }> {
  const parts = pixels[Symbol.asyncIterator]()
  let bytes: Uint8Array = new Uint8Array(0)
  let parsed: ParsedHeader | undefined
  while (!parsed) {
    const next = await parts.next().catch((error: unknown) => {
      throw bytes.length < FAMILY.length ? brokenBefore(start, error) : error
    })
    if (next.done || bytes.length > MAX_HEADER)
      throw new LatentError('E_HEADER', 'the header of this sealed file does not end', {
        hint: 'download or copy the file again',
      })
    bytes = bytes.length === 0 ? next.value : concatBytes(bytes, next.value)
    parsed = parseHeader(bytes)
  }
  const body = bytes.subarray(parsed.size)
  async function* rest() {
    yield body
    for (;;) {
      const next = await parts.next()
      if (next.done) return
      yield next.value
    }
  }
  return { parsed, rest: rest() }
}

/**
 * A picture that breaks before its pixels say what it is: damage to a sealed file only where its first bytes are
 * one's.
 */
function brokenBefore(start: Uint8Array, error: unknown): unknown {
  const announced = announcement(start)
  if (
    !(error instanceof LatentError) ||
    !(error.code === 'E_TRUNCATED' || error.code === 'E_CHUNK') ||
    announced === 'sealed'
  )
    return error
  if (announced === 'open') return tooShort()
  return new LatentError('E_NOT_SEALED', 'this PNG is broken, and nothing in it shows that it was sealed', {
    hint: 'if it was sealed, download or copy it again; if not, there is nothing to open',
    cause: error,
  })
}

async function* openChunks(
  sealed: AsyncIterable<Uint8Array>,
  cipher: BodyCipher,
  found: Inspection,
  view: View,
): AsyncGenerator<Uint8Array> {
  const { chunks } = found
  let opened = 0
  const results = mapInOrder(
    pieces(releasing(sealed), chunks.size + GCM_TAG_BYTES, chunks.sealedSize),
    cipher.lanes,
    async (piece, index) => {
      if (index < view.from) {
        release(piece)
        return new Uint8Array(0)
      }
      const last = index === chunks.count - 1
      const plaintext = await cipher.open(index, last, piece)
      // A file cut at a chunk's end and made into a whole picture: what was not last now is.
      if (plaintext === undefined && last && (await cipher.open(index, false, piece)) !== undefined) throw truncated()
      release(piece)
      return plaintext
    },
  )
  for await (const plaintext of results) {
    if (plaintext === undefined) throw damagedChunk(opened, found, view.size)
    opened++
    yield plaintext
  }
  if (opened < chunks.count) throw truncated()
}

/** Where in the original file of `size` bytes a chunk's bytes lie. */
export function chunkRange(
  index: number,
  { chunks, header }: Pick<Inspection, 'chunks' | 'header'>,
  size: number,
): { from: number; to: number } {
  const from = Math.max(0, index * chunks.size - header.metadata)
  const to = Math.min((index + 1) * chunks.size, (chunks.count - 1) * chunks.size + chunks.lastSize) - header.metadata
  return { from: Math.min(from, size), to: Math.min(Math.max(from, to), size) }
}

function damagedChunk(index: number, found: Inspection, size: number): LatentError {
  const { from, to } = chunkRange(index, found, size)
  const held =
    from < to
      ? `bytes ${from} to ${to - 1} of the file inside`
      : 'it holds no bytes of the file inside, but its hash or padding'
  return new LatentError('E_CHUNK', `chunk ${index + 1} of ${found.chunks.count} is damaged (${held})`, {
    hint: 'download or copy the file again; latent open --salvage writes everything else',
  })
}

async function sealedHash(
  found: Inspection,
  metadata: Metadata,
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
  view: View,
): Promise<Uint8Array> {
  const at = found.header.metadata + metadata.size
  const hash = new Uint8Array(HASH_BYTES)
  view.from = Math.floor(at / found.chunks.size)
  let part = first
  for (let index = 0; ; index++) {
    const start = index * found.chunks.size
    const [from, to] = [Math.max(at, start), Math.min(at + HASH_BYTES, start + part.length)]
    if (from < to) hash.set(part.subarray(from - start, to - start), from - at)
    if (to === at + HASH_BYTES) return hash
    const next: IteratorResult<Uint8Array> = await rest.next()
    if (next.done) throw truncated()
    part = next.value
  }
}

async function* fileBytes(
  metadata: Metadata,
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
  whenCompared: (sha256: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  const hash = sha256OfSize(metadata.size)
  const expected = new Uint8Array(HASH_BYTES)
  let at = 0

  for (let part: Uint8Array | undefined = first; part;) {
    const bytes = part.subarray(0, Math.max(0, metadata.size - at))
    hash.update(bytes)
    const tail = part.subarray(bytes.length)
    const hashAt = Math.max(0, at + bytes.length - metadata.size)
    const hashPart = tail.subarray(0, Math.max(0, HASH_BYTES - hashAt))
    expected.set(hashPart, Math.min(hashAt, HASH_BYTES))
    if (tail.subarray(hashPart.length).some(byte => byte !== 0))
      throw new LatentError('E_HASH', 'the padding behind the file is not empty', {
        hint: 'it was sealed by a faulty program, or holds something hidden: ask who sealed it',
      })
    at += part.length
    yield bytes
    const next: IteratorResult<Uint8Array> = await rest.next()
    part = next.done ? undefined : next.value
  }
  if (!equalConstantTime(await hash.digest(), expected))
    throw new LatentError('E_HASH', 'the bytes that came out are not those that were sealed', {
      hint: 'the file was sealed from a faulty memory or by a faulty program',
    })
  whenCompared(expected)
}
