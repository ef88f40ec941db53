import { LatentError } from '@latent/core'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Job } from 'bullmq'
import type { AlbumKeys } from '../../../envelope.ts'
import { pathFault } from '../../../place.ts'
import { Presence } from '../../presence.ts'
import { addBatch, type Batch, type BatchOutcome, type Workplace } from '../batch.ts'
import { Sandboxes, type SandboxesOptions } from '../sandbox/sandboxes.ts'
import type { QueueConnection } from './connection.ts'
import { openMessage, sealMessage } from './message.ts'
import { type JobData, type JobOutcome, queueName } from './queue-crew.ts'

/** What a worker works with. */
export interface WorkerRun extends Workplace {
  readonly connection: QueueConnection
  /** Opens the vault's keys, and those that come later. */
  readonly keyring: AlbumKeys
  /** Batches at once; default 2: while one is recorded, the next goes on. */
  readonly batches?: number
  /** Ends when the queue has been empty so long, in milliseconds; by default it waits for more. */
  readonly idleMs?: number
  /** A job whose worker was silent for so long is given to another; default 30,000 ms. */
  readonly lockMs?: number
  /** Batches are done in child processes with this script, which calls `serveBatches`; default: in this process. */
  readonly sandbox?: URL
  /** A child process ended, and the work goes on. */
  notice?(text: string): void
  /** Told of every batch: counts alone. */
  done?(told: WorkerTold): void
}

/** What a worker says of a batch. */
export interface WorkerTold {
  readonly job: string
  readonly files: number
  readonly added: number
  readonly skipped: number
  readonly failed: number
  readonly seconds: number
  /** Why it is left to others, or to a later attempt. */
  readonly code?: string
}

const LOCK_MS = 30_000
/** What no other job of this worker would fare better with. */
const FATAL: ReadonlySet<string> = new Set(['E_CREDENTIALS', 'E_NO_MATCH', 'E_IO'])
/** Workers that die with a job in their hands, and not their child processes alone. */
const MOST_DEATHS = 20

/**
 * Does what a queue holds for a vault, until the signal aborts or nothing is left. A worker that dies is harmless: its
 * batches go to others. It holds the keys itself, from an identity of its own; Redis never sees one.
 * @throws E_CREDENTIALS, E_NO_MATCH, E_IO (the wrong folder): what no job can be done with; the jobs go to others
 */
export async function runWorker(run: WorkerRun): Promise<void> {
  const { connection, vault, signal, batches = 2, lockMs = LOCK_MS, idleMs } = run
  requireFolder(run.source)
  const presence = new Present(run)
  const sandboxes = run.sandbox && new Sandboxes(sandboxOptions(run, run.sandbox))
  const folder = { proven: false }
  let fatal: LatentError | undefined
  let stop = () => {}
  const stopped = new Promise<void>(resolve => (stop = resolve))
  const work = async (job: Job<JobData, JobOutcome>): Promise<JobOutcome> => {
    const started = performance.now()
    const id = job.id!
    await presence.enter()
    try {
      const outcome = await doJob(run, id, job.data, folder, sandboxes)
      run.done?.(toldOf(id, outcome, started))
      if (outcome.error) throw outcome.error
      if (outcome.results.some(({ status }) => status === 'interrupted'))
        throw new LatentError('E_INTERRUPTED', 'the worker was interrupted')
      const { results, segments } = outcome
      const { key } = vault.keys.get(job.data.key)!
      return { outcome: await sealMessage(key, 'outcome', id, { results, segments }) }
    } catch (error) {
      const code = error instanceof LatentError ? error.code : 'E_INTERNAL'
      run.done?.({ job: id, files: 0, added: 0, skipped: 0, failed: 0, seconds: since(started), code })
      if (error instanceof LatentError && FATAL.has(code)) {
        fatal ??= error
        stop()
      }
      // The code is all that Redis is told: messages name files.
      // oxlint-disable-next-line preserve-caught-error
      throw new Error(code)
    } finally {
      presence.leave()
    }
  }
  const client = connection.connect()
  const worker = new connection.bull.Worker<JobData, JobOutcome>(queueName(vault), work, {
    connection: client,
    prefix: 'latent',
    concurrency: batches,
    lockDuration: lockMs,
    stalledInterval: lockMs / 2,
    maxStalledCount: MOST_DEATHS,
  })
  // A Redis that is gone is waited for.
  worker.on('error', () => undefined)
  let idle: NodeJS.Timeout | undefined
  if (idleMs !== undefined) {
    idle = setTimeout(stop, idleMs)
    worker.on('active', () => clearTimeout(idle))
    worker.on('drained', () => {
      clearTimeout(idle)
      idle = setTimeout(stop, idleMs)
    })
  }
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    await stopped
  } finally {
    signal?.removeEventListener('abort', stop)
    clearTimeout(idle)
    // What is under way is finished, or ended by the signal and given back.
    await worker.close()
    client.disconnect()
    await sandboxes?.close()
    await presence.end()
    await vault.store.sync()
  }
  if (fatal) throw fatal
}

const sandboxOptions = (run: WorkerRun, script: URL): SandboxesOptions => ({
  place: { script, kind: 'process' },
  setup: {
    address: run.vault.store.address,
    vault: run.vault.id,
    confirm: run.vault.confirm,
    source: run.source,
    lanes: run.lanes,
  },
  signal: run.signal,
  notice: text => run.notice?.(text),
})

async function doJob(
  run: WorkerRun,
  id: string,
  data: JobData,
  folder: { proven: boolean },
  sandboxes: Sandboxes | undefined,
): Promise<BatchOutcome> {
  // It may have been made, or shared, since this worker began.
  if (!run.vault.keys.has(data.key)) await run.vault.findKeys(run.keyring)
  const key = run.vault.keys.get(data.key)
  if (!key)
    throw new LatentError('E_NO_MATCH', 'there is work for an album that this key does not open', {
      hint: 'share the album with this worker: latent vault share',
    })
  const batch = (await openMessage(key.key, 'batch', id, data.batch)) as Batch
  const strange = batch.files.find(({ file }) => pathFault(file) !== undefined)
  if (strange || batch.key !== data.key)
    throw new LatentError('E_QUEUE', 'a batch names what is not below the source folder', {})
  // A worker that looks into another folder must not answer for everyone that there is nothing.
  folder.proven ||= batch.files.some(({ file }) => existsSync(join(run.source, ...file.split('/'))))
  if (!folder.proven)
    throw new LatentError('E_IO', 'none of the files that are asked for is in this folder', {
      hint: 'give the folder that was planned, as this machine has it',
    })
  return sandboxes ? sandboxes.work(batch, key) : addBatch(batch, run)
}

function requireFolder(source: string): void {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) return
  throw new LatentError('E_IO', `${source} is no folder`, {
    hint: 'give the folder that was planned, as this machine has it',
  })
}

const since = (started: number) => Number(((performance.now() - started) / 1000).toFixed(3))

function toldOf(job: string, { results, error }: BatchOutcome, started: number): WorkerTold {
  const count = (...statuses: string[]) => results.filter(({ status }) => statuses.includes(status)).length
  return {
    job,
    files: results.length,
    added: count('done'),
    skipped: count('skipped'),
    failed: count('failed', 'interrupted'),
    seconds: since(started),
    ...(error ? { code: error.code } : {}),
  }
}

const LINGER_MS = 5000

/** Tells `prune` that somebody writes, while there is work. */
class Present {
  readonly #run: WorkerRun
  #presence: Promise<Presence> | undefined
  #inside = 0
  #leaving: NodeJS.Timeout | undefined

  constructor(run: WorkerRun) {
    this.#run = run
  }

  async enter(): Promise<void> {
    this.#inside++
    clearTimeout(this.#leaving)
    this.#presence ??= Presence.begin(this.#run.vault)
    try {
      await this.#presence
    } catch (error) {
      this.#presence = undefined
      throw error
    }
  }

  leave(): void {
    if (--this.#inside === 0) this.#leaving = setTimeout(() => void this.end(), LINGER_MS)
  }

  async end(): Promise<void> {
    clearTimeout(this.#leaving)
    const presence = this.#presence
    this.#presence = undefined
    await presence?.then(it => it.end()).catch(() => undefined)
  }
}
