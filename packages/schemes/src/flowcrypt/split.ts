import { argumentError } from '@latent/core'

/**
 * Which pixels belong to the first half of an image: `mask[y * width + x]` is 1 or 0, with exactly as
 * many ones as zeros. Balancing by rank is our choice (the source says "binarise, then balance"): the
 * pixels with the lower half of `words` get a one; equal words are ranked by their place.
 * @param words one 32-bit number a pixel, an even count
 */
export function balancedMask(words: Uint32Array): Uint8Array {
  const count = words.length
  if (count === 0 || count % 2 !== 0) throw argumentError('words', 'an even number of pixels', count)
  // Word and place in one double, exact below 2^53: sorting numbers is quicker than sorting by a function.
  const ranked = Float64Array.from(words, (word, i) => word * 2 ** 21 + i).sort()
  const mask = new Uint8Array(count)
  for (let i = 0; i < count / 2; i++) mask[ranked[i]! % 2 ** 21] = 1
  return mask
}

/** Where the pixels of both halves come from: places in the image, in the order of the halves. */
export interface SplitOrder {
  readonly first: Uint32Array
  readonly second: Uint32Array
}

/**
 * The order of repacking: pixels of the mask row by row, the others column by column (published: a
 * row-wise and a column-wise order; which half gets which is our choice). It goes by the mask's places, never by
 * the pixels' values, so that black pixels are pixels.
 */
export function splitOrder(mask: Uint8Array, width: number, height: number): SplitOrder {
  if (mask.length !== width * height) throw argumentError('mask', `${width * height} entries`, mask.length)
  const half = mask.length / 2
  const [first, second] = [new Uint32Array(half), new Uint32Array(half)]
  let n = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) first[n++] = i
  if (n !== half) throw argumentError('mask', 'as many ones as zeros', n)
  n = 0
  for (let x = 0; x < width; x++) {
    for (let i = x; i < mask.length; i += width) if (mask[i] === 0) second[n++] = i
  }
  return { first, second }
}

/** One half: `planes` is `[C, H W]`, the result `[C, H W / 2]`. */
export function gatherHalf(planes: Float32Array, order: Uint32Array): Float32Array {
  const pixels = 2 * order.length
  const colours = planes.length / pixels
  const out = new Float32Array(planes.length / 2)
  for (let c = 0; c < colours; c++) {
    for (let i = 0; i < order.length; i++) out[c * order.length + i] = planes[c * pixels + order[i]!]!
  }
  return out
}

/** The inverse of {@link gatherHalf}, into `planes`. */
export function scatterHalf(half: Float32Array, order: Uint32Array, planes: Float32Array): void {
  const pixels = 2 * order.length
  const colours = planes.length / pixels
  for (let c = 0; c < colours; c++) {
    for (let i = 0; i < order.length; i++) planes[c * pixels + order[i]!] = half[c * order.length + i]!
  }
}
