import type { rate } from './rate.ts'

/** Runs in a browser: the sum of the rates of `workers` web workers at once. */
export async function rateOfWorkers(workers: number, ...args: Parameters<typeof rate>): Promise<number> {
  const rates = await Promise.all(Array.from({ length: workers }, () => rateOfWorker(args)))
  return rates.reduce((sum, rate) => sum + rate, 0)
}

function rateOfWorker(args: unknown): Promise<number> {
  const worker = new Worker(new URL('./rate-web-worker.ts', import.meta.url), { type: 'module' })
  const done = Promise.withResolvers<number>()
  worker.addEventListener('message', ({ data }: MessageEvent<{ rate: number } | { error: string }>) => ('rate' in data ? done.resolve(data.rate) : done.reject(new Error(data.error))))
  worker.addEventListener('error', event => done.reject(new Error(event.message)))
  worker.postMessage(args)
  return done.promise.finally(() => worker.terminate())
}
