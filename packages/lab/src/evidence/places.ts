import type { Image } from '@latent/core'
import { bytesPerPixel } from '../metrics/samples.ts'

/** A picture is cut into this many times as many parts; 4 x 4 and 2 x 2 parts are sums of them. */
export const GRID = 8

/** Bytes at the beginning and at the end of a cipher that are looked at one by one. */
export const ENDS = 64

/**
 * Ones beyond one half, twice, by the part of the picture.
 * @param bytes the byte view of `cipher`
 * @returns for each part, row by row, 8 sums (bit 0 is the lowest); and the bytes of each part
 */
export function partSums(
  cipher: Image,
  bytes: Uint8Array,
): { readonly sums: Float64Array; readonly places: Float64Array } {
  const sums = new Float64Array(8 * GRID * GRID)
  const places = new Float64Array(GRID * GRID)
  const counts = new Float64Array(256 * GRID)
  const { width, height } = cipher
  const stride = bytesPerPixel(cipher)
  for (let part = 0; part < GRID; part++) {
    counts.fill(0)
    const [from, to] = [part, part + 1].map(edge => Math.floor((edge * height) / GRID)) as [number, number]
    for (let y = from; y < to; y++) {
      for (let x = 0, at = y * width * stride; x < width; x++) {
        const column = 256 * Math.floor((x * GRID) / width)
        for (let c = 0; c < stride; c++) counts[column + bytes[at++]!]!++
      }
    }
    for (let column = 0; column < GRID; column++) {
      const cell = GRID * part + column
      for (let v = 0; v < 256; v++) {
        const count = counts[256 * column + v]!
        places[cell]! += count
        for (let bit = 0; bit < 8; bit++) sums[8 * cell + bit]! += (v >> bit) & 1 ? count : -count
      }
    }
  }
  return { sums, places }
}

/**
 * Ones as 1 and zeros as -1 in each bit of the first and the last {@link ENDS} bytes: over many pictures, a byte that
 * is always the same, or that counts.
 * @returns undefined for a cipher too short to have both
 */
export function endBits(bytes: Uint8Array): Float64Array | undefined {
  if (bytes.length < 2 * ENDS) return undefined
  const ends = [...bytes.subarray(0, ENDS), ...bytes.subarray(bytes.length - ENDS)]
  return Float64Array.from({ length: 16 * ENDS }, (_, i) => 2 * ((ends[i >> 3]! >> (i & 7)) & 1) - 1)
}
