import { joinBytes } from '@latent/core'
import { type ByteRange, checkFolder, checkName, exactly, type ObjectBody, type ObjectInfo } from './store.ts'
import { type Store, StoreFault } from './store.ts'

/** A store that ends with the process: for tests, and for trying things out. */
export class MemoryStore implements Store {
  readonly address: string
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modified: number }>()

  constructor(address = 'memory:') {
    this.address = address
  }

  async createsOnly(): Promise<boolean> {
    return true
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    checkFolder(folder)
    for (const [name, { bytes, modified }] of Array.from(this.#objects))
      if (name.startsWith(folder)) yield { name, size: bytes.length, modified }
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    const found = this.#objects.get(checkName(name))
    return found && { name, size: found.bytes.length, modified: found.modified }
  }

  async *read(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const found = this.#objects.get(checkName(name))
    if (!found) throw new StoreFault('absent', `there is no object ${name} in ${this.address}`)
    const part = range ? found.bytes.slice(range.from, range.to) : found.bytes.slice()
    if (part.length > 0) yield part
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    if (this.#objects.has(checkName(name))) return 'exists'
    const parts: Uint8Array[] = []
    for await (const part of exactly(body.parts(), body.size, `cannot write ${name}`)) parts.push(part.slice())
    if (this.#objects.has(name)) return 'exists'
    this.#objects.set(name, { bytes: joinBytes(parts), modified: Date.now() })
    return 'created'
  }

  async remove(name: string): Promise<void> {
    this.#objects.delete(checkName(name))
  }

  async sync(): Promise<void> {}
  async close(): Promise<void> {}
}
