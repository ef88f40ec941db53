import { aes256GcmOpen, aes256GcmSeal } from '@latent/core'
import { type BodyFormat, chunkNonce } from './format.ts'

/**
 * AES-256-GCM alone. It could take a chunk of one byte; that it takes none below 32 is what version 1 of the
 * format says.
 */
export const aesBody = {
  type: 'aes-256-gcm',
  weights: false,
  smallestChunk: 32,
  open: async ({ keys, header }) => ({
    lanes: 2,
    seal: async (index, last, plaintext) => aes256GcmSeal(keys.body, chunkNonce(index, last), plaintext, header),
    open: async (index, last, sealed) => aes256GcmOpen(keys.body, chunkNonce(index, last), sealed, header),
  }),
} as const satisfies BodyFormat
