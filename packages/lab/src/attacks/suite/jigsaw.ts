import type { Image } from '@latent/core'
import { defineAttack } from '../contract.ts'
import { controls } from '../controls.ts'
import { assembleBlocks } from '../jigsaw.ts'
import { asPicture } from '../score.ts'

/** Blocks of 8 x 8 pixels if columns at their middle join as columns within blocks do; of 4 x 4 otherwise. */
export function blockSide({ width, height, channels, data }: Image<'u8'>): 4 | 8 {
  const steps = Array.from({ length: 8 }, () => ({ sum: 0, count: 0 }))
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (y * width + x) * channels + c
        steps[x % 8]!.sum += Math.abs(data[at]! - data[at - channels]!)
        steps[x % 8]!.count++
      }
    }
  }
  const mean = (columns: readonly number[]) =>
    columns.reduce((sum, x) => sum + steps[x]!.sum, 0) / columns.reduce((sum, x) => sum + steps[x]!.count, 0)
  return width % 8 === 0 && height % 8 === 0 && mean([4]) < 1.5 * mean([1, 2, 3, 5, 6, 7]) ? 8 : 4
}

const STARTS = [0.05, 0.2, 0.35, 0.45, 0.55, 0.65, 0.8, 0.95]

/** Lays blocks beside one another where their edges fit: see {@link assembleBlocks}. */
export const jigsaw = defineAttack({
  id: 'jigsaw',
  title: 'jigsaw: blocks laid where their edges fit best',
  threat: 'ciphertext-only',
  source: 'after Chuman, Kurihara and Kiya 2017, greedy',
  upTo: 'appearance',
  appliesTo: ({ accepts, role }) =>
    role === 'control' || accepts.sides?.multiple === 4 ? undefined : 'it moves no blocks',
  positiveControl: { scheme: controls.scrambledBlocks, expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets =>
      targets.map(target => {
        const picture = asPicture(target, shape)
        const side = blockSide(picture)
        // Where a greedy solver begins decides how far it comes; the smoothest of several pictures is kept.
        const tried = STARTS.map(part =>
          assembleBlocks(picture, {
            side,
            meeting: 'slopes',
            start: Math.floor((part * shape.width * shape.height) / side ** 2),
          }),
        )
        return tried.reduce((best, other) => (other.seam < best.seam ? other : best)).picture
      }),
  }),
})
