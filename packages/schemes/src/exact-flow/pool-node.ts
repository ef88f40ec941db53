import { forbidTelemetry } from '@latent/core/telemetry'
import { chainOf } from '@latent/graph/runtime'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type ExactFlow, type FlowBackend, openExactFlow } from './engine.ts'
import { openGrowing } from './growing.ts'
import { openPool, type PoolOptions } from './pool.ts'

const WORKERS = Math.min(8, availableParallelism())
/** Of a megabyte, the native library takes longer to load than the kernel to compute. */
const QUICK_TO_START: readonly FlowBackend[] = ['kernel', ...chainOf()]
/** Tiles lie outside of a thread's heap, and what else it makes for them is little and soon gone. */
const LIMITS = { maxYoungGenerationSizeMb: 6 }

/**
 * For commands in Node: this thread while there is little to do, then a pool, whose threads take a quarter of a second
 * of the processor each to start.
 * @param expected bytes that are about to be worked on, if they are known
 * @throws E_BACKEND
 */
export function openExactFlowAsNeeded(
  { workers = WORKERS, ...options }: PoolOptions = {},
  expected?: number,
): Promise<ExactFlow> {
  return openGrowing(
    () => openExactFlow({ backend: QUICK_TO_START, ...options, threads: 1 }),
    () => openExactFlowPool({ workers, ...options }),
    workers,
    expected,
  )
}

/** The pool in Node, whose native library blocks the thread it runs on. @throws E_BACKEND */
export function openExactFlowPool({ workers = WORKERS, ...options }: PoolOptions = {}): Promise<ExactFlow> {
  forbidTelemetry()
  return openPool(
    (answered, failed) => {
      const worker = new Worker(new URL('./worker-node.ts', import.meta.url), { resourceLimits: LIMITS })
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
