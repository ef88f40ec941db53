import { LatentError } from '@latent/core'
import { carrierSize, pixelBytes, readCarrier, writeCarrier } from './carrier/index.ts'
import type { Album, AlbumKeys } from './envelope.ts'
import { encodeHeader, fileKeys, headerSize } from './header.ts'
import { geometryWithNote, openNote, sealNote } from './note.ts'
import { inspection, readHeader } from './open.ts'
import { closing, releasing } from './streams.ts'

/** A sealed file that is about to get another envelope. */
export interface Rewrapping {
  /** Bytes of the PNG to come. */
  readonly size: number
  /** The same as before: it is one file, for other recipients. */
  readonly nonce: Uint8Array
  readonly png: AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/**
 * The same sealed file for other recipients: envelope, filler and code are written anew, the body is copied
 * byte for byte. Whoever could open it before may have kept the key that both have in common.
 * @param wrap wraps an album key for those who shall open it
 * @throws E_NO_MATCH if the keyring does not open it; otherwise as `openSealed`
 */
export async function rewrapSealed(
  png: AsyncIterable<Uint8Array>,
  keyring: AlbumKeys,
  wrap: (albumKey: Uint8Array) => Promise<Album>,
): Promise<Rewrapping> {
  const carrier = await readCarrier(png)
  try {
    const { parsed, rest } = await readHeader(carrier)
    const { chunks } = inspection(carrier.geometry, parsed)
    const albumKey = await keyring.albumKey(parsed.header.envelope)
    const keys = await fileKeys(albumKey, parsed.header.nonce)
    if (!(await parsed.authenticate(keys)))
      throw new LatentError('E_HEADER', 'the header of this sealed file was altered', { hint: 'seal it anew' })
    const header = { ...parsed.header, envelope: (await wrap(albumKey)).envelope }
    // It says what it said: a key seals one note alone.
    const note = await openNote(keys, header, parsed.filler)
    const sealedNote = note && (await sealNote(keys, header, note))
    const geometry = geometryWithNote(header, chunks.sealedSize, sealedNote)
    const filler = pixelBytes(geometry) - headerSize(header, 0) - chunks.sealedSize
    async function* pixels() {
      yield await encodeHeader(header, keys, filler, sealedNote)
      yield* releasing(rest)
    }
    return {
      size: carrierSize(geometry),
      nonce: header.nonce,
      png: closing(writeCarrier(geometry, pixels()), () => carrier.close()),
      close: () => carrier.close(),
    }
  } catch (error) {
    await carrier.close()
    throw error
  }
}
