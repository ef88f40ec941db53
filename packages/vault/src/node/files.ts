import { type ErrorCode, LatentError, randomBytes, toHex } from '@latent/core'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const READ_BYTES = 1 << 18

/** A file's bytes from its start. @throws E_IO */
export async function* readFileParts(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of createReadStream(path, { highWaterMark: READ_BYTES })) {
      const buffer = part as Buffer
      yield new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
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
  /** Looks at the finished temporary file; what it throws leaves no output. */
  readonly check?: (temporary: string) => Promise<void>
  readonly modified?: number
  /** Called when everything is written and checked, before the file appears. */
  readonly beforePublish?: () => Promise<void>
  readonly overwrite?: boolean
}

/**
 * Writes a file so that it is there whole or not at all: a temporary file in the same folder, flushed
 * to the disk, then renamed.
 * @returns bytes written
 * @throws E_EXISTS unless `overwrite`; E_IO
 */
export async function writeWhole(target: string, parts: AsyncIterable<Uint8Array>, { check, modified, beforePublish, overwrite = false }: WriteOptions = {}): Promise<number> {
  const folder = dirname(target)
  const what = `cannot write ${basename(target)}`
  let temporary: string | undefined
  try {
    await mkdir(folder, { recursive: true })
    if (!overwrite) await mustNotExist(target)
    temporary = join(folder, temporaryName())
    const file = await open(temporary, 'wx')
    let written = 0
    try {
      for await (const part of parts) {
        await file.write(part)
        written += part.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await check?.(temporary)
    if (modified !== undefined) await utimes(temporary, new Date(), new Date(modified))
    await beforePublish?.()
    if (!overwrite) await mustNotExist(target)
    await rename(temporary, target)
    temporary = undefined
    await syncFolder(folder)
    return written
  } catch (error) {
    throw ioError(error, what)
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true })
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
