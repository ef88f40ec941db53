import { argumentError, LatentError, randomBytes, release, sha256OfSize } from '@latent/core'
import { type BodyCipher, bodyOf, type BodyType, type FlowProvider } from './bodies/index.ts'
import { bodyCipher, chunksOf, paddedSize } from './body.ts'
import { carrierSize, type Geometry, pixelBytes, writeCarrier } from './carrier/index.ts'
import type { Album } from './envelope.ts'
import { CHUNK_BYTES, encodeHeader, fileKeys, type Header, headerSize, sizeFault } from './header.ts'
import { geometryWithNote, sealNote } from './note.ts'
import { encodeMetadata, type Metadata, metadataFault, padme } from './payload.ts'
import { mapInOrder, pieces } from './streams.ts'

/** Bytes of the SHA-256 behind the file. */
export const HASH_BYTES = 32

/** What a file is sealed with. */
export interface SealOptions {
  readonly album: Album
  readonly metadata: Metadata
  readonly flows: FlowProvider
  /** How chunks are sealed; the exact flow names its weights. */
  readonly body:
    { readonly type: 'exact-flow+aes-256-gcm'; readonly weights: string } | { readonly type: 'aes-256-gcm' }
  /** `padme` hides the exact size, at up to 12 % more bytes. */
  readonly padding?: 'none' | 'padme'
  /** 32 bytes; drawn if not given. Only test vectors give it: a nonce used twice under one album is fatal. */
  readonly nonce?: Uint8Array
  readonly chunk?: number
  /** Kept in the header, encrypted: read without the body, and passed over by readers that know no notes. */
  readonly note?: Uint8Array
}

/** A file that is about to be sealed. */
export interface Sealing {
  readonly geometry: Geometry
  /** Bytes of the PNG file to come. */
  readonly size: number
  readonly nonce: Uint8Array
  /**
   * The PNG file; its parts are whoever's who asks for them.
   * @param read told the SHA-256 of the file's bytes once all of them have been read
   * @throws E_CHANGED if the source has not the size that `metadata` says
   */
  png(source: AsyncIterable<Uint8Array>, read?: (sha256: Uint8Array) => void): AsyncIterable<Uint8Array>
}

/**
 * Prepares to seal one file: everything but its bytes is settled here, so that its size is known.
 *
 * @throws E_ARGUMENT for metadata, an envelope, a nonce or a chunk size that the format does not allow
 *
 * Plaintext: metadata region, the file's bytes, their SHA-256, zeros. See `docs/sealed-format.md`.
 */
export async function prepareSeal({
  album,
  metadata,
  flows,
  body,
  padding = 'none',
  nonce = randomBytes(32),
  chunk = CHUNK_BYTES,
  note,
}: SealOptions): Promise<Sealing> {
  const wrong = metadataFault(metadata)
  if (wrong !== undefined)
    throw new LatentError('E_ARGUMENT', `this file cannot be sealed under its metadata: ${wrong}`)
  if (nonce.length !== 32) throw argumentError('nonce', '32 bytes', nonce)
  const region = encodeMetadata(metadata)
  const header: Header = {
    body: body.type satisfies BodyType,
    ...('weights' in body ? { weights: body.weights } : {}),
    chunk,
    metadata: region.length,
    nonce,
    envelope: album.envelope,
  }
  const fault = sizeFault(header)
  if (fault !== undefined) throw new LatentError('E_ARGUMENT', `no header of a sealed file can hold this: ${fault}`)
  const needed = region.length + metadata.size + HASH_BYTES
  const plaintextSize = paddedSize(padding === 'padme' ? padme(needed) : needed, chunk, bodyOf(body.type).smallestChunk)
  const chunks = chunksOf(plaintextSize, chunk)
  const keys = await fileKeys(album.key, nonce)
  const sealedNote = note && (await sealNote(keys, header, note))
  const geometry = geometryWithNote(header, chunks.sealedSize, sealedNote)
  const filler = pixelBytes(geometry) - headerSize(header, 0) - chunks.sealedSize

  return {
    geometry,
    size: carrierSize(geometry),
    nonce,
    async *png(source, read) {
      const cipher = await bodyCipher(header, keys, flows, plaintextSize)
      const plaintext = pieces(plaintextOf(region, metadata.size, source, plaintextSize, read), chunk, plaintextSize)
      yield* writeCarrier(
        geometry,
        pixelsOf(await encodeHeader(header, keys, filler, sealedNote), cipher, plaintext, chunks.count),
      )
    },
  }
}

async function* pixelsOf(
  header: Uint8Array,
  cipher: BodyCipher,
  plaintext: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  yield header
  const sealed = mapInOrder(plaintext, cipher.lanes, async (piece, index) => {
    const chunk = await cipher.seal(index, index === count - 1, piece)
    release(piece)
    return chunk
  })
  for await (const chunk of sealed) {
    yield chunk
    // The carrier has copied it.
    release(chunk)
  }
}

async function* plaintextOf(
  region: Uint8Array,
  size: number,
  source: AsyncIterable<Uint8Array>,
  total: number,
  whenRead?: (sha256: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  yield region
  const hash = sha256OfSize(size)
  let read = 0
  for await (const part of source) {
    read += part.length
    if (read > size) break
    hash.update(part)
    yield part
  }
  if (read !== size)
    throw new LatentError(
      'E_CHANGED',
      `the file changed while it was being sealed: expected ${size} bytes, ` +
        `received ${read < size ? read : `more than ${size}`}`,
      { hint: 'seal it again when nothing writes to it' },
    )
  const digest = await hash.digest()
  whenRead?.(digest)
  yield digest
  let left = total - region.length - size - HASH_BYTES
  const zeros = new Uint8Array(Math.min(left, 65536))
  for (; left > 0; left -= zeros.length) yield zeros.subarray(0, Math.min(left, zeros.length))
}
