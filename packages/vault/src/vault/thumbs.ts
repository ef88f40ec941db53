import { concatBytes, LatentError } from '@latent/core'
import { readObject } from '../store/store.ts'
import type { KeyState } from './key-state.ts'
import { drawnName, FOLDERS } from './layout.ts'
import type { IndexRecord, Photo } from './record.ts'
import { MAX_SEGMENT, openSmall, sealSmall } from './segment.ts'
import type { Vault } from './vault.ts'

/** Makes a small picture of a photo: a JPEG. @returns nothing for what it cannot read */
export type Thumbnailer = (bytes: Uint8Array, type: string) => Promise<Uint8Array | undefined>

const TYPE = 'application/x-latent-thumbnails'
const PACK_BYTES = 2 * 1024 * 1024
const PACK_COUNT = 400

/** Collects thumbnails into packs: one object for hundreds of photos, and one request to see them. */
export class ThumbPacks {
  readonly #vault: Vault
  readonly #key: KeyState
  #waiting: { object: string; bytes: Uint8Array }[] = []
  #written: IndexRecord[] = []
  #writing: Promise<void> = Promise.resolve()

  constructor(vault: Vault, key: KeyState) {
    this.#vault = vault
    this.#key = key
  }

  async add(object: string, bytes: Uint8Array): Promise<void> {
    this.#waiting.push({ object, bytes })
    const size = this.#waiting.reduce((sum, { bytes: { length } }) => sum + length, 0)
    if (size >= PACK_BYTES || this.#waiting.length >= PACK_COUNT) await this.#pack()
  }

  /** What the index is to say of the packs since the last time. */
  async flush(): Promise<IndexRecord[]> {
    await this.#pack()
    return this.#written.splice(0)
  }

  #pack(): Promise<void> {
    const thumbs = this.#waiting
    this.#waiting = []
    if (thumbs.length === 0) return this.#writing
    const pack = drawnName()
    const album = { key: this.#key.key, envelope: this.#key.envelope }
    const write = async () => {
      const sealed = await sealSmall(album, 'thumbnails', TYPE, encodePack(thumbs))
      await this.#vault.write(packPath(this.#key, pack), sealed)
      this.#written.push({ t: 'thumbs', pack, objects: thumbs.map(({ object }) => object) })
    }
    return (this.#writing = this.#writing.then(write))
  }
}

const packPath = (key: KeyState, pack: string) => `${FOLDERS.thumbs}${key.id}/${pack}.png`

/** A line of JSON that says where each picture begins, and the pictures. */
function encodePack(thumbs: readonly { readonly object: string; readonly bytes: Uint8Array }[]): Uint8Array {
  const list = thumbs.map(({ object, bytes }) => [object, bytes.length])
  return concatBytes(new TextEncoder().encode(`${JSON.stringify(list)}\n`), ...thumbs.map(({ bytes }) => bytes))
}

/** The thumbnails of a pack, by object. @throws E_VAULT; E_STORE */
export async function readPack(vault: Vault, key: KeyState, pack: string): Promise<Map<string, Uint8Array>> {
  const bytes = await openSmall(key.key, TYPE, await readObject(vault.store, packPath(key, pack), MAX_SEGMENT))
  const end = bytes.indexOf(10)
  try {
    const list = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as [string, number][]
    let at = end + 1
    return new Map(list.map(([object, length]) => [object, bytes.slice(at, (at += length))]))
  } catch {
    throw new LatentError('E_VAULT', 'a pack of thumbnails is malformed', { hint: 'the photos are not in it' })
  }
}

/** The thumbnail of a photo, if it has one. */
export async function thumbnailOf(vault: Vault, key: KeyState, photo: Photo): Promise<Uint8Array | undefined> {
  const pack = key.thumbs.get(photo.object)
  return pack === undefined ? undefined : (await readPack(vault, key, pack)).get(photo.object)
}
