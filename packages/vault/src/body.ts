import { aes256GcmOpen, aes256GcmSeal, concatBytes, GCM_TAG_BYTES, LatentError, release } from '@latent/core'
import { type ExactFlow, MIN_TILE_BYTES } from '@latent/schemes/exact-flow'
import { type FileKeys, type Header, headerId } from './header.ts'

/**
 * The body: chunks of plaintext, each sealed on its own, in the STREAM construction (Hoang,
 * Reyhanitabar, Rogaway, Vizar 2015): the nonce is the chunk's number and a flag for the last one,
 * so that chunks cannot be dropped, repeated, exchanged or taken from another file unnoticed.
 */
export interface Chunks {
  readonly size: number
  readonly count: number
  readonly lastSize: number
  /** Bytes of the whole body. */
  readonly sealedSize: number
}

/** How `plaintext` bytes are cut. The size must come from {@link paddedSize}. */
export function chunksOf(plaintext: number, size: number): Chunks {
  const count = Math.max(1, Math.ceil(plaintext / size))
  return { size, count, lastSize: plaintext - (count - 1) * size, sealedSize: plaintext + count * GCM_TAG_BYTES }
}

/** How a body of `sealed` bytes is cut. @returns `undefined` if no body has that size */
export function chunksIn(sealed: number, size: number): Chunks | undefined {
  const count = Math.ceil(sealed / (size + GCM_TAG_BYTES))
  const plaintext = sealed - count * GCM_TAG_BYTES
  const lastSize = plaintext - (count - 1) * size
  return count < 1 || lastSize < MIN_TILE_BYTES ? undefined : { size, count, lastSize, sealedSize: sealed }
}

/** The smallest plaintext size of at least `size` whose last chunk the exact flow can take. */
export function paddedSize(size: number, chunk: number): number {
  const rest = size % chunk
  return size === 0 || (rest > 0 && rest < MIN_TILE_BYTES) ? size - rest + MIN_TILE_BYTES : size
}

export interface BodyCipher {
  /** Chunks that may usefully be under way at once. */
  readonly lanes: number
  seal(index: number, last: boolean, plaintext: Uint8Array): Promise<Uint8Array>
  /** The plaintext, or `undefined` if this is not that chunk as it was sealed. */
  open(index: number, last: boolean, sealed: Uint8Array): Promise<Uint8Array | undefined>
}

/** Gives the exact flow for a weight set; opened when the first body needs it. */
export type FlowProvider = (weightsId: string) => Promise<ExactFlow>

/** @throws E_UNSUPPORTED if the weights are unknown here */
export async function bodyCipher(header: Header, keys: FileKeys, flows: FlowProvider): Promise<BodyCipher> {
  const aad = headerId(header)
  if (header.weights === undefined) {
    return {
      lanes: 2,
      seal: async (index, last, plaintext) => aes256GcmSeal(keys.body, chunkNonce(index, last), plaintext, aad),
      open: async (index, last, sealed) => aes256GcmOpen(keys.body, chunkNonce(index, last), sealed, aad),
    }
  }
  const flow = await flows(header.weights)
  if (flow.weightsId !== header.weights) throw new LatentError('E_UNSUPPORTED', `this file needs the exact-flow weights ${header.weights.slice(0, 16)}..., which are not here`, { hint: 'update latent' })
  return {
    lanes: flow.lanes + 2,
    async seal(index, last, plaintext) {
      const permuted = await flow.encrypt(keys.flow, chunkTweak(index), plaintext)
      const sealed = await aes256GcmSeal(keys.body, chunkNonce(index, last), permuted, aad)
      release(permuted)
      return sealed
    },
    async open(index, last, sealed) {
      const permuted = await aes256GcmOpen(keys.body, chunkNonce(index, last), sealed, aad)
      if (permuted === undefined) return undefined
      const plaintext = await flow.decrypt(keys.flow, chunkTweak(index), permuted)
      release(permuted)
      return plaintext
    },
  }
}

function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(3, BigInt(index))
  nonce[11] = last ? 1 : 0
  return nonce
}

function chunkTweak(index: number): Uint8Array {
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, BigInt(index))
  return concatBytes(new TextEncoder().encode('chunk'), number)
}
