import type { LatentError } from '@latent/core'
import { join } from 'node:path'
import type { FlowProvider } from '../../bodies/index.ts'
import { discover, type Found } from '../../node/discover.ts'
import { noticeIdle, remarksOn } from '../../node/remarks.ts'
import { failure, type FileResult, type RunWatcher } from '../../node/run.ts'
import type { SealOptions } from '../../seal.ts'
import type { AlbumView } from '../album-view.ts'
import { FOLDERS } from '../layout.ts'
import { inAnyOrder, inParallel } from '../parallel.ts'
import { Presence } from '../presence.ts'
import { putTogether } from '../put-together.ts'
import type { Thumbnailer } from '../thumbs.ts'
import type { Vault } from '../vault.ts'
import { addBatch, type Batch, type BatchOutcome } from './batch.ts'
import type { Crew } from './crew.ts'
import { planBatches } from './plan.ts'
import { ThreadCrew } from './sandbox/thread-crew.ts'

/** What is to be added. */
export interface AddRun {
  readonly inputs: readonly string[]
  readonly vault: Vault
  readonly album: AlbumView
  /** A folder in the album that the paths begin with. */
  readonly into?: string
  readonly flows: FlowProvider
  readonly body: SealOptions['body']
  readonly exclude?: readonly string[]
  /** Compare contents where size and time say that nothing changed, and seal again what the store has lost. */
  readonly reread?: boolean
  /** Files under way at once; default 4. */
  readonly jobs?: number
  readonly thumbnailer?: Thumbnailer
  /** Whether thumbnails are made; default: where there is something that makes them. */
  readonly thumbnails?: boolean
  /** Files in a batch at most, which are recorded together; default 512. */
  readonly segment?: number
  readonly watcher?: RunWatcher
  readonly signal?: AbortSignal
  /** Who does the batches; default: this process, or its threads. Whoever gives one closes it. */
  readonly crew?: Crew
  /** The script of threads, which calls `serveBatches`: they do what is more than this process does by then. */
  readonly threads?: URL
}

/** Files under way at once. */
const JOBS = 4
/** So much is done before a thread has begun. */
const [FEW_FILES, FEW_BYTES] = [128, 32 * 1024 * 1024]

/**
 * Adds files and folders to an album. Runs can be stopped at any moment and repeated; any number of machines may
 * add at once. A file counts as added when the index has it.
 * @throws E_STORE, E_CREDENTIALS if the store fails for good; failures of single files are results
 */
export async function* addFiles(run: AddRun): AsyncGenerator<FileResult> {
  const { vault, watcher } = run
  const presence = await Presence.begin(vault)
  let own: Crew | undefined
  try {
    const found = await discover(run.inputs, '.latent-nowhere', run.exclude)
    const { files, base } = found
    yield* remarksOn(found, 'vaults')
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    watcher?.planned?.(files.length, bytes)
    const { threads, album, jobs = JOBS, signal } = run
    const many = files.length > FEW_FILES || bytes > FEW_BYTES
    if (!run.crew && threads && many) own = new ThreadCrew({ script: threads, vault, album, jobs, watcher, signal })
    const crew: Crew = run.crew ?? own ?? new Alone(run, base)
    await crew.begin?.(base)
    const told = new Set<string>()
    const unchanged = new Map<string, FileResult>()
    let failed: LatentError | undefined
    async function* work(some: readonly Found[], lost: ReadonlySet<string>): AsyncGenerator<FileResult> {
      const thumbnails = run.thumbnails ?? run.thumbnailer !== undefined
      const plan = planBatches(some, { ...run, thumbnails, lost })
      const outcomes = inAnyOrder(plan, crew.ahead, async ({ results, batch }): Promise<readonly FileResult[]> => {
        if (failed) return []
        for (const { source, plainBytes = 0 } of results) watcher?.progress?.(source, plainBytes)
        if (!batch) return results
        const outcome = await crew.work(batch)
        failed ??= outcome.error
        return [...results, ...outcome.results.map(result => ({ ...result, source: join(base, result.source) }))]
      })
      for await (const results of outcomes)
        for (const result of results) {
          // Its contents were compared, and its object is still to be looked for.
          if (run.reread && result.status === 'skipped' && lost.size === 0) unchanged.set(result.source, result)
          else {
            told.add(result.source)
            yield lost.size > 0 && result.status === 'done' ? { ...result, note: SEALED_AGAIN } : result
          }
        }
    }
    yield* work(files, new Set())
    if (unchanged.size > 0 && !failed) {
      const lost = await lostObjects(run, unchanged.values())
      const isLost = ({ target }: FileResult) => lost.has(run.album.latest().get(target!)!.object)
      for (const result of unchanged.values()) if (!isLost(result)) yield result
      const gone = files.filter(({ source }) => unchanged.has(source) && isLost(unchanged.get(source)!))
      for (const source of unchanged.keys()) told.add(source)
      for (const { source } of gone) told.delete(source)
      if (gone.length > 0) yield* work(gone, lost)
    }
    await crew.end?.()
    if (failed) {
      for (const { source } of files) if (!told.has(source)) yield failure(source, failed)
      throw failed
    }
    await putTogether(vault, run.album.newest)
    await vault.store.sync()
    noticeIdle(found, watcher)
  } finally {
    await own?.close?.()
    await presence.end()
  }
}

const SEALED_AGAIN = 'its object was gone from the store, and it was sealed again'

/** Objects of unchanged files that the store does not have any more: one listing, after everything was written. */
async function lostObjects({ vault, album }: AddRun, unchanged: Iterable<FileResult>): Promise<Set<string>> {
  const lost = new Set<string>()
  for (const { target } of unchanged) lost.add(album.latest().get(target!)!.object)
  for await (const { name } of vault.store.list(FOLDERS.objects)) lost.delete(name)
  // A listing may be stale: what it lacks is asked for.
  await inParallel(Array.from(lost), vault.lanes, async object => {
    if (await vault.store.stat(object)) lost.delete(object)
  })
  return lost
}

/** This process does them. */
class Alone implements Crew {
  readonly ahead: number
  readonly #run: AddRun
  readonly #source: string

  constructor(run: AddRun, source: string) {
    this.#run = run
    this.#source = source
    // The end of one batch and the beginning of the next go on at once.
    this.ahead = Math.min(2, run.jobs ?? JOBS)
  }

  work(batch: Batch): Promise<BatchOutcome> {
    const { vault, album, flows, jobs = JOBS, thumbnailer, watcher, signal } = this.#run
    return addBatch(batch, {
      vault,
      source: this.#source,
      flows,
      thumbnailer,
      watcher,
      signal,
      lanes: Math.ceil(jobs / this.ahead),
      recorded(key, { name, segment, bytes }, photos) {
        key.take(name, segment, bytes)
        for (const photo of photos) album.noticed(photo, key)
      },
    })
  }
}
