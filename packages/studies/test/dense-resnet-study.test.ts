import { peel } from '@latent/lab'
import { image, KeyStream, sha256Of } from '@latent/core'
import { diffuse, type Diffusion, passKeys } from '@latent/schemes/dense-resnet'
import { drawPicture } from '@latent/data'
import { openData } from '@latent/data/node'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { asPicture, differenceHistogram, outline } from '../src/dense-resnet/attacks.ts'
import { diffusionSpread } from '../src/dense-resnet/measure.ts'
import { findStudy } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const key = sha256Of(Uint8Array.of(7))
const draws = () => KeyStream.create(key, 'latent/v1/test')
const xor = (a: Uint8Array, b: Uint8Array) => a.map((value, i) => value ^ b[i]!)
const under = async (diffusion: Diffusion, bytes: Uint8Array) =>
  diffuse(diffusion.rule, bytes, await passKeys(diffusion, bytes.length, key, new Uint8Array(0)))

test('two ciphers under an XOR chain give their difference away; with an S-box they do not', async () => {
  const stream = await draws()
  const [a, b] = [await stream.bytes(4096), await stream.bytes(4096)]
  const chain: Diffusion = { rule: 'xor-chain', passes: 2 }
  const box: Diffusion = { rule: 'xor-sbox', passes: 3 }
  expect(peel(chain, await under(chain, a), await under(chain, b))).toEqual(xor(a, b))
  expect(peel(box, await under(box, a), await under(box, b))).not.toEqual(xor(a, b))
})

test('a chain moves a difference without changing it: few values, against all', async () => {
  const a = await (await draws()).bytes(16384)
  const b = a.with(9000, a[9000]! ^ 5)
  const values = async (diffusion: Diffusion) =>
    differenceHistogram(await under(diffusion, a), await under(diffusion, b)).filter(share => share > 0).length
  expect(await values({ rule: 'xor-chain', passes: 2 })).toBe(2)
  expect(await values({ rule: 'xor-sbox', passes: 3 })).toBe(256)
})

test('outlines show in a picture that is only darker, and not in noise', async () => {
  const plain = await drawPicture('shapes', 128, 96)
  expect(outline(plain, { ...plain, data: plain.data.map(value => value >> 1) })).toBeGreaterThan(0.99)
  expect(Math.abs(outline(plain, asPicture(await (await draws()).bytes(plain.data.length), plain)))).toBeLessThan(0.2)
  expect(outline(plain, image({ ...plain, data: plain.data.map(value => 255 - value) }))).toBeGreaterThan(0.99)
})

test('NPCR and UACI: three passes with an S-box against two of the chain', async () => {
  const [box, chain] = [
    await diffusionSpread({ rule: 'xor-sbox', passes: 3 }, 20, 3),
    await diffusionSpread({ rule: 'xor-chain', passes: 2 }, 20, 3),
  ]
  expect(box.both).toBeGreaterThan(14)
  expect([chain.both, chain.twoSided, chain.uaciWithin]).toEqual([0, 0, 0])
})

test.skipIf(!LONG || !existsSync(new URL('../../../models/dense-resnet-2024-paper.safetensors', import.meta.url)))(
  `the study runs, and its figures are pictures that can be drawn${atLength}`,
  { timeout: 120_000 },
  async () => {
    const study = await findStudy('dense-resnet-2024')
    const page = await study.run({
      seed: 1,
      quick: true,
      progress: () => undefined,
      labels: async () => new Uint8Array(),
      file: async () => new Uint8Array(),
      images: async (source, limit) =>
        Promise.all(
          (await openData(source)).pictures
            .slice(0, limit)
            .map(async picture => ({ id: picture.id, image: (await picture.load()) as never })),
        ),
    })
    expect(page.sections.flatMap(({ figures = [] }) => figures.map(({ name }) => name))).toEqual([
      'gallery',
      'difference-xor-chain',
      'difference-xor-sbox',
      'peeled',
      'trails-described',
      'trails-repaired',
    ])
    const table = page.sections.find(({ heading }) => heading.includes('peels off'))!.tables![0]!
    expect(table.rows.map(row => row[1])).toEqual([
      '100.00 %',
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^0\.[345]\d %$/)),
    ])
    expect(
      page.sections
        .flatMap(({ tables = [] }) => tables.flatMap(({ rows }) => rows.flat()))
        .some(value => String(value).includes('NaN')),
    ).toBe(false)
  },
)
