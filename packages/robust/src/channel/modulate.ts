import { LEVEL_OF, LEVELS } from './constellation.ts'
import { forwardDct, inverseDct } from './dct.ts'
import type { Blocks } from './geometry.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex, pilotLevel } from './pilots.ts'

/** How often clipped pixels are put back. The format asks only that the coefficients are near what they stand for. */
const ROUNDS = 8
/** More than the clipping took is given back: fewer rounds do. */
const RELAXATION = 1.6

/**
 * The grey pixels of a picture.
 * @param slots its bits in order: blocks in rows, in each the carrying coefficients but the pilot, highest bits first
 */
export function modulate(slots: Uint8Array, { wide, high }: Blocks, mode: Mode): Uint8Array {
  const { places, bits } = carriedBy(mode)
  const pixels = new Uint8Array(64 * wide * high)
  const target = new Float64Array(64)
  const block = new Float64Array(64)
  const carrying = Uint8Array.from({ length: 64 }, (_, place) => (places.includes(place) ? 1 : 0))
  let at = 0
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const pilot = pilotIndex(x, y, places.length)
      for (let i = 0; i < places.length; i++) {
        const width = bits[i]!
        let level: number
        if (i === pilot) level = pilotLevel(x, y, mode, width)
        else {
          let index = 0
          for (let bit = 0; bit < width; bit++) index = (index << 1) | slots[at++]!
          level = LEVEL_OF[width]![index]!
        }
        target[places[i]!] = LEVELS[width]![level]! * mode.amplitude
      }
      block.set(target)
      inverseDct(block)
      fitIntoRange(block, target, carrying)
      for (let row = 0; row < 8; row++) {
        const from = (8 * y + row) * 8 * wide + 8 * x
        for (let column = 0; column < 8; column++) {
          const value = Math.round(block[8 * row + column]!) + 128
          pixels[from + column] = value < 0 ? 0 : value > 255 ? 255 : value
        }
      }
    }
  return pixels
}

/**
 * Pixels below 0 or above 255 are clipped, which hurts every coefficient; so the hurt is moved into those that carry
 * nothing: in turn, pixels are clipped, and what that did to the carrying coefficients is undone.
 */
function fitIntoRange(block: Float64Array, target: Float64Array, carrying: Uint8Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    let clipped = false
    for (let i = 0; i < 64; i++) {
      const value = block[i]!
      if (value >= -128 && value <= 127) continue
      block[i] = value < 0 ? -128 : 127
      clipped = true
    }
    if (!clipped) return
    hurt.set(block)
    forwardDct(hurt)
    for (let i = 0; i < 64; i++) hurt[i] = carrying[i] === 1 ? RELAXATION * (target[i]! - hurt[i]!) : 0
    inverseDct(hurt)
    for (let i = 0; i < 64; i++) block[i]! += hurt[i]!
  }
}

const hurt = new Float64Array(64)
