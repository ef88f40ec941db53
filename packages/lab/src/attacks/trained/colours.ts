import type { Image } from '@latent/core'
import { commonShape } from '../common-shape.ts'

/** Quantiles that are compared. */
const QUANTILES = 500

/**
 * How far the colours of some pictures are from those of others, which need not show the same: the mean distance of
 * quantiles (Wasserstein's of order one), summed over channels and over the differences of any two channels. An
 * attacker without a single pair can tell by it whether guesses look like pictures at all.
 * @param some 8-bit pictures of the shape of `others`
 * @returns in levels of 255, summed over the measures; 0 for equal colours
 * @throws E_ARGUMENT without pictures, or where their shapes differ
 */
export function coloursApart(some: readonly Image<'u8'>[], others: readonly Image<'u8'>[]): number {
  const { channels } = commonShape([...some, ...others])
  let sum = 0
  for (let a = 0; a < channels; a++) {
    // Of the channel itself where b is a.
    for (let b = a; b < channels; b++) sum += apart(sorted(some, channels, a, b), sorted(others, channels, a, b))
  }
  return sum
}

function sorted(pictures: readonly Image<'u8'>[], channels: number, a: number, b: number): Float32Array {
  const values = pictures.flatMap(({ data }) =>
    Array.from({ length: data.length / channels }, (_, p) => {
      const value = data[p * channels + a]!
      return a === b ? value : value - data[p * channels + b]!
    }),
  )
  return Float32Array.from(values).sort()
}

function apart(x: Float32Array, y: Float32Array): number {
  let sum = 0
  for (let i = 0; i < QUANTILES; i++) {
    const at = (i + 0.5) / QUANTILES
    sum += Math.abs(x[Math.floor(at * x.length)]! - y[Math.floor(at * y.length)]!)
  }
  return sum / QUANTILES
}
