import { type Deferred, deferred, type ErrorCode, LatentError } from '@latent/core'
import { forbidTelemetry } from '@latent/core/telemetry'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Made, Outcome, Reply, Request, Task } from './file-thread.ts'
import type { Locked, OpenedWhole, OpenTask } from './open-whole.ts'
import { BATCH_FILES, type NotWhole, type SealedWhole, type SealTask } from './seal-whole.ts'

/** So many files are sealed before threads would be ready: as many bytes take longer. */
const FEW_FILES = 24
const FEW_BYTES = 8 << 20
/** A batch has no more bytes than this, and {@link BATCH_FILES} files at most. */
const BATCH_BYTES = 1 << 18
/** Batches that a thread has: while the results of one are put on the disk, it works on the other. */
const BATCHES = 2
/** A file leaves 200 KB of what is soon gone; with a quarter of this it is cleared every few files. */
const LIMITS = { maxYoungGenerationSizeMb: 24 }

interface Waiting {
  readonly task: Task
  readonly made: Deferred<Made | undefined>
}

/** How many threads, and when they are started. */
export interface FileThreadsOptions {
  /** Default: one a core, at most 8. */
  readonly threads?: number | undefined
  /** So many files are left to whoever asks before any thread is started. Default: as many as are not worth it. */
  readonly fewFiles?: number
}

/**
 * Threads that seal and open small files whole: reading, sealing, checking and hashing, or reading and opening, are one
 * piece of work, so that a file is two messages and not dozens, and nothing in between waits for the system on another
 * thread. Started once there is enough to do.
 */
export class FileThreads {
  readonly #count: number
  readonly #fewFiles: number
  readonly #waiting: Waiting[] = []
  #threads: FileThread[] | undefined
  #files = 0
  #bytes = 0

  constructor({ threads = Math.min(8, availableParallelism()), fewFiles = FEW_FILES }: FileThreadsOptions = {}) {
    this.#count = threads
    this.#fewFiles = fewFiles
  }

  /**
   * @returns nothing as long as there is too little to do, or where the thread has ended that had it: whoever asks
   * seals it then
   */
  seal(task: SealTask): Promise<SealedWhole | NotWhole | undefined> {
    return this.#ask(task)
  }

  /** @returns nothing as {@link seal}, and where the file is not one that is opened whole */
  open(task: OpenTask): Promise<OpenedWhole | Locked | undefined> {
    return this.#ask(task)
  }

  #ask<T extends Made>(task: Task): Promise<T | undefined> {
    const made = deferred<Made | undefined>()
    this.#waiting.push({ task, made })
    this.#files++
    this.#bytes += task.size
    // What is asked for in one go is looked at together.
    if (this.#waiting.length === 1) setImmediate(() => this.#begin())
    return made.promise as Promise<T | undefined>
  }

  #begin(): void {
    if (this.#threads || this.#files > this.#fewFiles || this.#bytes > FEW_BYTES) return this.#give()
    giveBack(this.#waiting.splice(0))
  }

  #give(): void {
    this.#threads ??= Array.from({ length: this.#count }, () => new FileThread(() => this.#give()))
    const working = this.#threads.filter(({ hasEnded }) => !hasEnded)
    if (working.length === 0) return giveBack(this.#waiting.splice(0))
    for (let turn = 1; turn <= BATCHES; turn++)
      for (const thread of working)
        if (this.#waiting.length > 0 && thread.batches < turn) thread.work(this.#nextBatch())
  }

  /** As much as leaves something for the other threads. */
  #nextBatch(): Waiting[] {
    const most = Math.min(BATCH_FILES, Math.ceil(this.#waiting.length / this.#count))
    let [files, bytes] = [1, this.#waiting[0]!.task.size]
    while (files < most && (bytes += this.#waiting[files]!.task.size) <= BATCH_BYTES) files++
    return this.#waiting.splice(0, files)
  }

  /** Finishes what is under way and ends the threads. */
  async close(): Promise<void> {
    await Promise.all((this.#threads ?? []).map(thread => thread.close()))
  }
}

class FileThread {
  readonly #worker: Worker
  /** What it was given and has not answered, oldest first. */
  readonly #given: (readonly Waiting[])[] = []
  readonly #free: () => void
  readonly #ended = deferred()
  #hasEnded = false

  /** @param free told when it can take more, or never will again */
  constructor(free: () => void) {
    forbidTelemetry()
    this.#free = free
    this.#worker = new Worker(new URL('./file-thread.ts', import.meta.url), { resourceLimits: LIMITS })
    this.#worker.on('message', (reply: Reply) => this.#answered(reply))
    this.#worker.on('error', () => this.#end())
    this.#worker.on('exit', () => this.#end())
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get batches(): number {
    return this.#given.length
  }

  work(batch: readonly Waiting[]): void {
    this.#given.push(batch)
    this.#post({ tasks: batch.map(({ task }) => task) })
  }

  #post(request: Request): void {
    // Files under way keep the process alive, and threads that wait do not.
    this.#worker.ref()
    this.#worker.postMessage(request)
  }

  #answered(reply: Reply): void {
    if ('closed' in reply) return this.#end()
    if ('outcomes' in reply) settle(this.#given.shift()!, reply.outcomes)
    if (this.#given.length === 0) this.#worker.unref()
    this.#free()
  }

  /** By itself, or because it was told to: what it had is given back. */
  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const batch of this.#given.splice(0)) giveBack(batch)
    this.#ended.resolve()
    this.#free()
  }

  /** No thread is ended while native code runs on it: see [Note: Ending threads] in `pool.ts` of the exact flow. */
  async close(): Promise<void> {
    if (!this.#hasEnded) {
      this.#post({ close: true })
      await this.#ended.promise
    }
    await this.#worker.terminate()
  }
}

function settle(batch: readonly Waiting[], outcomes: readonly Outcome[]): void {
  for (const [i, { made }] of batch.entries()) {
    const outcome = outcomes[i]!
    if ('made' in outcome) made.resolve(outcome.made)
    else made.reject(new LatentError(outcome.code as ErrorCode, outcome.message, { hint: outcome.hint }))
  }
}

function giveBack(batch: readonly Waiting[]): void {
  for (const { made } of batch) made.resolve(undefined)
}
