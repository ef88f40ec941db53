import { constants } from 'node:os'
import { type ErrorCode, LatentError } from '../errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left in the quota',
  EFBIG: 'it is larger than the file system or a limit of this process allows',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENAMETOOLONG: 'its name is too long',
  EINVAL: 'the file system does not take such a name or value',
  EILSEQ: 'the file system cannot hold such a name',
  ELOOP: 'its symbolic links go in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EBUSY: 'it is in use',
  ETXTBSY: 'it is in use',
  ESTALE: 'the server no longer knows it',
  EHOSTDOWN: 'the server does not answer',
  ETIMEDOUT: 'the server does not answer',
  ENOTCONN: 'the server does not answer',
  ENXIO: 'there is no such device',
  ENODEV: 'there is no such device',
  EIO: 'the device reports an error',
}

const HINTS: Readonly<Record<string, string>> = {
  EROFS: 'choose a place that can be written to',
  ENOSPC: 'make room and run it again: what is done is kept',
  EDQUOT: 'make room or have the quota raised, and run it again: what is done is kept',
  EFBIG: 'choose a file system that takes files of this size',
  EMFILE: 'raise the limit of open files (ulimit -n) and run it again',
}

/** Turns what the file system says into a coded error; coded errors pass through. */
export function ioError(error: unknown, what: string): LatentError {
  if (error instanceof LatentError) return error
  const code = systemCode(error)
  if (code === undefined) return new LatentError('E_INTERNAL', `${what}: ${String(error)}`, { cause: error })
  const kind: ErrorCode = code === 'EEXIST' ? 'E_EXISTS' : 'E_IO'
  return new LatentError(kind, `${what}: ${REASONS[code] ?? code}`, { cause: error, hint: HINTS[code] })
}

/** Node names only the errors that every system has: `Unknown system error -122` is a quota on Linux. */
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [-number, name]))

/** `ENOENT` and the like, where an error is the system's. */
export function systemCode(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException
  if (typeof code !== 'string') return undefined
  if (/^E[A-Z0-9]+$/.test(code)) return code
  if (code !== 'UNKNOWN' && !code.startsWith('Unknown system error')) return undefined
  return (errno === undefined ? undefined : NAMES.get(errno)) ?? 'UNKNOWN'
}
