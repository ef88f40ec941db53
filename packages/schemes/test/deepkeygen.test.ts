import { image, KeyStream, sha256Of } from '@latent/core'
import { compile, type Expr, initialise, leaves, shape, tensor, type Tensor } from '@latent/graph'
import { expect, test } from 'vitest'
import { keyPlanes, layersOf } from '../src/deepkeygen/cipher.ts'
import { deepKeyGen } from '../src/deepkeygen/scheme.ts'
import { generate, type Generator, generatorParameters, PLANES } from '../src/deepkeygen/network.ts'
import { keyImageFigures, keyImageTraining, likeness } from '../src/deepkeygen/recipe.ts'
import { clouds } from '../src/neural/clouds.ts'
import { openScheme } from '../src/index.ts'
import { writeModel } from '../src/models/index.ts'
import { findRecipe } from '../src/recipes.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const stream = (seed: number) => KeyStream.create(key(seed), 'latent/v1/test')
type Weights = Generator<{ readonly weight: Tensor<'f32'> }>
const drawn = async () => (await initialise(generatorParameters(), 5)) as unknown as Weights

test('the cipher computes in doubles what the graph that is trained computes', async () => {
  const weights = await drawn()
  const [width, height] = [12, 8]
  const initial = await clouds(await stream(1), PLANES, width, height)
  const run = await compile((x: Expr) => generate(weights, x), shape([1, PLANES, height, width]))
  const { output } = await run.run({ input: tensor('f32', [1, PLANES, height, width], Float32Array.from(initial)) })
  await run.close()
  const data = Array.from({ length: PLANES }, (_, p) => initial.subarray(p * width * height, (p + 1) * width * height))
  const planes = keyPlanes(layersOf(weights), { width, height, data }).data.flatMap(plane => Array.from(plane))
  const apart = planes.map((value, i) => Math.abs(value - Number(output!.data[i])))
  expect(Math.max(...apart)).toBeLessThan(1e-5)
  expect(Math.max(...planes) - Math.min(...planes)).toBeGreaterThan(0.1)
})

test('clouds fill the unit interval, neighbours alike, and are those of their stream', async () => {
  const [a, b, c] = await Promise.all([1, 1, 2].map(async seed => clouds(await stream(seed), 1, 33, 18)))
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
  expect([Math.min(...a!) >= 0, Math.max(...a!) < 1]).toEqual([true, true])
  const mean = a!.reduce((sum, x) => sum + x, 0) / a!.length
  const [variance, step] = [(x: number) => (x - mean) ** 2, (x: number, i: number) => (x - a![i - 1]!) ** 2]
  const spread = a!.reduce((sum, x) => sum + variance(x), 0) / a!.length
  const change = a!.reduce((sum, x, i) => (i % 33 === 0 ? sum : sum + step(x, i)), 0) / (a!.length - 18)
  expect(change).toBeLessThan(0.5 * spread)
})

test('figures of key images: nothing in a constant one, all in noise', async () => {
  expect(keyImageFigures(new Float32Array(1024))).toEqual({ entropy: 0, correlation: 1 })
  const bytes = await (await stream(3)).bytes(2 ** 16)
  const { entropy, correlation } = keyImageFigures(Float32Array.from(bytes, byte => byte / 127.5 - 1))
  expect(entropy).toBeGreaterThan(7.99)
  expect(Math.abs(correlation)).toBeLessThan(0.02)
})

test('key images are as alike as they are', async () => {
  const noise = Float32Array.from(await (await stream(6)).uniforms(3 * 1024))
  expect(Math.abs(likeness(noise, 3))).toBeLessThan(0.1)
  const repeated = Float32Array.from({ length: 3 * 1024 }, (_, i) => noise[i % 1024]!)
  expect(likeness(repeated, 3)).toBeCloseTo(1, 5)
  const turned = Float32Array.from(repeated, (value, i) => (i < 1024 || i >= 2048 ? value : -value))
  expect(likeness(turned, 3)).toBeCloseTo(-1, 5)
})

test('the discriminator learns from what the generator makes, and never trains it', async () => {
  expect(keyImageTraining().phases.map(({ name, trains }) => [name, trains])).toEqual([
    ['judge', ['judge']],
    ['generator', ['generator']],
  ])
  const run = await findRecipe('deepkeygen').open({ profile: 'compact', seed: 1, images: async () => [] })
  const [batch, again] = [await run.data(3), await run.data(3)]
  expect(batch['domain']!.data).toEqual(again['domain']!.data)
  expect(batch['domain']!.dims).toEqual(batch['initial']!.dims)
  await run.close?.()
})

test('every picture of a size meets one key image', async () => {
  const tensors = Object.fromEntries(leaves({ generator: await drawn() }))
  const weights = writeModel({ scheme: 'deepkeygen-2022', profile: 'compact', tensors }, { half: false })
  const { cipher, close } = await openScheme(deepKeyGen, { weights })
  const size = 9 * 6 * 4
  const stretch = async (data: Uint8Array) => {
    const plain = image({ width: 9, height: 6, channels: 4, format: 'u8', data })
    return ((await cipher.encrypt(plain, key(1))).data as Uint8Array).map((byte, i) => byte ^ data[i]!)
  }
  const [once, again] = [await stretch(new Uint8Array(size)), await stretch(await (await stream(4)).bytes(size))]
  expect(again).toEqual(once)
  expect(new Set(once).size).toBeGreaterThan(50)
  await close()
})
