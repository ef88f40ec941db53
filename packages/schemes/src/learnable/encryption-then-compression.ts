import { BLOCK_SIDE, blocksOf, mapCipher } from './map-cipher.ts'
import { permutationsOf } from './pixel-based.ts'

/** The eight symmetries of a square, as the place that stands at (row, column) afterwards. */
const SYMMETRIES: readonly ((row: number, column: number) => [number, number])[] = [0, 1, 2, 3].flatMap(quarters =>
  [false, true].map(mirrored => (row: number, column: number): [number, number] => {
    const last = BLOCK_SIDE - 1
    let [r, c] = [row, mirrored ? last - column : column]
    for (let i = 0; i < quarters; i++) [r, c] = [last - c, r]
    return [r, c]
  }),
)

/**
 * Encryption-then-compression (EtC; after Kurihara, Kikuchi, Imaizumi, Shiota and Kiya, IEICE Trans.
 * 2015): blocks are permuted, and each is turned or mirrored, negated or not, its channels permuted.
 *
 * Secret: the block permutation and eight symmetries, one bit and one channel order a block. Breaks:
 * two chosen images of 32x32x3 give it (`recoverSampleMap` in the lab); a jigsaw solver needs none.
 *
 * Ito's repository draws no identity among rotations, flips or channel orders, negates exactly half of
 * the blocks, and copies channels in place so that some are lost. Ours draws each choice uniformly and
 * is exactly invertible; blocks have 4x4 pixels as there (JPEG would want 16x16).
 */
export const encryptionThenCompression = () =>
  mapCipher({
    id: 'etc',
    unit: 'sample',
    async draw(stream, { width, height, channels }) {
      const { count, start, offsets } = blocksOf({ width, height, channels })
      const order = await stream.permutation(count)
      const symmetries = await stream.integers(count, SYMMETRIES.length)
      const negated = await stream.integers(count, 2)
      const orders = permutationsOf(channels)
      const channelOrders = await stream.integers(count, orders.length)
      const source = new Uint32Array(width * height * channels)
      const flip = new Uint8Array(source.length)
      for (let b = 0; b < count; b++) {
        const [to, from] = [start(b), start(order[b]!)]
        const symmetry = SYMMETRIES[symmetries[b]!]!
        const channelOrder = orders[channelOrders[b]!]!
        for (let place = 0; place < BLOCK_SIDE * BLOCK_SIDE; place++) {
          const [row, column] = symmetry(Math.floor(place / BLOCK_SIDE), place % BLOCK_SIDE)
          for (let c = 0; c < channels; c++) {
            const at = to + offsets[place * channels + c]!
            source[at] = from + offsets[(row * BLOCK_SIDE + column) * channels + channelOrder[c]!]!
            flip[at] = negated[b]! * 255
          }
        }
      }
      return { source, flip }
    },
  })
