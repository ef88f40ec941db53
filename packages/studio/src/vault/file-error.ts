import { LatentError } from '@latent/core'

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  NotReadableError: [
    'the file can no longer be read: it was changed, moved or taken away',
    'choose it again, and try again',
  ],
  NotFoundError: ['the file or folder is not there any more', 'choose it again, and try again'],
  QuotaExceededError: ['there is no room left for the result', 'free some space, or choose a folder on another disk'],
  NotAllowedError: ['the browser does not allow writing there', 'choose the folder again, and allow it'],
  NoModificationAllowedError: ['another program is writing there', 'close it, and try again'],
  TypeMismatchError: ['a folder is where the file should be, or the other way round', 'choose an empty folder'],
}

/** What a browser says of files, as errors of ours. Errors of ours stay as they are. */
export function fileError(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error
  const [message, hint] = REASONS[error.name] ?? [`the browser reports ${error.name}`, 'try again']
  return new LatentError('E_IO', message, { hint, cause: error })
}
