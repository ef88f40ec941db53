import { type Image, type ImageCipher, image } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { drawPicture } from '@latent/data'
import { baselines } from './fixtures/ciphers.ts'
import { describe, expect, test } from 'vitest'
import { FAMILY_LEVEL, judge, measureImage, type TestId, TESTS } from '../src/index.ts'
import { failing as failingIn } from './fixtures/failing.ts'

/**
 * Pictures that show nothing, or the same from both sides. What a test says about a cipher must not come
 * from them: an honest cipher passes on each, and a reused mask is found on each.
 */
const [WIDTH, HEIGHT] = [96, 64]

const drawn = (
  channels: number,
  value: (x: number, y: number, c: number) => number,
  width = WIDTH,
  height = HEIGHT,
): Image<'u8'> =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: Uint8Array.from({ length: width * height * channels }, (_, i) =>
      value(Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels),
    ),
  })

const PICTURES: readonly (readonly [name: string, picture: Image<'u8' | 'u16'>])[] = [
  ['a blank page', drawn(3, () => 255)],
  ['a black one', drawn(1, () => 0)],
  ['a logo that mirrors itself', drawn(3, (x, y) => (Math.hypot(x - (WIDTH - 1) / 2, y - 31) < 20 ? 30 : 250))],
  ['vertical stripes', drawn(1, x => (x % 8 < 4 ? 0 : 255))],
  ['a checkerboard in two colours', drawn(3, (x, y, c) => ((x + y) % 2 === 0 ? 200 : 40 * c))],
  ['the left half black, the right half white', drawn(3, x => (x < WIDTH / 2 ? 0 : 255))],
  ['lines of text', drawn(1, (x, y) => (y % 8 < 5 && (x * 7919 + y * 104_729) % 13 < 4 ? 0 : 255))],
  ['one column', drawn(3, (_, y) => y % 251, 1, 1000)],
  ['one row', drawn(1, x => (x * 3) % 256, 900, 1)],
  ['white with an even alpha', drawn(4, (_x, _y, c) => (c === 3 ? 128 : 255))],
  [
    'a 16-bit ramp in the high bytes',
    image({
      width: 64,
      height: 64,
      channels: 1,
      format: 'u16',
      data: Uint16Array.from({ length: 4096 }, (_, i) => (i % 64) << 10),
    }),
  ],
]

const SEEDS = 6

async function failing(cipher: ImageCipher, plain: Image): Promise<TestId[]> {
  const rows = await Promise.all(
    Array.from({ length: SEEDS }, (_, seed) => measureImage(cipher, plain, { imageId: 'degenerate', seed })),
  )
  return failingIn(rows)
}

describe.each(PICTURES)('%s', (_, plain) => {
  test.each(['aes-256-ctr', 'chacha20', 'random-bytes', 'exact-flow'])('%s fails nothing', async id => {
    const { cipher, close } = await openScheme(id)
    try {
      expect(await failing(cipher, plain)).toEqual([])
    } finally {
      await close()
    }
  })

  test.each(['fixed-permutation', 'aes-256-cbc'])('%s is not taken for a reused mask', async id => {
    const fails = await failing(baselines[id]!(), plain)
    expect(fails).not.toContain('mask-reuse')
    expect(fails).toContain('pixel-npcr')
  })

  test.each(['xor-reused-mask', 'aes-256-ctr-fixed', 'identity'])('%s is found out', async id => {
    expect(await failing(baselines[id]!(), plain)).toContain('mask-reuse')
  })
})

test('pictures with equal beginnings do not accuse a chained cipher', async () => {
  const plain = await drawPicture('street', 64, 48)
  const framed = image({ ...plain, data: plain.data.map((value, i) => (i < 64 * 3 * 12 ? 0 : value)) })
  expect(await failing(baselines['aes-256-cbc']!(), framed)).not.toContain('mask-reuse')
})

// One pixel in place, 1/784, is half a deviation of a picture's share: in 300 pictures a sum that took them for a mask
// would be 8.6 deviations off.
const DIGITS = 300

test('nor do the pixels that a permutation leaves in place, in three hundred small pictures', async () => {
  const reuse = TESTS.filter(({ id }) => id === 'mask-reuse')
  const digit = drawn(1, (x, y) => (x > 10 && x < 16 && y > 4 ? 255 : 0), 28, 28)
  const rows = await Promise.all(
    Array.from({ length: DIGITS }, (_, seed) =>
      measureImage(baselines['fixed-permutation']!(), digit, { imageId: `digit-${seed}`, seed, tests: reuse }),
    ),
  )
  const found = rows.map(({ tests }) => tests['mask-reuse']!)
  expect(judge(found.map(({ p }) => p)).p).toBeGreaterThan(FAMILY_LEVEL)
  // One pixel of 784 stays in place on average, beside those that match by chance.
  expect(found.reduce((sum, { value }) => sum + value, 0) / DIGITS).toBeCloseTo(1 / 784 + 1 / 256, 3)
})
