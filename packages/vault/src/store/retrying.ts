import { type ByteRange, type ObjectBody, type ObjectInfo, type Store, StoreFault } from './store.ts'

/** How often and how patiently. */
export interface Patience {
  /** Attempts in all; default 6. */
  readonly attempts?: number
  /** Before the second attempt; doubled before each further one, with a random share taken off. Default 250. */
  readonly firstWaitMs?: number
  /** At most. Default 20,000. */
  readonly longestWaitMs?: number
}

/**
 * A store that tries again what failed and may succeed. A reading that broke off goes on where it was; a writing
 * whose answer was lost finds its own object there, which is as good as a success: names say what objects hold.
 */
export class RetryingStore implements Store {
  readonly address: string
  readonly #store: Store
  readonly #attempts: number
  readonly #firstWait: number
  readonly #longestWait: number

  constructor(store: Store, { attempts = 6, firstWaitMs = 250, longestWaitMs = 20_000 }: Patience = {}) {
    this.#store = store
    this.address = store.address
    this.#attempts = attempts
    this.#firstWait = firstWaitMs
    this.#longestWait = longestWaitMs
  }

  createsOnly(): Promise<boolean> {
    return this.#again(() => this.#store.createsOnly())
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    // From the start: what came before the failure is named once all the same.
    const told = new Set<string>()
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const info of this.#store.list(folder)) {
          if (told.has(info.name)) continue
          told.add(info.name)
          yield info
        }
        return
      } catch (error) {
        await this.#wait(error, attempt)
      }
    }
  }

  stat(name: string): Promise<ObjectInfo | undefined> {
    return this.#again(() => this.#store.stat(name))
  }

  async *read(name: string, range: ByteRange = { from: 0, to: Number.MAX_SAFE_INTEGER }): AsyncGenerator<Uint8Array> {
    let at = range.from
    for (let attempt = 1; ; attempt++) {
      try {
        const whole = at === 0 && range.to === Number.MAX_SAFE_INTEGER
        for await (const part of whole ? this.#store.read(name) : this.#store.read(name, { from: at, to: range.to })) {
          at += part.length
          yield part
        }
        return
      } catch (error) {
        await this.#wait(error, attempt)
      }
    }
  }

  create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    return this.#again(() => this.#store.create(name, body))
  }

  remove(name: string): Promise<void> {
    return this.#again(() => this.#store.remove(name))
  }

  sync(): Promise<void> {
    return this.#again(() => this.#store.sync())
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        await this.#wait(error, attempt)
      }
    }
  }

  /** @throws the error, if another attempt is of no use */
  async #wait(error: unknown, attempt: number): Promise<void> {
    if (!(error instanceof StoreFault) || !error.passing || attempt >= this.#attempts) throw error
    const wait = Math.min(this.#longestWait, this.#firstWait * 2 ** (attempt - 1))
    await new Promise(resolve => setTimeout(resolve, wait * (0.5 + Math.random() / 2)))
  }
}
