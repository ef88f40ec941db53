import { image, KeyStream, sha256Of } from '@latent/core'
import { compile, type Expr, initialise, leaves, shape, tensor, type Tensor, type Tree } from '@latent/graph'
import { expect, test } from 'vitest'
import { encryptGanParameters, keyFeatures, keySide, type Networks, redraw } from '../src/encryptgan/network.ts'
import { encryptGanTraining, risingWeight } from '../src/encryptgan/recipe.ts'
import { encryptGanSchemes } from '../src/encryptgan/scheme.ts'
import { openScheme } from '../src/index.ts'
import { writeModel } from '../src/models/index.ts'
import { clouds, SAND } from '../src/neural/clouds.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const stream = (seed: number) => KeyStream.create(key(seed), 'latent/v1/test')
const drawn = async () => (await initialise(encryptGanParameters('compact'), 5)) as unknown as Networks<Tensor<'f32'>>

test('features of a key picture are three maps from -1 to 1, of any size, and those of that picture', async () => {
  const { keys } = await drawn()
  const [width, height] = [20, 36]
  const sides = [keySide(height), keySide(width)] as const
  expect(sides).toEqual([48, 32])
  const compiled = await compile(
    (x: Expr) => ({ maps: keyFeatures(keys, x, width, height), again: redraw(keys, x) }),
    shape([1, 3, ...sides]),
  )
  const maps: Float32Array[] = []
  for (const seed of [1, 2]) {
    const picture = Float32Array.from(await clouds(await stream(seed), 3, sides[1], sides[0]))
    const out = await compiled.run({ input: tensor('f32', [1, 3, ...sides], picture) })
    expect(out['again']!.dims).toEqual([1, 3, ...sides])
    expect(out['maps']!.dims).toEqual([1, 3, height, width])
    maps.push(out['maps']!.data as Float32Array)
  }
  await compiled.close()
  for (const data of maps)
    for (let plane = 0; plane < 3; plane++) {
      const map = data.subarray(plane * width * height, (plane + 1) * width * height)
      expect(Math.min(...map)).toBeCloseTo(-1, 3)
      expect(Math.max(...map)).toBeCloseTo(1, 3)
    }
  const apart = maps[0]!.reduce((sum, value, i) => sum + Math.abs(value - maps[1]![i]!), 0) / maps[0]!.length
  expect(apart).toBeGreaterThan(0.1)
})

test('sand is rougher than clouds', async () => {
  const roughness = (data: Float64Array) =>
    data.reduce((sum, x, i) => (i % 32 === 0 ? sum : sum + (x - data[i - 1]!) ** 2), 0) / data.length
  const [soft, fine] = [await clouds(await stream(1), 1, 32, 32), await clouds(await stream(1), 1, 32, 32, SAND)]
  expect(roughness(fine)).toBeGreaterThan(5 * roughness(soft))
})

test('the key network, the judges and the pair learn in turn, and wrong keys come to count slowly', () => {
  const { phases, networks } = encryptGanTraining('compact')
  expect(phases.map(({ trains }) => trains)).toEqual([['keys'], ['disguises', 'covers'], ['encryption', 'decryption']])
  expect(phases.flatMap(({ trains }) => trains).toSorted()).toEqual(Object.keys(networks).toSorted())
  expect([0, 1000, 1750, 2500, 9000].map(step => risingWeight(step, 1000, 2500))).toEqual([0, 0, 0.5, 1, 1])
})

test('a disguise depends on key, nonce and message, and is opened without the nonce', async () => {
  const tensors = Object.fromEntries(leaves<Tensor<'f32'>>((await drawn()) as unknown as Tree<Tensor<'f32'>>))
  const weights = writeModel({ scheme: 'encryptgan-2019', profile: 'compact', tensors }, { half: true })
  const { cipher, close } = await openScheme(encryptGanSchemes[0]!, { weights })
  const picture = (shade: number) =>
    image({ width: 19, height: 22, channels: 3, format: 'u8', data: new Uint8Array(3 * 19 * 22).fill(shade) })
  const nonce = (value: number) => ({ nonce: new Uint8Array(16).fill(value) })
  const made = [
    await cipher.encrypt(picture(40), key(1), nonce(1)),
    await cipher.encrypt(picture(40), key(1), nonce(2)),
    await cipher.encrypt(picture(40), key(2), nonce(1)),
    await cipher.encrypt(picture(90), key(1), nonce(1)),
  ]
  expect(new Set(made.map(({ data }) => String(data))).size).toBe(4)
  expect([made[0]!.width, made[0]!.height]).toEqual([20, 24])
  const opened = await cipher.decrypt(made[0]!, key(1))
  const other = await cipher.decrypt(made[0]!, key(2))
  expect([opened.width, opened.height]).toEqual([19, 22])
  expect(String(other.data)).not.toBe(String(opened.data))
  await close()
})
