import { deferred, type ErrorCode, LatentError } from '@latent/core'
import { mostOpenFiles } from '@latent/core/node'
import { setImmediate as turn } from 'node:timers/promises'

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

/** Files of a run that are worked on at once, unless it says so. */
const JOBS = 4
/** So many at once where they are small: they wait for the disk, and lines of the journal are flushed together. */
const SMALL_JOBS = 64
/** Source, target and journal, and what the process itself has open: with fewer than this, no more than a few. */
const SMALL_JOBS_FILES = 256
/** Bytes that more than {@link JOBS} files may have together: as much as one large file has under way. */
const SMALL_BYTES = 1 << 22

/** Work that waits for nothing lets signals and displays have their turn as often as this. */
const TURN_MS = 20

/**
 * Works on several items at once and yields results as they come; one item's failure is its own.
 * @param jobs how many; by default a few, and more of what is small
 * @param sizeOf bytes of an item, where small ones may be many
 */
export async function* runAll<T, R>(
  items: readonly T[],
  jobs: number | undefined,
  work: (item: T) => Promise<R>,
  sizeOf: (item: T) => number = () => SMALL_BYTES,
): AsyncGenerator<R> {
  const mostSmall = mostOpenFiles() < SMALL_JOBS_FILES ? JOBS : SMALL_JOBS
  // Not a race: that would ask all that are under way for every one that is done.
  const done: { readonly size: number; readonly result: Promise<R> }[] = []
  let more = deferred()
  let [next, underWay, bytes] = [0, 0, 0]
  function start(): void {
    for (; next < items.length; next++) {
      const item = items[next]!
      const size = sizeOf(item)
      const small = jobs === undefined && underWay < mostSmall && bytes + size <= SMALL_BYTES
      if (underWay >= (jobs ?? JOBS) && !small) return
      underWay++
      bytes += size
      const result = work(item)
      const tell = () => {
        done.push({ size, result })
        more.resolve()
      }
      result.then(tell, tell)
    }
  }
  start()
  for (let turned = performance.now(); underWay > 0;) {
    if (done.length === 0) await more.promise
    more = deferred()
    const { size, result } = done.shift()!
    const value = await result
    if (performance.now() - turned > TURN_MS) {
      await turn()
      turned = performance.now()
    }
    underWay--
    bytes -= size
    start()
    yield value
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
