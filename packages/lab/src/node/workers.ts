import { LatentError } from '@latent/core'
import { forbidTelemetry } from '@latent/graph/telemetry'
import { Piscina } from 'piscina'

type Transfer = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

export interface Workers<Task, Outcome> {
  /** @throws what the worker throws; E_INTERRUPTED if the pool is closed before the task is begun */
  run(task: Task, transfer?: Transfer): Promise<Outcome>
  /** Gives up what is not begun, waits for what is, and ends the threads. */
  close(): Promise<void>
}

/**
 * A pool of worker threads, which end when nothing runs on them: see [Note: Ending threads] in `pool.ts` of
 * the exact flow.
 * @param module `import.meta` of the caller
 * @param script beside the caller, without extension
 */
export function openWorkers<Task, Outcome>(module: { readonly url: string }, script: string, threads: number): Workers<Task, Outcome> {
  forbidTelemetry()
  // Published packages hold JavaScript, a checkout TypeScript: the worker is whichever we are.
  const extension = module.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = new Piscina<Task, Outcome>({ filename: new URL(`${script}.${extension}`, module.url).href, minThreads: 1, maxThreads: threads })
  const waiting: PromiseWithResolvers<void>[] = []
  const underWay = new Set<Promise<unknown>>()
  let closed = false
  const givenUp = () => new LatentError('E_INTERRUPTED', 'the run was ended before this was begun')

  return {
    async run(task, transferList) {
      if (closed) throw givenUp()
      if (underWay.size >= threads) {
        const turn = Promise.withResolvers<void>()
        waiting.push(turn)
        await turn.promise
        if (closed) throw givenUp()
      }
      const outcome = pool.run(task, transferList ? { transferList } : {})
      underWay.add(outcome)
      try {
        return await outcome
      } finally {
        underWay.delete(outcome)
        waiting.shift()?.resolve()
      }
    },
    async close() {
      closed = true
      for (const turn of waiting.splice(0)) turn.reject(givenUp())
      await Promise.allSettled(underWay)
      await pool.destroy()
    },
  }
}
