import { KeyStream } from '@latent/core'
import type { Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, type Tile, type TileRule } from '../neural/tiles.ts'
import { rememberLast } from '../remember.ts'

/** Side of the squares that are lit by patterns, and how many pixels and patterns they have. */
const SIDE = 16
const POINTS = SIDE ** 2
const RULE: TileRule = { tile: 256, multiple: SIDE, minimum: 1 }

/**
 * Computational ghost imaging as a cipher: a square of the picture is lit by one pattern after the other, a detector
 * without resolution takes the sum of what passes, and the sums are the cipher. Patterns are Hadamard's, light and
 * dark, their order and their pixels permuted by the key; as many as there are pixels, so that the picture can be had
 * exactly. All of it is one linear map for every square of every picture.
 */
export function ghostTransform(): Transform {
  const keyOf = rememberLast(async key => {
    const stream = await KeyStream.create(key, 'latent/v1/optics/ghost')
    return { patterns: await stream.permutation(POINTS), pixels: await stream.permutation(POINTS) }
  })
  const shape = { width: SIDE, height: SIDE, channels: 1 }
  return {
    async encrypt(plain, { key, wire }) {
      const { patterns, pixels } = await keyOf(key, shape)
      return encryptTiles(plain, RULE, wire, async (planes, tile) =>
        bySquares(planes, tile, square => {
          const sums = walshHadamard(Float64Array.from(pixels, at => square[at]!))
          // A pattern lets through where Hadamard's row is 1: half of the whole, and half of the row's sum.
          return Float64Array.from(patterns, row => (sums[0]! + sums[row]!) / (2 * POINTS))
        }),
      )
    },
    async decrypt(cipher, { key, plain }) {
      const { patterns, pixels } = await keyOf(key, shape)
      return decryptTiles(cipher, plain, RULE, async (planes, tile) =>
        bySquares(planes, tile, buckets => {
          const sums = new Float64Array(POINTS)
          for (const [i, row] of patterns.entries()) sums[row] = 2 * POINTS * buckets[i]!
          const whole = sums[0]! / 2
          const found = walshHadamard(sums.map((sum, row) => (row === 0 ? whole : sum - whole)))
          const square = new Float64Array(POINTS)
          for (const [i, at] of pixels.entries()) square[at] = found[i]! / POINTS
          return square
        }),
      )
    },
  }
}

/** Each square of each plane through a map of its points. */
function bySquares(
  planes: Float32Array,
  { width, height }: Tile,
  map: (square: Float64Array) => Float64Array,
): Float32Array {
  const out = new Float32Array(planes.length)
  for (let from = 0; from < planes.length; from += width * height) {
    for (let top = 0; top < height; top += SIDE) {
      for (let left = 0; left < width; left += SIDE) {
        const at = (i: number) => from + (top + Math.floor(i / SIDE)) * width + left + (i % SIDE)
        const made = map(Float64Array.from({ length: POINTS }, (_, i) => planes[at(i)]!))
        for (let i = 0; i < POINTS; i++) out[at(i)] = made[i]!
      }
    }
  }
  return out
}

/** The Walsh-Hadamard transform of a power of two of numbers, in place; twice is their number times the identity. */
export function walshHadamard(values: Float64Array): Float64Array {
  for (let half = 1; half < values.length; half *= 2) {
    for (let block = 0; block < values.length; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const [a, b] = [values[i]!, values[i + half]!]
        values[i] = a + b
        values[i + half] = a - b
      }
    }
  }
  return values
}
