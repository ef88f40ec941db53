import { image, KeyStream, sha256Of } from '@latent/core'
import { expect, test } from 'vitest'
import { openScheme } from '../src/index.ts'
import { amplitudes, decodePhases, encodePhases, type Field, lens } from '../src/optics/index.ts'
import { walshHadamard } from '../src/optics/ghost.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const random = async (count: number) => (await KeyStream.create(key(9), 'latent/v1/test')).uniforms(count)
const light = async (width: number, height: number): Promise<Field> => ({
  width,
  height,
  data: await random(2 * width * height),
})
const energy = ({ data }: Field) => data.reduce((sum, value) => sum + value * value, 0)
const apart = (a: Float64Array, b: Float64Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))

test('a lens is the Fourier sum by its definition, keeps energy, and another undoes it', async () => {
  const [width, height] = [4, 8]
  const field = await light(width, height)
  const seen = lens(field)
  for (const [u, v] of [
    [0, 0],
    [1, 3],
    [3, 7],
  ] as const) {
    let [re, im] = [0, 0]
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const angle = -2 * Math.PI * ((u * x) / width + (v * y) / height)
        const [a, b] = [field.data[2 * (y * width + x)]!, field.data[2 * (y * width + x) + 1]!]
        re += a * Math.cos(angle) - b * Math.sin(angle)
        im += a * Math.sin(angle) + b * Math.cos(angle)
      }
    const at = 2 * (v * width + u)
    expect([seen.data[at], seen.data[at + 1]]).toEqual([
      expect.closeTo(re / Math.sqrt(32), 10),
      expect.closeTo(im / Math.sqrt(32), 10),
    ])
  }
  expect(energy(seen)).toBeCloseTo(energy(field), 9)
  expect(apart(lens(seen, 'backward').data, field.data)).toBeLessThan(1e-12)
})

test('two masks and two lenses are undone, and the Fourier mask alone gives the amplitude', async () => {
  const field = await light(16, 8)
  const masks = { input: await random(128), fourier: (await random(256)).slice(128) }
  const hidden = encodePhases(field, masks)
  expect(apart(decodePhases(hidden, masks).data, field.data)).toBeLessThan(1e-12)
  const blind = decodePhases(hidden, { ...masks, input: new Float64Array(128) })
  expect(apart(amplitudes(blind), amplitudes(field))).toBeLessThan(1e-12)
})

test('Walsh and Hadamard: rows of signs, and twice is the identity', () => {
  expect([...walshHadamard(Float64Array.of(1, 2, 3, 4))]).toEqual([10, -2, -4, 0])
  expect([...walshHadamard(walshHadamard(Float64Array.of(1, 2, 3, 4)))]).toEqual([4, 8, 12, 16])
})

test.each([
  ['drpe-1995', 'f32', 0],
  ['drpe-1995', 'u16', 0],
  ['drpe-1995', 'u8', 12],
  ['ghost-imaging', 'f32', 0],
  ['ghost-imaging', 'u16', 1],
] as const)('%s through %s: at most %d levels off', async (id, wire, most) => {
  const { cipher } = await openScheme(id)
  const data = sha256Of(Uint8Array.of(1))
  const plain = image({ width: 5, height: 3, channels: 2, format: 'u8', data: data.subarray(0, 30) })
  const back = await cipher.decrypt(await cipher.encrypt(plain, key(1), { wire }), key(1))
  expect(Math.max(...Array.from(back.data, (value, i) => Math.abs(value - plain.data[i]!)))).toBeLessThanOrEqual(most)
})
