import { type Image, KeyStream } from '@latent/core'
import { normals, seedKey } from '@latent/graph'

const SIDE = 4
/** Samples of a block, 4 x 4 pixels of three colours: what the code works on. */
export const SAMPLES = 3 * SIDE ** 2

/** Where compression sets in, in median magnitudes of a coefficient. */
const KNEE = 1.5
/** Of compression, beyond the knee. */
export const SLOPE = 0.2

/** Outliers, such as hard edges in strong colours: where they begin, in knees. */
export const OUTLIERS = 5
/** Of outliers, before the slope of the knee. */
export const OUTER_SLOPE = 0.1

/** Coefficients finer than half a grey level are noise: they get no more gain than that. */
const FLOOR = 0.5 / 255

/** Of {@link SAMPLES} samples in 0..1 the code is z = mix * compress(transform * (block - mean) / knee) / scale. */
export interface BlockCode {
  readonly mean: Float64Array
  readonly transform: Matrix
  readonly knee: Float64Array
  readonly scale: Float64Array
  readonly mix: Matrix
}

/** Row-major, 48 x 48. */
export type Matrix = Float64Array
/** Index of an entry. */
export const at = (row: number, column: number): number => row * SAMPLES + column

/** Means and scales from blocks of these pictures; the rotation from the seed. */
export async function blockCode(pictures: readonly Image<'u8'>[], seed: number): Promise<BlockCode> {
  const blocks = pictures.flatMap(sampleBlocks)
  const mean = Float64Array.from(
    { length: SAMPLES },
    (_, i) => blocks.reduce((sum, block) => sum + block[i]!, 0) / blocks.length,
  )
  const transform = opponentDct()
  const knee = new Float64Array(SAMPLES)
  const scale = new Float64Array(SAMPLES)
  for (let k = 0; k < SAMPLES; k++) {
    const values = blocks.map(block =>
      block.reduce((sum, value, i) => sum + transform[at(k, i)]! * (value - mean[i]!), 0),
    )
    const magnitudes = Float64Array.from(values, Math.abs).sort()
    knee[k] = Math.max(FLOOR, KNEE * magnitudes[magnitudes.length >> 1]!)
    scale[k] = Math.sqrt(values.reduce((sum, value) => sum + compress(value / knee[k]!) ** 2, 0) / values.length)
  }
  return { mean, transform, knee, scale, mix: await rotation(seed) }
}

/** An odd function: slope 1 up to |v| = `knee`, `slope` from there on. */
const bent = (v: number, knee: number, slope: number): number =>
  v - (1 - slope) * (Math.max(0, v - knee) - Math.max(0, -v - knee))

const compress = (v: number): number => bent(bent(v, OUTLIERS, OUTER_SLOPE), 1, SLOPE)

/** Blocks of a picture on a grid of 32 pixels, in the order of channels after `down2`, values in 0..1. */
function sampleBlocks({ width, height, channels, data }: Image<'u8'>): Float64Array[] {
  const blocks: Float64Array[] = []
  for (let top = 0; top + SIDE <= height; top += 32) {
    for (let left = 0; left + SIDE <= width; left += 32) {
      blocks.push(
        Float64Array.from({ length: SAMPLES }, (_, i) => {
          const { row, column, colour } = placeOf(i)
          return data[((top + row) * width + left + column) * channels + Math.min(colour, channels - 1)]! / 255
        }),
      )
    }
  }
  return blocks
}

/** Where in its block the sample lies that channel `i` carries: two halvings, each cutting out a 2 x 2 cell. */
function placeOf(i: number): { row: number; column: number; colour: number } {
  const [outer, inner, colour] = [Math.floor(i / 12), Math.floor((i % 12) / 3), i % 3]
  return { row: 2 * (outer >> 1) + (inner >> 1), column: 2 * (outer & 1) + (inner & 1), colour }
}

/** Orthonormal: DCT-II along rows and columns, and sum, difference and second difference of the colours. */
function opponentDct(): Matrix {
  const cosine = (k: number, i: number) =>
    Math.sqrt((k === 0 ? 1 : 2) / SIDE) * Math.cos((Math.PI * k * (2 * i + 1)) / (2 * SIDE))
  const colours = [
    [1, 1, 1],
    [1, 0, -1],
    [1, -2, 1],
  ].map(row => row.map(value => value / Math.hypot(...row)))
  const matrix = new Float64Array(SAMPLES ** 2)
  for (let k = 0; k < SAMPLES; k++) {
    for (let i = 0; i < SAMPLES; i++) {
      const { row, column, colour } = placeOf(i)
      matrix[at(k, i)] =
        cosine(Math.floor(k / 12), row) * cosine(Math.floor(k / 3) % SIDE, column) * colours[k % 3]![colour]!
    }
  }
  return matrix
}

/**
 * A uniformly drawn orthogonal matrix: normal draws, made orthonormal row by row (Gram and Schmidt, twice for
 * precision).
 */
async function rotation(seed: number): Promise<Matrix> {
  const draws = await normals(await KeyStream.create(seedKey(seed), 'latent/v1/dense-resnet/rotation'), SAMPLES ** 2)
  const matrix = Float64Array.from(draws)
  for (let r = 0; r < SAMPLES; r++) {
    const row = matrix.subarray(at(r, 0), at(r + 1, 0))
    for (let before = 0; before < 2 * r; before++) {
      const other = matrix.subarray(at(before % r, 0), at((before % r) + 1, 0))
      const along = row.reduce((sum, value, i) => sum + value * other[i]!, 0)
      for (let i = 0; i < SAMPLES; i++) row[i]! -= along * other[i]!
    }
    const length = Math.hypot(...row)
    for (let i = 0; i < SAMPLES; i++) row[i]! /= length
  }
  return matrix
}

/** The inverse, where a matrix is orthonormal. */
export function transposed(matrix: Matrix): Matrix {
  return Float64Array.from(matrix, (_, i) => matrix[at(i % SAMPLES, Math.floor(i / SAMPLES))]!)
}
