import type { Image } from '@latent/core'

/** Three planes of a picture, `[3, height, width]`, in 0..1. */
export interface Planes {
  readonly width: number
  readonly height: number
  readonly values: Float32Array
}

/** A picture as planes in 0..1, `[3, height, width]`; grey is repeated. */
export function planesOf({ width, height, channels, data }: Image<'u8'>): Planes {
  const values = new Float32Array(3 * width * height)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < width * height; i++)
      values[c * width * height + i] = data[i * channels + Math.min(c, channels - 1)]! / 255
  return { width, height, values }
}

/** Planes rounded to bytes, as a picture. */
export function pictureOf({ width, height, values }: Planes): Image<'u8'> {
  const data = new Uint8Array(values.length)
  const pixels = width * height
  for (let i = 0; i < values.length; i++)
    data[(i % pixels) * 3 + Math.floor(i / pixels)] = Math.floor(Math.min(1, Math.max(0, values[i]!)) * 255 + 0.5)
  return { width, height, channels: 3, format: 'u8', data }
}
