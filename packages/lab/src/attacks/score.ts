import { type Image, image } from '@latent/core'
import { quality } from '../metrics/quality.ts'
import { toWire } from '../metrics/samples.ts'
import { recolourings } from './feature-reconstruction.ts'
import type { TargetShape } from './chosen-plaintext.ts'

/** How one reconstruction compares with the picture that was encrypted. */
export interface PictureScore {
  readonly ssim: number
  /** In dB; null where it is exact (JSON has no infinity). */
  readonly psnr: number | null
  /**
   * It looks more like the picture that was encrypted than like any other target: 1, or 0. Chance is 1 in the number of
   * targets.
   */
  readonly recognised: number
  /** Structural similarity to another target: what is left where nothing was found. */
  readonly wrong: number
  /** `recognised`, but as the next target: must be at chance. */
  readonly mistaken: number
}

/**
 * Any image as 8-bit samples of the given shape, so that it can be looked at and compared: nearest pixels, channels
 * repeated.
 */
export function asPicture(source: Image, { width, height, channels }: TargetShape): Image<'u8'> {
  const bytes = toWire(source, 'u8')
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * source.height) / height)
    for (let x = 0; x < width; x++) {
      const at = (row * source.width + Math.floor((x * source.width) / width)) * source.channels
      for (let c = 0; c < channels; c++)
        data[(y * width + x) * channels + c] = bytes.data[at + Math.min(c, source.channels - 1)]!
    }
  }
  return image({ width, height, channels, format: 'u8', data })
}

/**
 * Scores reconstructions, the i-th against the i-th target.
 * @param upTo `appearance`: in the best of all symmetries and recolourings of the whole picture, for right and wrong
 * targets alike
 */
export function scorePictures(
  plains: readonly Image<'u8'>[],
  found: readonly Image<'u8'>[],
  upTo: 'nothing' | 'appearance',
): PictureScore[] {
  const known = plains.map(featuresOf)
  return found.map((one, i) => {
    const forms = upTo === 'nothing' ? [one] : appearances(one)
    const nearest = plains.map(plain => nearestForm(plain, forms))
    const likeness = nearest.map((form, j) => resemblance(known[j]!, featuresOf(form)))
    const best = likeness.indexOf(Math.max(...likeness))
    const other = (i + 1) % plains.length
    const { psnr, ssim } = quality(plains[i]!, nearest[i]!, 'one')
    return {
      ssim: ssim ?? 0,
      psnr: Number.isFinite(psnr) ? psnr : null,
      recognised: Number(best === i),
      wrong: ssimOf(plains[other]!, nearest[other]!),
      mistaken: Number(best === other),
    }
  })
}

/** Mean structural similarity, picture by picture. */
export const meanLikeness = (plains: readonly Image<'u8'>[], found: readonly Image<'u8'>[]): number =>
  plains.reduce((sum, plain, i) => sum + ssimOf(plain, found[i]!), 0) / plains.length

const ssimOf = (plain: Image<'u8'>, form: Image<'u8'>): number => quality(plain, form, 'one').ssim ?? 0

/** The form nearest in squared error: structural similarity of hundreds would take long. */
function nearestForm({ data: plain }: Image<'u8'>, forms: readonly Image<'u8'>[]): Image<'u8'> {
  let [best, least] = [forms[0]!, Infinity]
  if (forms.length === 1) return best
  for (const form of forms) {
    let error = 0
    for (let i = 0; i < plain.length && error < least; i++) error += (form.data[i]! - plain[i]!) ** 2
    if (error < least) [best, least] = [form, error]
  }
  return best
}

/** Eight symmetries of a square (four of another picture) in every recolouring. */
function appearances(picture: Image<'u8'>): Image<'u8'>[] {
  const { width, height, channels, data } = picture
  const square = width === height
  const turned: Image<'u8'>[] = []
  for (const transposed of square ? [false, true] : [false]) {
    for (const flipX of [false, true]) {
      for (const flipY of [false, true]) {
        const out = new Uint8Array(data.length)
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const [u, v] = [flipX ? width - 1 - x : x, flipY ? height - 1 - y : y]
            const from = transposed ? u * width + v : v * width + u
            for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = data[from * channels + c]!
          }
        }
        turned.push(image({ width, height, channels, format: 'u8', data: out }))
      }
    }
  }
  return turned.flatMap(recolourings)
}

/** What one looks at to recognise a picture; each centred and of unit length. */
interface Features {
  readonly luma: Float64Array
  /** Means over squares of {@link FAR} pixels. */
  readonly far: Float64Array
  readonly outlines: Float64Array
  /** Deviation within the same squares. */
  readonly lively: Float64Array
}

const FAR = 4

function featuresOf({ width, height, channels, data }: Image<'u8'>): Features {
  const luma = new Float64Array(width * height)
  for (let i = 0; i < data.length; i++) luma[Math.floor(i / channels)]! += data[i]! / channels
  const [across, down] = [Math.ceil(width / FAR), Math.ceil(height / FAR)]
  const [far, squares] = [new Float64Array(across * down), new Float64Array(across * down)]
  for (let i = 0; i < luma.length; i++) {
    const square = Math.floor(Math.floor(i / width) / FAR) * across + Math.floor((i % width) / FAR)
    far[square]! += luma[i]! / FAR ** 2
    squares[square]! += luma[i]! ** 2 / FAR ** 2
  }
  return {
    luma: unit(luma),
    far: unit(far),
    outlines: unit(outlines(luma, width, height)),
    lively: unit(squares.map((value, i) => Math.sqrt(Math.max(0, value - far[i]! ** 2)))),
  }
}

/** Length of the Sobel gradient of inner pixels. */
export function outlines(luma: Float64Array, width: number, height: number): Float64Array {
  const out = new Float64Array(Math.max(0, width - 2) * Math.max(0, height - 2))
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = (dx: number, dy: number) => luma[(y + dy) * width + x + dx]!
      const across = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1)
      const down = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1)
      out[(y - 1) * (width - 2) + x - 1] = Math.hypot(across, down)
    }
  }
  return out
}

function unit(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0))
  return values.map(value => (length === 0 ? 0 : (value - mean) / length))
}

const product = (a: Float64Array, b: Float64Array): number =>
  Math.abs(a.reduce((sum, value, i) => sum + value * b[i]!, 0))

/**
 * The best correlation of plain and found: of light and dark, of the same from afar, of outlines, and of where the
 * plain picture is lively with where the found one is bright. Without sign: a negative is recognised too.
 */
const resemblance = (plain: Features, found: Features): number =>
  Math.max(
    product(plain.luma, found.luma),
    product(plain.far, found.far),
    product(plain.outlines, found.outlines),
    product(plain.lively, found.far),
  )
