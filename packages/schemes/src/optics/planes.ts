import { type Image, image, LatentError, type SampleFormat } from '@latent/core'
import type { Shape } from '../contract/scheme.ts'
import { type Field, gridSide } from './fourier.ts'

/** How pictures come into a bench and out of it, and how what a camera sees of one becomes a cipher image. */
export type Grid = Pick<Shape, 'width' | 'height' | 'channels'>

const PEAK: Record<SampleFormat, number> = { u8: 255, u16: 65535, f32: 1 }

/** The grid of a picture: sides are powers of two. */
export const gridOf = ({ width, height, channels }: Grid): Grid => ({
  width: gridSide(width),
  height: gridSide(height),
  channels,
})

/** Each channel as light without phase, its amplitude in 0..1, dark around the picture. */
export function planesOf(
  { width, height, channels, data, format }: Image,
  grid: { width: number; height: number },
): Field[] {
  return Array.from({ length: channels }, (_, c) => {
    const plane = new Float64Array(2 * grid.width * grid.height)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        plane[2 * (y * grid.width + x)] = data[(y * width + x) * channels + c]! / PEAK[format]
    return { ...grid, data: plane }
  })
}

/**
 * Two samples a point of a grid as a cipher image: each channel has the first sample of every point, row by row, and
 * then the second, one half above the other. In 0..1, cut there in integer formats.
 */
export function samplesImage(
  samples: readonly Float64Array[],
  { width, height }: Pick<Shape, 'width' | 'height'>,
  format: SampleFormat,
): Image {
  const [channels, top] = [samples.length, PEAK[format]]
  const count = { length: 2 * width * height * channels }
  const at = (i: number) => samples[i % channels]![Math.floor(i / channels)]!
  const bounded = (_: unknown, i: number) => Math.floor(top * Math.min(1, Math.max(0, at(i))) + 0.5)
  return image({
    width,
    height: 2 * height,
    channels,
    format,
    data:
      format === 'f32'
        ? Float32Array.from(count, (_, i) => at(i))
        : format === 'u8'
          ? Uint8Array.from(count, bounded)
          : Uint16Array.from(count, bounded),
  })
}

/** The inverse of {@link samplesImage}. @throws E_IMAGE for an image of another shape */
export function samplesOf(cipher: Image, { width, height, channels }: Grid): Float64Array[] {
  if (cipher.width !== width || cipher.height !== 2 * height || cipher.channels !== channels)
    throw new LatentError(
      'E_IMAGE',
      `a cipher image of this picture has ${width} x ${2 * height} pixels in ${channels} channels, this one ` +
        `${cipher.width} x ${cipher.height} in ${cipher.channels}`,
      { hint: 'it was resized, cropped or converted on its way; only the file that was written decrypts' },
    )
  const top = PEAK[cipher.format]
  return Array.from({ length: channels }, (_, c) =>
    Float64Array.from({ length: 2 * width * height }, (_, at) => cipher.data[at * channels + c]! / top),
  )
}

/** Amplitudes of a grid, one plane a channel, as a picture in its upper left corner. */
export function pictureOf(planes: readonly Float64Array[], across: number, shape: Shape): Image {
  const { width, height, channels, format } = shape
  const top = PEAK[format]
  const value = (i: number): number => {
    const [p, c] = [Math.floor(i / channels), i % channels]
    const found = Math.min(1, Math.max(0, planes[c]![Math.floor(p / width) * across + (p % width)]!))
    return format === 'f32' ? found : Math.floor(top * found + 0.5)
  }
  const count = { length: width * height * channels }
  return image({
    ...shape,
    data:
      format === 'f32'
        ? Float32Array.from(count, (_, i) => value(i))
        : format === 'u8'
          ? Uint8Array.from(count, (_, i) => value(i))
          : Uint16Array.from(count, (_, i) => value(i)),
  })
}
