import { LatentError } from '@latent/core'
import type { Rate } from '../ldpc/code.ts'
import { frequency } from './frequency.ts'

/**
 * How bits become coefficients. Modes are part of the format: a reader must know all of them, and finds by the pilots
 * which one a picture has. Presets choose among them.
 */
export interface Mode {
  /** 1 to 255: the pilots are drawn from it. */
  readonly id: number
  /** Bits of a coefficient, 0 to 4, by its diagonal: the sum of its two frequencies, 0 to 14. */
  readonly bits: readonly number[]
  /** Root mean square of every coefficient that carries bits, in levels. */
  readonly amplitude: number
  readonly rate: Rate
  /** The picture of its blocks is enlarged by so much, and found again at any scale that leaves its blocks in it. */
  readonly enlargement: 1 | 2
}

/**
 * What the diagonals carry follows from what encoders leave of them: those of mozjpeg erase the highest frequencies at
 * these qualities, and what carries nothing takes up what clipping would cost the others. Mode 5 is that of JPEG q75
 * once more, with a code that makes up for kernels, and blocks of twice the size.
 */
export const MODES: readonly Mode[] = [
  { id: 1, bits: [3, 3, 3, 3, 3, 3, 3, 2, 2, 0, 0, 0, 0, 0, 0], amplitude: 76, rate: '3/4', enlargement: 1 },
  { id: 2, bits: [4, 4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 0, 0, 0, 0], amplitude: 62, rate: '3/4', enlargement: 1 },
  { id: 3, bits: [4, 4, 4, 4, 4, 4, 3, 3, 3, 2, 0, 0, 0, 0, 0], amplitude: 64, rate: '3/4', enlargement: 1 },
  { id: 4, bits: [4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 0, 0, 0], amplitude: 56, rate: '4/5', enlargement: 1 },
  { id: 5, bits: [4, 4, 4, 4, 4, 4, 3, 3, 3, 2, 2, 0, 0, 0, 0], amplitude: 58, rate: '3/5', enlargement: 2 },
]

/** Modes whose pictures must keep their size, and those whose pictures may be made smaller. */
export const [PLAIN_MODES, ENLARGED_MODES] = [
  MODES.filter(({ enlargement }) => enlargement === 1),
  MODES.filter(({ enlargement }) => enlargement > 1),
]

/** @throws E_ARGUMENT */
export function modeOf(id: number): Mode {
  const mode = MODES.find(mode => mode.id === id)
  if (!mode) throw new LatentError('E_ARGUMENT', `there is no mode ${id} of robust carriers`)
  return mode
}

/** The coefficients of a block that carry something, in raster order, and how many bits. */
export interface Carried {
  readonly places: Uint8Array
  readonly bits: Uint8Array
  /** Bits of a block, were none of its coefficients a pilot. */
  readonly total: number
}

const carried = new Map<Mode, Carried>()

/** Which coefficients carry how much. */
export function carriedBy(mode: Mode): Carried {
  const known = carried.get(mode)
  if (known) return known
  const places = Uint8Array.from({ length: 64 }, (_, place) => place).filter(place => mode.bits[frequency(place)]! > 0)
  const bits = places.map(place => mode.bits[frequency(place)]!)
  const made = { places, bits, total: bits.reduce((sum, bits) => sum + bits, 0) }
  carried.set(mode, made)
  return made
}
