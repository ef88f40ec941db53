import { GCM_TAG_BYTES } from '@latent/core'
import { type BodyCipher, bodyOf, type FlowProvider } from './bodies/index.ts'
import { type FileKeys, type Header, headerId } from './header.ts'

/**
 * The body: chunks of plaintext, each sealed on its own by what `bodies/` has under the header's name for it.
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

/**
 * How a body of `sealed` bytes is cut.
 * @param smallest bytes of plaintext that a chunk must have
 * @returns `undefined` if no body has that size
 */
export function chunksIn(sealed: number, size: number, smallest: number): Chunks | undefined {
  const count = Math.ceil(sealed / (size + GCM_TAG_BYTES))
  const plaintext = sealed - count * GCM_TAG_BYTES
  const lastSize = plaintext - (count - 1) * size
  return count < 1 || lastSize < smallest ? undefined : { size, count, lastSize, sealedSize: sealed }
}

/** The smallest plaintext size of at least `size` whose last chunk has at least `smallest` bytes. */
export function paddedSize(size: number, chunk: number, smallest: number): number {
  const rest = size % chunk
  return size === 0 || (rest > 0 && rest < smallest) ? size - rest + smallest : size
}

/**
 * What seals and opens the chunks of a file.
 * @param bytes that they have together, where all are about to be worked on
 * @throws E_UNSUPPORTED if the weights are unknown here
 */
export function bodyCipher(header: Header, keys: FileKeys, flows: FlowProvider, bytes?: number): Promise<BodyCipher> {
  return bodyOf(header.body).open({ keys, header: headerId(header), weights: header.weights, flows, bytes })
}
