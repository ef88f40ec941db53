import type { Image } from '@latent/core'
import { peak, requireSameShape } from './samples.ts'

/** How far a restored image is from the original. Errors are in sample values of the images' format. */
export interface Quality {
  /** Every sample equal: then PSNR is infinite and printed as "exact", never as a number. */
  readonly exact: boolean
  readonly mse: number
  /** dB against the format's largest value; Infinity where exact. One grey level everywhere is 48.1 dB. */
  readonly psnr: number
  readonly meanError: number
  readonly maxError: number
  /** Share of samples that differ. */
  readonly differing: number
  /** Structural similarity, -1 to 1; undefined below 11 pixels a side. */
  readonly ssim: number | undefined
  /** Multi-scale structural similarity over 5 scales; undefined below 176 pixels a side. */
  readonly msSsim: number | undefined
}

/**
 * MSE, PSNR, SSIM (Wang, Bovik, Sheikh, Simoncelli 2004: 11 x 11 Gaussian window of sigma 1.5,
 * K1 0.01, K2 0.03, windows inside the image alone, mean over channels), MS-SSIM (Wang, Simoncelli,
 * Bovik 2003), mean and largest error.
 * @param scales `one` leaves MS-SSIM out, for many comparisons in a row
 * @throws E_ARGUMENT for images of two shapes
 */
export function quality(original: Image, restored: Image, scales: 'all' | 'one' = 'all'): Quality {
  const errors = sampleErrors(original, restored)
  const { ssim, msSsim } = errors.exact ? sizesOnly(original) : structuralSimilarity(original, restored, scales)
  return { ...errors, ssim, msSsim }
}

/**
 * The part of {@link quality} that needs no windows.
 * @throws E_ARGUMENT for images of two shapes
 */
export function sampleErrors(original: Image, restored: Image): Omit<Quality, 'ssim' | 'msSsim'> {
  requireSameShape(original, restored)
  const n = original.data.length
  let squares = 0
  let absolute = 0
  let maxError = 0
  let differing = 0
  for (let i = 0; i < n; i++) {
    const d = Math.abs(original.data[i]! - restored.data[i]!)
    if (d === 0) continue
    differing++
    squares += d * d
    absolute += d
    if (d > maxError) maxError = d
  }
  const mse = squares / n
  return {
    exact: differing === 0,
    mse,
    psnr: psnrOf(mse, peak(original.format)),
    meanError: absolute / n,
    maxError,
    differing: differing / n,
  }
}

/** 10 log10(peak^2 / mse); Infinity for 0. */
export const psnrOf = (mse: number, top = 255): number => (mse === 0 ? Infinity : 10 * Math.log10((top * top) / mse))

// Equal images need no windows: both measures are 1 wherever they are defined.
function sizesOnly({ width, height }: Image): { ssim: number | undefined; msSsim: number | undefined } {
  const side = Math.min(width, height)
  return { ssim: side >= WINDOW ? 1 : undefined, msSsim: side >= MULTI_SCALE_SIDE ? 1 : undefined }
}

const WINDOW = 11
const SIGMA = 1.5
const KERNEL = (() => {
  const raw = Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * SIGMA * SIGMA)))
  const sum = raw.reduce((a, b) => a + b)
  return raw.map(v => v / sum)
})()
const SCALE_WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333] as const
/** Five scales halve a side four times and still need one window. */
const MULTI_SCALE_SIDE = WINDOW * 2 ** (SCALE_WEIGHTS.length - 1)

/**
 * SSIM and MS-SSIM of two images of one shape. Negative contrast-structure means are taken as 0 before
 * they are raised to a power, the usual convention.
 */
export function structuralSimilarity(
  a: Image,
  b: Image,
  wanted: 'all' | 'one' = 'all',
): { ssim: number | undefined; msSsim: number | undefined } {
  const side = Math.min(a.width, a.height)
  if (side < WINDOW) return { ssim: undefined, msSsim: undefined }
  const scales = wanted === 'all' && side >= MULTI_SCALE_SIDE ? SCALE_WEIGHTS.length : 1
  let ssim = 0
  let msSsim = 0
  for (let c = 0; c < a.channels; c++) {
    let x = plane(a, c)
    let y = plane(b, c)
    let { width, height } = a
    let product = 1
    for (let s = 0; s < scales; s++) {
      const { full, contrast } = meanSimilarity(x, y, width, height, peak(a.format))
      if (s === 0) ssim += full
      product *= Math.max(0, s === scales - 1 ? full : contrast) ** SCALE_WEIGHTS[s]!
      if (s === scales - 1) break
      x = halved(x, width, height)
      y = halved(y, width, height)
      width >>= 1
      height >>= 1
    }
    msSsim += product
  }
  return { ssim: ssim / a.channels, msSsim: scales > 1 ? msSsim / a.channels : undefined }
}

function plane(source: Image, channel: number): Float64Array {
  const out = new Float64Array(source.width * source.height)
  for (let i = 0, at = channel; i < out.length; i++, at += source.channels) out[i] = source.data[at]!
  return out
}

function halved(x: Float64Array, width: number, height: number): Float64Array {
  const w = width >> 1
  const h = height >> 1
  const out = new Float64Array(w * h)
  for (let j = 0; j < h; j++) {
    for (let i = 0, at = 2 * j * width; i < w; i++, at += 2)
      out[j * w + i] = (x[at]! + x[at + 1]! + x[at + width]! + x[at + width + 1]!) / 4
  }
  return out
}

function meanSimilarity(
  x: Float64Array,
  y: Float64Array,
  width: number,
  height: number,
  top: number,
): { full: number; contrast: number } {
  const c1 = (0.01 * top) ** 2
  const c2 = (0.03 * top) ** 2
  const squares = new Float64Array(x.length)
  const products = new Float64Array(x.length)
  for (let i = 0; i < x.length; i++) {
    squares[i] = x[i]! * x[i]! + y[i]! * y[i]!
    products[i] = x[i]! * y[i]!
  }
  const mx = blurred(x, width, height)
  const my = blurred(y, width, height)
  const mss = blurred(squares, width, height)
  const mxy = blurred(products, width, height)
  let full = 0
  let contrast = 0
  for (let i = 0; i < mx.length; i++) {
    const a = mx[i]!
    const b = my[i]!
    const means = a * a + b * b
    const structure = (2 * (mxy[i]! - a * b) + c2) / (mss[i]! - means + c2)
    contrast += structure
    full += (structure * (2 * a * b + c1)) / (means + c1)
  }
  return { full: full / mx.length, contrast: contrast / mx.length }
}

// Separable, windows inside the image alone: (width - 10) x (height - 10) values. The kernel is
// symmetric, so pairs are added before they are multiplied.
function blurred(x: Float64Array, width: number, height: number): Float64Array {
  const w = width - WINDOW + 1
  const h = height - WINDOW + 1
  const [k0, k1, k2, k3, k4, k5] = KERNEL as unknown as readonly [number, number, number, number, number, number]
  const rows = new Float64Array(w * height)
  for (let j = 0; j < height; j++) {
    for (let i = 0, at = j * width; i < w; i++, at++) {
      rows[j * w + i] =
        k0 * (x[at]! + x[at + 10]!) +
        k1 * (x[at + 1]! + x[at + 9]!) +
        k2 * (x[at + 2]! + x[at + 8]!) +
        k3 * (x[at + 3]! + x[at + 7]!) +
        k4 * (x[at + 4]! + x[at + 6]!) +
        k5 * x[at + 5]!
    }
  }
  const out = new Float64Array(w * h)
  for (let at = 0; at < out.length; at++) {
    out[at] =
      k0 * (rows[at]! + rows[at + 10 * w]!) +
      k1 * (rows[at + w]! + rows[at + 9 * w]!) +
      k2 * (rows[at + 2 * w]! + rows[at + 8 * w]!) +
      k3 * (rows[at + 3 * w]! + rows[at + 7 * w]!) +
      k4 * (rows[at + 4 * w]! + rows[at + 6 * w]!) +
      k5 * rows[at + 5 * w]!
  }
  return out
}
