import { sha256Of, toHex } from '@latent/core'
import { readSteadyNow } from '@latent/core/node'
import type { FlowProvider } from '../bodies/index.ts'
import type { Album, AlbumKeys } from '../envelope.ts'
import { type OpenedAtOnce, openAtOnce } from '../open-at-once.ts'
import { WHOLE_BYTES } from './seal-whole.ts'

/** A small sealed file that one thread opens whole. */
export interface OpenTask {
  readonly source: string
  readonly size: number
  /** Whether the bytes are asked for, or only whether they are all there. */
  readonly wanted: boolean
  /** What opens it, where the thread has said that it does not know. */
  readonly album?: Album
}

/** A file that is open to its last byte; its bytes, if they were asked for. */
export type OpenedWhole = Omit<OpenedAtOnce, 'bytes'> & Partial<Pick<OpenedAtOnce, 'bytes'>>

/** An envelope whose key the thread was never told: whoever has the keys opens it, and asks again. */
export interface Locked {
  readonly locked: Uint8Array
}

/** The albums that a thread was told of: few, and one a run of sealing. */
export class KnownAlbums implements AlbumKeys {
  readonly #keys = new Map<string, Uint8Array>()

  tell({ key, envelope }: Album): void {
    this.#keys.set(toHex(sha256Of(envelope)), key)
  }

  albumKey(envelope: Uint8Array): Promise<Uint8Array> {
    const key = this.#keys.get(toHex(sha256Of(envelope)))
    return key ? Promise.resolve(key) : Promise.reject(new UnknownAlbum(envelope))
  }
}

class UnknownAlbum extends Error {
  readonly locked: Uint8Array

  constructor(envelope: Uint8Array) {
    super('the key of an album was not told')
    this.locked = envelope
  }
}

/**
 * Reads and opens a small sealed file, with nothing to wait for in between.
 * @returns `undefined` for every file that is not whole, small and laid out as it was written: whoever asked opens it
 * part by part, which says what is wrong
 */
export async function openWhole(
  { source, wanted, album }: OpenTask,
  albums: KnownAlbums,
  flows: FlowProvider,
): Promise<OpenedWhole | Locked | undefined> {
  if (album) albums.tell(album)
  try {
    const read = readSteadyNow(source, WHOLE_BYTES)
    const opened = read && (await openAtOnce(read.bytes, albums, flows))
    if (!opened) return undefined
    const { bytes, ...rest } = opened
    return wanted ? { ...rest, bytes } : rest
  } catch (error) {
    return error instanceof UnknownAlbum ? { locked: error.locked } : undefined
  }
}
