import { type Image, LatentError, type SampleFormat, sampleBytes } from '@latent/core'

/** One value with the p-value of its null hypothesis: "the cipher is indistinguishable from random". */
export interface NullTest {
  readonly value: number
  /** Two-sided unless said otherwise; uniform in [0, 1] under the hypothesis. */
  readonly p: number
}

/**
 * The bytes on which every cipher statistic is taken: u8 samples as they are, u16 samples as two bytes
 * (a cipher that leaves low bytes alone must not hide behind high ones), f32 rounded to 8 bits, since
 * that is what the picture of the cipher shows.
 */
export function byteView(source: Image): Uint8Array {
  if (source.format === 'u8') return (source as Image<'u8'>).data
  if (source.format === 'u16') return sampleBytes(source as Image<'u16'>)
  return toWire(source, 'u8').data
}

/** Bytes a pixel in {@link byteView}: what must be kept apart when neighbours are compared. */
export const bytesPerPixel = (source: Image): number => source.channels * (source.format === 'u16' ? 2 : 1)

/** Largest sample value of a format. */
export const peak = (format: SampleFormat): number => (format === 'u8' ? 255 : format === 'u16' ? 65535 : 1)

/**
 * The image as it arrives after travelling in a wire format: floats are clamped to [0, 1] and rounded
 * half up to the integers of the format.
 */
export function toWire<F extends SampleFormat>(source: Image, format: F): Image<F> {
  if (source.format === format) return source as Image<F>
  const scale = peak(format) / peak(source.format)
  const top = peak(format)
  const { annotations } = source
  const shape = {
    width: source.width,
    height: source.height,
    channels: source.channels,
    format,
    ...(annotations ? { annotations } : {}),
  }
  const data =
    format === 'u8'
      ? new Uint8Array(source.data.length)
      : format === 'u16'
        ? new Uint16Array(source.data.length)
        : new Float32Array(source.data.length)
  for (let i = 0; i < data.length; i++) {
    const value = source.data[i]! * scale
    data[i] = format === 'f32' ? value : Math.floor(Math.min(top, Math.max(0, value)) + 0.5)
  }
  return { ...shape, data } as Image<F>
}

/** Same dimensions, channels and format. */
export function sameShape(a: Image, b: Image): boolean {
  return a.width === b.width && a.height === b.height && a.channels === b.channels && a.format === b.format
}

/** @throws E_ARGUMENT unless both images have one shape */
export function requireSameShape(a: Image, b: Image): void {
  if (sameShape(a, b)) return
  throw new LatentError('E_ARGUMENT', `expected two images of one shape, received ${shapeName(a)} and ${shapeName(b)}`)
}

/** Such as `481x321x3 u8`. */
export const shapeName = ({ width, height, channels, format }: Image): string =>
  `${width}x${height}x${channels} ${format}`

/** The image, or the middle of it in its own proportions if it has more pixels than that. */
export function middle<F extends SampleFormat>(source: Image<F>, pixels: number): Image<F> {
  if (source.width * source.height <= pixels) return source
  const scale = Math.sqrt(pixels / (source.width * source.height))
  const width = Math.max(1, Math.floor(source.width * scale))
  return crop(source, width, Math.max(1, Math.min(Math.floor(pixels / width), Math.ceil(source.height * scale))))
}

/** The middle of an image, at most `width` x `height` pixels. */
export function crop<F extends SampleFormat>(source: Image<F>, width: number, height: number): Image<F> {
  const [w, h] = [Math.min(width, source.width), Math.min(height, source.height)]
  const left = (source.width - w) >> 1
  const top = (source.height - h) >> 1
  const row = w * source.channels
  const data = source.data.slice(0, row * h)
  for (let y = 0; y < h; y++)
    data.set(
      source.data.subarray(
        ((top + y) * source.width + left) * source.channels,
        ((top + y) * source.width + left) * source.channels + row,
      ),
      y * row,
    )
  return { ...source, width: w, height: h, data: data as Image<F>['data'] }
}
