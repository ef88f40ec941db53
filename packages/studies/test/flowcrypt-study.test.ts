import { glanceTable } from '../src/flowcrypt/leaks.ts'
import { initialise } from '@latent/graph'
import { flowCryptParameters, gatherHalf, runnerOf } from '@latent/schemes/flowcrypt'
import { drawPicture } from '@latent/data'
import { expect, test } from 'vitest'
import { attackMap } from '@latent/lab/attacks/trained'
import {
  decibels,
  decrypt,
  encrypt,
  glance,
  keysFor,
  misplaced,
  pictureOf,
  type Planes,
  planesOf,
  splitMap,
  wholeMap,
} from '../src/flowcrypt/measure.ts'
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
    const squint = row('correlation of means over squares').slice(1).map(Number)
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

test.each(['left', 'right'] as const)(
  'a glance sees either half of a picture in the %s one of a cipher',
  async side => {
    const plain = planesOf(await drawPicture('landscape', 64, 64))
    const { order } = (await keysFor(64, 64, 1)).right
    for (const which of ['first', 'second'] as const) {
      const half = gatherHalf(plain.values, order[which])
      expect(glance(shining(plain, half, side), plain, order).correlation).toBeCloseTo(1, 6)
      const inverted = half.map(value => 1 - value)
      expect(glance(shining(plain, inverted, side), plain, order).correlation).toBeCloseTo(-1, 6)
      const dithered = half.map((value, i) => 0.8 * ((Math.imul(i + 7, 2654435761) >>> 0) / 2 ** 32) + 0.2 * value)
      expect(glance(shining(plain, dithered, side), plain, order).correlation).toBeGreaterThan(0.7)
    }
  },
)

test('a glance at noise sees nothing; what is printed is the mean of finds', async () => {
  const plain = planesOf(await drawPicture('landscape', 64, 64))
  const { order } = (await keysFor(64, 64, 1)).right
  const noise = plain.values.map((_, i) => (Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 32)
  expect(Math.abs(glance({ ...plain, values: noise }, plain, order).correlation)).toBeLessThan(0.35)
  expect(
    glanceTable([
      { name: 'a', seen: [0.31, 0.35, 0.39], atNoise: [0.1, 0.2] },
      { name: 'b', seen: [0.5, 0.7], atNoise: [0] },
    ]),
  ).toEqual({
    columns: ['', 'a', 'b'],
    rows: [
      ['correlation of means over squares', '0.350', '0.600'],
      ['the same of noise in its place', '0.150', '0.000'],
    ],
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
