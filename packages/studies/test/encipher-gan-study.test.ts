import { pearson } from '../src/numbers.ts'
import { type Image, randomBytes } from '@latent/core'
import { bandPowers, START } from '@latent/schemes/encipher-gan'
import { drawPicture } from '@latent/data'
import { openData } from '@latent/data/node'
import { quality } from '@latent/lab'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findStudy } from '../src/index.ts'
import { CHANGES, changed, pairBound } from '../src/encipher-gan/contrast.ts'
import { liveliness, sobel } from '../src/encipher-gan/weaknesses.ts'

const DATA = process.env['LATENT_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname

test('the study is found by the name of its scheme', async () => {
  expect(await findStudy('encipher-gan-2023')).toMatchObject({ id: 'encipher-gan-2023' })
})

test('outlines: a picture is like itself, its negative too, and unlike noise', async () => {
  const plain = await drawPicture('street', 96, 80)
  const negative: Image = { ...plain, data: plain.data.map(value => 255 - value) }
  const noise: Image = { ...plain, data: randomBytes(plain.data.length) }
  for (const measure of [sobel, liveliness]) {
    expect(pearson(measure(plain), measure(negative))).toBeCloseTo(1, 9)
    expect(Math.abs(pearson(measure(plain), measure(noise)))).toBeLessThan(0.15)
  }
  expect(sobel(plain)).toHaveLength(94 * 78)
  expect(liveliness(plain)).toHaveLength(24 * 20)
})

test.skipIf(!existsSync(join(DATA, 'bsds500', 'train')))(
  'the powers of bands that pairs start with are those of BSDS500 train',
  { timeout: 60_000 },
  async () => {
    const { pictures } = await openData('bsds500/train', DATA)
    const powers = bandPowers((await Promise.all(pictures.map(picture => picture.load()))) as Image<'u8'>[])
    // Written down to two digits.
    powers.forEach((power, band) => expect(Math.abs(power / START.bands[band]! - 1)).toBeLessThan(0.051))
  },
)

test('no guess is nearer to both of two pictures than the bound, and the middle reaches it', async () => {
  const plain = await drawPicture('street', 64, 48)
  for (const change of CHANGES) {
    const other = changed(plain, change)
    const bound = pairBound(plain, other)
    const guess = (share: number, noise: number): Image<'u8'> => ({
      ...plain,
      data: plain.data.map((value, i) =>
        Math.max(0, Math.min(255, Math.round(value + share * (other.data[i]! - value) + noise * Math.sin(i * i)))),
      ),
    })
    const worse = (picture: Image<'u8'>) =>
      Math.min(quality(plain, picture, 'one').psnr, quality(other, picture, 'one').psnr)
    for (const [share, noise] of [
      [0, 0],
      [0.2, 0],
      [0.5, 9],
      [0.7, 2],
      [1, 0],
      [1.4, 0],
    ] as const)
      expect(worse(guess(share, noise))).toBeLessThan(bound + 0.05)
    // Rounding to whole levels leaves it a little below.
    expect(worse(guess(0.5, 0))).toBeGreaterThan(bound - 0.3)
    expect(bound).toBeLessThan(36)
  }
})

test('a change of contrast keeps the mean of each colour, one of brightness moves it', async () => {
  const plain = await drawPicture('dunes', 64, 48)
  const means = ({ data }: Image<'u8'>) =>
    [0, 1, 2].map(
      c =>
        Array.from(data)
          .filter((_, i) => i % 3 === c)
          .reduce((sum, value) => sum + value, 0) /
        (data.length / 3),
    )
  const [half] = CHANGES.map(change => means(changed(plain, change)))
  means(plain).forEach((value, c) => expect(half![c]!).toBeCloseTo(value, 0))
  const brighter = means(changed(plain, { name: '', gain: 1, offset: 20 }))
  means(plain).forEach((value, c) => expect(brighter[c]!).toBeGreaterThan(value + 15))
})
