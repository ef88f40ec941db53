import type { Blocks } from './channel/geometry.ts'
import { ENLARGED_MODES, type Mode, PLAIN_MODES } from './channel/modes.ts'
import { pilotOf } from './channel/pilots.ts'
import type { Luma } from './channel/received.ts'
import { ORIENTATIONS, turned } from './locate.ts'

/** Only pilots this slow outlive a picture's being made smaller: both frequencies together. */
const SLOWEST = 4
/** Blocks from the upper left corner on; over more of them a step of the scale would be too much of a shift. */
const BLOCKS = 40
const LEAST_SCALE = 0.24
const MOST_SCALE = 0.98
/** Pictures whose blocks are enlarged may as well be of their own size. */
const OWN_SCALE = 1.02
const STEP = 1.003
/** The best of some thousand chances stays below this: chance alone is normal, of deviation `1 / sqrt(pilots)`. */
const leastAgreement = (pilots: number) => Math.max(0.3, 5.5 / Math.sqrt(pilots))

interface SlowPilot {
  readonly x: number
  readonly y: number
  readonly value: number
  /** The pattern of its coefficient, 64 numbers. */
  readonly pattern: Float64Array
}

/** A picture of a mode, and its sides in terms of those that it was made with. */
export interface Scaled {
  readonly mode: Mode
  readonly scale: number
}

/**
 * By how much a carrier that must keep its size was made smaller, upright and not cropped: 0.5 is half its sides;
 * nothing if no pilots say so. Nothing can be read from such a picture, but its owner is told what happened to it.
 */
export const findScale = (luma: Luma): Scaled | undefined => bestScale(luma, PLAIN_MODES, MOST_SCALE)

/** A carrier that may be made smaller, as it was found. */
export interface Enlarged extends Scaled {
  /** As EXIF counts: how the picture has to be turned to stand upright, 1 for not at all. */
  readonly orientation: number
  /** Its blocks, and the picture turned upright; nothing if it was cut. */
  readonly whole?: { readonly blocks: Blocks; readonly luma: Luma }
}

/** Pixels from the upper left corner on that show whether there is one, upright. */
export const ENLARGED_CORNER = Math.ceil(8 * BLOCKS * 2 * OWN_SCALE)

/** Is there a carrier that may be made smaller, upright? */
export const showsEnlarged = (luma: Luma): boolean => bestScale(luma, ENLARGED_MODES, OWN_SCALE) !== undefined

/** Looks for a carrier that may be made smaller, at all scales and in all orientations. */
export function findEnlarged(luma: Luma): Enlarged | undefined {
  for (const orientation of ORIENTATIONS) {
    const corner = turned(luma, orientation, ENLARGED_CORNER)
    const found = bestScale(corner, ENLARGED_MODES, OWN_SCALE)
    if (!found) continue
    const { mode, scale } = found
    const upright = turned(luma, orientation)
    const blocks = blocksOf(upright, found)
    if (!blocks) return { mode, scale, orientation }
    const exact = upright.width / (8 * blocks.wide * mode.enlargement)
    return { mode, scale: exact, orientation, whole: { blocks, luma: upright } }
  }
  return undefined
}

function bestScale(luma: Luma, modes: readonly Mode[], most: number): Scaled | undefined {
  const corner = Array.from({ length: BLOCKS ** 2 }, (_, i) => ({ x: i % BLOCKS, y: Math.floor(i / BLOCKS) }))
  let best: (Scaled & { readonly agreement: number }) | undefined
  for (const mode of modes) {
    const pilots = slowPilots(mode, corner)
    for (let scale = LEAST_SCALE; scale < most; scale *= STEP) {
      const pixel = mode.enlargement * scale
      const agreement = agreementAt(luma, pilots, pixel, pixel)
      if (agreement > (best?.agreement ?? 0)) best = { mode, scale, agreement }
    }
  }
  return best
}

/** A scale that is known so well leaves few numbers of blocks: pilots all over the picture tell which. */
const EXACTNESS = 0.005
const MOST_BLOCKS = 6000

function blocksOf(luma: Luma, { mode, scale }: Scaled): Blocks | undefined {
  const numbers = (side: number) => {
    const pairs = side / scale / mode.enlargement / 16
    const least = 2 * Math.round(pairs * (1 - EXACTNESS))
    const most = 2 * Math.round(pairs * (1 + EXACTNESS))
    return Array.from({ length: (most - least) / 2 + 1 }, (_, i) => least + 2 * i).filter(number => number > 0)
  }
  let best: (Blocks & { readonly agreement: number }) | undefined
  for (const high of numbers(luma.height))
    for (const wide of numbers(luma.width)) {
      const every = Math.max(1, Math.floor((wide * high) / MOST_BLOCKS))
      const spread = Array.from({ length: Math.floor((wide * high) / every) }, (_, i) => ({
        x: (i * every) % wide,
        y: Math.floor((i * every) / wide),
      }))
      const pilots = slowPilots(mode, spread)
      const agreement = agreementAt(luma, pilots, luma.width / (8 * wide), luma.height / (8 * high))
      if (agreement > (best?.agreement ?? 0)) best = { wide, high, agreement }
    }
  return best && { wide: best.wide, high: best.high }
}

function slowPilots(mode: Mode, blocks: readonly { readonly x: number; readonly y: number }[]): SlowPilot[] {
  const found: SlowPilot[] = []
  for (const { x, y } of blocks) {
    const { place, value } = pilotOf(x, y, mode)
    const [u, v] = [place & 7, place >> 3]
    if (u + v <= SLOWEST && place !== 0) found.push({ x, y, value, pattern: patternOf(u, v) })
  }
  return found
}

const patterns = new Map<number, Float64Array>()

function patternOf(u: number, v: number): Float64Array {
  const wave = (at: number, frequency: number) => Math.cos(((2 * at + 1) * frequency * Math.PI) / 16)
  const made = patterns.get(8 * v + u) ?? Float64Array.from({ length: 64 }, (_, i) => wave(i & 7, u) * wave(i >> 3, v))
  patterns.set(8 * v + u, made)
  return made
}

/** How well pilots agree with a picture whose blocks have pixels of this size; 0 where that may be chance. */
function agreementAt(luma: Luma, pilots: readonly SlowPilot[], across: number, down: number): number {
  const { width, height, data } = luma
  let [count, both, sent] = [0, 0, 0]
  for (const { x, y, value, pattern } of pilots) {
    if (Math.floor((8 * x + 7.5) * across) >= width || Math.floor((8 * y + 7.5) * down) >= height) continue
    let found = 0
    for (let row = 0; row < 8; row++) {
      const from = Math.floor((8 * y + row + 0.5) * down) * width
      for (let column = 0; column < 8; column++)
        found += pattern[8 * row + column]! * data[from + Math.floor((8 * x + column + 0.5) * across)]!
    }
    count++
    // Signs alone: a photograph has few coefficients that are so large that they would decide.
    both += value * Math.sign(found)
    sent += value * value
  }
  const agreement = count === 0 ? 0 : both / Math.sqrt(sent * count)
  return agreement >= leastAgreement(count) ? agreement : 0
}
