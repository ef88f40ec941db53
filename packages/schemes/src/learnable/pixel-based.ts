import { mapCipher } from './map-cipher.ts'

/** Which of the pixel-based ciphers (Sirichotedumrong et al. 2019). */
export interface PixelBasedOptions {
  /** Permute the channels of every pixel too, uniformly over all orders. */
  readonly shuffle: boolean
  /**
   * One key map for all images; otherwise one an image, from a nonce, so that no key is managed for training or
   * testing.
   */
  readonly sameKey: boolean
}

/** Id of the scheme with these options. */
export const pixelBasedId = ({ shuffle, sameKey }: PixelBasedOptions): string =>
  `pixel-based${shuffle ? '-shuffle' : ''}${sameKey ? '' : '-fresh'}`

/**
 * Pixel-based encryption (PE; SKK after Sirichotedumrong, Kinoshita and Kiya, "Pixel-based image
 * encryption without key management for privacy-preserving deep neural networks", IEEE Access 2019):
 * every sample is replaced by 255 minus itself with probability one half; optionally the channels of
 * every pixel are permuted.
 *
 * Secret: one bit a sample, and one of the orders a pixel. Breaks: under one key one chosen image gives
 * all of it (`recoverPixelBased`); under any keys the smaller of v and 255 - v is the plain image's, and
 * its edges with it (`featureReconstruction`). Our choices: bits and orders from a keyed stream; images
 * of any number of channels.
 */
export function pixelBased({ shuffle, sameKey }: PixelBasedOptions) {
  return mapCipher({
    id: pixelBasedId({ shuffle, sameKey }),
    perImage: !sameKey,
    unit: 'sample',
    async draw(stream, { width, height, channels }) {
      const pixels = width * height
      const flip = (await stream.bytes(pixels * channels)).map(byte => (byte & 1 ? 255 : 0))
      const source = new Uint32Array(pixels * channels)
      for (let i = 0; i < source.length; i++) source[i] = i
      if (!shuffle || channels === 1) return { source, flip }
      const orders = permutationsOf(channels)
      const drawn = await stream.integers(pixels, orders.length)
      for (let p = 0; p < pixels; p++) {
        const order = orders[drawn[p]!]!
        for (let c = 0; c < channels; c++) source[p * channels + c] = p * channels + order[c]!
      }
      return { source, flip }
    },
  })
}

/** All orders of 0..n-1, in lexicographic order. */
export function permutationsOf(n: number): number[][] {
  if (n === 0) return [[]]
  return Array.from({ length: n }, (_, first) =>
    permutationsOf(n - 1).map(rest => [first, ...rest.map(value => (value < first ? value : value + 1))]),
  ).flat()
}
