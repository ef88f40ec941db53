import { type Field, lens } from './fourier.ts'

/** A phase mask: one angle a point of the grid, in turns from 0 to below 1. */
export type PhaseMask = Float64Array

/** Light behind a mask; `conjugate` turns it back. */
export function throughMask({ width, height, data }: Field, mask: PhaseMask, conjugate = false): Field {
  const out = new Float64Array(data.length)
  for (let i = 0; i < mask.length; i++) {
    const angle = (conjugate ? -2 : 2) * Math.PI * mask[i]!
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    const [re, im] = [data[2 * i]!, data[2 * i + 1]!]
    out[2 * i] = re * c - im * s
    out[2 * i + 1] = re * s + im * c
  }
  return { width, height, data: out }
}

/**
 * The two masks of a bench with two lenses: in the plane of the picture, and in the Fourier plane between the lenses.
 */
export interface Masks {
  readonly input: PhaseMask
  readonly fourier: PhaseMask
}

/** Double random phase encoding (Refregier and Javidi 1995): mask, lens, mask, lens. */
export const encodePhases = (field: Field, { input, fourier }: Masks): Field =>
  lens(throughMask(lens(throughMask(field, input)), fourier), 'backward')

/** The way back. Of a picture without phase its amplitude is the picture: then the input mask is not needed. */
export const decodePhases = (field: Field, { input, fourier }: Masks): Field =>
  throughMask(lens(throughMask(lens(field), fourier, true), 'backward'), input, true)

/** Length of each number. */
export const amplitudes = ({ data }: Field): Float64Array =>
  Float64Array.from({ length: data.length / 2 }, (_, i) => Math.hypot(data[2 * i]!, data[2 * i + 1]!))
