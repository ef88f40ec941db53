import type { ErrorCode, LatentError } from '@latent/core'

/** What became of one file. */
export interface FileResult {
  readonly source: string
  readonly target?: string
  readonly status: 'done' | 'skipped' | 'failed'
  /** Why it was skipped or failed, and what to do. */
  readonly code?: ErrorCode
  readonly reason?: string
  readonly hint?: string
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
}

export function failure(source: string, error: LatentError, rest: Partial<FileResult> = {}): FileResult {
  return { source, status: 'failed', code: error.code, reason: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }), ...rest }
}

/** Works on up to `jobs` items at once and yields results as they come; one item's failure is its own. */
export async function* runAll<T, R>(items: readonly T[], jobs: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const underWay = new Map<number, Promise<{ id: number; result: R }>>()
  let next = 0
  const start = () => {
    const id = next++
    underWay.set(id, work(items[id]!).then(result => ({ id, result })))
  }
  while (next < Math.min(jobs, items.length)) start()
  while (underWay.size > 0) {
    const { id, result } = await Promise.race(underWay.values())
    underWay.delete(id)
    if (next < items.length) start()
    yield result
  }
}

/** Counts bytes as they pass. */
export async function* counted(source: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const part of source) {
    count(part.length)
    yield part
  }
}
