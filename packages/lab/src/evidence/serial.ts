import { bitCounts } from './fold.ts'
import { byFirstBit, jointCounts } from './joint.ts'

/** Distances in bytes at which bits of the cipher are compared; a row of the picture is one more. */
export const LAGS = [1, 2, 3, 4, 8, 16, 32, 64] as const

/** Lengths of the blocks whose parity is taken. */
export const PARITY_BLOCKS = [2, 4, 8, 16, 32, 64] as const

/**
 * Equal bits beyond unequal ones for all 8 x 8 pairs of a bit and one that many bytes later.
 * @param row bytes a row
 * @returns for each of {@link LAGS} and the row 64 sums, the earlier bit outside; and pairs compared at each
 */
export function serialSums(
  bytes: Uint8Array,
  row: number,
): { readonly sums: Float64Array; readonly pairs: Float64Array } {
  const lags = [...LAGS, row]
  const sums = new Float64Array(64 * lags.length)
  const pairs = new Float64Array(lags.length)
  lags.forEach((lag, at) => {
    const n = bytes.length - lag
    if (n <= 0) return
    pairs[at] = n
    const { set, all } = byFirstBit(jointCounts(bytes, bytes.subarray(lag)))
    const later = bitCounts(all)
    set.forEach((row, a) => {
      const earlier = row.reduce((sum, count) => sum + count, 0)
      const both = bitCounts(row)
      for (let b = 0; b < 8; b++) sums[64 * at + 8 * a + b] = n - 2 * (earlier + later[b]! - 2 * both[b]!)
    })
  })
  return { sums, pairs }
}

/**
 * Even parities beyond odd ones in blocks of each of {@link PARITY_BLOCKS}: of each bit over the bytes of a block, and
 * of all bits of it.
 */
export function paritySums(bytes: Uint8Array): { readonly sums: Float64Array; readonly blocks: Float64Array } {
  const sums = new Float64Array(9 * PARITY_BLOCKS.length)
  const blocks = new Float64Array(PARITY_BLOCKS.length)
  PARITY_BLOCKS.forEach((size, at) => {
    const count = Math.floor(bytes.length / size)
    blocks[at] = count
    const folded = new Uint32Array(256)
    let odd = 0
    for (let block = 0; block < count; block++) {
      let xor = 0
      for (let i = block * size; i < (block + 1) * size; i++) xor ^= bytes[i]!
      folded[xor]!++
      const half = xor ^ (xor >> 4)
      odd += (0x6996 >> (half & 15)) & 1
    }
    bitCounts(folded).forEach((ones, bit) => (sums[9 * at + bit] = count - 2 * ones))
    sums[9 * at + 8] = count - 2 * odd
  })
  return { sums, blocks }
}
