import { type ErrorCode, LatentError } from '@latent/core'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ExactFlow, ExactFlowOptions } from './engine.ts'
import type { Job, Reply } from './worker-node.ts'

/**
 * The exact flow on several threads: whole tiles side by side. ONNX Runtime blocks the thread it runs
 * on, and one session on n threads is slower than n sessions on one thread each, because hashing,
 * key streams and additions of one tile then overlap with the networks of another.
 * @throws E_BACKEND
 */
export async function openExactFlowPool(options: Omit<ExactFlowOptions, 'weights' | 'threads'> & { readonly workers?: number } = {}): Promise<ExactFlow> {
  const { workers = Math.min(8, availableParallelism()), ...engine } = options
  const lanes = await Promise.all(Array.from({ length: workers }, () => openLane(engine)))
  const { weightsId, backend } = lanes[0]!

  function dispatch(direction: Job['direction'], key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
    const idlest = lanes.reduce((best, lane) => (lane.pending() < best.pending() ? lane : best))
    return idlest.run({ direction, key, tweak, bytes })
  }

  return {
    weightsId,
    backend,
    lanes: workers,
    encrypt: (key, tweak, bytes) => dispatch('encrypt', key, tweak, bytes),
    decrypt: (key, tweak, bytes) => dispatch('decrypt', key, tweak, bytes),
    close: async () => void (await Promise.all(lanes.map(lane => lane.close()))),
  }
}

interface Lane {
  readonly weightsId: string
  readonly backend: string
  pending(): number
  run(job: Omit<Job, 'id'>): Promise<Uint8Array>
  close(): Promise<void>
}

function openLane(engine: ExactFlowOptions): Promise<Lane> {
  // Published packages hold JavaScript, a checkout TypeScript: the worker is whichever we are.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./worker-node.${extension}`, import.meta.url), { workerData: { threads: 1, ...engine } })
  // A pool that is not closed must not keep the process alive; a tile in flight must.
  const waiting = new Map<number, PromiseWithResolvers<Uint8Array>>()
  let nextId = 0

  return new Promise((resolveLane, rejectLane) => {
    function fail(error: unknown): void {
      rejectLane(error)
      for (const job of waiting.values()) job.reject(error)
      waiting.clear()
    }
    worker.on('error', cause => fail(new LatentError('E_BACKEND', 'a worker thread of the cipher stopped', { cause })))
    worker.on('exit', () => fail(new LatentError('E_BACKEND', 'a worker thread of the cipher has ended')))
    worker.on('message', (reply: Reply) => {
      if ('ready' in reply) {
        worker.unref()
        resolveLane({ ...reply.ready, pending: () => waiting.size, run, close: async () => void (await worker.terminate()) })
        return
      }
      const error = 'code' in reply ? new LatentError(reply.code as ErrorCode, reply.message, reply.hint === undefined ? {} : { hint: reply.hint }) : undefined
      if (reply.id === -1) return fail(error)
      const job = waiting.get(reply.id)!
      waiting.delete(reply.id)
      if (waiting.size === 0) worker.unref()
      if ('bytes' in reply) job.resolve(reply.bytes)
      else job.reject(error)
    })

    function run(job: Omit<Job, 'id'>): Promise<Uint8Array> {
      const id = nextId++
      const promised = Promise.withResolvers<Uint8Array>()
      if (waiting.size === 0) worker.ref()
      waiting.set(id, promised)
      // A copy that changes hands: cloning a view would send all of the buffer behind it.
      const bytes = job.bytes.slice()
      worker.postMessage({ ...job, bytes, id } satisfies Job, [bytes.buffer])
      return promised.promise
    }
  })
}
