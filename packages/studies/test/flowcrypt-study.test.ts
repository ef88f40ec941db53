import { glanceTable } from '../src/flowcrypt/leaks.ts'
import { initialise } from '@latent/graph'
import { flowCryptParameters, runnerOf } from '@latent/schemes/flowcrypt'
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

test('a glance sees a picture under a dither, and nothing in noise', async () => {
  const plain = planesOf(await drawPicture('landscape', 64, 64))
  const noise = (i: number) => (Math.imul(i + 1, 2654435761) >>> 0) / 2 ** 32
  const halved = (c: number, y: number, x: number) => plain.values[(c * 64 + y) * 64 + ((2 * x) % 64)]!
  const dithered = plain.values.map(
    (_, i) => 0.8 * noise(i) + 0.2 * halved(Math.floor(i / 4096), Math.floor(i / 64) % 64, i % 64),
  )
  expect(glance({ ...plain, values: dithered }, plain).correlation).toBeGreaterThan(0.7)
  expect(Math.abs(glance({ ...plain, values: plain.values.map((_, i) => noise(i)) }, plain).correlation)).toBeLessThan(
    0.3,
  )
})

test('a glance at the picture itself, squeezed, finds all of it; what is printed is the mean of finds', async () => {
  const plain = planesOf(await drawPicture('landscape', 64, 64))
  // Means of 8 x 8 squares of the right half are those of 16 x 8 pixels of the picture: a glance correlates fully.
  const squeezed = plain.values.map((_, i) => {
    const [row, x] = [Math.floor(i / 64), i % 64]
    return x < 32 ? 0 : (plain.values[row * 64 + 2 * (x - 32)]! + plain.values[row * 64 + 2 * (x - 32) + 1]!) / 2
  })
  expect(glance({ ...plain, values: squeezed }, plain).correlation).toBeCloseTo(1, 6)
  expect(glance({ ...plain, values: squeezed.map(value => 1 - value) }, plain).correlation).toBeCloseTo(-1, 6)
  expect(
    glanceTable([
      { name: 'a', correlations: [0.31, 0.35, 0.39] },
      { name: 'b', correlations: [-0.5, -0.7] },
    ]),
  ).toEqual({ columns: ['', 'a', 'b'], rows: [['correlation of means over squares', '0.350', '-0.600']] })
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
