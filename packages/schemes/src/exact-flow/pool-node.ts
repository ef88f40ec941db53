import { forbidTelemetry } from '@latent/core/telemetry'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ExactFlow } from './engine.ts'
import { openPool, type PoolOptions } from './pool.ts'

/** The pool in Node, whose native library blocks the thread it runs on. @throws E_BACKEND */
export function openExactFlowPool({
  workers = Math.min(8, availableParallelism()),
  ...options
}: PoolOptions = {}): Promise<ExactFlow> {
  forbidTelemetry()
  return openPool(
    (answered, failed) => {
      const worker = new Worker(new URL('./worker-node.ts', import.meta.url))
      worker.on('message', answered)
      worker.on('error', failed)
      worker.on('exit', () => failed())
      return {
        post: (request, transfer) => worker.postMessage(request, transfer),
        hold: busy => (busy ? worker.ref() : worker.unref()),
        stop: () => worker.terminate(),
      }
    },
    workers,
    options,
  )
}
