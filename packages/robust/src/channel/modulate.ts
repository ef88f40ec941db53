import { LEVEL_OF, LEVELS } from './constellation.ts'
import { openFitter } from './fit.ts'
import type { Blocks } from './geometry.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex, pilotLevel } from './pilots.ts'

/**
 * The grey pixels of a picture.
 * @param slots its bits in order: blocks in rows, in each the carrying coefficients but the pilot, highest bits first
 */
export function modulate(slots: Uint8Array, { wide, high }: Blocks, mode: Mode): Uint8Array {
  const { places, bits } = carriedBy(mode)
  const pixels = new Uint8Array(64 * wide * high)
  const fitter = openFitter(Uint8Array.from({ length: 64 }, (_, place) => (places.includes(place) ? 1 : 0)))
  const { values } = fitter
  // What the bits of a coefficient stand for.
  const sent = LEVELS.map((levels, width) =>
    Float64Array.from(LEVEL_OF[width]!, level => levels[level]! * mode.amplitude),
  )
  let at = 0
  // Two neighbours at a time: pictures are an even number of blocks wide.
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x += 2) {
      values.fill(0)
      for (let which = 0; which < 2; which++) {
        const pilot = pilotIndex(x + which, y, places.length)
        for (let i = 0; i < places.length; i++) {
          const width = bits[i]!
          const to = 2 * places[i]! + which
          if (i === pilot) values[to] = LEVELS[width]![pilotLevel(x + which, y, mode, width)]! * mode.amplitude
          else {
            let index = 0
            for (let bit = 0; bit < width; bit++) index = (index << 1) | slots[at++]!
            values[to] = sent[width]![index]!
          }
        }
      }
      fitter.fit()
      for (let row = 0; row < 8; row++) {
        const to = (8 * y + row) * 8 * wide + 8 * x
        for (let column = 0; column < 8; column++) {
          pixels[to + column] = values[16 * row + 2 * column]! + 128
          pixels[to + 8 + column] = values[16 * row + 2 * column + 1]! + 128
        }
      }
    }
  return pixels
}
