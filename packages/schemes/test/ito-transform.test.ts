import { type Image, image, KeyStream, sha256Of, toHex } from '@latent/core'
import { initialise, leaves, openStepper, parameterCount, type Tensor } from '@latent/graph'
import { afterAll, describe, expect, test } from 'vitest'
import { CLASSES, ITO_TRANSFORM, openItoTransform, openJudge, transformParameters } from '../src/ito-transform/index.ts'
import { findScheme, openScheme } from '../src/index.ts'
import { type Model, writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'
import { atLength, LONG } from '../../../test/long.ts'

const noise = async (width: number, height: number, channels = 3, seed = 1) =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: await (
      await KeyStream.create(sha256Of(Uint8Array.of(seed)), 'latent/v1/test')
    ).bytes(width * height * channels),
  })

async function untrained(): Promise<Model> {
  const drawn = await initialise({ transform: transformParameters('compact') }, 1)
  return {
    id: 'test',
    scheme: 'ito-transform-2021',
    profile: 'compact',
    sha256: '',
    tensors: Object.fromEntries(leaves<Tensor>(drawn as never)) as Record<string, Tensor<'f32'>>,
  }
}

describe('the U-Net', () => {
  test('parameters of the published widths: counted by hand', () => {
    const widths = [64, 128, 256, 512, 1024]
    const level = (i: number, o: number) => 9 * i * o + 9 * o * o + 4 * o
    const down = widths.reduce((sum, w, i) => sum + level(widths[i - 1] ?? 3, w), 0)
    const rise = widths.slice(0, -1).reduce((sum, w, i) => sum + 9 * widths[i + 1]! * w + 2 * w + level(2 * w, w), 0)
    expect(parameterCount(transformParameters('paper'))).toBe(down + rise + 64 * 3 + 3)
  })

  test('compact has the same arrays at an eighth of the width', () => {
    const dims = (profile: 'compact' | 'paper') =>
      leaves<{ dims: readonly number[] }>(transformParameters(profile) as never).map(
        ([path, { dims }]) => [path, dims] as const,
      )
    const [small, large] = [dims('compact'), dims('paper')]
    expect(small.map(([path]) => path)).toEqual(large.map(([path]) => path))
    for (const [i, [, dims]] of small.entries())
      expect(dims.map((dim, axis) => (dim === 3 || axis > 1 ? dim : 8 * dim))).toEqual(large[i]![1])
  })
})

describe('as a cipher', async () => {
  const { cipher, close } = await openItoTransform(await untrained(), { threads: 1 })
  afterAll(close)
  const key = new Uint8Array(32)

  test('pictures of the same size; the same picture gives the same, whatever the key', async () => {
    expect(cipher.traits).toMatchObject({ secret: 'none', exact: false })
    expect(cipher.keySpace?.bits).toBe(0)
    for (const [width, height] of [
      [32, 32],
      [48, 16],
    ] as const) {
      const plain = await noise(width, height)
      const before = plain.data.slice()
      const once = await cipher.encrypt(plain, key)
      expect([once.width, once.height, once.channels, once.format]).toEqual([width, height, 3, 'u8'])
      expect(new Set(once.data).size).toBeGreaterThan(20)
      expect((await cipher.encrypt(plain, new Uint8Array(32).fill(9))).data).toEqual(once.data)
      expect(plain.data).toEqual(before)
    }
  })

  test('another picture gives another', async () => {
    expect((await cipher.encrypt(await noise(32, 32, 3, 2), key)).data).not.toEqual(
      (await cipher.encrypt(await noise(32, 32, 3, 3), key)).data,
    )
  })

  test('what it does not take, and what it does not do', async () => {
    await expect(cipher.encrypt(await noise(30, 32), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(await noise(32, 32, 1), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(
      cipher.encrypt(image({ width: 528, height: 16, channels: 3, format: 'u8', data: new Uint8Array(528 * 48) }), key),
    ).rejects.toMatchObject({ code: 'E_LIMIT' })
    await expect(cipher.decrypt(await noise(32, 32), key)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
  })

  test('weights with an array missing', async () => {
    const model = await untrained()
    const { 'transform.leave.weight': _, ...tensors } = model.tensors
    await expect(openItoTransform({ ...model, tensors })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })
})

describe('from the registry', () => {
  test('with the weights that come with Latent; one way', async () => {
    expect(findScheme(ITO_TRANSFORM)).toMatchObject({ weights: { scheme: ITO_TRANSFORM }, reversible: false })
    const { cipher, close } = await openScheme(ITO_TRANSFORM)
    try {
      const plain = await noise(32, 32)
      const drawn = await cipher.encrypt(plain, new Uint8Array(32))
      expect(toHex(sha256Of(drawn.data as Uint8Array))).not.toBe(toHex(sha256Of(plain.data)))
      await expect(cipher.decrypt(drawn, new Uint8Array(32))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
    } finally {
      await close()
    }
  })

  test('weights of another scheme are refused', async () => {
    const { tensors } = await untrained()
    await expect(
      openScheme(ITO_TRANSFORM, {
        weights: writeModel({ scheme: 'another', profile: 'compact', tensors }, { half: true }),
      }),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    const { cipher, close } = await openScheme(ITO_TRANSFORM, {
      weights: writeModel({ scheme: ITO_TRANSFORM, profile: 'compact', tensors }, { half: true }),
    })
    expect(cipher.id).toBe(ITO_TRANSFORM)
    await close()
  })

  test('the frozen classifier: the same classes in any batch', async () => {
    const judge = await openJudge(3)
    try {
      const pictures = await Promise.all([1, 2, 3].map(seed => noise(32, 32, 3, seed)))
      const planes = (picked: readonly Image<'u8'>[]) =>
        Float32Array.from(
          picked.flatMap(({ data }) =>
            Array.from({ length: data.length }, (_, i) => data[(i % 1024) * 3 + Math.floor(i / 1024)]! / 255),
          ),
        )
      const together = await judge.classes(planes(pictures), 3)
      expect(together.every(found => found < CLASSES)).toBe(true)
      for (const [i, picture] of pictures.entries())
        expect(await judge.classes(planes([picture]), 1)).toEqual(together.subarray(i, i + 1))
    } finally {
      await judge.close()
    }
  })
})

describe('the recipes', () => {
  const pictures = (count: number): Promise<Image<'u8'>[]> =>
    Promise.all(Array.from({ length: count }, (_, i) => noise(32, 32, 3, i)))

  test.runIf(LONG).each(['ito-judge', 'ito-transform'])(`%s: the loss on one batch falls${atLength}`, async id => {
    const images = await pictures(64)
    const run = await findRecipe(id).open({
      profile: 'compact',
      seed: 1,
      images: async () => images,
      labels: async () => Uint8Array.from(images, (_, i) => i % CLASSES),
    })
    const stepper = await openStepper(run.training as never, 1, { threads: 1 })
    try {
      const batch = await run.data(0)
      const losses: number[] = []
      for (let step = 0; step < 12; step++)
        losses.push((await stepper.advance(batch, [1e-3]))[id.slice('ito-'.length)]!)
      expect(losses.every(Number.isFinite)).toBe(true)
      expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.02)
    } finally {
      await stepper.close()
    }
  })

  test('a batch is cropped pictures with their own classes, the same for the same step', async () => {
    // Picture i is of the one level i + 1, so that a crop tells where it is from; outside it is black.
    const images = Array.from({ length: 70 }, (_, i) =>
      image({ width: 32, height: 32, channels: 3, format: 'u8', data: new Uint8Array(3072).fill(i + 1) }),
    )
    const run = await findRecipe('ito-judge').open({
      profile: 'compact',
      seed: 1,
      images: async () => images,
      labels: async () => Uint8Array.from(images, (_, i) => i % CLASSES),
    })
    const [first, again, next] = [await run.data(3), await run.data(3), await run.data(4)]
    expect(again).toEqual(first)
    expect(next).not.toEqual(first)
    const [x, y] = [first['images']!.data as Float32Array, first['labels']!.data as Float32Array]
    for (let n = 0; n < 64; n++) {
      const levels = new Set(Array.from(x.subarray(n * 3072, (n + 1) * 3072), value => Math.round(255 * value)))
      levels.delete(0)
      const [level] = levels
      expect(levels.size).toBe(1)
      expect(Array.from(y.subarray(n * CLASSES, (n + 1) * CLASSES))).toEqual(
        Array.from({ length: CLASSES }, (_, c) => (c === (level! - 1) % CLASSES ? 1 : 0)),
      )
    }
    expect(x.includes(0)).toBe(true)
  })

  test('images without labels, or too few labels', async () => {
    const images = await pictures(2)
    const recipe = findRecipe('ito-transform')
    await expect(recipe.open({ profile: 'compact', seed: 1, images: async () => images })).rejects.toMatchObject({
      code: 'E_DATA',
    })
    await expect(
      recipe.open({ profile: 'compact', seed: 1, images: async () => images, labels: async () => Uint8Array.of(1) }),
    ).rejects.toMatchObject({ code: 'E_DATA' })
  })
})
