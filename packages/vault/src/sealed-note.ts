import { LatentError } from '@latent/core'
import { type Geometry, readCarrier } from './carrier/index.ts'
import type { AlbumKeys } from './envelope.ts'
import { fileKeys, type Header } from './header.ts'
import { openNote } from './note.ts'
import { readHeader } from './open.ts'

/** What a sealed file says in its header to whoever has the key. */
export interface SealedNote {
  /** Of the picture: says how many bytes the file has, if it is whole. */
  readonly geometry: Geometry
  readonly header: Header
  readonly albumKey: Uint8Array
  /** `undefined` if there is none. */
  readonly note: Uint8Array | undefined
}

/**
 * Reads and authenticates header and note, and nothing behind them.
 * @throws as `readCarrier` and `parseHeader`; E_NO_MATCH; E_HEADER if it was altered
 */
export async function readSealedNote(png: AsyncIterable<Uint8Array>, keyring: AlbumKeys): Promise<SealedNote> {
  const carrier = await readCarrier(png)
  try {
    const { parsed } = await readHeader(carrier)
    const albumKey = await keyring.albumKey(parsed.header.envelope)
    const keys = await fileKeys(albumKey, parsed.header.nonce)
    if (!(await parsed.authenticate(keys)))
      throw new LatentError('E_HEADER', 'the header of this sealed file was altered', {
        hint: 'download or copy the file again',
      })
    const { geometry } = carrier
    return { geometry, header: parsed.header, albumKey, note: await openNote(keys, parsed.header, parsed.filler) }
  } finally {
    await carrier.close()
  }
}
