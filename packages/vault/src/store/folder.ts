import { LatentError } from '@latent/core'
import { Destination, ioError, isTemporary, onDisk, publish, removeStale, systemCode } from '@latent/core/node'
import { lstat, open, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type ByteRange, checkFolder, checkName, exactly, type ObjectBody, type ObjectInfo } from './store.ts'
import { type Store, StoreFault } from './store.ts'

const READ_BYTES = 1 << 18

/**
 * A folder of this machine, or of what is mounted here: objects are files. Written under a temporary name and
 * given their own in one step, so that nobody sees a part of one.
 */
export class FolderStore implements Store {
  readonly address: string
  readonly #root: string
  readonly #destination: Destination
  #written = false

  /** @param folder is made when the first object is written */
  constructor(folder: string) {
    this.#root = resolve(folder)
    this.address = `folder:${this.#root}`
    this.#destination = new Destination(this.#root)
  }

  async createsOnly(): Promise<boolean> {
    return true
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    checkFolder(folder)
    yield* this.#walk(folder)
  }

  async *#walk(folder: string): AsyncGenerator<ObjectInfo> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return []
      throw faultOf(error, `cannot list ${this.address}`)
    })
    for (const entry of entries) {
      const name = folder + entry.name
      if (entry.isDirectory()) yield* this.#walk(`${name}/`)
      else if (entry.isFile() && !isTemporary(entry.name)) {
        const info = await this.#info(name)
        if (info) yield info
      }
    }
  }

  stat(name: string): Promise<ObjectInfo | undefined> {
    return this.#info(checkName(name))
  }

  async #info(name: string): Promise<ObjectInfo | undefined> {
    try {
      const info = await lstat(onDisk(join(this.#root, name)))
      return info.isFile() ? { name, size: info.size, modified: info.mtimeMs } : undefined
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw faultOf(error, `cannot look at ${name}`)
    }
  }

  async *read(
    name: string,
    { from, to }: ByteRange = { from: 0, to: Number.MAX_SAFE_INTEGER },
  ): AsyncGenerator<Uint8Array> {
    try {
      const file = await open(onDisk(join(this.#root, checkName(name))))
      try {
        const end = Math.min(to, (await file.stat()).size)
        for (let at = from; at < end;) {
          const length = Math.min(READ_BYTES, end - at)
          const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, at)
          if (bytesRead === 0) throw new StoreFault('broken', `the object ${name} ends before it should`)
          yield buffer.subarray(0, bytesRead)
          at += bytesRead
        }
      } finally {
        await file.close()
      }
    } catch (error) {
      if (isAbsent(error)) throw new StoreFault('absent', `there is no object ${name} in ${this.address}`)
      throw faultOf(error, `cannot read ${name}`)
    }
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    this.#written = true
    try {
      await publish(join(this.#root, checkName(name)), exactly(body.parts(), body.size, `cannot write ${name}`), {
        destination: this.#destination,
      })
      return 'created'
    } catch (error) {
      if (error instanceof LatentError && error.code === 'E_EXISTS' && (await this.#info(name))) return 'exists'
      throw faultOf(error, `cannot write ${name}`)
    }
  }

  async remove(name: string): Promise<void> {
    await rm(onDisk(join(this.#root, checkName(name))), { force: true }).catch((error: unknown) => {
      if (!isAbsent(error)) throw faultOf(error, `cannot remove ${name}`)
    })
  }

  async sync(): Promise<void> {
    await this.#destination.flush()
  }

  /** What killed writers left on this machine goes with a later one: readers do not walk through all objects. */
  async close(): Promise<void> {
    if (this.#written) await removeStale(this.#root)
  }
}

const isAbsent = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')

const KINDS: Readonly<Record<string, StoreFault['kind']>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'refused',
  EBUSY: 'busy',
  EMFILE: 'busy',
  ENFILE: 'busy',
  ESTALE: 'busy',
  ETIMEDOUT: 'busy',
}

function faultOf(error: unknown, what: string): LatentError {
  if (error instanceof StoreFault) return error
  const code = systemCode(error) ?? systemCode((error as LatentError).cause)
  const io = ioError(error, what)
  // Whatever the caller's own bytes ended with is the caller's.
  if (code === undefined) return io
  const kind = KINDS[code] ?? 'refused'
  return new StoreFault(kind, io.message, {
    cause: error,
    ...(kind === 'denied'
      ? { hint: 'look at the permissions of the folder' }
      : io.hint === undefined
        ? {}
        : { hint: io.hint }),
  })
}
