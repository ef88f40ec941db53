import type { ExactFlow } from '@latent/schemes/exact-flow'

/**
 * Gives the exact flow for a weight set; opened when the first body needs it.
 * @param bytes that are about to be worked on, if they are known
 */
export type FlowProvider = (weightsId: string, bytes?: number) => Promise<ExactFlow>

/**
 * One way to seal the chunks of a body, by the name that headers give it. A new one is a new name: what a name
 * means never changes.
 */
export interface BodyFormat {
  readonly type: string
  /** Whether its headers name the weights of an exact flow. */
  readonly weights: boolean
  /** The fewest bytes of plaintext that a chunk may have: a last one that would be shorter is padded. */
  readonly smallestChunk: number
  /** @throws E_UNSUPPORTED if what it needs is not here */
  open(needs: BodyNeeds): Promise<BodyCipher>
}

/** What a body is sealed and opened with. */
export interface BodyNeeds {
  /** Of this file alone: see `docs/sealed-format.md`. */
  readonly keys: { readonly body: Uint8Array; readonly flow: Uint8Array }
  /** What every chunk is bound to: the header's fixed lines. */
  readonly header: Uint8Array
  readonly weights: string | undefined
  readonly flows: FlowProvider
  /** Bytes that all chunks have together, where all are about to be worked on. */
  readonly bytes?: number | undefined
}

/** Seals and opens the chunks of one file. */
export interface BodyCipher {
  /** Chunks that may usefully be under way at once. */
  readonly lanes: number
  /** Uses `plaintext` up: it may be empty afterwards. */
  seal(index: number, last: boolean, plaintext: Uint8Array): Promise<Uint8Array>
  /** The plaintext, or `undefined` if this is not that chunk as it was sealed. */
  open(index: number, last: boolean, sealed: Uint8Array): Promise<Uint8Array | undefined>
}

/**
 * The nonce of a chunk in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar 2015): its number and a
 * flag for the last one, so that chunks cannot be dropped, repeated, exchanged or taken from another file unnoticed.
 */
export function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(3, BigInt(index))
  nonce[11] = last ? 1 : 0
  return nonce
}
