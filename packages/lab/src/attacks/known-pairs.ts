import { argumentError, groupBy, type Image } from '@latent/core'
import { type OpenedMap, undoCoordinates } from './coordinate-map.ts'
import type { KnownPair } from './linear-blocks.ts'

/** A map of coordinates from known pairs, and how much of it is certain. */
export interface OpenedFromPairs extends OpenedMap {
  /** Pixels of the cipher image with one possible source left. */
  readonly certain: number
}

/**
 * Recovers a cipher that only moves pixels, the vortex among them, from images that are known in both
 * forms: a pixel's source must have had its value in every pair, and few places have the same values in
 * several natural pictures. Where more than one is left, the nearest is taken: a vortex moves pixels a
 * few places, and most not at all.
 *
 * Exact once every source is certain. Nothing is chosen and the key is never asked.
 * @returns undefined if some pixel can have no source: the cipher does more than move pixels
 * @throws E_ARGUMENT without pairs, or where their shapes differ
 */
export function recoverMapFromPairs(pairs: readonly KnownPair[]): OpenedFromPairs | undefined {
  const shape = pairs[0]?.plain
  if (!shape) throw argumentError('pairs', 'at least one', 0)
  for (const picture of pairs.flatMap(({ plain, cipher }) => [plain, cipher])) {
    if (picture.width !== shape.width || picture.height !== shape.height || picture.channels !== shape.channels)
      throw argumentError('pairs', 'images of one shape', `${picture.width}x${picture.height}x${picture.channels}`)
  }
  const { width, height, channels } = shape
  const pixels = width * height
  // All values of a place, over all pairs, as one string: intersecting candidates is comparing strings.
  const values = (pick: (pair: KnownPair) => Image, p: number) =>
    pairs.map(pair => String.fromCharCode(...pick(pair).data.subarray(p * channels, (p + 1) * channels))).join('')
  const places = groupBy(
    Array.from({ length: pixels }, (_, p) => p),
    p => values(({ plain }) => plain, p),
  )
  const map = new Uint32Array(pixels)
  let certain = 0
  for (let p = 0; p < pixels; p++) {
    const candidates = places.get(values(({ cipher }) => cipher, p))
    if (!candidates) return undefined
    if (candidates.length === 1) certain++
    const away = (q: number) => Math.hypot((q % width) - (p % width), Math.floor(q / width) - Math.floor(p / width))
    map[p] = candidates.reduce((best, q) => (away(q) < away(best) ? q : best))
  }
  return { queries: 0, certain, map, open: cipher => undoCoordinates(cipher, map) }
}
