/** A folder as browsers hand it out, in memory: as much of it as the page uses. */
export class MemoryFolder {
  readonly kind = 'directory'
  readonly entries = new Map<string, MemoryFolder | MemoryFile>()
  readonly name: string
  /** Bytes that fit in; more are refused as a full disk refuses them. */
  readonly room: number

  constructor(name = 'top', room = Number.POSITIVE_INFINITY) {
    this.name = name
    this.room = room
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    const found = this.entries.get(name) ?? (create ? new MemoryFolder(name, this.room) : undefined)
    if (!(found instanceof MemoryFolder)) throw new DOMException('no folder', 'NotFoundError')
    this.entries.set(name, found)
    return found
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    const found = this.entries.get(name) ?? (create ? new MemoryFile(name, this.room) : undefined)
    if (!(found instanceof MemoryFile)) throw new DOMException('no file', 'NotFoundError')
    this.entries.set(name, found)
    return found
  }

  async removeEntry(name: string): Promise<void> {
    this.entries.delete(name)
  }

  /** Paths of all files below. */
  paths(): string[] {
    return [...this.entries].flatMap(([name, entry]) =>
      entry instanceof MemoryFolder ? entry.paths().map(path => `${name}/${path}`) : [name],
    )
  }

  /** Itself, as the page's types know it. */
  get handle(): FileSystemDirectoryHandle {
    return this as unknown as FileSystemDirectoryHandle
  }
}

class MemoryFile {
  readonly kind = 'file'
  readonly name: string
  readonly room: number
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #open = false

  constructor(name: string, room: number) {
    this.name = name
    this.room = room
  }

  async getFile(): Promise<File> {
    return new File([this.#bytes.slice()], this.name)
  }

  /** As a faulty disk does. */
  alter(at: number): void {
    this.#bytes[at]! ^= 1
  }

  async createWritable() {
    const parts: BlobPart[] = []
    return {
      write: async (bytes: Uint8Array<ArrayBuffer>) => {
        parts.push(bytes.slice())
        if (new Blob(parts).size > this.room) throw new DOMException('full', 'QuotaExceededError')
      },
      close: async () => void (this.#bytes = new Uint8Array(await new Blob(parts).arrayBuffer())),
      abort: async () => undefined,
    }
  }

  /** As in private storage: one at a time, in place. */
  async createSyncAccessHandle() {
    if (this.#open) throw new DOMException('it is open', 'NoModificationAllowedError')
    this.#open = true
    return {
      getSize: () => this.#bytes.length,
      read: (into: Uint8Array, { at }: { at: number }) => {
        const part = this.#bytes.subarray(at, at + into.length)
        into.set(part)
        return part.length
      },
      write: (part: Uint8Array, { at }: { at: number }) => {
        if (at + part.length > this.room) throw new DOMException('full', 'QuotaExceededError')
        const grown = new Uint8Array(Math.max(this.#bytes.length, at + part.length))
        grown.set(this.#bytes)
        grown.set(part, at)
        this.#bytes = grown
        return part.length
      },
      close: () => void (this.#open = false),
    }
  }
}
