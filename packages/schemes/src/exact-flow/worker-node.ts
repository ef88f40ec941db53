import { LatentError, release } from '@latent/core'
import { parentPort, workerData } from 'node:worker_threads'
import { type ExactFlowOptions, openExactFlow } from './engine.ts'

/** One lane of the pool: its own sessions on one thread, tiles in, tiles out. */
export interface Job {
  readonly id: number
  readonly direction: 'encrypt' | 'decrypt'
  readonly key: Uint8Array
  readonly tweak: Uint8Array
  readonly bytes: Uint8Array
}
export type Reply =
  | { readonly id: number; readonly bytes: Uint8Array }
  | { readonly id: number; readonly code: string; readonly message: string; readonly hint: string | undefined }
  | { readonly ready: { readonly weightsId: string; readonly backend: string } }

const port = parentPort!
const failure = (id: number, error: unknown): Reply =>
  error instanceof LatentError ? { id, code: error.code, message: error.message, hint: error.hint } : { id, code: 'E_INTERNAL', message: String(error), hint: undefined }

try {
  const flow = await openExactFlow(workerData as ExactFlowOptions)
  port.on('message', (job: Job) => {
    flow[job.direction](job.key, job.tweak, job.bytes).then(
      bytes => {
        release(job.bytes)
        port.postMessage({ id: job.id, bytes } satisfies Reply, [bytes.buffer as ArrayBuffer])
      },
      (error: unknown) => port.postMessage(failure(job.id, error)),
    )
  })
  port.postMessage({ ready: { weightsId: flow.weightsId, backend: flow.backend } } satisfies Reply)
} catch (error) {
  port.postMessage(failure(-1, error))
}
