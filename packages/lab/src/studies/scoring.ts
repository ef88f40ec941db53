import type { Image } from '@latent/core'
import { quality } from '../metrics/index.ts'

/** Structural similarity to the plain picture that counts as opened, and what must be gained over guessing to count as a leak. */
export const OPENED = 0.7
export const LEAK = 0.1

/** What an attack amounts to whose pictures are this like the plain ones, where guessing reaches `guessing`. */
export const verdict = (ssim: number, guessing: number): string => (ssim >= OPENED ? 'opened' : ssim > guessing + LEAK ? 'leaks' : 'not opened')

/** Mean structural similarity, picture by picture. */
export const meanSsim = (plain: readonly Image<'u8'>[], found: readonly Image<'u8'>[]): number => plain.reduce((sum, picture, i) => sum + quality(picture, found[i]!, 'one').ssim!, 0) / plain.length

/** What an attacker guesses who cannot read the cipher at all. Pictures have one shape. */
export function meanPicture(pictures: readonly Image<'u8'>[]): Image<'u8'> {
  const { width, height, channels } = pictures[0]!
  const sums = new Float64Array(width * height * channels)
  for (const { data } of pictures) for (let i = 0; i < sums.length; i++) sums[i]! += data[i]!
  return { width, height, channels, format: 'u8', data: Uint8Array.from(sums, sum => Math.round(sum / pictures.length)) }
}
