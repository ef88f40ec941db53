import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { initialise, leaves, openStepper, parameterCount, type Tensor } from '@latent/graph'
import { afterAll, describe, expect, test } from 'vitest'
import { CLASSES, openItoTransform, transformParameters } from '../src/ito-transform/index.ts'
import type { Model } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'

const noise = async (width: number, height: number, channels = 3, seed = 1) => image({ width, height, channels, format: 'u8', data: await (await KeyStream.create(sha256Of(Uint8Array.of(seed)), 'latent/v1/test')).bytes(width * height * channels) })

async function untrained(): Promise<Model> {
  const drawn = await initialise({ transform: transformParameters('compact') }, 1)
  return { id: 'test', scheme: 'ito-transform-2021', profile: 'compact', sha256: '', tensors: Object.fromEntries(leaves<Tensor>(drawn as never)) as Record<string, Tensor<'f32'>> }
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
    const dims = (profile: 'compact' | 'paper') => leaves<{ dims: readonly number[] }>(transformParameters(profile) as never).map(([path, { dims }]) => [path, dims] as const)
    const [small, large] = [dims('compact'), dims('paper')]
    expect(small.map(([path]) => path)).toEqual(large.map(([path]) => path))
    for (const [i, [, dims]] of small.entries()) expect(dims.map((dim, axis) => (dim === 3 || axis > 1 ? dim : 8 * dim))).toEqual(large[i]![1])
  })
})

describe('as a cipher', async () => {
  const { cipher, close } = await openItoTransform(await untrained(), { threads: 1 })
  afterAll(close)
  const key = new Uint8Array(32)

  test('pictures of the same size; the same picture gives the same, whatever the key', async () => {
    expect(cipher.traits).toMatchObject({ secret: 'none', exact: false })
    expect(cipher.keySpace?.bits).toBe(0)
    for (const [width, height] of [[32, 32], [48, 16]] as const) {
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
    expect((await cipher.encrypt(await noise(32, 32, 3, 2), key)).data).not.toEqual((await cipher.encrypt(await noise(32, 32, 3, 3), key)).data)
  })

  test('what it does not take, and what it does not do', async () => {
    await expect(cipher.encrypt(await noise(30, 32), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(await noise(32, 32, 1), key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(image({ width: 528, height: 16, channels: 3, format: 'u8', data: new Uint8Array(528 * 48) }), key)).rejects.toMatchObject({ code: 'E_LIMIT' })
    await expect(cipher.decrypt(await noise(32, 32), key)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
  })

  test('weights with an array missing', async () => {
    const model = await untrained()
    const { 'transform.leave.weight': _, ...tensors } = model.tensors
    await expect(openItoTransform({ ...model, tensors })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })
})

describe('the recipe', () => {
  const pictures = (count: number): Promise<Image<'u8'>[]> => Promise.all(Array.from({ length: count }, (_, i) => noise(32, 32, 3, i)))

  test('first the classifier learns and the transformation rests, then the other way round', async () => {
    const images = await pictures(40)
    const run = await findRecipe('ito-transform').open({ profile: 'compact', seed: 1, images: async () => images, labels: async () => Uint8Array.from(images, (_, i) => i % CLASSES) })
    const steps = 6
    const stepper = await openStepper(run.training as never, 1, { threads: 1 })
    try {
      for (let step = 0; step < steps; step++) {
        const before = stepper.weights()
        const found = await stepper.advance(await run.data(step), run.rates.map(rate => rate(step, steps)))
        for (const value of Object.values(found)) expect(Number.isFinite(value)).toBe(true)
        const moved = (network: string) => Object.entries(stepper.weights()).some(([path, { data }]) => path.startsWith(`${network}.`) && data.some((value, i) => value !== before[path]!.data[i]))
        expect([step, moved('judge'), moved('transform')]).toEqual([step, step < 2, step >= 2])
      }
    } finally {
      await stepper.close()
    }
  })

  test('images without labels, or too few labels', async () => {
    const images = await pictures(2)
    const recipe = findRecipe('ito-transform')
    await expect(recipe.open({ profile: 'compact', seed: 1, images: async () => images })).rejects.toMatchObject({ code: 'E_DATA' })
    await expect(recipe.open({ profile: 'compact', seed: 1, images: async () => images, labels: async () => Uint8Array.of(1) })).rejects.toMatchObject({ code: 'E_DATA' })
  })
})
