import type { Image } from '@latent/core'

/** What an attacker guesses who cannot read the cipher at all. Pictures have one shape. */
export function meanPicture(pictures: readonly Image<'u8'>[]): Image<'u8'> {
  const { width, height, channels } = pictures[0]!
  const sums = new Float64Array(width * height * channels)
  for (const { data } of pictures) for (let i = 0; i < sums.length; i++) sums[i]! += data[i]!
  return {
    width,
    height,
    channels,
    format: 'u8',
    data: Uint8Array.from(sums, sum => Math.round(sum / pictures.length)),
  }
}
