import { LEVELS } from './constellation.ts'
import { carriedBy, type Mode } from './modes.ts'

/**
 * One coefficient of each block is a pilot: its level is known to the reader. Which one, and which level, follows from
 * where the block stands in the picture as it was made.
 */

/** Which of the carrying coefficients is the pilot of block (`x`, `y`), counted in {@link carriedBy}. */
export const pilotIndex = (x: number, y: number, count: number): number => (7 * x + 11 * y) % count

/** The pilot's level, counted from the lowest. */
export const pilotLevel = (x: number, y: number, mode: Mode, bits: number): number =>
  scattered(x, y, mode.id) >>> (32 - bits)

/** 32 bits that look drawn: products with odd numbers, and shifts. */
function scattered(x: number, y: number, z: number): number {
  let h = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca77) ^ Math.imul(z, 0xc2b2ae3d)
  h ^= h >>> 15
  h = Math.imul(h, 0x2c1b3c6d)
  h ^= h >>> 12
  h = Math.imul(h, 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** A pilot: where it stands in its block, and the value that was sent. */
export interface Pilot {
  readonly place: number
  readonly value: number
}

/** The pilot of block (`x`, `y`). */
export function pilotOf(x: number, y: number, mode: Mode): Pilot {
  const { places, bits } = carriedBy(mode)
  const index = pilotIndex(x, y, places.length)
  const width = bits[index]!
  return { place: places[index]!, value: LEVELS[width]![pilotLevel(x, y, mode, width)]! * mode.amplitude }
}
