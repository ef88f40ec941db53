import { LatentError } from '@latent/core'
import type { Job, Queue, QueueEvents } from 'bullmq'
import type { Redis } from 'ioredis'
import { failure, type FileResult, type RunWatcher } from '../../../node/run.ts'
import type { Batch, BatchOutcome } from '../batch.ts'
import type { Crew } from '../crew.ts'
import type { Vault } from '../../vault.ts'
import type { QueueConnection } from './connection.ts'
import { openMessage, sealMessage } from './message.ts'

/** The name of a vault's queue. Workers of one vault see nothing of another. */
export const queueName = (vault: Vault): string => `latent-${vault.id}`

/** What a job holds in Redis: everything else is sealed. */
export interface JobData {
  /** The id of the album key that the batch is sealed under. */
  readonly key: string
  readonly batch: string
}

/** What is left of a job that is done. */
export interface JobOutcome {
  readonly outcome: string
}

/** How often a batch is tried whose store fails, or that no worker can do. */
const ATTEMPTS = 10
const FIRST_WAIT_MS = 1000
/** Jobs that Redis holds at most for one planner: a gigabyte of memory is far away. */
const AHEAD = 1000
/** What was lost with a Redis, or told while the connection was gone, is found so late at most. */
const SWEEP_MS = 10_000
const HOUR_S = 3600

/** How a planner uses a queue. */
export interface QueueCrewOptions {
  readonly connection: QueueConnection
  readonly vault: Vault
  readonly watcher?: RunWatcher | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds; default 10,000. */
  readonly sweepMs?: number
}

interface Waiting {
  readonly batch: Batch
  resolve(outcome: BatchOutcome): void
  reject(error: unknown): void
}

/**
 * Workers on any machines do the batches. The queue may be lost at any moment: what it does not know any more is put
 * there again, and what was done twice comes to the same.
 */
export class QueueCrew implements Crew {
  readonly ahead = AHEAD
  readonly #options: QueueCrewOptions
  readonly #clients: readonly Redis[]
  readonly #queue: Queue<JobData, JobOutcome>
  readonly #events: QueueEvents
  readonly #waiting = new Map<string, Waiting>()
  readonly #segments = new Set<string>()
  #sweeper: NodeJS.Timeout | undefined
  #alone = false

  constructor(options: QueueCrewOptions) {
    const { connection, vault } = options
    const { Queue, QueueEvents } = connection.bull
    this.#options = options
    const name = queueName(vault)
    const [one, two] = [connection.connect(), connection.connect()]
    this.#clients = [one, two]
    this.#queue = new Queue(name, { connection: one, prefix: 'latent' })
    this.#events = new QueueEvents(name, { connection: two, prefix: 'latent' })
    // A Redis that is gone is waited for.
    this.#queue.on('error', () => undefined)
    this.#events.on('error', () => undefined)
    this.#events.on('completed', ({ jobId }) => void this.#look(jobId))
    this.#events.on('failed', ({ jobId }) => void this.#look(jobId))
    options.signal?.addEventListener('abort', this.#interrupt)
  }

  async begin(source: string): Promise<void> {
    await this.#events.waitUntilReady()
    const { connection, vault, watcher } = this.#options
    watcher?.notice?.(
      `workers: latent worker ${vault.store.address} ${source} --queue ${connection.address} -i IDENTITY`,
    )
    this.#sweeper = setInterval(() => void this.#sweep(), this.#options.sweepMs ?? SWEEP_MS)
  }

  async work(batch: Batch): Promise<BatchOutcome> {
    if (this.#options.signal?.aborted) return interruptedOutcome(batch)
    const done = new Promise<BatchOutcome>((resolve, reject) => {
      this.#waiting.set(batch.id, { batch, resolve, reject })
    })
    done.catch(() => undefined)
    await this.#put(batch)
    return done
  }

  /** Puts a batch into the queue, or finds it there. */
  async #put(batch: Batch): Promise<void> {
    const before = await this.#queue.getJob(batch.id)
    const state = before && (await before.getState())
    // What an earlier planner was told is in the index; what is asked for again is not.
    if (state === 'completed' || state === 'failed') await before!.remove().catch(() => undefined)
    const { key } = this.#options.vault.keys.get(batch.key)!
    const data: JobData = { key: batch.key, batch: await sealMessage(key, 'batch', batch.id, batch) }
    await this.#queue.add('add', data, {
      jobId: batch.id,
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: FIRST_WAIT_MS, jitter: 0.5 },
      removeOnComplete: { age: HOUR_S },
      removeOnFail: { age: 24 * HOUR_S },
      // Traces name files of the machines that they come from.
      stackTraceLimit: 0,
    })
  }

  /** Takes what came of a job, if it has ended. */
  async #look(id: string): Promise<void> {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    try {
      const state = await this.#queue.getJobState(id)
      if (state === 'unknown') return await this.#put(waiting.batch)
      if (state !== 'completed' && state !== 'failed') return
      // Read when it has ended: before that, it holds no outcome.
      const job = await this.#queue.getJob(id)
      if (!job) return await this.#put(waiting.batch)
      const outcome =
        state === 'failed' ? failedOutcome(waiting.batch, job) : await this.#opened(id, waiting.batch, job)
      if (!this.#waiting.delete(id)) return
      for (const { source, plainBytes = 0 } of outcome.results) this.#options.watcher?.progress?.(source, plainBytes)
      for (const segment of outcome.segments) this.#segments.add(segment)
      waiting.resolve(outcome)
    } catch (error) {
      // Redis is gone: the next sweep looks again. Anything else would be so for ever.
      if (error instanceof LatentError && this.#waiting.delete(id)) waiting.reject(error)
    }
  }

  async #opened(id: string, batch: Batch, job: Job<JobData, JobOutcome>): Promise<BatchOutcome> {
    const { key } = this.#options.vault.keys.get(batch.key)!
    return (await openMessage(key, 'outcome', id, job.returnvalue?.outcome)) as BatchOutcome
  }

  /** Looks at everything that is waited for: events may be lost, and so may a whole Redis. */
  async #sweep(): Promise<void> {
    for (const id of Array.from(this.#waiting.keys())) await this.#look(id)
    const workers = await this.#queue.getWorkersCount().catch(() => undefined)
    if (workers === 0 && this.#waiting.size > 0 && !this.#alone)
      this.#options.watcher?.notice?.('no worker is at work: start latent worker on a machine that has the files')
    this.#alone = workers === 0
  }

  readonly #interrupt = () => {
    for (const [id, waiting] of this.#waiting) {
      this.#waiting.delete(id)
      waiting.resolve(interruptedOutcome(waiting.batch))
    }
  }

  /** What workers said that they recorded is looked for: the bucket is the truth. @throws E_QUEUE; E_STORE */
  async end(): Promise<void> {
    const { vault } = this.#options
    if (this.#segments.size === 0) return
    await vault.refresh()
    for (const { segments, replaced } of vault.keys.values())
      for (const name of [...segments.keys(), ...replaced]) this.#segments.delete(name)
    if (this.#segments.size > 0)
      throw new LatentError('E_VAULT', `${this.#segments.size} segments that workers wrote are not in the vault`, {
        hint: 'run it again: what is there is skipped; do all workers use this very vault?',
      })
    for (const state of vault.keys.values()) await vault.tie(state)
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.#options.signal?.removeEventListener('abort', this.#interrupt)
    await Promise.allSettled([this.#events.close(), this.#queue.close()])
    for (const client of this.#clients) client.disconnect()
  }
}

const everyFile = ({ files }: Batch, error: LatentError): FileResult[] =>
  files.map(({ file, path, size }) => failure(file, error, { target: path, plainBytes: size }))

const interruptedOutcome = (batch: Batch): BatchOutcome => ({
  results: everyFile(
    batch,
    new LatentError('E_INTERRUPTED', 'the run was interrupted', { hint: 'workers go on with what is in the queue' }),
  ),
  segments: [],
})

/** Nobody could do it. The code is all that a worker tells Redis. */
function failedOutcome(batch: Batch, { failedReason }: Job): BatchOutcome {
  const store = failedReason.includes('E_STORE')
  const error = store
    ? new LatentError('E_STORE', 'the store failed in every worker that tried', { hint: 'run it again later' })
    : new LatentError('E_QUEUE', 'no worker could do it: they ended, or have not the files', {
        hint: 'look at what workers say on their machines, and run it again',
      })
  return { results: everyFile(batch, error), segments: [] }
}
