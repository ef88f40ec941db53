import type { ErrorCode } from '@latent/core'
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
  readonly scale: number
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
