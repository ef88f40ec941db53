import { forwardDct } from './channel/dct.ts'
import { type Mode, PLAIN_MODES } from './channel/modes.ts'
import { pilotOf } from './channel/pilots.ts'
import type { Luma } from './channel/received.ts'

/** Where the blocks of a picture are found in one that was cut or turned. */
export interface Place {
  readonly mode: Mode
  /** As EXIF counts: how the picture has to be turned to stand upright, 1 for not at all. */
  readonly orientation: number
  /** Pixels before the first whole block, 0 to 7, and how many blocks were before that one. */
  readonly left: number
  readonly top: number
  readonly shift: { readonly x: number; readonly y: number }
}

/** All eight, likely ones first. */
export const ORIENTATIONS: readonly number[] = [1, 6, 3, 8, 2, 4, 5, 7]
/** Blocks that may be missing at the left and at the top. */
const MOST_SHIFT = 4
const SAMPLES = 320
/** The best of some thousand chances stays below this: chance alone is normal, of deviation `1 / sqrt(samples)`. */
const leastAgreement = (samples: number) => Math.max(0.33, 5.5 / Math.sqrt(samples))

/**
 * Looks for pilots on all grids, in all eight orientations, with up to 31 pixels missing at the left and at the
 * top.
 */
export function locate(luma: Luma): Place | undefined {
  for (const orientation of ORIENTATIONS) {
    const found = locateUpright(luma, orientation)
    if (found) return found
  }
  return undefined
}

function locateUpright(luma: Luma, orientation: number): Place | undefined {
  const { width, height, at } = turnedView(luma, orientation)
  const [wide, high] = [Math.floor(width / 8) - 1, Math.floor(height / 8) - 1]
  if (wide < 8 || high < 8) return undefined
  const across = Math.min(wide, 20)
  const down = Math.min(high, Math.floor(SAMPLES / across))
  const blocks = Array.from({ length: across * down }, (_, i) => ({
    x: Math.floor(((i % across) * wide) / across),
    y: Math.floor((Math.floor(i / across) * high) / down),
  }))
  const least = leastAgreement(blocks.length)
  const expected = expectations(blocks)
  let best: (Place & { agreement: number }) | undefined
  const coefficients = new Float64Array(64 * blocks.length)
  const block = new Float64Array(64)
  for (let top = 0; top < 8; top++)
    for (let left = 0; left < 8; left++) {
      blocks.forEach(({ x, y }, index) => {
        for (let i = 0; i < 64; i++) block[i] = at(left + 8 * x + (i & 7), top + 8 * y + (i >> 3)) - 128
        forwardDct(block)
        coefficients.set(block, 64 * index)
      })
      for (const { mode, shift, places, values } of expected) {
        let [both, sent, got] = [0, 0, 0]
        for (let index = 0; index < blocks.length; index++) {
          const found = coefficients[64 * index + places[index]!]!
          both += values[index]! * found
          sent += values[index]! ** 2
          got += found * found
        }
        const agreement = got === 0 ? 0 : both / Math.sqrt(sent * got)
        if (agreement >= least && agreement > (best?.agreement ?? 0))
          best = { mode, orientation, left, top, shift, agreement }
      }
    }
  return best
}

/** The pilots of some blocks, for every mode and every number of missing blocks. */
function expectations(blocks: readonly { readonly x: number; readonly y: number }[]) {
  const shifts = Array.from({ length: (MOST_SHIFT + 1) ** 2 }, (_, i) => ({
    x: i % (MOST_SHIFT + 1),
    y: Math.floor(i / (MOST_SHIFT + 1)),
  }))
  return PLAIN_MODES.flatMap(mode =>
    shifts.map(shift => {
      const pilots = blocks.map(({ x, y }) => pilotOf(x + shift.x, y + shift.y, mode))
      return {
        mode,
        shift,
        places: Uint8Array.from(pilots, ({ place }) => place),
        values: Float64Array.from(pilots, ({ value }) => value),
      }
    }),
  )
}

/** A picture as it would be after turning. */
function turnedView({ width, height, data }: Luma, orientation: number) {
  const swaps = orientation >= 5
  const [flipX, flipY] = [[2, 3, 7, 8].includes(orientation), [3, 4, 6, 7].includes(orientation)]
  return {
    width: swaps ? height : width,
    height: swaps ? width : height,
    at: (x: number, y: number): number => {
      const column = swaps ? y : x
      const row = swaps ? x : y
      return data[(flipY ? height - 1 - row : row) * width + (flipX ? width - 1 - column : column)]!
    },
  }
}

/** The picture turned upright, or so many pixels of it each way from the upper left corner on. */
export function turned(luma: Luma, orientation: number, most = Number.POSITIVE_INFINITY): Luma {
  if (orientation === 1) return luma
  const view = turnedView(luma, orientation)
  const { at } = view
  const [width, height] = [Math.min(most, view.width), Math.min(most, view.height)]
  const data = new Float32Array(width * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * width + x] = at(x, y)
  return { width, height, data }
}
