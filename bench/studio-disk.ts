import { closeSync, existsSync, fstatSync, mkdirSync, openAsBlob, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * A folder of the disk as browsers hand out their private storage: what the studio's code needs to do in Node the
 * same as in a page.
 */
export class DiskFolder {
  readonly kind = 'directory'
  readonly #path: string

  constructor(path: string) {
    mkdirSync(path, { recursive: true })
    this.#path = path
  }

  get name(): string {
    return basename(this.#path)
  }

  /** Itself, as the studio's types know it. */
  get handle(): FileSystemDirectoryHandle {
    return this as unknown as FileSystemDirectoryHandle
  }

  async getDirectoryHandle(name: string): Promise<DiskFolder> {
    return new DiskFolder(join(this.#path, name))
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<DiskFile> {
    const path = join(this.#path, name)
    if (!create && !existsSync(path)) throw new DOMException('no file', 'NotFoundError')
    if (create) closeSync(openSync(path, 'a'))
    return new DiskFile(path)
  }

  async removeEntry(name: string): Promise<void> {
    rmSync(join(this.#path, name))
  }
}

/** A file of such a folder. */
export class DiskFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Read when it is asked for its bytes, as a chosen file is. */
  async getFile(): Promise<File> {
    return new File([await openAsBlob(this.#path)], basename(this.#path))
  }

  async createSyncAccessHandle() {
    const descriptor = openSync(this.#path, 'r+')
    return {
      getSize: () => fstatSync(descriptor).size,
      read: (bytes: Uint8Array, { at }: { at: number }) => readSync(descriptor, bytes, 0, bytes.length, at),
      write: (bytes: Uint8Array, { at }: { at: number }) => writeSync(descriptor, bytes, 0, bytes.length, at),
      close: () => closeSync(descriptor),
    }
  }
}

/** Workers of a browser are known by this: they write their storage by themselves. */
export function writeLikeWorkers(): void {
  Object.assign(globalThis, { FileSystemFileHandle: DiskFile })
}
