import { nameKeyOf } from './layout.ts'
import type { Photo } from './record.ts'
import type { Segment } from './segment.ts'

/** A photo, and the key that its object is sealed under. */
export interface Kept extends Photo {
  readonly key: KeyState
}

/** What is kept of a segment that was taken in. */
export interface SegmentFacts {
  readonly parents: readonly string[]
  readonly lines: number
  /** Lines that this release does not know. */
  readonly unknown: number
}

/**
 * What the index says under one key: the union of its segments, whatever order they come in and however often. A
 * later time wins, then the larger name, so that all machines come to the same.
 */
export class KeyState {
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
  /** A binary age file that holds the key, for the members when it was made: new objects carry it. */
  readonly envelope: Uint8Array
  readonly photos = new Map<string, Kept>()
  /** Objects that were removed, and when. */
  readonly gone = new Map<string, number>()
  readonly doomed = new Map<string, number>()
  readonly members = new Map<string, number>()
  /** Segments that were read. */
  readonly segments = new Map<string, SegmentFacts>()
  readonly replaced = new Set<string>()
  /** Objects of the store's index folder that were read, and how many bytes they have. */
  indexBytes = 0
  album: { album: string; name: string; epoch: number; main?: boolean; at: number } | undefined

  #nameKey: Promise<Uint8Array> | undefined
  readonly #thumbs = new Map<string, string>()
  #packs: { readonly pack: string; readonly objects: readonly string[] }[] = []

  constructor(id: string, key: Uint8Array, envelope: Uint8Array) {
    this.id = id
    this.key = key
    this.envelope = envelope
  }

  /** What objects are named with. */
  nameKey(): Promise<Uint8Array> {
    return (this.#nameKey ??= nameKeyOf(this.key))
  }

  /** @param name of the segment, without folders */
  take(name: string, { head, records }: Segment, bytes: number): void {
    if (this.segments.has(name)) return
    for (const old of head.replaces) this.replaced.add(old)
    this.indexBytes += bytes
    let [lines, unknown] = [0, 0]
    for (const record of records) {
      lines++
      if (!record) unknown++
      else if (record.t === 'photo') {
        const before = this.photos.get(record.object)
        if (!before || record.added >= before.added) this.keep(record)
      } else if (record.t === 'gone') later(this.gone, record.object, record.at)
      else if (record.t === 'doomed') for (const object of record.objects) later(this.doomed, object, record.at)
      else if (record.t === 'member') later(this.members, record.recipient, record.at)
      else if (record.t === 'thumbs') this.#packs.push(record)
      else if (!this.album || record.at > this.album.at) this.album = record
    }
    this.segments.set(name, { parents: head.parents, lines, unknown })
  }

  /** The pack that the thumbnail of an object lies in. Lists do without: it is put together for those who ask. */
  get thumbs(): ReadonlyMap<string, string> {
    for (const { pack, objects } of this.#packs) for (const object of objects) this.#thumbs.set(object, pack)
    this.#packs = []
    return this.#thumbs
  }

  /** Takes a photo in. There may be millions: this is the one copy of each that is held. */
  keep({ object, sealed, path, size, modified, sha256, type, added, taken, camera }: Photo): Kept {
    const kept: Writable<Kept> = { object, sealed, path, size, modified, sha256, type, added, key: this }
    if (taken !== undefined) kept.taken = taken
    if (camera !== undefined) kept.camera = camera
    this.photos.set(object, kept)
    return kept
  }

  /** Was it removed, and not recorded again since by a machine that did not know? */
  isGone(object: string): boolean {
    const at = this.gone.get(object)
    return at !== undefined && at >= (this.photos.get(object)?.added ?? at)
  }

  /** Segments that no other names: what the next one's writer knew last. */
  heads(): string[] {
    const named = this.#named()
    return Array.from(this.segments.keys()).filter(name => !named.has(name))
  }

  #named(): Set<string> {
    return new Set(Array.from(this.segments.values()).flatMap(({ parents }) => parents))
  }

  /** Segments that others name, and that were not there. */
  missing(): string[] {
    return Array.from(this.#named()).filter(name => !this.segments.has(name) && !this.replaced.has(name))
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function later(map: Map<string, number>, key: string, at: number): void {
  if (at > (map.get(key) ?? Number.NEGATIVE_INFINITY)) map.set(key, at)
}
