import { findScheme } from '@latent/schemes'

/** Which shape a picture has to have for a scheme: the largest that it takes, up to the side that is asked for. */
export function shapeFor(id: string, side: number): { readonly side: number; readonly channels: 1 | 3 } {
  const { channels = [3], sides: { minimum = 1, maximum = Number.POSITIVE_INFINITY, multiple = 1 } = {} } =
    findScheme(id).accepts
  const wanted = Math.max(minimum, Math.min(maximum, side))
  return { side: Math.max(1, Math.floor(wanted / multiple)) * multiple, channels: channels.includes(3) ? 3 : 1 }
}
