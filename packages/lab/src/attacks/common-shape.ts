import { argumentError, type Image } from '@latent/core'
import type { TargetShape } from './chosen-plaintext.ts'

/** The one shape of some pictures. @throws E_ARGUMENT without pictures, or where their shapes differ */
export function commonShape(pictures: readonly Image<'u8'>[]): TargetShape {
  const first = pictures[0]
  if (!first) throw argumentError('pictures', 'at least one', 0)
  const other = pictures.find(
    ({ width, height, channels }) => width !== first.width || height !== first.height || channels !== first.channels,
  )
  if (other)
    throw argumentError(
      'pictures',
      `images of ${first.width}x${first.height}x${first.channels}`,
      `${other.width}x${other.height}x${other.channels}`,
    )
  return { width: first.width, height: first.height, channels: first.channels }
}
