import { type ErrorCode, LatentError } from '@latent/core'
import { openWorkers } from '@latent/core/workers'
import type { Descriptor } from '../frame.ts'
import type { PartTask } from '../make.ts'
import type { PictureFormat } from '../read.ts'

/** What a thread is asked for. */
export type Task = { readonly kind: 'make'; readonly part: PartTask } | { readonly kind: 'read'; readonly path: string }

/** A picture that was read; without a descriptor if none of its codewords could be decoded. */
export interface Reading {
  readonly format: PictureFormat
  readonly width: number
  readonly height: number
  readonly mode: number
  readonly agreement: number
  readonly information: number
  readonly needed: number
  readonly frames: readonly boolean[]
  readonly descriptor?: Descriptor
  readonly content?: Uint8Array
}

/** What a thread answers. */
export type Outcome =
  | { readonly kind: 'made'; readonly png: Uint8Array }
  | { readonly kind: 'read'; readonly reading: Reading }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }

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
