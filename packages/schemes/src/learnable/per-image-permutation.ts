import { mapCipher } from './map-cipher.ts'

/**
 * A new permutation of the pixels for every image: what the "random" variant of the vortex paper's
 * repository really does (arXiv 2411.16207; its data sets show it). Only the histogram is left, so it
 * bounds what a network can learn from values alone. The fair counterpart of a scheme with one key is
 * `fixed-permutation`.
 *
 * Secret: the 32-byte key; the permutation follows from it and a nonce that travels with the image.
 * Breaks: nothing known finds a permutation that is used once, but every value is there to be read.
 */
export const perImagePermutation = () =>
  mapCipher({
    id: 'per-image-permutation',
    perImage: true,
    unit: 'sample',
    async draw(stream, { width, height, channels }) {
      const order = await stream.permutation(width * height)
      const source = new Uint32Array(order.length * channels)
      for (let p = 0; p < order.length; p++)
        for (let c = 0; c < channels; c++) source[p * channels + c] = order[p]! * channels + c
      return { source, flip: new Uint8Array(source.length) }
    },
  })
