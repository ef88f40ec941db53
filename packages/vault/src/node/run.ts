import { type ErrorCode, LatentError } from '@latent/core'

/**
 * `interrupted`: the run was ended before this one was done, and nothing of it was written; `salvaged`: something
 * of it is missing, and the rest was written; `missing`: an earlier run sealed
 * it and it is gone.
 */
export type FileStatus = 'done' | 'salvaged' | 'skipped' | 'missing' | 'interrupted' | 'failed'

/** What became of one file. */
export interface FileResult {
  readonly source: string
  readonly target?: string
  readonly status: FileStatus
  /** Why it was skipped or failed, and what to do. */
  readonly code?: ErrorCode
  readonly reason?: string
  readonly hint?: string
  /** What came out differently though all is well, such as a name that had to be changed. */
  readonly note?: string
  /** Parts of the plain file that could not be salvaged: first byte and the byte behind the last. */
  readonly missingBytes?: readonly (readonly [from: number, to: number])[]
  /** Bytes of the plain file and of the sealed one, where known. */
  readonly plainBytes?: number
  readonly sealedBytes?: number
  readonly seconds?: number
}

/** Told as bytes go by, for progress displays. */
export interface RunWatcher {
  /** Once, when it is known what there is to do. */
  planned?(files: number, bytes: number): void
  progress?(source: string, bytes: number): void
  /** Once, when it is known how many sealed files journals list; `undefined` where there is no journal. */
  expected?(listed: number | undefined): void
  /** Something about the run as a whole that the user should know. */
  notice?(text: string): void
}

/** The result of a file that failed; of one whose run was ended, `interrupted`. */
export function failure(source: string, error: LatentError, rest: Partial<FileResult> = {}): FileResult {
  return {
    source,
    status: error.code === 'E_INTERRUPTED' ? 'interrupted' : 'failed',
    code: error.code,
    reason: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...rest,
  }
}

/** Works on up to `jobs` items at once and yields results as they come; one item's failure is its own. */
export async function* runAll<T, R>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const underWay = new Map<number, Promise<{ id: number; result: R }>>()
  let next = 0
  const start = () => {
    const id = next++
    underWay.set(
      id,
      work(items[id]!).then(result => ({ id, result })),
    )
  }
  while (next < Math.min(jobs, items.length)) start()
  while (underWay.size > 0) {
    const { id, result } = await Promise.race(underWay.values())
    underWay.delete(id)
    if (next < items.length) start()
    yield result
  }
}

/** @throws E_INTERRUPTED once the signal has aborted */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new LatentError('E_INTERRUPTED', 'the run was interrupted', { hint: 'the same command goes on' })
}

/** Counts bytes as they pass, until the signal aborts. @throws E_INTERRUPTED */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const part of source) {
    stopIfAborted(signal)
    count(part.length)
    yield part
  }
}
