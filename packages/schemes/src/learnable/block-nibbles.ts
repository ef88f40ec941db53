import type { KeyStream } from '@latent/core'
import { type Blocks, blocksOf, mapCipher } from './map-cipher.ts'
import type { SampleMap } from './sample-map.ts'

/**
 * The key of one block is a permutation of its nibbles, and the negations follow from it: the halves
 * of the samples, all low ones first and then all high ones, are negated where the key's entry is
 * above half their number, permuted, and negated again by the same mask. For the 96 nibbles of a
 * 4x4x3 block that negates 47 of them (the entries 49 to 95).
 */
export function nibbleKey(permutation: Uint32Array): SampleMap {
  const flip = Uint8Array.from(permutation, entry => (entry > permutation.length / 2 ? 15 : 0))
  return { source: permutation, flip: flip.map((own, i) => own ^ flip[permutation[i]!]!) }
}

/** Where nibble i of a block lies in an image split into nibbles: all low halves first, then all high ones. */
const nibbleAt = (start: number, offsets: Uint32Array, i: number): number =>
  i < offsets.length ? 2 * (start + offsets[i]!) : 2 * (start + offsets[i - offsets.length]!) + 1

/** A map of the whole image in which every block stays, encrypted by its key. */
async function keyedBlocks({ count, start, offsets }: Blocks, keyOf: () => Promise<SampleMap>): Promise<SampleMap> {
  const total = 2 * count * offsets.length
  const map = { source: new Uint32Array(total), flip: new Uint8Array(total) }
  for (let b = 0; b < count; b++) {
    const { source, flip } = await keyOf()
    for (let i = 0; i < source.length; i++) {
      const at = nibbleAt(start(b), offsets, i)
      map.source[at] = nibbleAt(start(b), offsets, source[i]!)
      map.flip[at] = flip[i]!
    }
  }
  return map
}

/**
 * Learnable encryption (Tanaka, "Learnable image encryption", ICCE-TW 2018), as Ito's repository
 * `learnable_encryption_robustness` implements it: blocks of 4x4 pixels, their nibbles permuted and
 * partly negated, **the same key in every block**. A first layer of 4x4 kernels and stride 4 lets a
 * network train on it.
 *
 * Secret: one permutation of a block's nibbles. Breaks: one chosen image of two blocks gives the key
 * (`recoverBlockNibbles` in the lab); the top bit's edges show without any query. Our choices: the
 * order of samples in a block (row by row, channels together), the permutation from a keyed stream,
 * other than three channels.
 */
export const learnableEncryption = () =>
  mapCipher({
    id: 'tanaka-le',
    unit: 'nibble',
    async draw(stream: KeyStream, shape) {
      const blocks = blocksOf(shape)
      const key = nibbleKey(await stream.permutation(2 * blocks.offsets.length))
      return keyedBlocks(blocks, async () => key)
    },
  })

/**
 * Extended learnable encryption (ELE; the variant of Tanaka's method with block scrambling, as in
 * Ito's repository): every block position has a key of its own, and the blocks are permuted.
 *
 * Secret: one permutation of nibbles a block, one of the blocks. Breaks: all images share the key, so
 * three chosen images give it whole (`recoverExtendedBlockNibbles` in the lab). Our choices: as for
 * learnable encryption, and a uniform block permutation in place of the repository's swaps between an
 * image and its copy.
 */
export const extendedLearnableEncryption = () =>
  mapCipher({
    id: 'extended-le',
    unit: 'nibble',
    async draw(stream, shape) {
      const blocks = blocksOf(shape)
      const { count, start, offsets } = blocks
      const map = await keyedBlocks(blocks, async () => nibbleKey(await stream.permutation(2 * offsets.length)))
      const order = await stream.permutation(count)
      for (let b = 0; b < count; b++) {
        const moved = 2 * (start(order[b]!) - start(b))
        for (let i = 0; i < 2 * offsets.length; i++) map.source[nibbleAt(start(b), offsets, i)]! += moved
      }
      return map
    },
  })
