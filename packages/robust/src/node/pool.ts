import { LatentError } from '@latent/core'
import { openWorkers } from '@latent/core/workers'
import type { PartTask } from '../make.ts'
import type { Outcome, Reading, Task } from './task.ts'

/** Threads that make and read pictures. */
export interface Pool {
  make(part: PartTask): Promise<Uint8Array>
  /** @throws as `readPicture`, and what reading the file throws */
  read(path: string): Promise<Reading>
  close(): Promise<void>
}

/** @param threads at most so many; each holds one picture, about ten bytes a pixel */
export function openPool(threads: number, signal?: AbortSignal): Pool {
  const workers = openWorkers<Task, Outcome>(new URL('./worker.ts', import.meta.url), { threads, signal })
  return {
    async make(part) {
      const outcome = await workers.run({ kind: 'make', part })
      if (outcome.kind !== 'made') throw new LatentError('E_INTERNAL', 'a thread answered something else')
      return outcome.png
    },
    async read(path) {
      const outcome = await workers.run({ kind: 'read', path })
      if (outcome.kind === 'refused') throw new LatentError(outcome.code, outcome.message, { hint: outcome.hint })
      if (outcome.kind !== 'read') throw new LatentError('E_INTERNAL', 'a thread answered something else')
      return outcome.reading
    },
    close: () => workers.close(),
  }
}
