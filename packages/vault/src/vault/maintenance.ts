import { groupBy, LatentError, toHex } from '@latent/core'
import { pixelBytes } from '../carrier/index.ts'
import type { AlbumKeys } from '../envelope.ts'
import { readSealedNote } from '../sealed-note.ts'
import { bodyOfBytes, type ObjectInfo } from '../store/store.ts'
import type { Kept, KeyState } from './key-state.ts'
import { drawnName, FOLDERS, keyIdOf, NAMES } from './layout.ts'
import { readFront } from './objects.ts'
import { inParallel } from './parallel.ts'
import { putTogether } from './put-together.ts'
import { decodeNote, type IndexRecord } from './record.ts'
import { segmentPath, type Vault } from './vault.ts'

/** Hides photos from now on; `prune` deletes their objects after a waiting time. */
export async function removePhotos(vault: Vault, photos: readonly Kept[]): Promise<void> {
  const byKey = groupBy(photos, ({ key }) => key)
  for (const [key, list] of byKey) {
    const records = list.map(({ object, added }) => ({ t: 'gone' as const, object, at: Math.max(vault.now(), added) }))
    await vault.append(key, records)
    for (const [i, photo] of list.entries()) vault.albumOf(photo).forgotten(photo, records[i]!.at)
  }
}

/** What pruning found and did. */
export interface Pruned {
  /** Objects that will be deleted when the waiting time is over. */
  readonly marked: number
  readonly waiting: number
  readonly deleted: number
  readonly deletedBytes: number
  /** Segments of the index that others took the place of, deleted. */
  readonly segments: number
}

/** Others that write are told by objects that are renewed every ten minutes. */
const SILENT_MS = 60 * 60_000

/**
 * Deletes what was removed, in two phases: a first run marks it, and a later one deletes what was marked so long ago.
 * @param waitMs between the two
 * @throws E_EXISTS while somebody adds
 */
export async function prune(vault: Vault, waitMs: number): Promise<Pruned> {
  await requireNobodyWrites(vault)
  const now = vault.now()
  let [marked, waiting, deleted, deletedBytes, segments] = [0, 0, 0, 0, 0]
  for (const state of vault.keys.values()) {
    const unmarked = Array.from(state.gone.keys()).filter(object => state.isGone(object) && !state.doomed.has(object))
    const due: string[] = []
    for (const [object, at] of state.doomed) {
      if (!state.isGone(object)) continue
      if (now - at >= waitMs) due.push(object)
      else waiting++
    }
    await inParallel(due, vault.lanes, async object => {
      const info = await vault.store.stat(object)
      if (!info) return
      await vault.store.remove(object)
      deleted++
      deletedBytes += info.size
    })
    if (unmarked.length > 0) await vault.append(state, [{ t: 'doomed', objects: unmarked, at: now }])
    marked += unmarked.length
    segments += await deleteReplaced(vault, state, waitMs)
    await putTogether(vault, state)
  }
  return { marked, waiting, deleted, deletedBytes, segments }
}

/** Whoever adds says so. The store's own clock tells how long ago: those of machines differ. */
async function requireNobodyWrites(vault: Vault): Promise<void> {
  const probe = `${FOLDERS.writers}${drawnName()}`
  await vault.store.create(probe, bodyOfBytes(new Uint8Array(0)))
  const own = await vault.store.stat(probe)
  await vault.store.remove(probe)
  for await (const { name, modified } of vault.store.list(FOLDERS.writers)) {
    if (!NAMES.writer.test(name)) continue
    const silent = own?.modified !== undefined && modified !== undefined && own.modified - modified > SILENT_MS
    if (silent) await vault.store.remove(name)
    else if (name !== probe)
      throw new LatentError('E_EXISTS', 'somebody is adding to this vault', {
        hint: 'prune when nobody does; a writer that was killed counts as gone after an hour',
      })
  }
}

/** Deletes segments that others took the place of, when nobody can be reading them any more. */
async function deleteReplaced(vault: Vault, state: KeyState, waitMs: number): Promise<number> {
  let deleted = 0
  for (const name of state.replaced) {
    const info = await vault.store.stat(segmentPath(state.id, name))
    if (!info || info.modified === undefined || vault.now() - info.modified < waitMs) continue
    await vault.store.remove(segmentPath(state.id, name))
    deleted++
  }
  return deleted
}

/** What rebuilding found. */
export interface Rebuilt {
  readonly objects: number
  /** Objects that the index did not know, and does now. */
  readonly found: number
  /** Objects that no key that was given opens, or that are none of a vault. */
  readonly foreign: number
  /** Objects that are damaged, or hold no note: names. */
  readonly damaged: readonly string[]
}

/**
 * Asks every object that the index does not know what it is, by its first bytes, and records it. An index that is
 * lost comes back whole, but for thumbnails and for what was removed.
 * @param onProgress called with the number of objects that were looked at
 */
export async function rebuild(
  vault: Vault,
  keyring: AlbumKeys,
  onProgress: (objects: number) => void = () => undefined,
): Promise<Rebuilt> {
  const known = new Set<string>()
  for (const { photos, gone } of vault.keys.values())
    for (const object of [...photos.keys(), ...gone.keys()]) known.add(object)
  const fresh = new Map<string, IndexRecord[]>()
  let [objects, found, foreign] = [0, 0, 0]
  const damaged: string[] = []
  await inParallel(vault.store.list(FOLDERS.objects), vault.lanes, async ({ name, size }) => {
    onProgress(++objects)
    if (known.has(name)) return
    if (!NAMES.object.test(name)) {
      foreign++
      return
    }
    try {
      const keys = keysOf(vault, keyring)
      const { albumKey, geometry, note } = await readFront(vault, name, parts => readSealedNote(parts, keys))
      const state = vault.keys.get(await keyIdOf(albumKey))
      if (!state) {
        foreign++
        return
      }
      // Noise cannot be packed: what is smaller than its pixels was copied in part.
      if (size < pixelBytes(geometry)) {
        damaged.push(name)
        return
      }
      const list = fresh.get(state.id) ?? []
      fresh.set(state.id, list)
      list.push({ t: 'photo', object: name, sealed: size, ...decodeNote(note) })
      found++
    } catch (error) {
      if (!(error instanceof LatentError) || error.code === 'E_STORE' || error.code === 'E_CREDENTIALS') throw error
      if (error.code === 'E_NO_MATCH' || error.code === 'E_NOT_SEALED' || error.code === 'E_REENCODED') foreign++
      else damaged.push(name)
    }
  })
  for (const [id, records] of fresh)
    for (let at = 0; at < records.length; at += 5000)
      await vault.append(vault.keys.get(id)!, records.slice(at, at + 5000))
  await vault.refresh()
  return { objects, found, foreign, damaged }
}

/** An object's envelope is that of its key when it was sealed: known ones need no unwrapping. */
function keysOf(vault: Vault, keyring: AlbumKeys): AlbumKeys {
  const known = new Map(Array.from(vault.keys.values(), ({ envelope, key }) => [toHex(envelope), key]))
  return { albumKey: async envelope => known.get(toHex(envelope)) ?? keyring.albumKey(envelope) }
}

/** What a look at names and sizes found: nothing is downloaded. */
export interface Presences {
  /** Photos whose objects are not there, or have another size. */
  readonly missing: readonly Kept[]
  readonly wrongSize: readonly Kept[]
  /** Objects that no index that was read knows. */
  readonly unknown: readonly ObjectInfo[]
  /** What lies among the objects under names that no vault gives. */
  readonly foreign: readonly string[]
  /** Segments that others name, and that are gone; and such as cannot be read. */
  readonly lostSegments: readonly string[]
}

/** Compares what the index says with what the store lists. */
export async function checkPresence(vault: Vault, photos: readonly Kept[]): Promise<Presences> {
  const there = new Map<string, ObjectInfo>()
  const foreign: string[] = []
  for await (const info of vault.store.list(FOLDERS.objects))
    if (NAMES.object.test(info.name)) there.set(info.name, info)
    else foreign.push(info.name)
  const missing: Kept[] = []
  const wrongSize: Kept[] = []
  for (const photo of photos) {
    // A listing may be stale: what it lacks is asked for.
    const info = there.get(photo.object) ?? (await vault.store.stat(photo.object))
    if (!info) missing.push(photo)
    else if (info.size !== photo.sealed) wrongSize.push(photo)
  }
  for (const { photos: known, gone } of vault.keys.values())
    for (const object of [...known.keys(), ...gone.keys()]) there.delete(object)
  return {
    missing,
    wrongSize,
    unknown: Array.from(there.values()),
    foreign,
    lostSegments: [
      ...Array.from(vault.keys.values()).flatMap(state => state.missing().map(name => segmentPath(state.id, name))),
      ...vault.damaged.map(({ name }) => name),
    ],
  }
}
