import type { Kept, KeyState } from './key-state.ts'
import type { Photo } from './record.ts'

/** An album: its keys, the newest last, and what they hold together. */
export class AlbumView {
  readonly id: string
  readonly keys: readonly KeyState[]
  #latest: Map<string, Kept> | undefined

  constructor(id: string, keys: readonly KeyState[]) {
    this.id = id
    this.keys = keys.toSorted((a, b) => a.album!.epoch - b.album!.epoch || (a.id < b.id ? -1 : 1))
  }

  /** The key for what is new. */
  get newest(): KeyState {
    return this.keys.at(-1)!
  }

  /** As the newest key's holders were last told. */
  get name(): string {
    return this.newest.album!.name
  }

  get main(): boolean {
    return this.keys.some(({ album }) => album!.main === true)
  }

  /** Who has the newest key. */
  get members(): string[] {
    return Array.from(this.newest.members.keys()).toSorted()
  }

  /** Every photo that was ever recorded, of all keys. */
  *everything(): Generator<Kept> {
    for (const key of this.keys) yield* key.photos.values()
  }

  /** When something was added last; 0 if nothing ever was. */
  get lastAdded(): number {
    let last = 0
    for (const { added } of this.everything()) if (added > last) last = added
    return last
  }

  /** Did the index lose what it said of this album: name, members, which keys are of it? */
  get isNameless(): boolean {
    return this.newest.album!.at === 0
  }

  /** How often each of these paths was recorded, be it removed since. */
  versions(paths: Iterable<string>): Map<string, number> {
    const counts = new Map(Array.from(paths, path => [path, 0]))
    for (const { path } of this.everything()) {
      const count = counts.get(path)
      if (count !== undefined) counts.set(path, count + 1)
    }
    return counts
  }

  /** By path, what was there at a moment: the newest of each path, unless it was removed. */
  at(time: number): Map<string, Kept> {
    const found = new Map<string, Kept>()
    for (const { photos } of this.keys)
      for (const photo of photos.values()) {
        if (photo.added > time) continue
        const before = found.get(photo.path)
        if (!before || isNewer(photo, before)) found.set(photo.path, photo)
      }
    if (this.keys.some(({ gone }) => gone.size > 0))
      for (const [path, { object, key }] of found)
        if (key.isGone(object) && key.gone.get(object)! <= time) found.delete(path)
    return found
  }

  /** By path, what is there now; kept up to date by {@link noticed}. */
  latest(): Map<string, Kept> {
    return (this.#latest ??= this.at(Number.POSITIVE_INFINITY))
  }

  /** The newest record of a path, be it removed since. */
  last(path: string): Kept | undefined {
    return this.latest().get(path) ?? this.#lastOf(path)
  }

  #byPath: Map<string, Kept> | undefined
  #lastOf(path: string): Kept | undefined {
    if (!this.#byPath) {
      this.#byPath = new Map()
      for (const photo of this.everything()) {
        const before = this.#byPath.get(photo.path)
        if (!before || isNewer(photo, before)) this.#byPath.set(photo.path, photo)
      }
    }
    return this.#byPath.get(path)
  }

  /** An object was removed. */
  forgotten({ object, path, key }: Kept, at: number): void {
    key.gone.set(object, at)
    if (this.#latest?.get(path)?.object === object) this.#latest.delete(path)
  }

  /** A photo was recorded. */
  noticed(photo: Photo, key: KeyState): void {
    const kept = key.keep(photo)
    this.#latest?.set(photo.path, kept)
    this.#byPath?.set(photo.path, kept)
  }
}

const isNewer = (a: Photo, b: Photo) => a.added > b.added || (a.added === b.added && a.object > b.object)
