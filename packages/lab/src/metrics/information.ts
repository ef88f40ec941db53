import { argumentError, type Image, LatentError } from '@latent/core'

/**
 * How much of an image's information a transform of coordinates takes away.
 *
 * Our reading of the measure of Cao, Mo, Wang, Lai and Huang (arXiv 2411.16207), whose formulas we
 * have not seen: pixel information plus neighbour information, the latter through a decreasing
 * function g of distance. With N(p) the sum of g(|x(p) - x(q)|) over all other pixels q:
 *
 * ```text
 * Info(I)  = sum_p h(v(p)) + lambda sum_p N(p)          h: self-information of the value in the histogram
 * retained = min(g(d), g(d')) for every pair, d and d' its distances before and after; 0 if either is destroyed
 * Loss     = 1 - Info after / Info before
 * ```
 *
 * By the minimum no permutation gains, and swapping two pixels loses wherever a third pixel is nearer
 * to one of them than to the other. That leaves three swaps which lose nothing, being mirror images of
 * the whole picture: the two pixels of 1x2, the ends of 1x3, a diagonal of 2x2.
 */
export interface InformationLoss {
  /** 0 nothing is lost, 1 all is. Equal to `neighbour` where no image was given. */
  readonly total: number
  /** Of the neighbour term alone. */
  readonly neighbour: number
  /** Of the pixel term alone; 0 without an image, or for one of a single value. */
  readonly pixel: number
}

/** A strictly decreasing function of the distance between two pixels. */
export interface DistanceKernel {
  readonly name: string
  readonly g: (distance: number) => number
  /** Distance from which g is below 1e-12 of its value at 1, and is taken as 0. */
  readonly reach: number
}

/**
 * A Gaussian of the distance, in pixels.
 * @param s deviation in pixels
 */
export const gaussianKernel = (s = 2): DistanceKernel => ({
  name: `exp(-d^2 / ${2 * s * s})`,
  g: d => Math.exp((-d * d) / (2 * s * s)),
  reach: s * Math.sqrt(2 * Math.log(1e12)) + 1,
})
/** Falls with the square of the distance and reaches the whole image. */
export const inverseSquareKernel: DistanceKernel = { name: '1 / d^2', g: d => 1 / (d * d), reach: Infinity }
/** Falls by e for every pixel of distance. */
export const exponentialKernel: DistanceKernel = { name: 'exp(-d)', g: d => Math.exp(-d), reach: Math.log(1e12) + 1 }

/** What is counted as information, and how. Defaults: a Gaussian kernel of 2 pixels, lambda 1, coordinates alone. */
export interface InformationOptions {
  readonly kernel?: DistanceKernel
  /** Weight of the neighbour term. */
  readonly lambda?: number
  /** Whose values the pixel term counts; grey values are the mean of its channels, rounded. */
  readonly image?: Image<'u8'>
  /** Multiply every pair by exp(-|v(p) - v(q)| / 32), so that moving flat background costs nothing. Needs an image. */
  readonly weighted?: boolean
}

/** Pairs that are visited at most; beyond it a kernel of short reach is needed. */
const MAX_PAIRS = 2 ** 30

const VALUE_SCALE = 32

/**
 * Information lost by a coordinate map: `map[i]` is the plain pixel that stands at i afterwards. A
 * pixel that stands at several places counts at the first; one that stands at none is destroyed.
 * @throws E_ARGUMENT; E_LIMIT for images too large for the kernel
 */
export function informationLoss(
  map: Uint32Array,
  width: number,
  height: number,
  { kernel = gaussianKernel(), lambda = 1, image, weighted = false }: InformationOptions = {},
): InformationLoss {
  if (map.length !== width * height || map.some(source => source >= map.length))
    throw argumentError('map', `${width * height} pixel indices`, map.length)
  if (image && (image.width !== width || image.height !== height))
    throw argumentError('image', `${width}x${height} pixels`, `${image.width}x${image.height}`)
  if (weighted && !image) throw argumentError('image', 'an image to weight by', undefined)
  const [across, down] = [Math.min(width - 1, Math.floor(kernel.reach)), Math.min(height - 1, Math.floor(kernel.reach))]
  if (map.length * (2 * across + 1) * (2 * down + 1) > MAX_PAIRS)
    throw new LatentError('E_LIMIT', `${width}x${height} pixels have too many neighbours under ${kernel.name}`, {
      hint: 'take a smaller image or a kernel of short reach',
    })

  const values = image && greyValues(image)
  const places = placesAfter(map)
  const g = kernelTable(kernel, width, height)
  const similarity = Float64Array.from({ length: 256 }, (_, difference) => Math.exp(-difference / VALUE_SCALE))
  let [before, after] = [0, 0]
  for (let p = 0; p < map.length; p++) {
    const [x, y, at] = [p % width, Math.floor(p / width), places[p]!]
    for (let v = Math.max(0, y - down); v <= Math.min(height - 1, y + down); v++) {
      for (let u = Math.max(0, x - across); u <= Math.min(width - 1, x + across); u++) {
        const q = v * width + u
        if (q === p) continue
        const near = g[Math.abs(v - y) * width + Math.abs(u - x)]!
        const weight = weighted ? similarity[Math.abs(values![p]! - values![q]!)]! : 1
        before += weight * near
        const to = places[q]!
        if (at < 0 || to < 0) continue
        const now =
          g[Math.abs(Math.floor(to / width) - Math.floor(at / width)) * width + Math.abs((to % width) - (at % width))]!
        after += weight * Math.min(near, now)
      }
    }
  }
  const [pixelBefore, pixelAfter] = values ? pixelInformation(values, places) : [0, 0]
  const lost = (whole: number, kept: number) => (whole === 0 ? 0 : 1 - kept / whole)
  return {
    total: lost(pixelBefore + lambda * before, pixelAfter + lambda * after),
    neighbour: lost(before, after),
    pixel: lost(pixelBefore, pixelAfter),
  }
}

/** Where every plain pixel stands afterwards; -1 if nowhere. */
function placesAfter(map: Uint32Array): Int32Array {
  const places = new Int32Array(map.length).fill(-1)
  for (let i = map.length - 1; i >= 0; i--) places[map[i]!] = i
  return places
}

function kernelTable({ g, reach }: DistanceKernel, width: number, height: number): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) => {
    const distance = Math.hypot(i % width, Math.floor(i / width))
    return distance === 0 || distance > reach ? 0 : g(distance)
  })
}

function greyValues({ data, channels }: Image<'u8'>): Uint8Array {
  return Uint8Array.from({ length: data.length / channels }, (_, p) => {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += data[p * channels + c]!
    return Math.round(sum / channels)
  })
}

/** Bits: the sum of -log2 of each value's share of the image, over all pixels and over those that remain. */
function pixelInformation(values: Uint8Array, places: Int32Array): [before: number, after: number] {
  const counts = new Uint32Array(256)
  for (const value of values) counts[value]!++
  let [before, after] = [0, 0]
  for (const [p, value] of values.entries()) {
    const bits = -Math.log2(counts[value]! / values.length)
    before += bits
    if (places[p]! >= 0) after += bits
  }
  return [before, after]
}
