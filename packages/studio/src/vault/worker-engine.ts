import { decoderBinaries, openVaultWorker, wasmBinary } from '#host'
import { LatentError } from '@latent/core'
import { proxy, wrap } from 'comlink'
import type { Engine } from './engine.ts'
import { outcome, type Outcome } from './fault.ts'
import { pagePasskeys } from './page-passkeys.ts'
import type { Passed } from './progress.ts'
import type { Disposable } from './recycling-engine.ts'
import type { Served } from './worker.ts'

/** Starts a worker with an engine in it. One that ends by itself (out of memory, mostly) fails what it had to do. */
export function startWorker(): Disposable {
  const worker = openVaultWorker()
  const remote = wrap<Served>(worker)
  const reports = new Map<number, (bytes: number) => void>()
  const ended = new Promise<never>((_, reject) => {
    worker.addEventListener('error', () =>
      reject(
        new LatentError('E_BACKEND', 'a worker of this page has ended', {
          hint: 'load the page again; with very large files, close other pages first',
        }),
      ),
    )
  })
  ended.catch(() => undefined)
  const alive = <T>(work: Promise<T>): Promise<T> => Promise.race([work, ended])
  const ready = alive(
    (async () => {
      await remote.prepare(await wasmBinary(), await decoderBinaries())
      await remote.onPasskeys(proxy(pagePasskeys))
      await remote.onProgress(
        proxy((passed: Passed) => {
          for (const [id, bytes] of passed) reports.get(id)?.(bytes)
        }),
      )
    })(),
  )
  ready.catch(() => undefined)
  const flat = async <T>(work: Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const done = await outcome(() => alive(work))
    return 'fault' in done ? done : done.value
  }
  const engine: Engine = {
    // Whatever keeps a file from being looked at is told when it is worked on.
    lookAt: async file => {
      await ready.catch(() => undefined)
      return alive(remote.lookAt(file)).catch(() => ({ intent: 'seal', robust: false }) as const)
    },
    unlock: async (choice, sealing, album) => {
      await ready.catch(() => undefined)
      return flat(remote.unlock(choice, sealing, album))
    },
    readKeyFile: (bytes, passphrase) => flat(remote.readKeyFile(bytes, passphrase)),
    newKey: () => alive(remote.newKey()),
    drawPassphrase: () => alive(remote.drawPassphrase()),
    strengthOf: passphrase => alive(remote.strengthOf(passphrase)),
    cancel: id => void remote.cancel(id),
    async run(job, report) {
      reports.set(job.id, report)
      try {
        await ready
        return await flat(remote.run(job))
      } finally {
        reports.delete(job.id)
      }
    },
    async gather(pictures, report) {
      for (const { id } of pictures) reports.set(id, bytes => report(id, bytes))
      try {
        await ready
        return await flat(remote.gather(pictures))
      } finally {
        for (const { id } of pictures) reports.delete(id)
      }
    },
  }
  return { engine, stop: () => worker.terminate() }
}
