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
    const found = this.entries.get(name) ?? (create ? new MemoryFile(name, this.room, this) : undefined)
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
  name: string
  readonly room: number
  readonly folder: MemoryFolder
  content: Blob = new Blob()
  #open = false

  constructor(name: string, room: number, folder: MemoryFolder) {
    this.name = name
    this.room = room
    this.folder = folder
  }

  async getFile(): Promise<File> {
    return new File([this.content], this.name)
  }

  async createWritable() {
    const parts: BlobPart[] = []
    return {
      write: async (bytes: Uint8Array<ArrayBuffer>) => {
        parts.push(bytes.slice())
        if (new Blob(parts).size > this.room) throw new DOMException('full', 'QuotaExceededError')
      },
      close: async () => void (this.content = new Blob(parts)),
      abort: async () => undefined,
    }
  }

  /** As in private storage: one at a time, in place. */
  async createSyncAccessHandle() {
    if (this.#open) throw new DOMException('it is open', 'NoModificationAllowedError')
    this.#open = true
    let bytes = new Uint8Array(await this.content.arrayBuffer())
    return {
      read: (into: Uint8Array, { at }: { at: number }) => {
        const part = bytes.subarray(at, at + into.length)
        into.set(part)
        return part.length
      },
      write: (part: Uint8Array, { at }: { at: number }) => {
        if (at + part.length > this.room) throw new DOMException('full', 'QuotaExceededError')
        const grown = new Uint8Array(Math.max(bytes.length, at + part.length))
        grown.set(bytes)
        grown.set(part, at)
        bytes = grown
        this.content = new Blob([bytes.slice()])
        return part.length
      },
      close: () => void (this.#open = false),
    }
  }

  async move(name: string): Promise<void> {
    this.folder.entries.delete(this.name)
    this.name = name
    this.folder.entries.set(name, this)
  }
}
