import type { ExactFlow } from './engine.ts'
import { openPool, type PoolOptions } from './pool.ts'

/**
 * The pool in a browser: web workers with a WASM runtime of one thread each, so that it needs no
 * cross-origin isolation and the page stays responsive. Bundle with Vite's `worker.format: 'es'`.
 * @throws E_BACKEND
 */
export function openExactFlowPool({
  workers = Math.min(8, navigator.hardwareConcurrency),
  ...options
}: PoolOptions = {}): Promise<ExactFlow> {
  return openPool(
    (answered, failed) => {
      const worker = new Worker(new URL('./worker-web.ts', import.meta.url), { type: 'module' })
      worker.addEventListener('message', event => answered(event.data))
      worker.addEventListener('error', event => failed(event.message))
      return {
        post: (request, transfer) => worker.postMessage(request, transfer),
        hold: () => undefined,
        stop: () => worker.terminate(),
      }
    },
    workers,
    options,
  )
}
