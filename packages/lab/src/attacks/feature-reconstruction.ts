import { type Image, image } from '@latent/core'

/**
 * The basic feature-reconstruction attack (Chang and Li, "Attacks on image encryption schemes for
 * privacy-preserving deep neural networks", 2020): every sample v becomes the smaller of v and 255 - v.
 * No key and no query. Where a cipher only complements samples, the outcome is the same as that of the
 * plain image, and its edges are there again. Applying it twice changes nothing.
 */
export function featureReconstruction(cipher: Image<'u8'>): Image<'u8'> {
  const { width, height, channels } = cipher
  return image({ width, height, channels, format: 'u8', data: cipher.data.map(value => (value > 127 ? 255 - value : value)) })
}
