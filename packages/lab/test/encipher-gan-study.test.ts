import { type Image, randomBytes } from '@latent/core'
import { bandPowers, START } from '@latent/schemes/encipher-gan'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { drawPicture } from '../src/index.ts'
import { openData } from '../src/node.ts'
import { findStudy } from '../src/studies/index.ts'
import { liveliness, pearson, sobel } from '../src/studies/encipher-gan/weaknesses.ts'

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

test.skipIf(!existsSync(join(DATA, 'bsds500', 'train')))('the powers of bands that pairs start with are those of BSDS500 train', { timeout: 60_000 }, async () => {
  const { pictures } = await openData('bsds500/train', DATA)
  const powers = bandPowers((await Promise.all(pictures.map(picture => picture.load()))) as Image<'u8'>[])
  // Written down to two digits.
  powers.forEach((power, band) => expect(Math.abs(power / START.bands[band]! - 1)).toBeLessThan(0.051))
})
