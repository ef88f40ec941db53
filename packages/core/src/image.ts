import { argumentError } from './errors.ts'

/** How a sample travels: bytes, 16-bit integers, or 32-bit floats in [0, 1]. */
export type SampleFormat = 'u8' | 'u16' | 'f32'

/** The array that holds the samples of each format. */
export interface SampleArrays {
  u8: Uint8Array
  u16: Uint16Array
  f32: Float32Array
}

/**
 * A raster of interleaved samples, row by row: `data[(y * width + x) * channels + c]`.
 *
 * Photos have 1 to 4 channels (grey, grey + alpha, RGB, RGBA). Ciphers may produce any number of
 * channels. `annotations` travel beside the pixels (PNG text chunks): nonces, scale constants.
 */
export interface Image<F extends SampleFormat = SampleFormat> {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly format: F
  readonly data: SampleArrays[F]
  readonly annotations?: Readonly<Record<string, string>>
}

/** The decoded-pixel limit that holds everywhere: 2^28 pixels, one gigabyte as RGBA. */
export const MAX_PIXELS = 2 ** 28

/**
 * Checks dimensions and data length, and returns the image.
 * @throws E_ARGUMENT
 */
export function image<F extends SampleFormat>(fields: Image<F>): Image<F> {
  const { width, height, channels, format, data } = fields
  for (const [name, value] of Object.entries({ width, height, channels })) {
    if (!Number.isSafeInteger(value) || value < 1) throw argumentError(name, 'a positive integer', value)
  }
  if (width * height > MAX_PIXELS) throw argumentError('width * height', `at most ${MAX_PIXELS} pixels`, width * height)
  const kind = format === 'u8' ? Uint8Array : format === 'u16' ? Uint16Array : Float32Array
  if (!(data instanceof kind)) throw argumentError('data', kind.name, data)
  const expected = width * height * channels
  if (data.length !== expected) throw argumentError('data', `${expected} samples`, data.length)
  return fields
}

/**
 * The samples as bytes: u8 as they are, u16 big-endian (the order PNG stores them in).
 * Always a copy: the caller may change it.
 */
export function sampleBytes(source: Image<'u8' | 'u16'>): Uint8Array {
  if (source.format === 'u8') return new Uint8Array(source.data)
  const bytes = new Uint8Array(source.data.length * 2)
  for (let i = 0; i < source.data.length; i++) {
    const value = source.data[i]!
    bytes[2 * i] = value >>> 8
    bytes[2 * i + 1] = value & 255
  }
  return bytes
}

/** The inverse of {@link sampleBytes}: an image like `like` whose samples are read from `bytes`. */
export function imageFromBytes<F extends 'u8' | 'u16'>(bytes: Uint8Array, like: Image<F>): Image<F> {
  const expected = like.data.length * (like.format === 'u16' ? 2 : 1)
  if (bytes.length !== expected) throw argumentError('bytes', `${expected} bytes`, bytes)
  const { annotations: _, ...shape } = like
  if (like.format === 'u8') return { ...shape, data: new Uint8Array(bytes) as SampleArrays[F] }
  const data = new Uint16Array(like.data.length)
  for (let i = 0; i < data.length; i++) data[i] = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!
  return { ...shape, data: data as SampleArrays[F] }
}
