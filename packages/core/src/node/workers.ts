import { type Deferred, deferred, LatentError } from '../index.ts'
import { forbidTelemetry } from './telemetry.ts'
import { Piscina } from 'piscina'

type Transfer = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

/** A pool of threads that run one function. It keeps the process alive only while a task is under way. */
export interface Workers<Task, Outcome> {
  /** @throws what the worker throws; E_INTERRUPTED if the pool is closed before the task is begun */
  run(task: Task, transfer?: Transfer): Promise<Outcome>
  /**
   * Runs all of them and hands over what comes out, in whatever order. When one fails, those that were begun
   * are finished and handed over, and the others given up, before it throws.
   */
  each(tasks: readonly Task[], take: (outcome: Outcome, task: Task) => void | Promise<void>): Promise<void>
  /** Gives up what is not begun, waits for what is, and ends the threads. */
  close(): Promise<void>
}

/** What a task fails with that a closed pool never began: E_INTERRUPTED. */
export const interrupted = (): LatentError =>
  new LatentError('E_INTERRUPTED', 'the run was interrupted', { hint: 'the same command goes on' })

/** How many threads, and what ends them. */
export interface WorkersOptions {
  readonly threads: number
  /** Closes the pool when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/**
 * A pool of worker threads, which end when nothing runs on them: see [Note: Ending threads] in `pool.ts` of
 * the exact flow.
 * @param script beside the caller, as `new URL('./worker.ts', import.meta.url)`: published packages name what it is
 * built to
 */
export function openWorkers<Task, Outcome>(script: URL, { threads, signal }: WorkersOptions): Workers<Task, Outcome> {
  forbidTelemetry()
  const pool = new Piscina<Task, Outcome>({ filename: script.href, minThreads: 1, maxThreads: threads })
  const waiting: Deferred<void>[] = []
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  async function run(task: Task, transferList?: Transfer): Promise<Outcome> {
    if (closing) throw interrupted()
    if (underWay.size >= threads) {
      const turn = deferred()
      waiting.push(turn)
      await turn.promise
      if (closing) throw interrupted()
    }
    const outcome = pool.run(task, transferList ? { transferList } : {})
    underWay.add(outcome)
    try {
      return await outcome
    } finally {
      underWay.delete(outcome)
      waiting.shift()?.resolve()
    }
  }

  async function each(
    tasks: readonly Task[],
    take: (outcome: Outcome, task: Task) => void | Promise<void>,
  ): Promise<void> {
    const failures: unknown[] = []
    await Promise.all(
      tasks.map(async task => {
        try {
          await take(await run(task), task)
        } catch (error) {
          failures.push(error)
          void close()
        }
      }),
    )
    if (failures.length > 0) throw failures[0]
  }

  async function drain(): Promise<void> {
    signal?.removeEventListener('abort', abort)
    for (const turn of waiting.splice(0)) turn.reject(interrupted())
    await Promise.allSettled(underWay)
    await pool.destroy()
  }

  const close = () => (closing ??= drain())
  const abort = () => void close()
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  return { run, each, close }
}
