import { LatentError } from '../errors.ts'
import { type BigIntStats, fsync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { lstat, mkdir, open } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { ioError, systemCode } from './io-error.ts'
import { onDisk } from './paths.ts'

const fsyncLater = promisify(fsync)

/** What an input is known by: a name may lead to it in many ways. */
type Identity = Pick<BigIntStats, 'dev' | 'ino'>

/**
 * Where the files of a run go: folders are made once and flushed together, links below the folder that
 * the user named are not followed, and what the run reads is never replaced.
 */
export class Destination {
  /** The system's word, once it said that it cannot flush files or folders here. */
  unflushed: string | undefined
  readonly #root: string | undefined
  readonly #known = new Set<string>()
  /** Folders that are being made: the files of a new one come many at once. */
  readonly #making = new Map<string, Promise<void>>()
  readonly #inputs = new Set<string>()
  readonly #inputPaths = new Map<string, Set<string>>()

  /** @param root the folder that the user named; without it every folder is taken as it is */
  constructor(root?: string) {
    this.#root = root === undefined ? undefined : resolve(root)
  }

  /** This file is read by the run. */
  protect(path: string, info: Identity | undefined = identityOf(path)): this {
    if (info) this.#inputs.add(`${info.dev}:${info.ino}`)
    const name = basename(path)
    this.#inputPaths.set(name, (this.#inputPaths.get(name) ?? new Set()).add(path))
    return this
  }

  isInput(path: string, info: Identity): boolean {
    if (this.#inputs.has(`${info.dev}:${info.ino}`)) return true
    // File systems without lasting file numbers are told by the path.
    const real = realPath(path)
    return Array.from(this.#inputPaths.get(basename(path)) ?? []).some(input => realPath(input) === real)
  }

  async ensure(folder: string): Promise<void> {
    if (this.#known.has(folder)) return
    const making = this.#making.get(folder) ?? this.#make(folder).finally(() => this.#making.delete(folder))
    this.#making.set(folder, making)
    await making
  }

  async #make(folder: string): Promise<void> {
    const below = this.#root === undefined ? '' : relative(this.#root, resolve(folder))
    if (below !== '' && !below.startsWith('..')) {
      await this.ensure(dirname(resolve(folder)))
      await makeRealFolder(folder)
    } else {
      await makeFolders(resolve(folder))
    }
    this.#known.add(folder)
  }

  /** As {@link ensure}, for threads that may wait. */
  ensureNow(folder: string): void {
    if (this.#known.has(folder)) return
    makeFoldersNow(resolve(folder))
    this.#known.add(folder)
  }

  /** Flushes a file to the disk, where the file system can. */
  async flushFile(file: number): Promise<void> {
    await fsyncLater(file).catch((error: unknown) => this.#tolerate(error))
  }

  /** Makes the names of new files survive a loss of power. @throws E_IO */
  async flush(): Promise<void> {
    // Windows cannot open folders; there the names are journalled by the file system.
    if (process.platform === 'win32') return
    for (const folder of this.#known) {
      try {
        const handle = await open(onDisk(folder), 'r')
        try {
          await this.flushFile(handle.fd)
        } finally {
          await handle.close()
        }
      } catch (error) {
        if (systemCode(error) !== 'EACCES') throw ioError(error, `cannot flush the folder ${folder}`)
        // One may write into a folder that one may not list.
        this.unflushed ??= 'EACCES'
      }
    }
  }

  #tolerate(error: unknown): void {
    const code = systemCode(error)
    if (!CANNOT_FLUSH.has(code ?? '')) throw error
    this.unflushed ??= code
  }
}

/** What file systems say that know no flushing (FUSE, SMB, some network folders): no fault of the data. */
const CANNOT_FLUSH = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EBADF', 'ENOTTY'])

/**
 * One by one: where the file system is read-only, Node's way of making them all at once says that there is no such
 * folder.
 */
async function makeFolders(folder: string): Promise<void> {
  if (isFolder(folder)) return
  if (dirname(folder) !== folder) await makeFolders(dirname(folder))
  await mkdir(onDisk(folder)).catch((error: unknown) => {
    if (!isFolder(folder)) throw inTheWay(error, folder)
  })
}

/** As {@link makeFolders}, for threads that may wait. */
function makeFoldersNow(folder: string): void {
  if (isFolder(folder)) return
  if (dirname(folder) !== folder) makeFoldersNow(dirname(folder))
  try {
    mkdirSync(onDisk(folder))
  } catch (error) {
    if (!isFolder(folder)) throw inTheWay(error, folder)
  }
}

/** A name that is taken by something else is no output that exists already. */
function inTheWay(error: unknown, folder: string): unknown {
  if (systemCode(error) !== 'EEXIST') return error
  return new LatentError('E_IO', `${basename(folder)} is in the way: it is not a folder`, {
    hint: 'move it away, or choose another output',
  })
}

/** Links that lead to folders are as good, where the user named them. */
function isFolder(path: string): boolean {
  try {
    return statSync(onDisk(path)).isDirectory()
  } catch {
    // It is not there; or what is wrong with it shows when it is made.
    return false
  }
}

async function makeRealFolder(folder: string): Promise<void> {
  try {
    await mkdir(onDisk(folder))
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    const info = await lstat(onDisk(folder))
    if (info.isSymbolicLink())
      throw new LatentError('E_IO', `${basename(folder)} is a link, and links in the output are not followed`, {
        hint: 'remove the link, or name the folder that it leads to as the output',
      })
    if (!info.isDirectory()) throw inTheWay(error, folder)
  }
}

function identityOf(path: string): Identity | undefined {
  return statSync(onDisk(path), { bigint: true, throwIfNoEntry: false })
}

function realPath(path: string): string {
  try {
    return realpathSync(onDisk(path), { encoding: 'buffer' }).toString('latin1')
  } catch {
    return Buffer.from(onDisk(resolve(path))).toString('latin1')
  }
}
