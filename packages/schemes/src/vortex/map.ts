import { groupBy } from '@latent/core'
import type { Vortex, VortexKey } from './key.ts'

/**
 * `gather`: as published, every pixel of a disc fetches the pixel that its turned position rounds to,
 * so that some pixels are fetched twice and others are lost.
 * `bijective`: ours; every ring is turned by a whole number of its pixels, so that none is lost.
 */
export type VortexVariant = 'gather' | 'bijective'

/** For every pixel, row by row, the pixel of the plain image that stands there afterwards. */
export function vortexMap({ width, height, vortices }: VortexKey, variant: VortexVariant): Uint32Array {
  let map = Uint32Array.from({ length: width * height }, (_, i) => i)
  for (const vortex of vortices) {
    if (vortex.radius < 1) continue
    const next = map.slice()
    for (const [target, source] of variant === 'gather' ? gathered(vortex) : rotated(vortex)) {
      next[pixel(vortex, target, width)] = map[pixel(vortex, source, width)]!
    }
    map = next
  }
  return map
}

/** Row and column in the square patch of side 2 radius + 1 around a centre, counted from 1. */
type Place = readonly [row: number, column: number]

const pixel = ({ centre: [row, column], radius }: Vortex, [a, b]: Place, width: number): number =>
  (row - radius - 2 + a) * width + (column - radius - 2 + b)

/** MATLAB's `round`: halves go away from zero. `Math.round` takes -0.5 to 0 and differs. */
export const roundHalfAway = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)

/**
 * The pixels of the disc with their polar coordinates. Offsets are halves of integers (the official
 * code takes half the patch side as its middle), so the true centre is half a pixel off.
 */
function* disc({ radius }: Vortex): Generator<{ place: Place; rho: number; ring: number; angle: number }> {
  const side = 2 * radius + 1
  const middle = side / 2
  for (let a = 1; a <= side; a++) {
    for (let b = 1; b <= side; b++) {
      const rho = Math.hypot(a - middle, b - middle)
      if (rho <= radius)
        yield { place: [a, b], rho, ring: roundHalfAway(rho), angle: Math.atan2(b - middle, a - middle) }
    }
  }
}

const turn = ({ radius, profile }: Vortex, ring: number): number => (radius - ring) * profile[ring - 1]!

function* gathered(vortex: Vortex): Generator<[target: Place, source: Place]> {
  const middle = vortex.radius + 0.5
  for (const { place, rho, ring, angle } of disc(vortex)) {
    const phi = angle + turn(vortex, ring)
    yield [place, [roundHalfAway(rho * Math.cos(phi) + middle), roundHalfAway(rho * Math.sin(phi) + middle)]]
  }
}

function* rotated(vortex: Vortex): Generator<[target: Place, source: Place]> {
  for (const [ring, pixels] of groupBy(disc(vortex), ({ ring }) => ring)) {
    const places = pixels.sort((p, q) => p.angle - q.angle || p.rho - q.rho).map(({ place }) => place)
    const shift = roundHalfAway((places.length * turn(vortex, ring)) / (2 * Math.PI)) % places.length
    for (const [i, place] of places.entries()) yield [place, places[(i + shift + places.length) % places.length]!]
  }
}

/** What a coordinate map does to the pixels. */
export interface MapStatistics {
  readonly pixels: number
  /** Pixels that stay where they are. */
  readonly unmoved: number
  /** Different pixels of the plain image that are still there. */
  readonly sources: number
  /** Mean distance between a moved pixel and where it came from, in pixels; 0 if none moves. */
  readonly meanShift: number
}

/** How much a map of pixels moves, in shares of the pixels and in pixels. @param width of the picture */
export function mapStatistics(map: Uint32Array, width: number): MapStatistics {
  let [unmoved, distance] = [0, 0]
  for (const [target, source] of map.entries()) {
    if (target === source) unmoved++
    distance += Math.hypot(Math.floor(target / width) - Math.floor(source / width), (target % width) - (source % width))
  }
  return {
    pixels: map.length,
    unmoved,
    sources: new Set(map).size,
    meanShift: unmoved === map.length ? 0 : distance / (map.length - unmoved),
  }
}
