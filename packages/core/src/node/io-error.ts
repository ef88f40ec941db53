import { constants } from 'node:os'
import { type ErrorCode, LatentError } from '../errors.ts'

/** What a code of the system means, and what to do about it. */
const MEANINGS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['there is no such file or folder', 'check the path; names count capitals and spaces'],
  EACCES: ['permission denied', 'see who may read and write it, and the folders above it: ls -ld'],
  EPERM: ['permission denied', 'see who may read and write it, and the folders above it: ls -ld'],
  EROFS: ['the file system is read-only', 'choose a place that can be written to'],
  EEXIST: ['it already exists', 'choose another name or folder'],
  ENOSPC: ['no space is left', 'make room and run it again: what is done is kept'],
  EDQUOT: [
    'no space is left in the quota',
    'make room or have the quota raised, and run it again: what is done is kept',
  ],
  EFBIG: [
    'it is larger than the file system or a limit of this process allows',
    'choose a file system that takes files of this size',
  ],
  EISDIR: ['it is a folder', 'give a file in its place'],
  ENOTDIR: ['a part of its path is not a folder', 'check the path'],
  ENAMETOOLONG: ['its name is too long', 'give it a shorter name'],
  EINVAL: ['the file system does not take such a name or value', 'give it another name, or choose another place'],
  EILSEQ: ['the file system cannot hold such a name', 'give it another name, or choose another place'],
  ELOOP: ['its symbolic links go in a circle', 'give the path of the file itself'],
  EMFILE: ['too many files are open', 'raise the limit of open files (ulimit -n) and run it again'],
  ENFILE: ['too many files are open', 'close other programs and run it again'],
  EBUSY: ['it is in use', 'close what uses it and run it again'],
  ETXTBSY: ['it is in use', 'close what uses it and run it again'],
  ESTALE: ['the server no longer knows it', 'mount the share again and run it again'],
  EHOSTDOWN: ['the server does not answer', 'see that its share is there and run it again'],
  ETIMEDOUT: ['the server does not answer', 'see that its share is there and run it again'],
  ENOTCONN: ['the server does not answer', 'see that its share is there and run it again'],
  ENXIO: ['it is a socket, or a device that is not there', 'give a file in its place'],
  ENODEV: ['there is no such device', 'see that it is plugged in'],
  EPIPE: ['nobody reads it any more', 'see that the program behind it still runs'],
  EIO: ['the device reports an error', 'copy what it still gives to another device before anything else'],
}

/** Turns what the file system says into a coded error; coded errors pass through. */
export function ioError(error: unknown, what: string): LatentError {
  if (error instanceof LatentError) return error
  const code = systemCode(error)
  if (code === undefined) return new LatentError('E_INTERNAL', `${what}: ${String(error)}`, { cause: error })
  const kind: ErrorCode = code === 'EEXIST' ? 'E_EXISTS' : 'E_IO'
  const [reason, hint] = MEANINGS[code] ?? [code, undefined]
  return new LatentError(kind, `${what}: ${reason}`, { cause: error, hint })
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
