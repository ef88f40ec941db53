import { openTrainWorker, wasmBinary } from '#host'
import { LatentError } from '@latent/core'
import { proxy, wrap } from 'comlink'
import { outcome, type Outcome } from '../vault/fault.ts'
import type { StartEngine } from './train-state.ts'
import type { TrainServed } from './worker.ts'

/** Starts a worker for one training: the rest of the page goes on meanwhile, and stopping ends it at once. */
export const startEngine: StartEngine = async (progress, samples) => {
  const worker = openTrainWorker()
  const ended = new Promise<never>((_, reject) =>
    worker.addEventListener('error', () =>
      reject(
        new LatentError('E_BACKEND', 'the worker of this training has ended', {
          hint: 'load the page again; close other pages first if memory is short',
        }),
      ),
    ),
  )
  ended.catch(() => undefined)
  await Promise.race([
    new Promise(resolve => worker.addEventListener('message', resolve, { once: true })),
    ended.catch(() => undefined),
  ])
  const remote = wrap<TrainServed>(worker)
  const flat = async <T>(work: Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const done = await outcome(() => Promise.race([work, ended]))
    return 'fault' in done ? done : done.value
  }
  await Promise.race([
    remote.prepare(await wasmBinary(), proxy(progress), proxy(samples)),
    ended.catch(() => undefined),
  ])
  return {
    digits: (file, report) => flat(remote.digits(file, proxy(report))),
    open: choice => flat(remote.open(choice)),
    train: () => flat(remote.train()),
    pause: () => void remote.pause(),
    weights: () => flat(remote.weights()),
    stop: () => worker.terminate(),
  }
}

interface Adapter {
  readonly info?: { readonly isFallbackAdapter?: boolean }
}

/** The graphics card that pages may compute on: none, or one that is computed by the processor, which is slower. */
export async function graphicsCard(): Promise<'none' | 'simulated' | 'real'> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }
  const adapter = await gpu?.requestAdapter().catch(() => undefined)
  if (!adapter) return 'none'
  return adapter.info?.isFallbackAdapter ? 'simulated' : 'real'
}
