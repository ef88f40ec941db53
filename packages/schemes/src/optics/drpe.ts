import { type Image, image, KeyStream, LatentError, type SampleFormat } from '@latent/core'
import type { Shape, Transform } from '../contract/scheme.ts'
import { rememberLast } from '../remember.ts'
import { amplitudes, decodePhases, encodePhases } from './bench.ts'
import { type Field, gridSide } from './fourier.ts'

const PEAK: Record<SampleFormat, number> = { u8: 255, u16: 65535, f32: 1 }

/**
 * Fields are written as 0.5 + value / (2 RANGE): of a white picture, two samples in a hundred thousand lie beyond and
 * are cut in integer formats.
 */
const RANGE = 3

/**
 * Double random phase encoding (Refregier and Javidi, Optics Letters 20(7), 1995), simulated: the amplitude of the
 * light is the picture, a random phase mask lies on it and another in the Fourier plane. The cipher is the complex
 * field behind both lenses. Its way back is one linear map for all pictures of a size, and the Fourier mask alone is
 * its key: the amplitude of a field does not see the input mask.
 *
 * Cipher image: each channel on a grid of powers of two, dark around the picture; real parts above, imaginary parts
 * below.
 */
export function drpeTransform(): Transform {
  const masksOf = rememberLast(async (key, { width, height }) => {
    const stream = await KeyStream.create(key, 'latent/v1/optics/drpe')
    const area = width * height
    return { input: await stream.uniforms(area), fourier: await stream.uniforms(area) }
  })
  return {
    async encrypt(plain, { key, wire }) {
      const grid = gridOf(plain)
      const masks = await masksOf(key, grid)
      const fields = planesOf(plain, grid).map(field => encodePhases(field, masks))
      return fieldImage(fields, wire)
    },
    async decrypt(cipher, { key, plain }) {
      const grid = gridOf(plain)
      const masks = await masksOf(key, grid)
      return pictureOf(
        fieldsOf(cipher, { ...grid, channels: plain.channels }).map(field => amplitudes(decodePhases(field, masks))),
        grid.width,
        plain,
      )
    },
  }
}

/** The grid of a picture: sides are powers of two. */
export const gridOf = ({ width, height, channels }: Pick<Shape, 'width' | 'height' | 'channels'>) => ({
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

/** Fields of one grid, one a channel, as a cipher image. */
export function fieldImage(fields: readonly Field[], format: SampleFormat): Image {
  const { width, height } = fields[0]!
  const [channels, area, top] = [fields.length, width * height, PEAK[format]]
  const values = new Float64Array(2 * area * channels)
  for (const [c, { data }] of fields.entries())
    for (let i = 0; i < data.length; i++)
      values[((i % 2) * area + (i >> 1)) * channels + c] = 0.5 + data[i]! / (2 * RANGE)
  const bounded = (value: number) => Math.floor(top * Math.min(1, Math.max(0, value)) + 0.5)
  return image({
    width,
    height: 2 * height,
    channels,
    format,
    data:
      format === 'f32'
        ? Float32Array.from(values)
        : format === 'u8'
          ? Uint8Array.from(values, bounded)
          : Uint16Array.from(values, bounded),
  })
}

/** The inverse of {@link fieldImage}. @throws E_IMAGE for an image of another shape */
export function fieldsOf(
  cipher: Image,
  { width, height, channels }: Pick<Shape, 'width' | 'height' | 'channels'>,
): Field[] {
  if (cipher.width !== width || cipher.height !== 2 * height || cipher.channels !== channels)
    throw new LatentError(
      'E_IMAGE',
      `a cipher image of this picture has ${width} x ${2 * height} pixels in ${channels} channels, this one ` +
        `${cipher.width} x ${cipher.height} in ${cipher.channels}`,
      { hint: 'it was resized, cropped or converted on its way; only the file that was written decrypts' },
    )
  const [area, top] = [width * height, PEAK[cipher.format]]
  return Array.from({ length: channels }, (_, c) => ({
    width,
    height,
    data: Float64Array.from(
      { length: 2 * area },
      (_, i) => 2 * RANGE * (cipher.data[((i % 2) * area + (i >> 1)) * channels + c]! / top - 0.5),
    ),
  }))
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
