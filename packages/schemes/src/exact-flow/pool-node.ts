import { forbidTelemetry } from '@latent/graph/telemetry'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ExactFlow } from './engine.ts'
import { openPool, type PoolOptions } from './pool.ts'

/** The pool in Node, whose native library blocks the thread it runs on. @throws E_BACKEND */
export function openExactFlowPool({ workers = Math.min(8, availableParallelism()), ...options }: PoolOptions = {}): Promise<ExactFlow> {
  forbidTelemetry()
  // Published packages hold JavaScript, a checkout TypeScript: the worker is whichever we are.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const script = new URL(`./worker-node.${extension}`, import.meta.url)
  return openPool(
    (answered, failed) => {
      const worker = new Worker(script)
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
