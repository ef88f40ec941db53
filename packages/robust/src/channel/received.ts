import { forwardDct, inverseDct } from './dct.ts'

/** A picture as it came back: coefficients of its luma, each a whole number of steps. */
export interface Received {
  /** Blocks of 8 x 8 pixels; at the right and lower edge they may be partly empty. */
  readonly wide: number
  readonly high: number
  /** Blocks a row of `coefficients`. */
  readonly stride: number
  /** 64 a block in raster order. */
  readonly coefficients: Int16Array
  /** What one step is, for each of the 64. */
  readonly steps: ArrayLike<number>
  /** How far the block grid of the picture that was made lies left of and above the first block, in blocks. */
  readonly shift?: { readonly x: number; readonly y: number }
}

/** Luma pixels, in levels from 0 to 255 and not rounded. */
export interface Luma {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** Coefficients of pixels are rounded to so much: far less than any service leaves. */
const FINE = 0.5

/**
 * The coefficients of pixels, on a grid that begins `left` and `top` pixels into the picture (0 to 7). Blocks
 * that are not
 * whole are left out.
 */
export function transformed({ width, height, data }: Luma, left = 0, top = 0): Received {
  const wide = Math.floor((width - left) / 8)
  const high = Math.floor((height - top) / 8)
  const coefficients = new Int16Array(64 * wide * high)
  const block = new Float64Array(64)
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      for (let row = 0; row < 8; row++) {
        const from = (top + 8 * y + row) * width + left + 8 * x
        for (let column = 0; column < 8; column++) block[8 * row + column] = data[from + column]! - 128
      }
      forwardDct(block)
      const to = 64 * (y * wide + x)
      for (let i = 0; i < 64; i++) coefficients[to + i] = Math.round(block[i]! / FINE)
    }
  return { wide, high, stride: wide, coefficients, steps: new Float64Array(64).fill(FINE) }
}

/**
 * The pixels of coefficients, before anything rounds or clips them; `width` and `height` cut what blocks have too
 * many.
 */
export function pixelsOf({ wide, high, stride, coefficients, steps }: Received, width: number, height: number): Luma {
  const data = new Float32Array(width * height)
  const block = new Float64Array(64)
  for (let y = 0; y < Math.min(high, height / 8); y++)
    for (let x = 0; x < Math.min(wide, width / 8); x++) {
      const from = 64 * (y * stride + x)
      for (let i = 0; i < 64; i++) block[i] = coefficients[from + i]! * steps[i]!
      inverseDct(block)
      const [columns, rows] = [Math.min(8, width - 8 * x), Math.min(8, height - 8 * y)]
      for (let row = 0; row < rows; row++) {
        const to = (8 * y + row) * width + 8 * x
        for (let column = 0; column < columns; column++) data[to + column] = block[8 * row + column]! + 128
      }
    }
  return { width, height, data }
}
