import type { Batch, BatchOutcome } from '../batch.ts'
import { inSpite } from './in-spite.ts'
import type { KeyFacts, Setup } from './messages.ts'
import { Sandbox, type SandboxPlace, type SandboxWatcher } from './sandbox.ts'

/** What sandboxes are made with. */
export interface SandboxesOptions extends SandboxWatcher {
  readonly place: SandboxPlace
  readonly setup: Setup
  readonly signal?: AbortSignal | undefined
  /** A sandbox ended, and the run goes on. */
  notice?(text: string): void
}

/** As many sandboxes as there are batches at once; each is begun when it is first needed. */
export class Sandboxes {
  readonly #options: SandboxesOptions
  readonly #idle: Sandbox[] = []
  readonly #all = new Set<Sandbox>()

  constructor(options: SandboxesOptions) {
    this.#options = options
    options.signal?.addEventListener('abort', this.#interrupt)
  }

  /** Does a batch; a file that ends every sandbox is a result. @throws what the batch cannot be done without */
  work(batch: Batch, key: KeyFacts): Promise<BatchOutcome> {
    return inSpite(
      batch,
      some => this.#attempt(some, key),
      (why, underWay) =>
        this.#options.notice?.(
          `a worker ended (${why}) with ${underWay.length} files under way: they are tried again, one by one`,
        ),
    )
  }

  async #attempt(batch: Batch, key: KeyFacts): Promise<BatchOutcome> {
    const { place, setup, signal } = this.#options
    const sandbox = this.#idle.pop() ?? new Sandbox(place, setup, this.#options)
    this.#all.add(sandbox)
    if (signal?.aborted) sandbox.interrupt()
    try {
      return await sandbox.work(batch, key)
    } finally {
      if (sandbox.ended) this.#all.delete(sandbox)
      else this.#idle.push(sandbox)
    }
  }

  readonly #interrupt = () => {
    for (const sandbox of this.#all) sandbox.interrupt()
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#interrupt)
    await Promise.all(Array.from(this.#all, sandbox => sandbox.close()))
  }
}
