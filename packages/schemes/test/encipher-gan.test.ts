import { type Image, image, KeyStream } from '@latent/core'
import { compile, initialise, leaves, openStepper, parameterCount, shape, tensor } from '@latent/graph'
import type { Tensor, Tree } from '@latent/graph'
import { afterAll, describe, expect, test } from 'vitest'
import {
  bandMatrix,
  BLOCK,
  discriminatorParameters,
  generate,
  generatorParameters,
  mixing,
  openKeyed,
  orthogonal,
  placeInBlock,
  START,
  structuredPair,
  weightCount,
} from '../src/encipher-gan/index.ts'
import { writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'
import { findScheme, openScheme, schemes } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const key = new Uint8Array(32).fill(7)
const other = new Uint8Array(32).fill(8)

/** Smooth colours with an edge and a little grain. */
function picture(width: number, height: number, channels: number, format: 'u8' | 'u16' = 'u8'): Image {
  const top = format === 'u8' ? 255 : 65535
  const data = Array.from({ length: width * height * channels }, (_, i) => {
    const [c, p] = [i % channels, Math.floor(i / channels)]
    const [x, y] = [p % width, Math.floor(p / width)]
    const value =
      0.5 +
      0.3 * Math.sin((x + 9 * c) / 11 + y / 17) +
      (x > y ? 0.12 : -0.12) +
      0.02 * Math.sin(12.9898 * x + 78.233 * y + c)
    return Math.round(top * Math.min(1, Math.max(0, value)))
  })
  return image({
    width,
    height,
    channels,
    format,
    data: format === 'u8' ? Uint8Array.from(data) : Uint16Array.from(data),
  })
}

/** Pearson's, over all samples; 0 for a flat picture, whatever its grey. */
function correlation(a: Image, b: Image): number {
  const mean = ({ data }: Image) => Array.from(data).reduce((sum, value) => sum + value, 0) / data.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [a.data[i]! - ma, b.data[i]! - mb]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}

function psnr(a: Image, b: Image): number {
  const top = a.format === 'u8' ? 255 : 65535
  let squares = 0
  for (let i = 0; i < a.data.length; i++) squares += (a.data[i]! - b.data[i]!) ** 2
  const mse = squares / a.data.length
  return 10 * Math.log10(top ** 2 / mse)
}

describe('networks', () => {
  test('have the published numbers of weights, with its two slips of the pen corrected', () => {
    const weights = (norm: 'instance' | 'none') => parameterCount(generatorParameters('paper', norm))
    expect(weights('instance')).toBe(2_847_936)
    expect(weights('none')).toBe(2_847_936)
    expect(weightCount('paper')).toBe(2_847_936)
    const rows = [4_704, 18_432, 73_728, 2_654_208, 73_728, 18_432, 4_704]
    expect(rows.reduce((sum, row) => sum + row)).toBe(2_847_936)
    const { enter, down1, down2, blocks, up1, up2, leave } = generatorParameters('paper', 'instance')
    expect([enter, down1, down2, blocks, up1, up2, leave].map(parameterCount)).toEqual(rows)
    // One threshold for each output channel but the last three.
    expect(parameterCount(generatorParameters('paper', 'frozen'))).toBe(2_847_936 + 32 + 64 + 128 + 18 * 128 + 64 + 32)

    const { convs, norms } = discriminatorParameters('paper')
    expect(convs.map((conv, i) => parameterCount(conv) + (norms[i - 1] ? parameterCount(norms[i - 1]!) : 0))).toEqual([
      3_136, 131_456, 525_056, 2_098_688, 8_193,
    ])
    expect(parameterCount(discriminatorParameters('paper'))).toBe(2_766_529)
  })

  test('without norm and thresholds they are homogeneous up to the tanh; with thresholds they are not', async () => {
    const dims = [1, 3, 16, 16]
    const plain = picture(16, 16, 3)
    const x = Float32Array.from({ length: 768 }, (_, i) => plain.data[(i % 256) * 3 + Math.floor(i / 256)]! / 127.5 - 1)
    const before = async (norm: 'none' | 'frozen', scale: number) => {
      const weights =
        norm === 'frozen'
          ? (await structuredPair('compact', await mixing(key, START))).decryption
          : await initialise(generatorParameters('compact', norm), 3)
      const network = await compile(({ input }) => generate(weights, input, norm), { input: shape(dims) })
      const { output } = await network.run({
        input: tensor(
          'f32',
          dims,
          x.map(value => value * scale),
        ),
      })
      await network.close()
      return (output!.data as Float32Array).map(Math.atanh)
    }
    const relative = (a: Float32Array, b: Float32Array) =>
      Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b)
    expect(
      relative(
        (await before('none', 0.5)).map(value => 2 * value),
        await before('none', 1),
      ),
    ).toBeLessThan(1e-3)
    expect(
      relative(
        (await before('frozen', 0.5)).map(value => 2 * value),
        await before('frozen', 1),
      ),
    ).toBeGreaterThan(0.05)
  })
})

describe('instance norm after the first convolution', () => {
  const dims = [1, 3, 32, 32]
  const plane = 32 * 32
  const x = Float32Array.from(
    { length: 3 * plane },
    (_, i) => 0.4 * Math.sin(i / 9 + Math.floor(i / plane)) + 0.3 * Math.sin(12.9898 * i) - 0.1,
  )

  /** Largest difference of the cipher images, in -1..1, of `x` and of a change of it, for weights of a seed. */
  async function apart(
    norm: 'instance' | 'frozen',
    change: (value: number, channel: number) => number,
    seed = 3,
  ): Promise<number> {
    const weights = await initialise(generatorParameters('compact', norm), seed)
    const network = await compile(
      ({ input }) => generate(weights, input, norm),
      { input: shape(dims) },
      { backend: 'ort-node', threads: 1 },
    )
    const outputs: Float32Array[] = []
    for (const values of [x, x.map((value, i) => change(value, Math.floor(i / plane)))])
      outputs.push((await network.run({ input: tensor('f32', dims, values) })).output!.data as Float32Array)
    await network.close()
    return Math.max(...outputs[0]!.map((value, i) => Math.abs(value - outputs[1]![i]!)))
  }

  // One gain for all colours, an offset for each: brightness, contrast, a cast.
  const changes: Record<string, (value: number, channel: number) => number> = {
    brighter: value => value + 0.25,
    'with a cast': (value, channel) => value + [0.2, -0.1, 0.05][channel]!,
    'at half the contrast': value => 0.5 * value,
    'at a quarter of the contrast, darker': value => 0.25 * value - 0.3,
    'with more contrast': value => 1.3 * value + 0.02,
  }

  test.each(Object.keys(changes))(
    'gives one cipher image for a picture and the same %s, whatever the weights',
    async name => {
      for (const seed of [3, 4]) expect(await apart('instance', changes[name]!, seed)).toBeLessThan(0.01)
    },
  )

  test('other changes show, and so do these without the norm', async () => {
    // Gains that differ by colour are seen: the first convolution mixes colours before the norm.
    expect(await apart('instance', (value, channel) => value * [1, 0.5, 1.5][channel]!)).toBeGreaterThan(0.1)
    expect(await apart('instance', value => -value)).toBeGreaterThan(0.1)
    for (const name of Object.keys(changes)) expect(await apart('frozen', changes[name]!)).toBeGreaterThan(0.01)
  })
})

describe('structured start', () => {
  test('transforms are orthogonal, and places cover a block', async () => {
    for (const matrix of [bandMatrix(), await orthogonal(await KeyStream.create(key, 'latent/v1/test'))]) {
      for (let i = 0; i < BLOCK; i++) {
        for (let j = 0; j <= i; j++) {
          let product = 0
          for (let k = 0; k < BLOCK; k++) product += matrix[i * BLOCK + k]! * matrix[j * BLOCK + k]!
          expect(Math.abs(product - Number(i === j))).toBeLessThan(1e-6)
        }
      }
    }
    expect(new Set(Array.from({ length: BLOCK }, (_, i) => JSON.stringify(placeInBlock(i)))).size).toBe(BLOCK)
  })

  test('the encryption network is the linear code it claims to be, then tanh', async () => {
    const matrices = await mixing(key, START)
    const { encryption } = await structuredPair('compact', matrices)
    const dims = [1, 3, 16, 16]
    const network = await compile(({ input }) => generate(encryption, input, 'frozen'), { input: shape(dims) })
    const plain = picture(16, 16, 3)
    const x = Float32Array.from({ length: 768 }, (_, i) => plain.data[(i % 256) * 3 + Math.floor(i / 256)]! / 127.5 - 1)
    const y = (await network.run({ input: tensor('f32', dims, x) })).output!.data as Float32Array
    await network.close()
    const at = (left: number, top: number, index: number) => {
      const place = placeInBlock(index)
      return (place.channel * 16 + top + place.y) * 16 + left + place.x
    }
    for (const [left, top] of [
      [0, 0],
      [4, 8],
      [12, 12],
    ] as const) {
      for (let i = 0; i < BLOCK; i++) {
        let z = 0
        for (let j = 0; j < BLOCK; j++) z += matrices.forth[i * BLOCK + j]! * x[at(left, top, j)]!
        expect(Math.abs(y[at(left, top, i)]! - Math.tanh(z))).toBeLessThan(1e-4)
      }
    }
  })

  test('a seed changes what is free to be trained and not what the pair does', async () => {
    const matrices = await mixing(key, START)
    const [still, drawn] = [await structuredPair('compact', matrices), await structuredPair('compact', matrices, 5)]
    const count = (pair: object) =>
      leaves<Tensor>(pair as Tree<Tensor>).reduce(
        (sum, [, { data }]) => sum + (data as Float32Array).filter(value => value !== 0).length,
        0,
      )
    expect(count(drawn)).toBeGreaterThan(3 * count(still))
    const dims = [1, 3, 16, 16]
    const input = tensor(
      'f32',
      dims,
      Float32Array.from({ length: 768 }, (_, i) => Math.sin(i / 5)),
    )
    const outputs = await Promise.all(
      [still, drawn].map(async ({ decryption }) => {
        const network = await compile(({ input }) => generate(decryption, input, 'frozen'), { input: shape(dims) })
        const { output } = await network.run({ input })
        await network.close()
        return output!.data as Float32Array
      }),
    )
    expect(Math.max(...outputs[0]!.map((value, i) => Math.abs(value - outputs[1]![i]!)))).toBeLessThan(1e-3)
  })
})

describe('the keyed variant', () => {
  const { cipher, close } = openKeyed('compact')
  afterAll(close)

  test.each([
    [64, 48, 3, 'u8'],
    [37, 21, 3, 'u8'],
    [18, 16, 1, 'u8'],
    [20, 17, 2, 'u8'],
    [16, 30, 4, 'u8'],
    [24, 24, 3, 'u16'],
  ] as const)('recovers %i x %i pixels of %i channels in %s', async (width, height, channels, format) => {
    const plain = picture(width, height, channels, format)
    const hidden = await cipher.encrypt(plain, key)
    expect(hidden).toMatchObject({ format: 'u8', channels: 3, width: 4 * Math.ceil(width / 4) })
    const restored = await cipher.decrypt(hidden, key)
    expect({ ...restored, data: 0 }).toEqual({ width, height, channels, format, data: 0 })
    expect(psnr(plain, restored)).toBeGreaterThan(32)
  })

  test('needs the key and the nonce', async () => {
    const plain = picture(32, 32, 3)
    const nonce = Uint8Array.of(9)
    const hidden = await cipher.encrypt(plain, key, { check: true, nonce })
    await expect(cipher.decrypt(hidden, other)).rejects.toMatchObject({ code: 'E_NO_MATCH' })
    expect(psnr(plain, await cipher.decrypt(hidden, key, { nonce }))).toBeGreaterThan(32)
    const unchecked = await cipher.encrypt(plain, key, { nonce })
    expect(psnr(plain, await cipher.decrypt(unchecked, other))).toBeLessThan(20)
    expect(psnr(plain, await cipher.decrypt(unchecked, key, { nonce: new Uint8Array(16) }))).toBeLessThan(20)
  })

  test('draws a nonce for each image, and is deterministic under one', async () => {
    const plain = picture(16, 16, 3)
    const nonce = Uint8Array.of(1, 2, 3)
    const [a, b, c] = [
      await cipher.encrypt(plain, key, { nonce }),
      await cipher.encrypt(plain, key, { nonce }),
      await cipher.encrypt(plain, key),
    ]
    expect(a).toEqual(b)
    expect(a.data).not.toEqual(c.data)
    expect(psnr(plain, await cipher.decrypt(a, key))).toBeGreaterThan(32)
  })

  test('refuses what it cannot do, with a code', async () => {
    const plain = picture(16, 16, 3)
    await expect(cipher.encrypt(picture(15, 40, 3), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(plain, key.subarray(1))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(cipher.encrypt(plain, key, { wire: 'u16' })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const { cipher: published, close } = await openScheme('encipher-gan-2023')
    await expect(published.encrypt(plain, key, { check: true })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await close()
    const hidden = await cipher.encrypt(plain, key)
    // As a JPEG service leaves it: pixels without labels.
    await expect(
      cipher.decrypt(image({ width: 16, height: 16, channels: 3, format: 'u8', data: hidden.data as Uint8Array }), key),
    ).rejects.toMatchObject({ code: 'E_IMAGE', hint: expect.stringContaining('JPEG') })
    await expect(
      cipher.decrypt({ ...hidden, height: 8, data: (hidden.data as Uint8Array).subarray(0, 384) }, key),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(
      cipher.decrypt({ ...hidden, format: 'u16', data: Uint16Array.from(hidden.data) }, key),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
    const paper = openKeyed()
    await expect(paper.cipher.decrypt(hidden, key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await paper.close()
  })
})

describe('weight files', () => {
  test('of another scheme, profile or network, or cut short, are refused', async () => {
    const weights = async (scheme: string, profile: string, norm: 'instance' | 'frozen', of: 'paper' | 'compact') => {
      const pair = await initialise(
        { encryption: generatorParameters(of, norm), decryption: generatorParameters(of, norm) },
        1,
      )
      return writeModel(
        { scheme, profile, tensors: Object.fromEntries(leaves<Tensor<'f32'>>(pair as Tree<Tensor<'f32'>>)) },
        { half: true },
      )
    }
    const published = 'encipher-gan-2023'
    const refused = [
      await weights('dense-resnet-2024', 'paper', 'instance', 'compact'),
      await weights(published, 'compact', 'instance', 'compact'),
      await weights(published, 'paper', 'instance', 'compact'),
      await weights(published, 'paper', 'frozen', 'compact'),
      (await weights(published, 'paper', 'instance', 'compact')).subarray(0, 5000),
    ]
    for (const file of refused)
      await expect(openScheme(published, { weights: file })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(
      openScheme('encipher-gan-2023-structured', { weights: await weights(published, 'paper', 'instance', 'compact') }),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })

  test('are found by their schemes', () => {
    expect(
      schemes.filter(({ id }) => id.startsWith('encipher-gan')).map(({ id, weights }) => [id, weights !== undefined]),
    ).toEqual([
      ['encipher-gan-2023', true],
      ['encipher-gan-2023-learned', true],
      ['encipher-gan-2023-structured', true],
      ['encipher-gan-2023-keyed', false],
    ])
    expect(findScheme('encipher-gan-2023-keyed').weights).toBeUndefined()
  })
})

describe('shipped weights', () => {
  test.each([
    // The published variant recovers hardly more than outlines; a decibel says little there, since a flat grey has as
    // many.
    ['encipher-gan-2023', 0.4, 0],
    ['encipher-gan-2023-structured', 0.99, 33],
  ] as const)(
    '%s: the weights are the key, and its bytes do not matter',
    { timeout: 60_000 },
    async (id, likeness, least) => {
      const { cipher, close } = await openScheme(id)
      try {
        expect(cipher.traits).toMatchObject({ secret: 'weights', randomised: false, exact: false })
        expect(cipher.cost!({ width: 256, height: 256, channels: 3 }).parameters).toBe(2 * 2_847_936)
        const plain = picture(53, 40, 3)
        const hidden = await cipher.encrypt(plain, key)
        expect(await cipher.encrypt(plain, other)).toEqual(hidden)
        const restored = await cipher.decrypt(hidden, other)
        expect(correlation(plain, restored)).toBeGreaterThan(likeness)
        expect(psnr(plain, restored)).toBeGreaterThan(least)
        const shown = image({ ...plain, data: cropped(hidden, 53, 40) })
        expect(Math.abs(correlation(plain, shown))).toBeLessThan(0.3)
        // What passes for recovered must not be what a flat grey, or the cipher image itself, would pass for.
        expect(correlation(plain, image({ ...plain, data: new Uint8Array(plain.data.length).fill(128) }))).toBe(0)
        expect(await cipher.decrypt(hidden, key)).toEqual(restored)
      } finally {
        await close()
      }
    },
  )

  const cropped = ({ width, data }: Image, columns: number, rows: number) =>
    Uint8Array.from(
      { length: columns * rows * 3 },
      (_, i) => data[Math.floor(i / (3 * columns)) * width * 3 + (i % (3 * columns))]!,
    )
})

describe('recipes', () => {
  const images = () => Promise.resolve([0, 1, 2, 3, 4, 5, 6, 7].map(i => picture(140 + i, 130, 3) as Image<'u8'>))

  // The structured start recovers pictures before it is trained, a random one does not.
  test.runIf(LONG).each([
    ['encipher-gan', 30, 60],
    ['encipher-gan-published', 0, 20],
  ] as const)(`%s takes a step${atLength}`, { timeout: 120_000 }, async (id, least, most) => {
    const run = await findRecipe(id).open({ profile: 'compact', seed: 1, images })
    const stepper = await openStepper(run.training, 1, { threads: 1 })
    try {
      const losses = await stepper.advance(
        await run.data(0),
        run.rates.map(rate => rate(0, 10)),
      )
      const score = await run.validation!.score(await stepper.weights('average'))
      expect(score).toBeGreaterThan(least)
      expect(score).toBeLessThan(most)
      expect(losses['pair.l1']).toBeGreaterThan(0)
    } finally {
      await stepper.close()
      await run.close?.()
    }
  })

  test('say what they train on, and ship no discriminator', () => {
    for (const id of ['encipher-gan', 'encipher-gan-published'])
      expect(findRecipe(id)).toMatchObject({
        data: expect.stringContaining('BSDS500'),
        ships: ['encryption', 'decryption'],
      })
  })
})
