import type { Luma } from './channel/received.ts'
import { type Mode, MODES } from './channel/modes.ts'
import { pilotOf } from './channel/pilots.ts'

/** Only pilots this slow outlive a picture's being made smaller: both frequencies together. */
const SLOWEST = 4
/** Blocks from the upper left corner on; over more of them a step of the scale would be too much of a shift. */
const BLOCKS = 40
const LEAST_SCALE = 0.24
const MOST_SCALE = 0.98
const STEP = 1.003
/** The best of two thousand chances stays below this: chance alone is normal, of deviation `1 / sqrt(pilots)`. */
const leastAgreement = (pilots: number) => Math.max(0.3, 5.5 / Math.sqrt(pilots))

interface SlowPilot {
  readonly x: number
  readonly y: number
  readonly value: number
  /** The pattern of its coefficient, 64 numbers. */
  readonly pattern: Float64Array
}

/**
 * By how much a carrier was made smaller, upright and not cropped: 0.5 is half its sides; nothing if no pilots say so.
 * Nothing can be read from such a picture, but its owner is told what happened to it.
 */
export function findScale(luma: Luma): number | undefined {
  const pilots = MODES.map(slowPilots)
  let best: { readonly scale: number; readonly agreement: number } | undefined
  for (let scale = LEAST_SCALE; scale < MOST_SCALE; scale *= STEP)
    for (const ofMode of pilots) {
      const agreement = agreementAt(luma, ofMode, scale)
      if (agreement > (best?.agreement ?? 0)) best = { scale, agreement }
    }
  return best?.scale
}

function slowPilots(mode: Mode): SlowPilot[] {
  const found: SlowPilot[] = []
  for (let y = 0; y < BLOCKS; y++)
    for (let x = 0; x < BLOCKS; x++) {
      const { place, value } = pilotOf(x, y, mode)
      const [u, v] = [place & 7, place >> 3]
      if (u + v > SLOWEST || place === 0) continue
      found.push({ x, y, value, pattern: patternOf(u, v) })
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

/** How well pilots agree with a picture that is taken for one of this scale; 0 where that may be chance. */
function agreementAt({ width, height, data }: Luma, pilots: readonly SlowPilot[], scale: number): number {
  let [count, both, sent] = [0, 0, 0]
  for (const { x, y, value, pattern } of pilots) {
    if ((8 * x + 8) * scale > width || (8 * y + 8) * scale > height) continue
    let found = 0
    for (let row = 0; row < 8; row++) {
      const from = Math.floor((8 * y + row + 0.5) * scale) * width
      for (let column = 0; column < 8; column++)
        found += pattern[8 * row + column]! * data[from + Math.floor((8 * x + column + 0.5) * scale)]!
    }
    count++
    // Signs alone: a photograph has few coefficients that are so large that they would decide.
    both += value * Math.sign(found)
    sent += value * value
  }
  const agreement = count === 0 ? 0 : both / Math.sqrt(sent * count)
  return agreement >= leastAgreement(count) ? agreement : 0
}
