import { CODEWORD_BITS, dataBits } from '../ldpc/code.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex } from './pilots.ts'

/** A picture in blocks of 8 x 8 pixels. Both are even. */
export interface Blocks {
  readonly wide: number
  readonly high: number
}

/** Bits of a picture besides its pilots. */
export function slotsOf({ wide, high }: Blocks, mode: Mode): number {
  const { bits, total } = carriedBy(mode)
  // Pilots run through the coefficients: how often each comes, row by row, without a pass over all blocks.
  let slots = wide * high * total
  const turns = Math.floor(wide / bits.length)
  const whole = turns * total
  for (let y = 0; y < high; y++) {
    slots -= whole
    for (let x = turns * bits.length; x < wide; x++) slots -= bits[pilotIndex(x, y, bits.length)]!
  }
  return slots
}

/** Codewords that a picture holds. */
export const framesOf = (blocks: Blocks, mode: Mode): number => Math.floor(slotsOf(blocks, mode) / CODEWORD_BITS)

/** Data bytes of a codeword. */
export const frameBytes = (mode: Mode): number => dataBits(mode.rate) / 8

/** The smallest picture that holds so many codewords: nearly square, of an even number of blocks each way. */
export function blocksFor(frames: number, mode: Mode): Blocks {
  const { places, total } = carriedBy(mode)
  const least = (frames * CODEWORD_BITS) / (total - total / places.length)
  let best: Blocks | undefined
  const square = 2 * Math.ceil(Math.sqrt(least) / 2)
  for (let wide = square; wide <= 1.34 * square + 2; wide += 2)
    for (let high = Math.max(2, 2 * Math.floor((0.995 * least) / wide / 2)); ; high += 2) {
      if (best && wide * high >= best.wide * best.high) break
      if (framesOf({ wide, high }, mode) < frames) continue
      best = { wide, high }
      break
    }
  return best!
}
