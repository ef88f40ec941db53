import { parentPort } from 'node:worker_threads'
import type { FlowProvider } from '../../../bodies/index.ts'
import { openStore } from '../../../store/open-store.ts'
import { RetryingStore } from '../../../store/retrying.ts'
import { KeyState } from '../../key-state.ts'
import type { Thumbnailer } from '../../thumbs.ts'
import { Vault } from '../../vault.ts'
import { addBatch, type Batch } from '../batch.ts'
import { type KeyFacts, plainError, type Reply, type Request, type Setup } from './messages.ts'

/** What a sandbox needs that cannot be sent to it. */
export interface SandboxTools {
  readonly flows: FlowProvider
  /** Opened when the first batch wants thumbnails. */
  thumbnailer?(): Promise<Thumbnailer | undefined>
}

/**
 * The whole of a sandbox's script: does the batches that it is told, one after the other, as {@link addBatch} does them
 * anywhere. In a worker thread, or in a child process of Node's.
 */
export function serveBatches(tools: SandboxTools): void {
  const port = parentPort
  const answer = port ? (reply: Reply) => port.postMessage(reply) : (reply: Reply) => void process.send!(reply)
  const server = new Server(tools, answer)
  const take = (request: Request) => void server.take(request)
  if (port) port.on('message', take)
  else {
    // Signals of a terminal reach children too: whoever began this one tells it what to do, and takes it along.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
    process.on('message', take)
    process.on('disconnect', () => process.exit())
  }
}

class Server {
  readonly #tools: SandboxTools
  readonly #answer: (reply: Reply) => void
  readonly #stop = new AbortController()
  #place: Promise<{ readonly vault: Vault; readonly setup: Setup }> | undefined
  #thumbnailer: Promise<Thumbnailer | undefined> | undefined

  constructor(tools: SandboxTools, answer: (reply: Reply) => void) {
    this.#tools = tools
    this.#answer = answer
  }

  async take(request: Request): Promise<void> {
    if ('setup' in request) {
      this.#place = open(request.setup)
      this.#place.catch(() => undefined)
    } else if ('stop' in request) this.#stop.abort()
    else {
      try {
        await this.#do(request.batch, request.key)
      } catch (error) {
        this.#answer({ refused: plainError(error) })
      }
    }
  }

  async #do(batch: Batch, { id, key, envelope }: KeyFacts): Promise<void> {
    const { vault, setup } = await this.#place!
    if (!vault.keys.has(id)) vault.keys.set(id, new KeyState(id, key, envelope))
    const thumbnailer = batch.thumbnails ? await (this.#thumbnailer ??= this.#tools.thumbnailer?.()) : undefined
    const answer = this.#answer
    const { results, segments, error } = await addBatch(batch, {
      vault,
      source: setup.source,
      lanes: setup.lanes,
      flows: this.#tools.flows,
      thumbnailer,
      signal: this.#stop.signal,
      watcher: { progress: (progress, bytes) => answer({ progress, bytes }) },
      began: file => answer({ began: file }),
      ended: file => answer({ ended: file }),
      recorded(_, { name, bytes, segment: { head, records } }, photos) {
        answer({ recorded: { name, bytes, head, records: Array.from(records).filter(each => !!each), photos } })
      },
    })
    answer({ results, segments, ...(error ? { error: plainError(error) } : {}) })
  }
}

async function open(setup: Setup): Promise<{ vault: Vault; setup: Setup }> {
  const store = new RetryingStore(await openStore(setup.address))
  return { vault: Vault.known(store, setup.vault, { confirm: setup.confirm }), setup }
}
