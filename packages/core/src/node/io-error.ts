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

/** Turns what the file system says into a coded error; coded errors pass through. */
export function ioError(error: unknown, what: string): LatentError {
  if (error instanceof LatentError) return error
  const code = systemCode(error)
  if (code === undefined) return new LatentError('E_INTERNAL', `${what}: ${String(error)}`, { cause: error })
  const kind: ErrorCode = code === 'EEXIST' ? 'E_EXISTS' : 'E_IO'
  return new LatentError(kind, `${what}: ${REASONS[code] ?? code}`, { cause: error })
}

/** `ENOENT` and the like, where an error is the system's. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' && /^(?:E[A-Z0-9]+|UNKNOWN)$/.test(code) ? code : undefined
}
