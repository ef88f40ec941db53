import { argumentError } from './errors.ts'

/**
 * What both implementations of AES-256-GCM take: platforms differ on nonces of other lengths, and nothing here needs
 * them.
 */
export function checkGcm(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== 32) throw argumentError('key', '32 bytes', key)
  if (nonce.length !== 12) throw argumentError('nonce', '12 bytes', nonce)
}
