import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { annealBlocks, attackPictures, halfTurns, learnSeams, type Seam, type State } from '../src/index.ts'
import { cutBlock, inState, joinBlocks, statesOf } from '../src/attacks/block-states.ts'
import { stripsOf } from '../src/attacks/seams.ts'

const SIDE = 8
const random = (name: string) => KeyStream.create(sha256Of(new TextEncoder().encode(name)), 'latent/v1/lab/test')

/** Two waves of each channel: no two seams are alike. */
const waves = (): Image<'u8'> =>
  image({
    width: 32,
    height: 32,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => {
      const [x, y, c] = [Math.floor(i / 3) % 32, Math.floor(i / 96), i % 3]
      return 128 + 60 * Math.sin(0.21 * x + 0.13 * y + c) + 60 * Math.cos(0.17 * y - 0.08 * x + 2 * c)
    }),
  })

/** Blocks in another order, in states by turns. */
function scrambled(plain: Image<'u8'>, states: readonly State[], order: readonly number[]): Image<'u8'> {
  const blocks = order.map((from, n) => inState(cutBlock(plain, from, SIDE), states[(5 * n) % states.length]!))
  return joinBlocks(blocks, plain, SIDE)
}

const turned = (picture: Image<'u8'>): Image<'u8'> => ({
  ...picture,
  data: picture.data.map((_, i, all) => all[all.length - 3 - (i - (i % 3)) + (i % 3)]!),
})

describe('blocks laid by what is learned of seams', () => {
  let seam: Seam
  beforeAll(async () => {
    const kin = (await attackPictures('scenes', 'kin', 160)).map(({ plain }) => plain)
    seam = await learnSeams(kin, SIDE, await random('seams'))
  })

  test('sides that meet fit better than sides that do not', async () => {
    const targets = await attackPictures('scenes', 'targets', 12)
    let [better, all] = [0, 0]
    for (const { plain } of targets) {
      const strips = Array.from({ length: 16 }, (_, b) => stripsOf(cutBlock(plain, b, SIDE), SIDE, 3))
      for (let b = 0; b < 16; b++) {
        if ((b + 1) % 4 === 0) continue
        const right = seam(strips[b]![1]!, strips[b + 1]![3]!)
        for (let other = 0; other < 16; other++) {
          if (other === b || other === b + 1) continue
          better += Number(right < seam(strips[b]![1]!, strips[other]![3]!))
          all++
        }
      }
    }
    expect(better / all).toBeGreaterThan(0.8)
  })

  test('complements, channels in another order and the other way round change no seam', async () => {
    const blocks = [0, 1].map(b => cutBlock(waves(), b, SIDE))
    const cost = (forms: readonly Uint8Array[]) => {
      const [a, b] = forms.map(form => stripsOf(form, SIDE, 3))
      return seam(a![1]!, b![3]!)
    }
    const plain = cost(blocks)
    for (const { source, flip } of statesOf(SIDE, 3).slice(0, 12))
      expect(cost(blocks.map(block => inState(block, { source, flip })))).toBeCloseTo(plain, 9)
    const [a, b] = blocks.map(block => stripsOf(block, SIDE, 3))
    expect(seam(b![3]!, a![1]!)).toBeCloseTo(plain, 9)
  })

  test('a picture whose blocks changed places and were turned comes together', async () => {
    const order = [7, 2, 13, 0, 9, 15, 4, 11, 1, 6, 12, 3, 14, 8, 5, 10]
    const states = halfTurns(SIDE, 3)
    const found = await annealBlocks(
      scrambled(waves(), states, order),
      seam,
      { side: SIDE, states, moves: 40_000, starts: 4 },
      await random('annealing'),
    )
    expect([waves().data, turned(waves()).data]).toContainEqual(found.data)
  })

  test('a beginning is kept where nothing fits better', async () => {
    const identity = { order: Uint32Array.from({ length: 16 }, (_, i) => i), states: new Uint8Array(16) }
    const found = await annealBlocks(
      waves(),
      seam,
      { side: SIDE, states: statesOf(SIDE, 3), moves: 500, starts: 1, from: identity },
      await random('beginning'),
    )
    expect(found.data).toEqual(waves().data)
  })
})
