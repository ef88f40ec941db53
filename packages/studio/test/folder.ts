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
  content: Blob = new Blob()

  constructor(name: string, room: number) {
    this.name = name
    this.room = room
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
}
