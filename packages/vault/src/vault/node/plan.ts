import { crc32, deriveKey, hmacSha256, LatentError, toHex } from '@latent/core'
import { sep } from 'node:path'
import type { Found } from '../../node/discover.ts'
import { failure, type FileResult } from '../../node/run.ts'
import { pathFault } from '../../place.ts'
import type { SealOptions } from '../../seal.ts'
import type { AlbumView } from '../album-view.ts'
import { drawnName } from '../layout.ts'
import type { Vault } from '../vault.ts'
import { asSlashes, type Batch, type Task } from './batch.ts'

/** What the plan is made from. */
export interface Planning {
  readonly vault: Vault
  readonly album: AlbumView
  readonly into?: string | undefined
  readonly body: SealOptions['body']
  readonly thumbnails: boolean
  readonly reread?: boolean | undefined
  /** Objects that the store does not have any more: what they held is sealed again. */
  readonly lost?: ReadonlySet<string>
  /** Files in a batch at most. */
  readonly segment?: number | undefined
}

/** What is decided of a few files: some are not to be added, others are. */
export interface Planned {
  readonly results: readonly FileResult[]
  readonly batch?: Batch
}

const MOST_FILES = 512
const USUAL_FILES = 128
const MOST_BYTES = 256 * 1024 * 1024
/** So many segments are named by the first of a batch; what others wrote meanwhile is named at the end of a run. */
const MOST_PARENTS = 32

/**
 * Decides by the index what is to be added, and cuts it into batches. Where it is cut depends on the files alone: a
 * second plan of the same folder makes the same batches, be some of them done or not.
 */
export async function* planBatches(files: readonly Found[], planning: Planning): AsyncGenerator<Planned> {
  const { vault, album, into = '', body, reread = false, thumbnails, lost, segment = MOST_FILES } = planning
  const key = album.newest
  const naming = await deriveKey(key.key, 'latent/v1/vault/batch-name')
  const salted = !(await vault.store.createsOnly())
  const removed = removedObjects(album)
  for (const group of cut(files, segment)) {
    const results: FileResult[] = []
    const tasks: Task[] = []
    for (const file of group) {
      const decided = decide(file, planning, removed)
      if ('status' in decided) results.push(decided)
      else tasks.push(decided)
    }
    if (tasks.length === 0) {
      yield { results }
      continue
    }
    const facts = group.map(({ relative, size, modifiedNs }) => [relative, size, String(modifiedNs)])
    const name = await hmacSha256(naming, [
      new TextEncoder().encode(
        JSON.stringify([key.id, into, body, reread, thumbnails, facts, ...(lost?.size ? ['lost'] : [])]),
      ),
    ])
    const batch: Batch = {
      id: toHex(name.subarray(0, 16)),
      key: key.id,
      body,
      thumbnails,
      salt: salted ? drawnName() : '',
      parents: key.heads().slice(0, MOST_PARENTS),
      files: tasks,
    }
    yield { results, batch }
  }
}

function* cut(files: readonly Found[], most: number): Generator<Found[]> {
  let group: Found[] = []
  let bytes = 0
  for (const file of files) {
    group.push(file)
    bytes += file.size
    const ends = crc32(new TextEncoder().encode(file.relative)) % USUAL_FILES === 0
    if (!ends && group.length < most && bytes < MOST_BYTES) continue
    yield group
    group = []
    bytes = 0
  }
  if (group.length > 0) yield group
}

/** By path, objects under the newest key that were removed. */
function removedObjects({ newest }: AlbumView): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const object of newest.gone.keys()) {
    const path = newest.photos.get(object)?.path
    if (path !== undefined) found.set(path, [...(found.get(path) ?? []), object])
  }
  return found
}

function decide(
  file: Found,
  { vault, album, into = '', reread = false, lost }: Planning,
  removed: ReadonlyMap<string, readonly string[]>,
): FileResult | Task {
  const path = [...into.split('/'), ...file.relative.split(sep)].filter(part => part !== '').join('/')
  const fault = path.isWellFormed() ? pathFault(path) : 'its name is no text'
  if (fault !== undefined) {
    const error = new LatentError('E_ARGUMENT', `a vault cannot hold ${path}: ${fault}`, {
      hint: 'rename it, or seal it',
    })
    return failure(file.source, error, { plainBytes: file.size })
  }
  const latest = album.latest().get(path)
  const last = latest && lost?.has(latest.object) ? undefined : latest
  if (last && last.size === file.size && last.modified === Number(file.modifiedNs / 1_000_000n) && !reread)
    return {
      source: file.source,
      target: path,
      status: 'skipped',
      reason: 'added and unchanged',
      plainBytes: file.size,
    }
  const before = album.last(path)
  const avoid = removed.get(path)
  return {
    file: asSlashes(file.relative),
    path,
    size: file.size,
    added: Math.max(vault.now(), before ? Math.max(before.added, before.key.gone.get(before.object) ?? 0) + 1 : 0),
    ...(last ? { last: last.sha256 } : {}),
    ...(avoid ? { avoid } : {}),
  }
}
