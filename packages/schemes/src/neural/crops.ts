import type { Image } from '@latent/core'
import { ops } from '@latent/graph'
import type { Expr } from '@latent/graph'

/** From -1..1 to 0..1. */
export const unit = (x: Expr): Expr => ops.mul(0.5, ops.add(x, 1))

/** What is left of a cipher in -1..1 after 8 bits. */
export const wire = (cipher: Expr): Expr =>
  ops.sub(ops.mul(1 / 127.5, ops.roundStraightThrough(ops.mul(127.5, ops.add(cipher, 1)))), 1)

/**
 * Crops of one picture as one channel's batch: losses that pool batches then pool pictures. Crop i is of picture i %
 * pictures.
 */
export function byPicture(x: Expr, pictures: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return ops.reshape(x, [n / pictures, pictures * c, h, w])
}

/** A picture as three planes of bytes. */
export interface Planes {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** A picture as three planes; grey ones three times, alpha left out. */
export function planesOf({ width, height, channels, data }: Image<'u8'>): Planes {
  const out = new Uint8Array(3 * width * height)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < width * height; i++)
      out[c * width * height + i] = data[i * channels + Math.min(c, channels - 1)]!
  return { width, height, data: out }
}

/** Which square of a picture a crop is, relative to the picture. */
export interface Place {
  readonly size: number
  /** Where between the left and right, the upper and lower end: 0 to below 1. */
  readonly u: number
  readonly v: number
  readonly mirror: boolean
}

/** How bytes become numbers. */
export const RANGES = { unit: (byte: number) => byte / 255, signed: (byte: number) => byte / 127.5 - 1 } as const

/** A square of a picture as three planes of numbers. */
export function cut(
  { width, height, data }: Planes,
  { size, u, v, mirror }: Place,
  range: keyof typeof RANGES,
): Float32Array {
  const number = RANGES[range]
  const [left, top] = [Math.floor(u * (width - size + 1)), Math.floor(v * (height - size + 1))]
  const out = new Float32Array(3 * size * size)
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      const from = (c * height + top + y) * width + left
      const to = (c * size + y) * size
      for (let x = 0; x < size; x++) out[to + x] = number(data[from + (mirror ? size - 1 - x : x)]!)
    }
  }
  return out
}
