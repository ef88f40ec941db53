import { type ImageCipher, sha256Of } from '@latent/core'

/**
 * The cipher with its fresh nonces drawn from a seed, one after the other, so that a study that is run again
 * writes the same page. No two encryptions share one.
 */
export function repeatable(cipher: ImageCipher, seed: number): ImageCipher {
  if (!cipher.traits.randomised) return cipher
  let drawn = 0
  const fresh = () =>
    sha256Of(new TextEncoder().encode(`nonce ${drawn++} of ${cipher.id} under seed ${seed}`)).subarray(0, 16)
  return {
    ...cipher,
    encrypt: (plain, key, options = {}) => cipher.encrypt(plain, key, { ...options, nonce: options.nonce ?? fresh() }),
  }
}
