import { release } from '../bytes.ts'
import { LatentError } from '../errors.ts'
import {
  type BigIntStats,
  closeSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writev,
  writevSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { Destination } from './destination.ts'
import { ioError, systemCode } from './io-error.ts'
import { onDisk } from './paths.ts'
import { newTemporary, releaseTemporary } from './temporaries.ts'

/**
 * What is written at once, on a thread that blocks meanwhile. Files with less than that block this one: waking another
 * takes longer.
 */
const WRITE_BYTES = 1 << 20
const writevLater = (file: number, parts: readonly Uint8Array[]) =>
  new Promise<number>((written, failed) =>
    writev(file, parts, (error, bytes) => (error ? failed(error) : written(bytes))),
  )
/** Of a large file so much is flushed at a time, while more is being made: the last flush then finds little left. */
const FLUSH_BYTES = 1 << 25

interface Common {
  /**
   * Permissions that the file has from its first byte on, less the process's mask. Default 0o666; secrets take 0o600.
   */
  readonly mode?: number
  /** Milliseconds since 1970. */
  readonly modified?: number
  /** What to do about a file that is there already and stays. */
  readonly hint?: string
  /** Shared by the files of a run: its folders, and its inputs. */
  readonly destination?: Destination
}

/** How {@link publish} writes. */
export interface PublishOptions extends Common {
  /** Replaces a regular file that is there, if this proves that an earlier run made it. */
  readonly replace?: ((target: string) => boolean | Promise<boolean>) | undefined
  /** Called with the temporary file when everything is written, before it appears; what it throws leaves no output. */
  readonly beforePublish?: (temporary: string) => Promise<void>
  /**
   * Flush to the disk before the file appears. Without it a power cut may leave a file of zeros: for callers that keep
   * hashes of what they wrote.
   */
  readonly durable?: boolean
  /** The parts are nobody else's: their memory is used again once they are written. */
  readonly given?: boolean
}

/** How {@link publishNow} writes: without waiting, so that nothing of it can be awaited. */
export interface PublishNowOptions extends Common {
  readonly replace?: ((target: string) => boolean) | undefined
}

/** A file that lies there under its name. */
export interface Published {
  readonly bytes: number
  /** The file as it lies there now. */
  readonly info: BigIntStats
  /** False if the file system does not take the time that was asked for. */
  readonly timeKept: boolean
}

/**
 * The way every file of ours appears: whole or not at all, and never in the place of something else.
 * Written under a temporary name in the folder of its target, flushed, then given its name in one step
 * that fails if the name is taken.
 * @throws E_EXISTS unless `replace` proves what is there to be ours; E_IO
 */
export async function publish(
  target: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: PublishOptions = {},
): Promise<Published> {
  const { mode = 0o666, modified, replace, beforePublish, durable = true, given = false } = options
  const destination = options.destination ?? new Destination()
  let temporary: string | undefined
  try {
    await destination.ensure(dirname(target))
    const standing = standingFile(target, options, destination)
    if (standing && !(await replace!(target))) throw foreign(target)
    temporary = newTemporary(dirname(target))
    const file = openSync(onDisk(temporary), 'wx', mode)
    let bytes = 0
    let flushed = Promise.resolve()
    try {
      bytes = await writeParts(file, parts, given, () => {
        if (!durable) return
        // One at a time; what goes wrong shows at the end.
        flushed = flushed.then(() => destination.flushFile(file))
        flushed.catch(() => undefined)
      })
      await flushed
      if (modified !== undefined) setTime(file, modified)
      if (durable) await destination.flushFile(file)
    } finally {
      await flushed.catch(() => undefined)
      closeSync(file)
    }
    await beforePublish?.(temporary)
    const info = giveName(temporary, target, standing)
    temporary = undefined
    if (durable && !options.destination) await destination.flush()
    return { bytes, info, timeKept: isKept(info, modified) }
  } catch (error) {
    throw ioError(error, `cannot write ${basename(target)}`)
  } finally {
    if (temporary !== undefined) {
      await rm(onDisk(temporary), { force: true }).catch(() => undefined)
      releaseTemporary(temporary)
    }
  }
}

/**
 * As {@link publish}, for a small file, blocking meanwhile: a thread that makes thousands of them spends a
 * third of the time. Nothing is flushed to the disk: for callers that keep hashes of what they wrote.
 * @throws E_EXISTS; E_IO
 */
export function publishNow(target: string, bytes: Uint8Array, options: PublishNowOptions = {}): Published {
  const { mode = 0o666, modified, replace } = options
  const destination = options.destination ?? new Destination()
  let temporary: string | undefined
  try {
    destination.ensureNow(dirname(target))
    const standing = standingFile(target, options, destination)
    if (standing && !replace!(target)) throw foreign(target)
    temporary = newTemporary(dirname(target))
    const file = openSync(onDisk(temporary), 'wx', mode)
    try {
      writeFileSync(file, bytes)
      if (modified !== undefined) setTime(file, modified)
    } finally {
      closeSync(file)
    }
    const info = giveName(temporary, target, standing)
    temporary = undefined
    return { bytes: bytes.length, info, timeKept: isKept(info, modified) }
  } catch (error) {
    throw ioError(error, `cannot write ${basename(target)}`)
  } finally {
    if (temporary !== undefined) {
      rmSync(onDisk(temporary), { force: true })
      releaseTemporary(temporary)
    }
  }
}

/** What has the name now, if the caller may replace it. @throws E_EXISTS for what stays whatever the caller says */
function standingFile(
  target: string,
  { replace, hint = 'choose another name or folder' }: Common & { replace?: unknown },
  destination: Destination,
): BigIntStats | undefined {
  const info = lstatSync(onDisk(target), { bigint: true, throwIfNoEntry: false })
  if (!info) return undefined
  const name = basename(target)
  if (!info.isFile())
    throw new LatentError('E_EXISTS', `${name} exists and is not a regular file`, {
      hint: 'remove it, or choose another name or folder',
    })
  if (destination.isInput(target, info))
    throw new LatentError('E_EXISTS', `${name} is one of the inputs`, { hint: 'choose another output' })
  if (!replace) throw new LatentError('E_EXISTS', `${name} already exists`, { hint })
  return info
}

const foreign = (target: string) =>
  new LatentError('E_EXISTS', `${basename(target)} exists and was not made by an earlier run`, {
    hint: 'move it away, or choose another name or folder',
  })

/**
 * The step in which a file appears. It does not yield to other work of the process, so that no handler of
 * a signal finds it half done.
 */
function giveName(temporary: string, target: string, standing: BigIntStats | undefined): BigIntStats {
  const [from, to] = [onDisk(temporary), onDisk(target)]
  const now = standing && lstatSync(to, { bigint: true, throwIfNoEntry: false })
  if (standing && now) {
    if (!isSame(standing, now))
      throw new LatentError('E_EXISTS', `${basename(target)} changed while its replacement was being written`, {
        hint: 'run it again when nothing else writes there',
      })
    renameSync(from, to)
  } else {
    claim(from, to)
  }
  releaseTemporary(temporary)
  return lstatSync(to, { bigint: true })
}

/** Fails if the name is taken, by whatever: links never replace. */
function claim(from: string | Buffer, to: string | Buffer): void {
  try {
    linkSync(from, to)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    claimWithoutLinks(from, to)
    return
  }
  try {
    unlinkSync(from)
  } catch {
    // The file is there; a later run removes its second name.
  }
}

/** What file systems say that know no second name for a file (exFAT, FAT, SMB, FUSE, Android). */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL', 'UNKNOWN'])

/** An empty file that only one process can create holds the name; only that one moves its file there. */
function claimWithoutLinks(from: string | Buffer, to: string | Buffer): void {
  closeSync(openSync(to, 'wx'))
  try {
    renameSync(from, to)
  } catch (error) {
    if (lstatSync(to, { throwIfNoEntry: false })?.size === 0) rmSync(to, { force: true })
    throw error
  }
}

const isSame = (a: BigIntStats, b: BigIntStats) =>
  a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs

async function writeParts(
  file: number,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  given: boolean,
  much: () => void,
): Promise<number> {
  // Small parts go out together: one system call for most photos.
  let [written, size] = [0, 0]
  let waiting: Uint8Array[] = []
  const wrote = () => {
    written += size
    if (Math.floor(written / FLUSH_BYTES) > Math.floor((written - size) / FLUSH_BYTES)) much()
    if (given) for (const part of waiting) release(part)
    waiting = []
    size = 0
  }
  for await (const part of parts) {
    waiting.push(part)
    size += part.length
    if (size < WRITE_BYTES) continue
    await writeAll(file, waiting)
    wrote()
  }
  if (size > 0) {
    writeAllNow(file, waiting)
    wrote()
  }
  return written
}

async function writeAll(file: number, parts: readonly Uint8Array[]): Promise<void> {
  for (let left = parts; left.length > 0;) left = behind(left, await writevLater(file, left))
}

function writeAllNow(file: number, parts: readonly Uint8Array[]): void {
  for (let left = parts; left.length > 0;) left = behind(left, writevSync(file, left))
}

/** What is left to write: the system may take less than it is given. */
function behind(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  return parts.flatMap(part => {
    const rest = part.subarray(Math.min(written, part.length))
    written -= part.length - rest.length
    return rest.length > 0 ? [rest] : []
  })
}

/** A file is worth more than its time: one that the file system cannot hold is told, not fatal. */
function setTime(file: number, modified: number): void {
  try {
    // Node takes negative numbers for now, and no date beyond the year 275760.
    futimesSync(file, Date.now() / 1000, modified < 0 ? new Date(modified) : modified / 1000)
  } catch {
    // What became of it shows in the file that is there at the end.
  }
}

/** FAT counts in steps of two seconds. */
const COARSEST_MS = 2000

const isKept = (info: BigIntStats, modified: number | undefined) =>
  modified === undefined || Math.abs(Number(info.mtimeNs) / 1e6 - modified) <= COARSEST_MS
