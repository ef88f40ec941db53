import { type Image, image, randomBytes } from '@latent/core'
import {
  compile,
  type Expr,
  initialise,
  leaves,
  openStepper,
  parameterCount,
  shape,
  type Tensor,
  tensor,
  type Tree,
} from '@latent/graph'
import fc from 'fast-check'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  decode,
  drawMask,
  encode,
  type Variant,
  VARIANTS,
  maskAutoencoder,
  maskAutoencoderVariants,
  type MaskAutoencoderId,
  networkParameters,
  openMaskAutoencoder,
  quantise,
  SIDES,
  type SetName,
} from '../src/mask-autoencoder/index.ts'
import { type Model, readModel, writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'

/** Drawn, not trained: what is tested here does not depend on what a network has learned. */
async function drawnModel(variant: Variant, set: SetName, seed = 1): Promise<Model> {
  const tensors = Object.fromEntries(
    leaves<Tensor<'f32'>>(
      (await initialise(networkParameters(variant, set, 'compact') as object, seed)) as Tree<Tensor<'f32'>>,
    ),
  )
  const name = { scheme: `drawn-${set}-${variant}`, profile: 'compact' }
  return readModel(writeModel({ ...name, tensors }, { half: false }), name)
}

const idOf = (variant: Variant, set: SetName): MaskAutoencoderId =>
  (Object.keys(maskAutoencoderVariants) as MaskAutoencoderId[]).find(
    id => maskAutoencoderVariants[id].variant === variant && maskAutoencoderVariants[id].set === set,
  )!

async function open(variant: Variant, set: SetName, seed = 1) {
  const model = await drawnModel(variant, set, seed)
  return { model, ...maskAutoencoder({ id: idOf(variant, set), variant, set, model, mask: await drawMask(set) }) }
}

/** Smooth hills, a little different in each channel. */
function scene(width: number, height: number, channels: number): Image<'u8'> {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels)
    return 120 + 50 * Math.sin((pixel % width) / 9) + 40 * Math.cos(Math.floor(pixel / width) / 7) + 10 * (i % channels)
  })
  return image({ width, height, channels, format: 'u8', data })
}

const key = new Uint8Array(32).fill(5)
const other = new Uint8Array(32).fill(6)

describe('networks', () => {
  test('the sizes of the paper: 16 latents for every 4x4 block, 784 and 1024 bytes', async () => {
    for (const set of ['mnist', 'cifar'] as const) {
      for (const variant of VARIANTS) {
        const side = SIDES[set]
        const weights = await initialise(networkParameters(variant, set, 'compact'), 1)
        const both = await compile(
          (x: Expr) => {
            const latents = quantise(encode(variant, weights.encoder as never, x))
            return { latents, restored: decode(variant, weights.decoder as never, latents) }
          },
          shape([2, 3, side, side]),
        )
        const { latents, restored } = await both.run({
          input: tensor(
            'f32',
            [2, 3, side, side],
            Float32Array.from({ length: 6 * side * side }, (_, i) => (i % 256) / 255),
          ),
        })
        await both.close()
        expect(latents!.dims).toEqual([2, 16, side / 4, side / 4])
        expect(latents!.data.length / 2).toBe(set === 'mnist' ? 784 : 1024)
        expect(restored!.dims).toEqual([2, 3, side, side])
        const levels = Array.from(latents!.data as Float32Array, value => 255 * value)
        expect(Math.max(...levels.map(level => Math.abs(level - Math.round(level))))).toBeLessThan(1e-4)
        expect(Math.min(...levels)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...levels)).toBeLessThanOrEqual(255.0001)
      }
    }
  })

  test('a link is a dense layer of 784 or 1024 on either side, and the profiles of the repaired variant differ', () => {
    const count = (variant: Variant, set: SetName, profile: 'compact' | 'paper' = 'compact') =>
      parameterCount(networkParameters(variant, set, profile))
    expect(count('link', 'mnist') - count('conv', 'mnist')).toBe(2 * (784 * 784 + 784))
    expect(count('link', 'cifar') - count('conv', 'cifar')).toBe(2 * (1024 * 1024 + 1024))
    expect(count('conv', 'cifar')).toBe(
      3 * 288 + 32 + 32 * 576 + 64 + 64 * 144 + 16 + (16 * 576 + 64) + (64 * 288 + 32) + (32 * 27 + 3),
    )
    expect(count('repaired', 'cifar', 'paper')).toBeGreaterThan(5 * count('repaired', 'cifar'))
  })
})

describe('ciphers', () => {
  test.each([
    ['link', 'mnist'],
    ['conv', 'cifar'],
    ['repaired', 'cifar'],
  ] as const)('%s %s: bytes of one channel, and images of every size come back in shape', async (variant, set) => {
    const { cipher, close } = await open(variant, set)
    const side = SIDES[set]
    const step = variant === 'repaired' ? 4 : side
    const up = (value: number) => Math.ceil(value / step) * step
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (width, height, channels) => {
          const plain = scene(width, height, channels)
          const before = plain.data.slice()
          const encrypted = await cipher.encrypt(plain, key)
          expect(encrypted).toMatchObject({
            width: up(width),
            height: up(height) * Math.ceil(channels / 3),
            channels: 1,
            format: 'u8',
          })
          const { annotations: _, ...restored } = await cipher.decrypt(encrypted, key)
          expect(restored).toMatchObject({ width, height, channels, format: 'u8' })
          expect(plain.data).toEqual(before)
        },
      ),
      { numRuns: 6 },
    )
    const picture = await cipher.encrypt(scene(side, side, set === 'mnist' ? 1 : 3), key)
    expect(picture.data.length).toBe(set === 'mnist' ? 784 : 1024)
    await close()
  })

  test('published: the key changes neither the cipher nor the picture; another mask changes both', async () => {
    const { cipher, model, close } = await open('link', 'mnist')
    const plain = scene(28, 28, 1)
    const encrypted = await cipher.encrypt(plain, key)
    expect((await cipher.encrypt(plain, other)).data).toEqual(encrypted.data)
    expect(await cipher.decrypt(encrypted, other)).toEqual(await cipher.decrypt(encrypted, key))
    expect(cipher.traits.secret).toBe('weights')
    expect(cipher.keySpace!.bits).toBe(0)
    const foreign = maskAutoencoder({
      id: idOf('link', 'mnist'),
      variant: 'link',
      set: 'mnist',
      model,
      mask: await drawMask('mnist', 'another phrase'),
    })
    expect((await foreign.cipher.encrypt(plain, key)).data).not.toEqual(encrypted.data)
    await foreign.close()
    await close()
  })

  test('published: the mask is XORed onto 8 bits, so that masked black and unmasked mask encrypt alike', async () => {
    const { cipher, model, close } = await open('conv', 'mnist')
    const mask = await drawMask('mnist')
    const unmasked = maskAutoencoder({
      id: idOf('conv', 'mnist'),
      variant: 'conv',
      set: 'mnist',
      model,
      mask: new Uint8Array(mask.length),
    })
    const black = image({ width: 28, height: 28, channels: 3, format: 'u8', data: new Uint8Array(mask.length) })
    expect((await unmasked.cipher.encrypt({ ...black, data: mask }, key)).data).toEqual(
      (await cipher.encrypt(black, key)).data,
    )
    await unmasked.close()
    await close()
  })

  test('repaired: fresh nonces, uniform bytes, and without the key another picture', async () => {
    const { cipher, close } = await open('repaired', 'cifar')
    const plain = scene(64, 48, 3)
    const [first, second] = [await cipher.encrypt(plain, key), await cipher.encrypt(plain, key)]
    expect(first.data).not.toEqual(second.data)
    const restored = await cipher.decrypt(first, key)
    expect((await cipher.decrypt(second, key)).data).toEqual(restored.data)
    const wrong = await cipher.decrypt(first, other)
    const distance = ({ data }: Image) =>
      Array.from(data).reduce((sum, value, i) => sum + Math.abs(value - restored.data[i]!), 0) / data.length
    expect(distance(await cipher.decrypt(second, key))).toBe(0)
    expect(distance(wrong)).toBeGreaterThan(10)
    // Two ciphers of one nonce differ as their latents do; of two nonces, in all but one byte of 256.
    const equal = Array.from(first.data).filter((value, i) => value === second.data[i]).length
    expect(equal / first.data.length).toBeLessThan(0.012)
    expect((await cipher.encrypt(plain, key, { nonce: new Uint8Array(16) })).data).toEqual(
      (await cipher.encrypt(plain, key, { nonce: new Uint8Array(16) })).data,
    )
    await close()
  })

  test('repaired: a check value refuses a wrong key', async () => {
    const { cipher, close } = await open('repaired', 'mnist')
    const encrypted = await cipher.encrypt(scene(28, 28, 1), key, { check: true })
    await expect(cipher.decrypt(encrypted, other)).rejects.toMatchObject({ code: 'E_NO_MATCH' })
    expect(await cipher.decrypt(encrypted, key)).toMatchObject({ width: 28, channels: 1 })
    await close()
  })
})

describe('bad input', () => {
  test('is refused by code', async () => {
    const { cipher, close } = await open('link', 'mnist')
    const others = [await open('link', 'mnist', 2), await open('conv', 'mnist')] as const
    const plain = scene(30, 28, 1)
    const encrypted = await cipher.encrypt(plain, key)
    await expect(cipher.encrypt(plain, randomBytes(31))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(cipher.encrypt(plain, key, { wire: 'u16' })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(cipher.encrypt(plain, key, { check: true })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(others[0].cipher.decrypt(encrypted, key)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(others[1].cipher.decrypt(encrypted, key)).rejects.toMatchObject({
      code: 'E_IMAGE',
      hint: expect.stringContaining('mask-autoencoder-2025-mnist-link'),
    })
    await expect(cipher.decrypt(plain, key)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(
      cipher.decrypt({ ...encrypted, width: 28, data: encrypted.data.slice(0, 28 * 28) }, key),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(
      cipher.decrypt({ ...encrypted, format: 'u16', data: Uint16Array.from(encrypted.data) }, key),
    ).rejects.toMatchObject({ code: 'E_IMAGE' })
    for (const opened of [{ close }, ...others]) await opened.close()
  })

  test('weights of another network and a mask of another size do not open', async () => {
    const conv = await drawnModel('conv', 'mnist')
    const mask = await drawMask('mnist')
    expect(() =>
      maskAutoencoder({ id: idOf('link', 'mnist'), variant: 'link', set: 'mnist', model: conv, mask }),
    ).toThrow(expect.objectContaining({ code: 'E_WEIGHTS' }))
    expect(() =>
      maskAutoencoder({
        id: idOf('conv', 'mnist'),
        variant: 'conv',
        set: 'mnist',
        model: conv,
        mask: mask.subarray(1),
      }),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    await expect(openMaskAutoencoder('mask-autoencoder-1')).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const bytes = writeModel(
      { scheme: 'mask-autoencoder-2025-mnist-conv', profile: 'compact', tensors: conv.tensors },
      { half: true },
    )
    await expect(openMaskAutoencoder('mask-autoencoder-2025', { weights: bytes })).rejects.toMatchObject({
      code: 'E_WEIGHTS',
      hint: expect.stringContaining('mask-autoencoder-2025-mnist-conv'),
    })
    await expect(
      openMaskAutoencoder('mask-autoencoder-2025-mnist-conv', { weights: bytes.subarray(0, bytes.length - 9) }),
    ).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    const opened = await openMaskAutoencoder('mask-autoencoder-2025-mnist-conv', { weights: bytes })
    expect((await opened.cipher.encrypt(scene(28, 28, 1), key)).data.length).toBe(784)
    await opened.close()
  })
})

describe('shipped weights', () => {
  const VECTORS = new URL('vectors/mask-autoencoder.json', import.meta.url)
  const SAMPLE = 13

  // LATENT_REGENERATE=1 writes the file anew; processors round sums differently, so that a level or two may lie
  // between.
  test('give the pictures that they gave', { timeout: 60_000 }, async () => {
    const computed: Record<string, number[]> = {}
    for (const [id, { set }] of Object.entries(maskAutoencoderVariants)) {
      const { cipher, close } = await openMaskAutoencoder(id)
      const plain = scene(SIDES[set], SIDES[set], set === 'mnist' ? 1 : 3)
      const restored = await cipher.decrypt(await cipher.encrypt(plain, key), key)
      computed[id] = Array.from(restored.data).filter((_, i) => i % SAMPLE === 0)
      await close()
    }
    if (process.env['LATENT_REGENERATE']) await writeFile(VECTORS, `${JSON.stringify(computed)}\n`)
    const expected = JSON.parse(await readFile(VECTORS, 'utf8')) as typeof computed
    expect(Object.keys(computed)).toEqual(Object.keys(expected))
    for (const [id, samples] of Object.entries(computed)) {
      const differences = samples.map((value, i) => Math.abs(value - expected[id]![i]!))
      expect(samples).toHaveLength(expected[id]!.length)
      expect(Math.max(...differences)).toBeLessThanOrEqual(6)
      expect(differences.reduce((a, b) => a + b, 0) / samples.length).toBeLessThan(0.5)
    }
  })

  test('the repaired variants keep a smooth picture, and need its key', { timeout: 60_000 }, async () => {
    const plain = scene(64, 40, 3)
    const { cipher, close } = await openMaskAutoencoder('mask-autoencoder-2025-cifar-repaired')
    const encrypted = await cipher.encrypt(plain, key)
    const error = ({ data }: Image) =>
      Array.from(data).reduce((sum, value, i) => sum + (value - plain.data[i]!) ** 2, 0) / data.length
    expect(error(await cipher.decrypt(encrypted, key))).toBeLessThan(60)
    expect(error(await cipher.decrypt(encrypted, other))).toBeGreaterThan(3000)
    // Every byte a level off on its way: hardly worse. Under XOR it would be a tenth of the range for many.
    const nudged = { ...encrypted, data: Uint8Array.from(encrypted.data, value => value + 1) }
    expect(error(await cipher.decrypt(nudged, key))).toBeLessThan(60)
    await close()
  })
})

describe('recipes', () => {
  test('masked digits go in, plain ones are asked for, and the loss falls', { timeout: 60_000 }, async () => {
    const digits = Array.from({ length: 600 }, (_, n): Image<'u8'> => {
      const data = Uint8Array.from({ length: 784 }, (_, i) =>
        Math.abs((i % 28) - 14 + ((n % 7) - 3) * (Math.floor(i / 28) / 14 - 1)) < 2 ? 255 : 0,
      )
      return image({ width: 28, height: 28, channels: 1, format: 'u8', data })
    })
    const run = await findRecipe('mask-autoencoder-mnist-conv').open({
      profile: 'compact',
      seed: 1,
      images: async () => digits,
    })
    const { masked, plain } = await run.data(0)
    const mask = await drawMask('mnist')
    const at = (t: Tensor | undefined, pixel: number, channel: number) =>
      Math.round(255 * (t!.data as Float32Array)[channel * 784 + pixel]!)
    for (const pixel of [0, 100, 399, 783])
      for (const channel of [0, 1, 2])
        expect(at(masked, pixel, channel) ^ mask[3 * pixel + channel]!).toBe(at(plain, pixel, channel))
    const stepper = await openStepper(run.training, 1, { threads: 1 })
    const losses: number[] = []
    for (let step = 0; step < 15; step++) losses.push((await stepper.advance(await run.data(step), [2e-3]))['mse']!)
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!)
    expect(await run.validation!.score(await stepper.weights('average'))).toBeGreaterThan(5)
    await stepper.close()
    await run.close?.()
    await expect(
      findRecipe('mask-autoencoder-mnist-conv').open({
        profile: 'compact',
        seed: 1,
        images: async () => digits.slice(0, 9),
      }),
    ).rejects.toMatchObject({ code: 'E_DATA' })
    await expect(
      findRecipe('mask-autoencoder-cifar-conv').open({ profile: 'compact', seed: 1, images: async () => digits }),
    ).rejects.toMatchObject({ code: 'E_DATA' })
  })
})
