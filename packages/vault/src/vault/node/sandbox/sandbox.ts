import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Batch, BatchOutcome } from '../batch.ts'
import { type KeyFacts, latentError, type Recorded, type Reply, type Request, type Setup } from './messages.ts'

/** Where the script of a sandbox runs. */
export interface SandboxPlace {
  /** Calls `serveBatches`. */
  readonly script: URL
  /** A thread, which takes less; or a process, which survives what ends one: a fault in native code. */
  readonly kind: 'thread' | 'process'
}

/** Told of what goes on in a sandbox. */
export interface SandboxWatcher {
  progress?(file: string, bytes: number): void
  /** A segment was written. */
  recorded?(key: string, recorded: Recorded): void
}

/** A sandbox ended with a batch in its hands. */
export class SandboxEnded extends Error {
  /** Files that it had begun and not ended. */
  readonly underWay: ReadonlySet<string>

  constructor(message: string, underWay: ReadonlySet<string>) {
    super(message)
    this.underWay = underWay
  }
}

/** How messages get to a sandbox and back, and how it ends. */
interface Lane {
  post(request: Request): void
  stop(): Promise<unknown>
}

/** A thread or process that does one batch at a time. One that has ended is not used again. */
export class Sandbox {
  readonly #lane: Lane
  readonly #watcher: SandboxWatcher
  #ended: string | undefined
  #work: { resolve(outcome: BatchOutcome): void; reject(error: Error): void; readonly key: string } | undefined
  readonly #underWay = new Set<string>()

  constructor(place: SandboxPlace, setup: Setup, watcher: SandboxWatcher) {
    this.#watcher = watcher
    const ended = (why: string) => this.#end(why)
    const answered = (reply: Reply) => this.#take(reply)
    this.#lane = place.kind === 'thread' ? thread(place.script, answered, ended) : child(place.script, answered, ended)
    this.#lane.post({ setup })
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** @throws SandboxEnded; what the batch cannot be done without */
  work(batch: Batch, key: KeyFacts): Promise<BatchOutcome> {
    this.#underWay.clear()
    return new Promise((resolve, reject) => {
      this.#work = { resolve, reject, key: key.id }
      if (this.#ended !== undefined) this.#end(this.#ended)
      else this.#lane.post({ batch, key: { id: key.id, key: key.key, envelope: key.envelope } })
    })
  }

  /** Ends what is under way: its files are interrupted. */
  interrupt(): void {
    if (this.#ended === undefined) this.#lane.post({ stop: true })
  }

  async close(): Promise<void> {
    await this.#lane.stop()
  }

  #take(reply: Reply): void {
    if ('began' in reply) this.#underWay.add(reply.began)
    else if ('ended' in reply) this.#underWay.delete(reply.ended)
    else if ('progress' in reply) this.#watcher.progress?.(reply.progress, reply.bytes)
    else if ('recorded' in reply) this.#watcher.recorded?.(this.#work!.key, reply.recorded)
    else if ('refused' in reply) this.#settled()?.reject(latentError(reply.refused))
    else {
      const { results, segments, error } = reply
      this.#settled()?.resolve({ results, segments, ...(error ? { error: latentError(error) } : {}) })
    }
  }

  #settled() {
    const work = this.#work
    this.#work = undefined
    return work
  }

  #end(why: string): void {
    this.#ended ??= why
    this.#settled()?.reject(new SandboxEnded(this.#ended, new Set(this.#underWay)))
  }
}

function thread(script: URL, answered: (reply: Reply) => void, ended: (why: string) => void): Lane {
  const worker = new Worker(script)
  let why: string | undefined
  worker.on('message', answered)
  worker.on('error', error => (why = error.message))
  // Whatever it said before its end has come by then.
  worker.on('exit', code => ended(why ?? `it ended with code ${code}`))
  return { post: request => worker.postMessage(request), stop: () => worker.terminate() }
}

function child(script: URL, answered: (reply: Reply) => void, ended: (why: string) => void): Lane {
  const process = fork(fileURLToPath(script), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const gone = new Promise<void>(resolve => {
    process.once('error', error => {
      if (process.pid !== undefined) return
      ended(error.message)
      resolve()
    })
    // Whatever it said before its end has come by then.
    process.once('close', (code, signal) => {
      ended(signal ? `it ended by ${signal}` : `it ended with code ${code}`)
      resolve()
    })
  })
  process.on('message', message => answered(message as Reply))
  return {
    // One that has just ended says so itself.
    post: request => void (process.connected && process.send(request, () => undefined)),
    async stop() {
      process.kill('SIGKILL')
      await gone
    },
  }
}
