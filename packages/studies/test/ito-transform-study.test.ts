import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { expect, test } from 'vitest'
import { study } from '../src/ito-transform/study.ts'
import { atLength, LONG } from '../../../test/long.ts'

const noise = async (seed: number): Promise<Image<'u8'>> =>
  image({
    width: 32,
    height: 32,
    channels: 3,
    format: 'u8',
    data: await (await KeyStream.create(sha256Of(Uint8Array.of(seed)), 'latent/v1/test')).bytes(3072),
  })

test.runIf(LONG)(`the study runs, and says of a quick run that its figures mean nothing${atLength}`, async () => {
  const drawn = await Promise.all(Array.from({ length: 40 }, (_, i) => noise(i)))
  const page = await study.run({
    seed: 1,
    quick: true,
    progress: () => undefined,
    labels: async () => Uint8Array.from(drawn, (_, i) => i % 10),
    file: async () => new Uint8Array(),
    images: async (_, limit) => drawn.slice(0, limit).map((picture, i) => ({ id: String(i), image: picture })),
  })
  expect(page.intro.join(' ')).toContain('quick run')
  const [read, attacks] = page.sections.map(({ tables }) => tables![0]!)
  expect(read!.rows.map(([title, , ssim]) => [title, Number(ssim) === 1])).toEqual([
    ['the pictures themselves (control)', true],
    ['drawn by the network', false],
    ['AES-256-CTR (control)', false],
  ])
  expect(attacks!.rows.length).toBe(3)
  expect(attacks!.rows.every(row => row.length === attacks!.columns.length)).toBe(true)
})
