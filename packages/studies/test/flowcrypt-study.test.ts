import { seenTable } from '../src/flowcrypt/leaks.ts'
import { initialise } from '@latent/graph'
import { flowCryptParameters, gatherHalf, runnerOf, type SplitOrder } from '@latent/schemes/flowcrypt'
import { mean } from '@latent/lab'
import { drawPicture } from '@latent/data'
import { describe, expect, test } from 'vitest'
import { attackMap } from '@latent/lab/attacks/trained'
import { decibels, decrypt, encrypt, keysFor, misplaced, splitMap, wholeMap } from '../src/flowcrypt/measure.ts'
import { pictureOf, type Planes, planesOf } from '../src/flowcrypt/planes.ts'
import { looksAt, pictureSeen, seenByFit, seenOf, upright } from '../src/flowcrypt/looks.ts'
import { pearson } from '../src/numbers.ts'
import { shipped } from '../src/flowcrypt/variants.ts'
import { study } from '../src/flowcrypt/study.ts'
import { atLength, LONG } from '../../../test/long.ts'

test.runIf(LONG)(
  `a quick study runs to its end, with a figure for every name and no cell that is no number${atLength}`,
  { timeout: 240_000 },
  async () => {
    const drawn = [await drawPicture('landscape', 64, 64), await drawPicture('street', 64, 64)]
    const page = await study.run({
      seed: 1,
      quick: true,
      progress: () => undefined,
      labels: async () => new Uint8Array(),
      file: async () => new Uint8Array(),
      images: async (_, limit) => drawn.slice(0, limit).map((image, i) => ({ id: String(i), image })),
    })
    const cells = page.sections.flatMap(({ tables = [] }) => tables.flatMap(({ rows }) => rows.flat().map(String)))
    expect(cells.length).toBeGreaterThan(50)
    expect(cells.filter(cell => /NaN|undefined/.test(cell))).toEqual([])
    const row = (name: string) =>
      page.sections.flatMap(({ tables = [] }) => tables.flatMap(({ rows }) => rows)).find(([first]) => first === name)!
    expect(row('parameters')[2]).toBe('953,440')
    expect(Number.parseFloat(String(row('PSNR from floats, dB')[2]))).toBeGreaterThan(100)
    expect(Number.parseFloat(String(row('another key (its last character)')[2]))).toBeLessThan(12)
    const captions = page.sections.flatMap(({ figures = [] }) => figures.map(({ caption }) => caption))
    expect(captions).toEqual([...new Set(captions)])
    // What squinting shows of networks that began at our start is far above chance: over 96 squares that is 0.2.
    const squint = row('squinting: correlation of means over squares').slice(1).map(Number)
    expect(squint.length).toBeGreaterThan(2)
    expect(Math.max(...squint.map(Math.abs))).toBeGreaterThan(0.3)
    expect(Math.max(...squint.map(Math.abs))).toBeLessThanOrEqual(1)
  },
)

test('parts of a key are what they say', async () => {
  const keys = await keysFor(16, 8, 1)
  expect(wholeMap(keys.rightMapWrongMask)).toEqual(wholeMap(keys.right))
  expect(keys.rightMapWrongMask.order).toEqual(keys.wrong.order)
  expect(wholeMap(keys.wrongMapRightMask)).toEqual(wholeMap(keys.wrong))
  expect(splitMap(wholeMap(keys.right), keys.right)).toEqual(keys.right)
  const plain = planesOf(await drawPicture('street', 16, 8))
  const moved = misplaced(plain, keys)
  expect(moved.values).not.toEqual(plain.values)
  expect(moved.values.toSorted()).toEqual(plain.values.toSorted())
})

/** One half of a picture where a network puts one of its halves; noise in the other. */
function shining(plain: Planes, half: Float32Array, side: 'left' | 'right'): Planes {
  const w = plain.width / 2
  const values = plain.values.map((_, i) => (Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 32)
  for (const [i, value] of half.entries()) values[2 * i - (i % w) + (side === 'right' ? w : 0)] = value
  return { ...plain, values }
}

describe('ways to look at a cipher image', async () => {
  const plain = planesOf(await drawPicture('landscape', 64, 64))
  const { order } = (await keysFor(64, 64, 1)).right
  const correlations = (cipher: Planes) => looksAt(cipher, plain, order).map(({ correlation }) => correlation)
  const most = (cipher: Planes) =>
    correlations(cipher).reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one))

  test.each(['left', 'right'] as const)('either half of a picture is seen in the %s one of a cipher', side => {
    for (const which of ['first', 'second'] as const) {
      // Grey, so that every colour is as bright as the picture.
      const colours = gatherHalf(plain.values, order[which])
      const places = colours.length / 3
      const half = colours.map((_, i) => {
        const [r, g, b] = [0, 1, 2].map(c => colours[c * places + (i % places)]!)
        return 0.299 * r! + 0.587 * g! + 0.114 * b!
      })
      expect(most(shining(plain, half, side))).toBeCloseTo(1, 6)
      const inverted = half.map(value => 1 - value)
      expect(most(shining(plain, inverted, side))).toBeCloseTo(-1, 6)
      const dithered = half.map((value, i) => 0.8 * ((Math.imul(i + 7, 2654435761) >>> 0) / 2 ** 32) + 0.2 * value)
      expect(most(shining(plain, dithered, side))).toBeGreaterThan(0.7)
      // One colour shows the picture and the next its negative: together they hide each other.
      const opposed = half.map((value, i) => (i < places ? value : i < 2 * places ? 1 - value : 0.5))
      expect(Math.abs(most(shining(plain, opposed, side)))).toBeCloseTo(1, 6)
    }
  })

  test('noise shows nothing; what is seen is drawn upright', () => {
    const noise = plain.values.map((_, i) => (Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 32)
    const found = correlations({ ...plain, values: noise })
    expect(found).toHaveLength(12)
    expect(Math.max(...found.map(Math.abs))).toBeLessThan(0.35)

    const inverted = gatherHalf(plain.values, order.first).map(value => 1 - value)
    const looks = looksAt(shining(plain, inverted, 'left'), plain, order)
    const { data, width } = pictureSeen(upright(looks[0]!), plain)
    const luma = (i: number) =>
      0.299 * plain.values[i]! + 0.587 * plain.values[64 * 64 + i]! + 0.114 * plain.values[2 * 64 * 64 + i]!
    expect([
      width,
      pearson(
        data,
        Array.from(data, (_, i) => luma(i)),
      ),
    ]).toEqual([64, expect.toSatisfy((r: number) => r > 0.7)])
  })

  /** Uniform values from a hash of place and seed. */
  const hashed = (i: number, seed: number) => {
    const mixed = Math.imul((i + 1) ^ Math.imul(seed + 1, 0x9e3779b1), 0x85ebca6b)
    return (Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) >>> 0) / 2 ** 32
  }

  test('a fit sees what no colour shows by itself, in pictures that it was not fitted to', async () => {
    const pictures = await Promise.all(
      (['landscape', 'street', 'shapes', 'landscape', 'street', 'shapes'] as const).map(async (name, seed) =>
        planesOf(await drawPicture(name, 128, 128 - 8 * seed)),
      ),
    )
    const keys = await Promise.all(pictures.map(({ width, height }, seed) => keysFor(width, height, seed)))
    /** Green is red where the picture is bright, and drawn by itself elsewhere: every value is uniform everywhere. */
    const alike = (picture: Planes, order: SplitOrder, seed: number): Planes => {
      const half = gatherHalf(picture.values, order.first)
      const places = half.length / 3
      const colours = half.map((_, i) => hashed(i, seed))
      for (let i = 0; i < places; i++) if (half[i]! > 0.5) colours[places + i] = colours[i]!
      return shining(picture, colours, 'left')
    }
    const noise = (picture: Planes, seed: number) => ({
      ...picture,
      values: picture.values.map((_, i) => hashed(i, 100 + seed)),
    })
    const seen = (cipher: (picture: Planes, order: SplitOrder, seed: number) => Planes) =>
      pictures.map((picture, i) => {
        const { order } = keys[i]!.right
        return seenOf(cipher(picture, order, i), picture, order)
      })
    const leaking = seen(alike)
    expect(seenByFit(leaking)).toBeGreaterThan(0.6)
    for (const look of [0, 2, 4].map(i => mean(leaking.map(({ looks }) => looks[i]!)))) expect(look).toBeLessThan(0.35)
    expect(Math.abs(seenByFit(seen((picture, _, seed) => noise(picture, seed)))!)).toBeLessThan(0.25)
    expect(seenByFit(leaking.slice(0, 3))).toBeUndefined()
  })

  test(
    'the shipped network that was learned shows pictures to neither, the one that began at our start to both',
    { timeout: 60_000 },
    async () => {
      const drawn = ['landscape', 'street', 'shapes', 'landscape', 'street', 'shapes'] as const
      const shows = async (id: string) => {
        const { runner } = await shipped(id, 'paper', id, 1)
        const seen = await Promise.all(
          drawn.map(async (name, seed) => {
            const plain = planesOf(await drawPicture(name, 128, 128 - 8 * seed))
            const { right } = await keysFor(plain.width, plain.height, seed)
            return seenOf(planesOf(pictureOf(await encrypt(runner, plain, right))), plain, right.order)
          }),
        )
        const looks = seen[0]!.looks.map((_, look) => mean(seen.map(({ looks }) => looks[look]!)))
        return { squint: Math.max(...looks), fit: Math.abs(seenByFit(seen)!) }
      }
      const [learned, structured] = [await shows('flowcrypt-2025'), await shows('flowcrypt-2025-structured')]
      for (const look of ['squint', 'fit'] as const) {
        expect(learned[look]).toBeLessThan(0.25)
        expect(structured[look]).toBeGreaterThan(0.4)
      }
    },
  )

  test('the table prints the look that shows the most of all pictures, not the most of each', () => {
    const none = { local: [], bright: [] }
    const figures = [
      { seen: { ...none, looks: [0.9, 0.4, 0.1] }, seenInNoise: { ...none, looks: [0, 0.1, 0] } },
      { seen: { ...none, looks: [0.1, 0.8, 0.2] }, seenInNoise: { ...none, looks: [0.1, 0.2, 0] } },
    ]
    expect(seenTable([{ name: 'a', figures }])).toEqual({
      columns: ['', 'a'],
      rows: [
        ['squinting: correlation of means over squares', '0.600'],
        ['the same of noise in its place', '0.150'],
        ['fitted to every second picture: correlation in the others', 'too few pictures'],
        ['the same of noise in its place', 'too few pictures'],
      ],
    })
  })
})

test('the true PSNR has no cap, and bytes survive being planes', async () => {
  const picture = await drawPicture('shapes', 16, 8)
  const plain = planesOf(picture)
  expect(decibels(plain, plain)).toBe(Infinity)
  expect(pictureOf(plain).data).toEqual(picture.data)
})

test(
  'descent finds the map of a network that is smooth in it, and so decrypts another picture',
  { timeout: 60_000 },
  async () => {
    // Plain random weights with no fold: the positive control of the attack.
    const weights = await initialise(flowCryptParameters({ blocks: 2, hidden: 8 }), 3)
    const runner = runnerOf(weights, { threads: 1 })
    const [known, target] = [
      planesOf(await drawPicture('landscape', 16, 16)),
      planesOf(await drawPicture('street', 16, 16)),
    ]
    const { right, wrong } = await keysFor(16, 16, 1)
    const { key } = await attackMap(weights, known, await encrypt(runner, known, right), right, { steps: 200, seed: 1 })
    const cipher = await encrypt(runner, target, right)
    const [found, guessed] = [
      decibels(target, await decrypt(runner, cipher, key)),
      decibels(target, await decrypt(runner, cipher, { ...wrong, order: right.order })),
    ]
    expect(found).toBeGreaterThan(guessed + 6)
    await runner.close()
  },
)
