import { image, type Image, sha256Of } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { expect, test } from 'vitest'
import { openScheme } from '../src/index.ts'
import { autoencoderParameters } from '../src/sang/network.ts'
import { findRecipe } from '../src/recipes.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const picture = (grey: (x: number, y: number, c: number) => number, side = 24): Image<'u8'> =>
  image({
    width: side,
    height: side,
    channels: 3,
    format: 'u8',
    data: Uint8Array.from({ length: 3 * side * side }, (_, i) =>
      grey(Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3),
    ),
  })
const psnr = (a: Image, b: Image): number =>
  -10 *
  Math.log10(Array.from(a.data).reduce((sum, value, i) => sum + ((value - b.data[i]!) / 255) ** 2, 0) / a.data.length)

test('four full layers of 64 and 128', () => {
  const layer = (inputs: number, outputs: number) => inputs * outputs + outputs
  expect(parameterCount(autoencoderParameters())).toBe(2 * (layer(64, 128) + layer(128, 64)))
})

test('the key of the map gives a picture back, another one none of it', async () => {
  const { cipher, close } = await openScheme('sang-2022')
  const plain = picture((x, y, c) => 128 + 90 * Math.sin(x / 5 + c) * Math.cos(y / 7))
  const hidden = await cipher.encrypt(plain, key(1))
  expect(psnr(await cipher.decrypt(hidden, key(1)), plain)).toBeGreaterThan(24)
  expect(psnr(await cipher.decrypt(hidden, key(2)), plain)).toBeLessThan(14)
  await close()
})

test('the auto-encoder is blind to the key: a flat picture has one cipher image under all', async () => {
  const { cipher, close } = await openScheme('sang-2022')
  const flat = picture(() => 90)
  const [one, two] = [await cipher.encrypt(flat, key(1)), await cipher.encrypt(flat, key(2))]
  expect(one.data).toEqual(two.data)
  await close()
})

test('training sees samples in an order of their own, all of them', async () => {
  const drawn = picture((x, y, c) => (7 * x + 3 * y + 40 * c) % 256, 160)
  const run = await findRecipe('sang-autoencoder').open({
    profile: 'compact',
    seed: 1,
    images: () => Promise.resolve([drawn]),
  })
  const { plain } = await run.data(1)
  const first = plain!.data.slice(0, plain!.data.length / 4) as Float32Array
  const steps = first.slice(1).map((value, i) => Math.abs(value - first[i]!))
  // Neighbours of the drawing are three or seven levels apart.
  expect(steps.reduce((sum, step) => sum + step, 0) / steps.length).toBeGreaterThan(0.1)
  expect(plain!.dims).toEqual([(3 * 4 * 32 * 32) / 64, 64])
  await run.close?.()
})
