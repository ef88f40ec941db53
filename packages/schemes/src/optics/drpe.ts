import { type Image, KeyStream, type SampleFormat } from '@latent/core'
import type { Transform } from '../contract/scheme.ts'
import { rememberLast } from '../remember.ts'
import { amplitudes, decodePhases, encodePhases } from './bench.ts'
import type { Field } from './fourier.ts'
import { type Grid, gridOf, pictureOf, planesOf, samplesImage, samplesOf } from './planes.ts'

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

/** Fields of one grid, one a channel, as a cipher image. */
export const fieldImage = (fields: readonly Field[], format: SampleFormat): Image =>
  samplesImage(
    fields.map(({ data }) => {
      const area = data.length / 2
      return Float64Array.from(data, (_, i) => 0.5 + data[2 * (i % area) + (i < area ? 0 : 1)]! / (2 * RANGE))
    }),
    fields[0]!,
    format,
  )

/** The inverse of {@link fieldImage}. @throws E_IMAGE for an image of another shape */
export const fieldsOf = (cipher: Image, grid: Grid): Field[] =>
  samplesOf(cipher, grid).map(samples => {
    const area = samples.length / 2
    return {
      width: grid.width,
      height: grid.height,
      data: samples.map((_, i) => 2 * RANGE * (samples[(i >> 1) + (i % 2) * area]! - 0.5)),
    }
  })
