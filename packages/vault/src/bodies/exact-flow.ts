import { aes256GcmOpen, aes256GcmSeal, concatBytes, LatentError, release } from '@latent/core'
import { type BodyCipher, type BodyFormat, type BodyNeeds, chunkNonce } from './format.ts'

/** The exact flow, and AES-256-GCM around what it makes of a chunk. */
export const exactFlowBody = {
  type: 'exact-flow+aes-256-gcm',
  weights: true,
  // As much as the flow's smallest tile.
  smallestChunk: 32,
  open,
} as const satisfies BodyFormat

async function open({ keys, header, weights = '', flows, bytes }: BodyNeeds): Promise<BodyCipher> {
  const flow = await flows(weights, bytes)
  if (flow.weightsId !== weights)
    throw new LatentError(
      'E_UNSUPPORTED',
      `this file needs the exact-flow weights ${weights.slice(0, 16)}..., which are not here`,
      { hint: 'update latent' },
    )
  return {
    lanes: flow.lanes + 2,
    async seal(index, last, plaintext) {
      const permuted = await flow.encrypt(keys.flow, chunkTweak(index), plaintext, true)
      const sealed = await aes256GcmSeal(keys.body, chunkNonce(index, last), permuted, header)
      release(permuted)
      return sealed
    },
    async open(index, last, sealed) {
      const permuted = await aes256GcmOpen(keys.body, chunkNonce(index, last), sealed, header)
      if (permuted === undefined) return undefined
      return flow.decrypt(keys.flow, chunkTweak(index), permuted, true)
    },
  }
}

function chunkTweak(index: number): Uint8Array {
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, BigInt(index))
  return concatBytes(new TextEncoder().encode('chunk'), number)
}
