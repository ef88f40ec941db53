import type { Image } from '@latent/core'
import { annealBlocks } from '../annealed-blocks.ts'
import { halfTurns, statesOf } from '../block-states.ts'
import { type AttackEntry, defineAttack } from '../contract.ts'
import { controls } from '../controls.ts'
import { type Assembled, assembleBlocks, layBlocks } from '../jigsaw.ts'
import { asPicture } from '../score.ts'
import { learnSeams, type Seam } from '../seams.ts'

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

/** Where a greedy solver begins decides how far it comes. */
const STARTS = [0.2, 0.5, 0.8]
const greedily = (picture: Image<'u8'>, side: number): Assembled =>
  STARTS.map(part =>
    assembleBlocks(picture, {
      side,
      meeting: 'slopes',
      start: Math.floor((part * picture.width * picture.height) / side ** 2),
    }),
  ).reduce((best, other) => (other.seam < best.seam ? other : best))

/** Public pictures whose seams are looked at. */
const KIN = 160

const appliesTo: AttackEntry['appliesTo'] = ({ accepts, role }) =>
  role === 'control' || accepts.sides?.multiple === 4 ? undefined : 'it moves no blocks'

/** Lays blocks beside one another where their edges fit: see {@link annealBlocks}. */
export const jigsaw = defineAttack({
  id: 'jigsaw',
  title: 'jigsaw: blocks laid where their edges fit best',
  threat: 'ciphertext-only',
  source: 'after Chuman, Kurihara and Kiya 2017; which edges fit is learned',
  upTo: 'appearance',
  appliesTo,
  positiveControl: { scheme: controls.scrambledBlocks, expects: 'leaks' },
  async run({ scheme, shape, kin }, _, random) {
    const known = await kin(KIN)
    const seams = new Map<number, Promise<Seam>>()
    return {
      async open(targets) {
        const found: Image<'u8'>[] = []
        for (const target of targets) {
          const picture = asPicture(target, shape)
          const side = blockSide(picture)
          const seam = seams.get(side) ?? learnSeams(known, side, random)
          seams.set(side, seam)
          // What a cipher does to blocks is no secret. Of many states, greedy solving finds where to begin.
          const laid =
            scheme.id === 'etc'
              ? { states: statesOf(side, shape.channels), moves: 20_000, starts: 1, from: greedily(picture, side) }
              : { states: halfTurns(side, shape.channels), moves: 40_000, starts: 4 }
          found.push(await annealBlocks(picture, await seam, { side, ...laid }, random))
        }
        return found
      },
    }
  },
})

/** Many cipher images under one key are one puzzle, whose pieces are not to be mistaken: see {@link assembleBlocks}. */
export const jigsawOfMany = defineAttack({
  id: 'jigsaw-of-many',
  title: 'jigsaw of many pictures at once: blocks laid where their edges fit in all of them',
  threat: 'ciphertext-only',
  returns: 'key',
  budget: 64,
  source: 'ours, after Chuman, Kurihara and Kiya 2017',
  upTo: 'appearance',
  appliesTo,
  positiveControl: { scheme: 'etc', expects: 'opened' },
  async run({ shape, ciphers }, asked) {
    const pile = (await ciphers(asked)).map(cipher => asPicture(cipher, shape))
    const side = 4
    const layout = assembleBlocks(pile, { side })
    return { open: targets => targets.map(target => layBlocks(asPicture(target, shape), layout, side)) }
  },
})
