import { KeyStream, sha256Of } from '@latent/core'
import { SIDES } from './network.ts'
import type { SetName } from './network.ts'

/** What the mask of the shipped networks is drawn from. Public: whoever trains networks for secret use replaces it. */
export const MASK_PHRASE = 'the mask of mask-autoencoder-2025'

/**
 * Uniform bytes for one picture, interleaved RGB row by row: 2352 for `mnist`, 3072 for `cifar`. A network is
 * trained for one mask and works with no other.
 */
export async function drawMask(set: SetName, phrase = MASK_PHRASE): Promise<Uint8Array> {
  const stream = await KeyStream.create(
    sha256Of(new TextEncoder().encode(phrase)),
    'latent/v1/mask-autoencoder/mask',
    new TextEncoder().encode(set),
  )
  return stream.bytes(3 * SIDES[set] ** 2)
}
