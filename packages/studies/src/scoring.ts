import type { Image } from '@latent/core'
import { LEAK, OPENED, quality } from '@latent/lab'

export { LEAK, OPENED } from '@latent/lab'

/** What to do when the controls of a study deviate. */
export const AGAIN = 'try another --seed; twice in a row is no chance'

/** Structural similarity (SSIM) of what an attack gives, beside that of three yardsticks. */
export interface Evidence {
  /** Likeness of what the attack gives to the plain pictures. */
  readonly ssim: number
  /** Of the mean picture, which needs no cipher. */
  readonly guessing: number
  /** Of the cipher pictures as they are: what an attack that does nothing gives. */
  readonly untouched: number
  /** Of the same attack, with the same budget, on pictures that are not encrypted at all. */
  readonly control: number
}

/**
 * What an attack amounts to. An attack that does not even open pictures that nobody encrypted says nothing
 * of a cipher that it does not open; one that gives less than it was given has found nothing, whatever its score.
 */
export function verdict({ ssim, guessing, untouched, control }: Evidence): string {
  const nothing = Math.max(guessing, untouched)
  if (ssim >= OPENED && ssim > untouched) return 'opened'
  if (untouched > guessing + LEAK && ssim <= untouched + LEAK)
    return untouched >= OPENED ? 'opened as it is' : 'leaks as it is'
  if (ssim > nothing + LEAK) return 'leaks'
  return control >= OPENED ? 'not opened' : 'no verdict: the control failed'
}

/** Mean structural similarity, picture by picture. */
export const meanSsim = (plain: readonly Image<'u8'>[], found: readonly Image<'u8'>[]): number =>
  plain.reduce((sum, picture, i) => sum + quality(picture, found[i]!, 'one').ssim!, 0) / plain.length

export { meanPicture } from '@latent/lab'
