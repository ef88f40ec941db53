/**
 * Every error a user can meet. The code is stable and documented in `docs/errors.md`; the message is
 * one sentence; the hint says what to do next. Messages and hints never contain keys or passphrases.
 */
export class LatentError extends Error {
  override readonly name = 'LatentError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}

/**
 * What went wrong, as a program sees it. Codes keep their meaning from release to release; `docs/errors.md` lists them
 * with exit codes.
 */
export type ErrorCode =
  /** An argument is of the wrong kind, size or range. */
  | 'E_ARGUMENT'
  /** A file or folder could not be read, written or found. */
  | 'E_IO'
  /** The target exists and is not to be overwritten, or is the source itself. */
  | 'E_EXISTS'
  /** The source changed while it was being read. */
  | 'E_CHANGED'
  /** No key that was given opens this file. */
  | 'E_NO_MATCH'
  /** A key, recipient or identity string or file is malformed. */
  | 'E_KEY'
  /** The input is not a sealed file. */
  | 'E_NOT_SEALED'
  /** A sealed file that a service re-encoded, resized or converted. */
  | 'E_REENCODED'
  /** A format version, body type or weight set that this release does not know. */
  | 'E_UNSUPPORTED'
  /** The header of a sealed file is malformed or altered. */
  | 'E_HEADER'
  /** A chunk of a sealed file is damaged or out of place. */
  | 'E_CHUNK'
  /** A sealed file ends too early. */
  | 'E_TRUNCATED'
  /**
   * Bytes do not have the hash that was sealed with them, or that a manifest lists; a cipher picture is not as it was
   * written.
   */
  | 'E_HASH'
  /** The input is not an image that this command can decode. */
  | 'E_IMAGE'
  /** A size, pixel or time limit was exceeded. */
  | 'E_LIMIT'
  /** Weights that are malformed, out of bounds or not the ones asked for. */
  | 'E_WEIGHTS'
  /** No compute backend could be started, or one gave a wrong answer. */
  | 'E_BACKEND'
  /** A network or graph that cannot be lowered or run. */
  | 'E_GRAPH'
  /** A data set that is missing, mixed or unreadable. */
  | 'E_DATA'
  /** A script of your own (a scheme, a test of the lab) that cannot be loaded, or does not hold to its contract. */
  | 'E_SCRIPT'
  /** A lab run whose controls failed: nothing it measured may be reported. */
  | 'E_CONTROLS'
  /** A store (a bucket, a WebDAV share, a folder of objects) does not answer, or refuses. */
  | 'E_STORE'
  /** A store refuses the credentials, or none were found. */
  | 'E_CREDENTIALS'
  /** The queue of a run (Redis) does not answer, may drop what it holds, or holds what no member put there. */
  | 'E_QUEUE'
  /** There is no vault, or what is there is none, is damaged, or lacks an object that it lists. */
  | 'E_VAULT'
  /** A signal ended the run before it was done; the report says what is. */
  | 'E_INTERRUPTED'
  /** Some files of a run failed; the report names them. */
  | 'E_PARTIAL'
  /** A defect of Latent itself. */
  | 'E_INTERNAL'

/** The form every argument error takes. */
export function argumentError(name: string, expected: string, received: unknown, hint?: string): LatentError {
  return new LatentError('E_ARGUMENT', `expected ${expected} for ${name}, received ${describe(received)}`, { hint })
}

// Byte arrays may be keys: only their length is ever shown.
function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return typeof value
}
