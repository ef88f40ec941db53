import { availableParallelism } from 'node:os'
import type { RunWatcher } from '../../../node/run.ts'
import type { AlbumView } from '../../album-view.ts'
import type { Vault } from '../../vault.ts'
import type { Batch, BatchOutcome } from '../batch.ts'
import type { Crew } from '../crew.ts'
import { Sandboxes } from './sandboxes.ts'

/** More threads than that wait for the store. */
const MOST = 4

/** What a crew of threads works with. */
export interface ThreadCrewOptions {
  /** Calls `serveBatches`. */
  readonly script: URL
  readonly vault: Vault
  readonly album: AlbumView
  /** Files under way at once, in all threads together. */
  readonly jobs: number
  readonly watcher?: RunWatcher | undefined
  readonly signal?: AbortSignal | undefined
}

/** Threads of this process do the batches: the jobs that workers on other machines do, without a queue. */
export class ThreadCrew implements Crew {
  readonly ahead: number
  readonly #options: ThreadCrewOptions
  #sandboxes: Sandboxes | undefined

  constructor(options: ThreadCrewOptions) {
    this.#options = options
    this.ahead = Math.max(1, Math.min(MOST, options.jobs, availableParallelism()))
  }

  async begin(source: string): Promise<void> {
    const { vault, album, jobs, watcher, signal, script } = this.#options
    this.#sandboxes = new Sandboxes({
      place: { script, kind: 'thread' },
      setup: {
        address: vault.store.address,
        vault: vault.id,
        confirm: vault.confirm,
        source,
        lanes: Math.ceil(jobs / this.ahead),
      },
      signal,
      progress: (file, bytes) => watcher?.progress?.(file, bytes),
      notice: text => watcher?.notice?.(text),
      recorded(id, { name, bytes, head, records, photos }) {
        const key = vault.keys.get(id)!
        key.take(name, { head, records }, bytes)
        for (const photo of photos) album.noticed(photo, key)
      },
    })
  }

  work(batch: Batch): Promise<BatchOutcome> {
    return this.#sandboxes!.work(batch, this.#options.vault.keys.get(batch.key)!)
  }

  async close(): Promise<void> {
    await this.#sandboxes?.close()
  }
}
