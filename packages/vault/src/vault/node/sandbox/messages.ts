import { type ErrorCode, LatentError } from '@latent/core'
import type { FileResult } from '../../../node/run.ts'
import type { Photo } from '../../record.ts'
import type { Segment } from '../../segment.ts'
import type { Batch } from '../batch.ts'

/** Where a sandbox works: it opens the store itself, and nothing of the index is read. */
export interface Setup {
  /** As `openStore` takes it. */
  readonly address: string
  /** The id of the vault. */
  readonly vault: string
  readonly confirm: boolean
  /** The folder that the files of batches lie below. */
  readonly source: string
  /** Files under way at once. */
  readonly lanes: number
}

/** An album's key, on its way to a thread, or through the pipe to a child process: nowhere else. */
export interface KeyFacts {
  readonly id: string
  readonly key: Uint8Array
  readonly envelope: Uint8Array
}

/** What a sandbox is told. */
export type Request =
  | { readonly setup: Setup }
  | { readonly batch: Batch; readonly key: KeyFacts }
  /** The run was interrupted: what is under way ends. */
  | { readonly stop: true }

/** An error without its class, which does not pass from thread to thread. */
export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string | undefined
}

/** A segment that was written, with what it says. */
export interface Recorded {
  readonly name: string
  readonly bytes: number
  readonly head: Segment['head']
  readonly records: readonly NonNullable<Segment['records'] extends Iterable<infer R> ? R : never>[]
  readonly photos: readonly Photo[]
}

/** What a sandbox answers. */
export type Reply =
  | { readonly began: string }
  | { readonly ended: string }
  | { readonly progress: string; readonly bytes: number }
  | { readonly recorded: Recorded }
  | { readonly results: readonly FileResult[]; readonly segments: readonly string[]; readonly error?: PlainError }
  | { readonly refused: PlainError }

/** An error as it can be sent. */
export const plainError = (error: unknown): PlainError =>
  error instanceof LatentError
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'E_INTERNAL', message: error instanceof Error ? error.message : String(error) }

/** The error that was sent. */
export const latentError = ({ code, message, hint }: PlainError): LatentError =>
  new LatentError(code, message, { hint })
