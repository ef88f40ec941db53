import { LatentError } from './errors.ts'
import { type Image, image } from './image.ts'

/** The text chunk that marks a picture as floats in disguise; it holds the number of channels. */
const FLOAT_SAMPLES = 'latent:float-samples'

/**
 * A float image as one that PNG can hold: every sample becomes one RGBA pixel, its four bytes in
 * big-endian order (IEEE 754 binary32). Four times the bytes of an 8-bit cipher image: the honest
 * size of a float cipher.
 */
export function floatsToPixels({ width, height, channels, data, annotations }: Image<'f32'>): Image<'u8'> {
  const bytes = new Uint8Array(4 * data.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i]!)
  return image({
    width: width * channels,
    height,
    channels: 4,
    format: 'u8',
    data: bytes,
    annotations: { ...annotations, [FLOAT_SAMPLES]: String(channels) },
  })
}

/**
 * The inverse of {@link floatsToPixels}; a picture without the mark is returned as it is.
 * @throws E_IMAGE if the mark does not fit the picture, or a sample is no number
 */
export function pixelsToFloats(source: Image): Image {
  const { [FLOAT_SAMPLES]: mark, ...annotations } = source.annotations ?? {}
  if (mark === undefined) return source
  const channels = Number(mark)
  if (
    !Number.isInteger(channels) ||
    channels < 1 ||
    source.format !== 'u8' ||
    source.channels !== 4 ||
    source.width % channels !== 0
  ) {
    throw new LatentError('E_IMAGE', 'this picture says that it holds floats, and its shape contradicts it', {
      hint: 'it was converted on its way; take the file that was written',
    })
  }
  const view = new DataView(source.data.buffer, source.data.byteOffset, source.data.byteLength)
  const data = Float32Array.from({ length: source.data.length / 4 }, (_, i) => view.getFloat32(4 * i))
  if (!data.every(Number.isFinite))
    throw new LatentError('E_IMAGE', 'this cipher image holds samples that are no numbers', {
      hint: 'it was changed on its way; take the file that was written',
    })
  return image({ width: source.width / channels, height: source.height, channels, format: 'f32', data, annotations })
}
