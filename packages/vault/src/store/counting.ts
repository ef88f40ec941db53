import type { ByteRange, ObjectBody, ObjectInfo, Store } from './store.ts'

/** How often each operation of a store was called, and how many bytes passed. */
export interface Requests {
  list: number
  stat: number
  read: number
  create: number
  remove: number
  bytesRead: number
  bytesWritten: number
}

/** A store that counts what is asked of it. */
export class CountingStore implements Store {
  readonly address: string
  readonly requests: Requests = { list: 0, stat: 0, read: 0, create: 0, remove: 0, bytesRead: 0, bytesWritten: 0 }
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
    this.address = store.address
  }

  createsOnly(): Promise<boolean> {
    return this.#store.createsOnly()
  }

  list(folder: string): AsyncIterable<ObjectInfo> {
    this.requests.list++
    return this.#store.list(folder)
  }

  stat(name: string): Promise<ObjectInfo | undefined> {
    this.requests.stat++
    return this.#store.stat(name)
  }

  async *read(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    this.requests.read++
    for await (const part of this.#store.read(name, range)) {
      this.requests.bytesRead += part.length
      yield part
    }
  }

  create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    this.requests.create++
    this.requests.bytesWritten += body.size
    return this.#store.create(name, body)
  }

  remove(name: string): Promise<void> {
    this.requests.remove++
    return this.#store.remove(name)
  }

  sync(): Promise<void> {
    return this.#store.sync()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
