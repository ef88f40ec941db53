import { type ErrorCode, LatentError, randomBytes, toHex } from '@latent/core'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const READ_BYTES = 1 << 18
const WRITE_BYTES = 1 << 20

/** A file's bytes from its start. @throws E_IO */
export async function* readFileParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(path)
    try {
      // A file stream of Node takes a buffer of full size even for the smallest file.
      const length = Math.min(READ_BYTES, (await file.stat()).size + 1)
      for (;;) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length)
        if (bytesRead > 0) yield buffer.subarray(0, bytesRead)
        // A regular file gives less than it is asked for at its end alone.
        if (bytesRead < length) break
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw ioError(error, `cannot read ${basename(path)}`)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left in the quota',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links go in a circle',
  EMFILE: 'too many files are open',
  EIO: 'the device reports an error',
}

/** Turns what the file system says into a coded error; coded errors pass through. */
export function ioError(error: unknown, what: string): LatentError {
  if (error instanceof LatentError) return error
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === undefined) return new LatentError('E_INTERNAL', `${what}: ${String(error)}`, { cause: error })
  const kind: ErrorCode = code === 'EEXIST' ? 'E_EXISTS' : 'E_IO'
  return new LatentError(kind, `${what}: ${REASONS[code] ?? code}`, { cause: error })
}

// The process id lets a later run tell the leavings of a killed one from the work of a living one.
const TEMPORARY = /^\.latent-(\d+)-[0-9a-f]{16}\.tmp$/
const temporaryName = () => `.latent-${process.pid}-${toHex(randomBytes(8))}.tmp`

export interface WriteOptions {
  readonly modified?: number
  /** Called with the temporary file when everything is written, before it appears; what it throws leaves no output. */
  readonly beforePublish?: (temporary: string) => Promise<void>
  readonly overwrite?: boolean
  /** Flush to the disk before the file appears. Without it a power cut may leave a file of zeros: for callers that keep hashes of what they wrote. */
  readonly durable?: boolean
  /** For many files: their folders are made once and flushed together, by the caller. */
  readonly folders?: Folders
}

/** Folders whose new entries are not flushed to the disk yet, and which are known to exist. */
export class Folders {
  readonly #known = new Set<string>()

  async ensure(folder: string): Promise<void> {
    if (this.#known.has(folder)) return
    await mkdir(folder, { recursive: true })
    this.#known.add(folder)
  }

  /** Makes renames survive a loss of power. */
  async sync(): Promise<void> {
    for (const folder of this.#known) {
      await syncFolder(folder).catch((error: unknown) => {
        throw ioError(error, `cannot flush the folder ${folder}`)
      })
    }
  }
}

/**
 * Writes a file so that it is there whole or not at all: a temporary file in the same folder, flushed
 * to the disk, then renamed.
 * @returns bytes written
 * @throws E_EXISTS unless `overwrite`; E_IO
 */
export async function writeWhole(target: string, parts: AsyncIterable<Uint8Array>, { modified, beforePublish, overwrite = false, durable = true, folders: shared }: WriteOptions = {}): Promise<number> {
  const folders = shared ?? new Folders()
  const folder = dirname(target)
  const what = `cannot write ${basename(target)}`
  let temporary: string | undefined
  try {
    await folders.ensure(folder)
    temporary = join(folder, temporaryName())
    const file = await open(temporary, 'wx')
    let written = 0
    try {
      // Small parts go out together: one system call for most photos.
      let waiting: Uint8Array[] = []
      let size = 0
      const flush = async () => {
        await writeAll(file, waiting)
        written += size
        waiting = []
        size = 0
      }
      for await (const part of parts) {
        waiting.push(part)
        size += part.length
        if (size >= WRITE_BYTES) await flush()
      }
      if (size > 0) await flush()
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    if (modified !== undefined) await utimes(temporary, new Date(), new Date(modified))
    await beforePublish?.(temporary)
    if (!overwrite) await mustNotExist(target)
    await rename(temporary, target)
    temporary = undefined
    if (durable && !shared) await folders.sync()
    return written
  } catch (error) {
    throw ioError(error, what)
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true })
  }
}

/**
 * Writes a small file so that it is there whole or not at all, replacing what is there, and blocks
 * meanwhile: a thread that makes thousands of them spends a third of the time that {@link writeWhole} takes.
 * Nothing is flushed to the disk: for callers that keep hashes of what they wrote.
 * @param known folders that are there; more are added
 * @throws E_IO
 */
export function writeWholeNow(target: string, bytes: Uint8Array, known: Set<string>): void {
  const folder = dirname(target)
  const temporary = join(folder, temporaryName())
  try {
    if (!known.has(folder)) mkdirSync(folder, { recursive: true })
    known.add(folder)
    writeFileSync(temporary, bytes)
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw ioError(error, `cannot write ${basename(target)}`)
  }
}

/** Writes may take less than they are given. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev(parts)
  let skip = bytesWritten
  for (const part of parts) {
    let rest = part.subarray(Math.min(skip, part.length))
    skip -= part.length - rest.length
    while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten)
  }
}

async function mustNotExist(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found) throw new LatentError('E_EXISTS', `${basename(path)} already exists`, { hint: 'choose another folder, or --force to replace it' })
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; there the rename is journalled by the file system.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes temporary files whose process has ended, anywhere below a folder. */
export async function removeStale(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.isDirectory()) await removeStale(join(folder, entry.name))
    const owner = TEMPORARY.exec(entry.name)?.[1]
    if (entry.isFile() && owner !== undefined && !isRunning(Number(owner))) await rm(join(folder, entry.name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
