import type { Image } from '@latent/core'

/**
 * What a chosen-plaintext attacker has: the cipher, under a key that is not known, for images of the
 * attacker's making. It is all that the attacks of this folder are given.
 */
export type Oracle = (chosen: Image<'u8'>) => Promise<Image>

/** What an attack ends with: every image under the same key opens without it. */
export interface Opened {
  /** Images that were sent to the oracle. */
  readonly queries: number
  /** The plain image of a cipher image of the attacked size. */
  readonly open: (cipher: Image<'u8'>) => Image<'u8'>
}

/** The size of the images under attack. */
export interface TargetShape {
  readonly width: number
  readonly height: number
  readonly channels: number
}

/** The oracle's bytes, or undefined where it answers with another shape: then the attack does not apply. */
export async function ask(
  oracle: Oracle,
  { width, height, channels }: TargetShape,
  data: Uint8Array,
): Promise<Uint8Array | undefined> {
  const answer = await oracle({ width, height, channels, format: 'u8', data })
  const fits =
    answer.format === 'u8' && answer.width === width && answer.height === height && answer.channels === channels
  return fits ? (answer.data as Uint8Array) : undefined
}
