import { LatentError, randomBytes } from '@latent/core'
import { type Album, type AlbumKeys, wrapAlbum } from '../envelope.ts'
import { bodyOfBytes, readObject, type Store, StoreFault } from '../store/store.ts'
import { AlbumView } from './album-view.ts'
import { type Kept, KeyState } from './key-state.ts'
import { drawnName, FOLDERS, keyIdOf, MARKER, markerText, NAMES, parseMarker } from './layout.ts'
import { inParallel } from './parallel.ts'
import type { IndexRecord } from './record.ts'
import { MAX_SEGMENT, openSegment, sealSegment, type Segment } from './segment.ts'

/** What a vault needs besides its store. */
export interface VaultOptions {
  readonly keyring: AlbumKeys
  /** Requests under way at once; default 16. */
  readonly lanes?: number
  /** Look at every object after it was written: stores lose some. Default true. */
  readonly confirm?: boolean
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Read the index. Default true; who only adds what others planned needs the keys alone. */
  readonly index?: boolean
}

/** Something under a key: the key's id, and a name. */
interface Place {
  readonly id: string
  readonly name: string
}

/** A sealed segment of so many bytes may be one that others were put together into. */
const LARGE_BYTES = 1 << 17
/** Each takes tens of megabytes while it is read. */
const LARGE_LANES = 2
/** How often an object is written that a store takes and does not have. */
const WRITES = 5
const MAX_MARKER = 1024
const MAX_ENVELOPE_FILE = 1 << 19

/**
 * A vault: albums of sealed files in a store. Every object is written once; what is known of them is the union of
 * the index's segments, so that any number of machines may write without asking one another.
 */
export class Vault {
  readonly store: Store
  readonly id: string
  readonly lanes: number
  readonly confirm: boolean
  readonly now: () => number
  readonly keys = new Map<string, KeyState>()
  /** Segments that cannot be read: names, and why. */
  readonly damaged: { readonly name: string; readonly error: LatentError }[] = []
  #albums: AlbumView[] | undefined
  readonly #albumOf = new Map<KeyState, AlbumView>()

  private constructor(
    store: Store,
    id: string,
    { lanes = 16, confirm = true, now = Date.now }: Omit<VaultOptions, 'keyring'>,
  ) {
    this.store = store
    this.id = id
    this.lanes = lanes
    this.confirm = confirm
    this.now = now
  }

  /**
   * Makes a vault with one album, for these age recipients.
   * @throws E_EXISTS if there is one; E_STORE; E_KEY
   */
  static async init(
    store: Store,
    recipients: readonly string[],
    options: Omit<VaultOptions, 'keyring'> & { readonly album?: string } = {},
  ): Promise<Vault> {
    if (await store.stat(MARKER)) throw there(store)
    const vault = new Vault(store, drawnName(), options)
    // The key first: a vault whose marker is there can be opened.
    await vault.addAlbum(options.album ?? 'photos', recipients, true)
    await store.sync()
    await vault.#mark()
    await store.sync()
    return vault
  }

  /** Writes the object by which a vault is known. Answers may be lost, and objects too: what is there counts. */
  async #mark(): Promise<void> {
    const text = markerText(this.id)
    for (let attempt = 0; attempt < WRITES; attempt++) {
      await this.store.create(MARKER, bodyOfBytes(new TextEncoder().encode(text)))
      if (!(await this.store.stat(MARKER))) continue
      if (parseMarker(new TextDecoder('latin1').decode(await readMarker(this.store))) === this.id) return
      throw there(this.store)
    }
    throw lost(this.store)
  }

  /** @throws E_VAULT; E_UNSUPPORTED; E_NO_MATCH if no key opens any album; E_STORE; E_CREDENTIALS */
  static async open(store: Store, options: VaultOptions): Promise<Vault> {
    const id = parseMarker(new TextDecoder('latin1').decode(await readMarker(store)))
    const vault = new Vault(store, id, options)
    await vault.findKeys(options.keyring)
    if (options.index ?? true) await vault.refresh()
    return vault
  }

  /** A vault that another thread has open: nothing is read, and keys are put into `keys`. */
  static known(store: Store, id: string, options: Omit<VaultOptions, 'keyring' | 'index'> = {}): Vault {
    return new Vault(store, id, options)
  }

  /** Looks for keys that the keyring opens, and that are not known yet. @throws E_VAULT, E_NO_MATCH if it has none */
  async findKeys(keyring: AlbumKeys): Promise<void> {
    const found: Place[] = []
    for await (const { name } of this.store.list(FOLDERS.keys)) {
      const id = NAMES.envelope.exec(name)?.[1]
      if (id !== undefined) found.push({ id, name })
    }
    let refusal: unknown
    await inParallel(found, this.lanes, async ({ id, name }) => {
      if (this.keys.has(id)) return
      try {
        const envelope = await readObject(this.store, name, MAX_ENVELOPE_FILE)
        const key = await keyring.albumKey(envelope)
        if ((await keyIdOf(key)) === id) this.keys.set(id, this.keys.get(id) ?? new KeyState(id, key, envelope))
      } catch (error) {
        if (error instanceof StoreFault) throw error
        // Of other people, or damaged: another envelope may hold the same key.
        refusal ??= error
      }
    })
    if (this.keys.size > 0) return
    if (refusal instanceof LatentError && refusal.code !== 'E_HEADER') throw refusal
    throw new LatentError('E_VAULT', 'there is no album key in this vault that can be read', {
      hint: 'its objects open without it, with the identity: latent open objects -o FOLDER -i IDENTITY',
    })
  }

  /** Reads segments that are new, and those that they name; not those that others took the place of. */
  async refresh(): Promise<void> {
    const found: (Place & { size: number })[] = []
    for await (const { name, size } of this.store.list(FOLDERS.index)) {
      const [, id = '', segment = ''] = NAMES.segment.exec(name) ?? []
      const state = this.keys.get(id)
      if (state && !state.segments.has(segment)) found.push({ id, name: segment, size })
    }
    const unreplaced = (places: readonly Place[]) =>
      places.filter(({ id, name }) => !this.keys.get(id)!.replaced.has(name))
    // Large ones first: most of what is small may lie in them.
    await this.#readSegments(
      found.filter(({ size }) => size >= LARGE_BYTES),
      LARGE_LANES,
    )
    await this.#readSegments(unreplaced(found.filter(({ size }) => size < LARGE_BYTES)))
    // Listings may be stale: what others name is asked for by name.
    const tried = new Set<string>()
    for (;;) {
      const named = this.#missing().filter(({ name }) => !tried.has(name))
      if (named.length === 0) break
      for (const { name } of named) tried.add(name)
      await this.#readSegments(named)
    }
    // What took their place may be what is lost.
    if (this.damaged.length > 0 || this.#missing().length > 0)
      await this.#readSegments(found.filter(({ id, name }) => !this.keys.get(id)!.segments.has(name)))
    this.#albums = undefined
  }

  #missing(): Place[] {
    return Array.from(this.keys.values()).flatMap(state => state.missing().map(name => ({ id: state.id, name })))
  }

  async #readSegments(segments: readonly Place[], lanes = this.lanes): Promise<void> {
    await inParallel(segments, Math.min(lanes, this.lanes), async ({ id, name }) => {
      const state = this.keys.get(id)!
      const path = segmentPath(id, name)
      try {
        const png = await readObject(this.store, path, MAX_SEGMENT)
        state.take(name, await openSegment(state.key, png), png.length)
      } catch (error) {
        if (error instanceof StoreFault && error.kind === 'absent') return
        if (!(error instanceof LatentError) || error instanceof StoreFault) throw error
        this.damaged.push({ name: path, error })
      }
    })
  }

  /** The albums whose keys are known, by name. */
  albums(): readonly AlbumView[] {
    if (this.#albums) return this.#albums
    const byAlbum = new Map<string, KeyState[]>()
    for (const state of this.keys.values()) {
      // Its first segment is lost: the photos are there all the same.
      state.album ??= { album: state.id, name: `recovered ${state.id.slice(0, 8)}`, epoch: 0, at: 0 }
      byAlbum.set(state.album.album, [...(byAlbum.get(state.album.album) ?? []), state])
    }
    const views = Array.from(byAlbum, ([id, keys]) => new AlbumView(id, keys))
    for (const view of views) for (const key of view.keys) this.#albumOf.set(key, view)
    return (this.#albums = views.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
  }

  /** The album that a photo is in. */
  albumOf({ key }: Pick<Kept, 'key'>): AlbumView {
    this.albums()
    return this.#albumOf.get(key)!
  }

  /** @throws E_ARGUMENT if there is none of that name */
  album(name: string): AlbumView {
    const found = this.albums().find(album => album.name === name || album.id === name)
    if (!found)
      throw new LatentError('E_ARGUMENT', `there is no album ${JSON.stringify(name)} that this key opens`, {
        hint: `there are: ${this.albums()
          .map(album => album.name)
          .join(', ')}`,
      })
    return found
  }

  /**
   * The album whose members are those of new ones. Where the index lost which that is: the one that something was added
   * to last. Its key is the one that somebody who was left out is least likely to have.
   */
  main(): AlbumView {
    const albums = this.albums()
    return albums.find(({ main }) => main) ?? albums.reduce((a, b) => (b.lastAdded > a.lastAdded ? b : a))
  }

  /** Makes an album for these recipients. @throws E_KEY; E_STORE */
  async addAlbum(name: string, recipients: readonly string[], main = false): Promise<AlbumView> {
    const state = await this.addKey(recipients, { album: drawnName().slice(0, 16), name, epoch: 0, main })
    return this.albums().find(album => album.keys.includes(state))!
  }

  /** Draws a key, wraps it for these recipients, and begins its index. */
  async addKey(
    recipients: readonly string[],
    album: { readonly album: string; readonly name: string; readonly epoch: number; readonly main?: boolean },
  ): Promise<KeyState> {
    const { key, envelope } = await wrapAlbum(randomBytes(32), { recipients })
    const state = new KeyState(await keyIdOf(key), key, envelope)
    const at = this.now()
    await this.write(`${FOLDERS.keys}${state.id}/${drawnName()}.age`, envelope)
    this.keys.set(state.id, state)
    await this.append(state, [
      { t: 'album', ...album, at },
      ...recipients.map(recipient => ({ t: 'member' as const, recipient, at })),
    ])
    this.#albums = undefined
    return state
  }

  /** Writes an object under a drawn name, and looks whether it is there. @throws E_STORE */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    for (let attempt = 0; attempt < WRITES; attempt++) {
      await this.store.create(name, bodyOfBytes(bytes))
      if (!this.confirm || (await this.store.stat(name))?.size === bytes.length) return
    }
    throw lost(this.store)
  }

  /** Adds a segment to the index, and takes it in. */
  async append(state: KeyState, records: readonly IndexRecord[], replaces: readonly string[] = []): Promise<void> {
    if (records.length === 0) return
    const { name, segment, bytes } = await this.writeSegment(state, records, state.heads(), replaces)
    state.take(name, segment, bytes)
  }

  /** Writes a segment that names those that no other names, where there are several: a later loss of one is noticed. */
  async tie(state: KeyState): Promise<void> {
    const heads = state.heads()
    if (heads.length < 2) return
    const { name, segment, bytes } = await this.writeSegment(state, [], heads)
    state.take(name, segment, bytes)
  }

  /** Adds a segment to the index, and does not take it in: for whoever has not read the index. */
  async writeSegment(
    state: KeyState,
    records: readonly IndexRecord[],
    parents: readonly string[],
    replaces: readonly string[] = [],
  ): Promise<{ readonly name: string; readonly segment: Segment; readonly bytes: number }> {
    const head = { parents, replaces, at: this.now() }
    const album: Album = { key: state.key, envelope: state.envelope }
    const png = await sealSegment(album, head, records)
    const name = drawnName()
    await this.write(segmentPath(state.id, name), png)
    return { name, segment: { head: { t: 'segment', ...head }, records }, bytes: png.length }
  }
}

/** Where a segment lies. */
export const segmentPath = (key: string, name: string): string => `${FOLDERS.index}${key}/${name}.png`

async function readMarker(store: Store): Promise<Uint8Array> {
  try {
    return await readObject(store, MARKER, MAX_MARKER)
  } catch (error) {
    if (!(error instanceof StoreFault) || error.kind !== 'absent') throw error
    // Keys and no marker: tools that copy do not copy in the order in which a vault is made.
    for await (const { name } of store.list(FOLDERS.keys))
      if (NAMES.envelope.test(name))
        throw new LatentError(
          'E_VAULT',
          `a part of a vault is at ${store.address}: its object ${MARKER} is not there`,
          { hint: `let the copying end, or copy ${MARKER} there again from where the vault came from` },
        )
    throw new LatentError('E_VAULT', `there is no vault at ${store.address}`, {
      hint: 'check the address; latent vault init makes one',
    })
  }
}

const there = (store: Store) =>
  new LatentError('E_EXISTS', `there is a vault at ${store.address} already`, { hint: 'latent vault add adds to it' })

/** For a store that says that it wrote what it has not. */
export const lost = (store: Store): StoreFault =>
  new StoreFault('broken', `${store.address} took an object and does not have it`)
