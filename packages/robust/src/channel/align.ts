import type { Mode } from './modes.ts'
import { pilotOf } from './pilots.ts'
import type { Luma } from './received.ts'

/** How far the edges of a picture have moved, in its pixels: to the right, and down. */
export interface Moved {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Parts of the picture from edge to edge that are measured each by itself. */
const ZONES = 5
const BLOCKS = 32768
/** Pilots that show it: they wave along the axis, and kernels leave them. */
const [SLOWEST, FASTEST] = [1, 5]
/** What else blocks hold looks like so much in one of ten or so, and less in larger pictures. */
const leastMove = (blocks: number) => 10 / Math.sqrt(Math.min(blocks, BLOCKS))

/**
 * Sides of a picture that was made smaller are whole numbers, and its scale need not be: half a pixel may be missing at
 * its edge, or be too much. Pilots have moved by that: their phases tell how far, where it moves evenly from edge to
 * edge.
 */
export function movedEdges(luma: Luma, mode: Mode): Moved | undefined {
  const [across, down] = [false, true].map(isDown => edgesOf(luma, mode, isDown)) as [Edges, Edges]
  const moved = { left: across.first, right: across.last, top: down.first, bottom: down.last }
  const most = Math.max(...Object.values(moved).map(Math.abs))
  return most < leastMove((luma.width * luma.height) / 64) ? undefined : moved
}

interface Edges {
  readonly first: number
  readonly last: number
}

/** The line through the zones. */
function edgesOf(luma: Luma, mode: Mode, isDown: boolean): Edges {
  const shifts = shiftsOf(luma, mode, isDown)
  const mean = shifts.reduce((sum, shift) => sum + shift, 0) / ZONES
  const places = shifts.map((_, zone) => (zone + 0.5) / ZONES - 0.5)
  const slope =
    shifts.reduce((sum, shift, zone) => sum + places[zone]! * shift, 0) /
    places.reduce((sum, place) => sum + place ** 2, 0)
  return { first: mean - slope / 2, last: mean + slope / 2 }
}

const WAVES = Array.from({ length: 8 }, (_, frequency) => {
  const angles = Array.from({ length: 8 }, (_, i) => ((2 * i + 1) * frequency * Math.PI) / 16)
  return { even: angles.map(Math.cos), odd: angles.map(Math.sin) }
})

/** How far pilots have moved along an axis, zone by zone. */
function shiftsOf({ width, height, data }: Luma, mode: Mode, isDown: boolean): number[] {
  const [wide, high] = [Math.floor(width / 8), Math.floor(height / 8)]
  const every = Math.max(1, Math.floor((wide * high) / BLOCKS))
  const found = Array.from({ length: ZONES }, () => ({ even: new Float64Array(8), odd: new Float64Array(8) }))
  for (let index = 0; index < wide * high; index += every) {
    const [x, y] = [index % wide, Math.floor(index / wide)]
    const { place, value } = pilotOf(x, y, mode)
    const [u, v] = [place & 7, place >> 3]
    const [along, other] = isDown ? [v, u] : [u, v]
    if (along < SLOWEST || along > FASTEST || other > FASTEST) continue
    const zone = found[Math.floor(ZONES * (isDown ? y / high : x / wide))]!
    const { even, odd } = WAVES[along]!
    const beside = WAVES[other]!.even
    for (let i = 0; i < 8; i++) {
      let sum = 0
      for (let j = 0; j < 8; j++) {
        const [row, column] = isDown ? [i, j] : [j, i]
        sum += beside[j]! * (data[(8 * y + row) * width + 8 * x + column]! - 128)
      }
      zone.even[along]! += value * even[i]! * sum
      zone.odd[along]! += value * odd[i]! * sum
    }
  }
  return found.map(({ even, odd }) => {
    let [shift, weights] = [0, 0]
    for (let u = SLOWEST; u <= FASTEST; u++) {
      const speed = (u * Math.PI) / 8
      const weight = speed ** 2 * (even[u]! ** 2 + odd[u]! ** 2)
      shift += (weight * Math.atan2(odd[u]!, even[u]!)) / speed
      weights += weight
    }
    return weights === 0 ? 0 : shift / weights
  })
}
