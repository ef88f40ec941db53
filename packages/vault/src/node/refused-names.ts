import { LatentError } from '@latent/core'
import { systemCode } from '@latent/core/node'

/** What file systems say about names that they cannot hold; exFAT's says that there is no such file. */
const REFUSED: ReadonlySet<string | undefined> = new Set(['EINVAL', 'EILSEQ', 'ENAMETOOLONG', 'ENOENT'])
/** What some say about a name, and all about a place. */
const FORBIDDEN: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES'])

/**
 * Does the file system refuse the name of a file that was to be written? Its folder is known to be there.
 * @param path below the folder that is written to, from where names are ours to choose
 */
export function isNameRefused(error: unknown, path: string): boolean {
  const code = refusalOf(error)
  return REFUSED.has(code) || (FORBIDDEN.has(code) && !/^[\w ./\\-]+$/.test(path))
}

/** The system's code behind an error of ours. */
export const refusalOf = (error: unknown): string | undefined =>
  error instanceof LatentError ? systemCode(error.cause) : undefined
