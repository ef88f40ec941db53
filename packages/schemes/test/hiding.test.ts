import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { expect, test } from 'vitest'
import { exposed, fieldOf, hidingTransform } from '../src/optics/hiding.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const stream = (seed: number) => KeyStream.create(key(seed), 'latent/v1/test')
const NONCE = new Uint8Array(0)

/** Waves with an edge, as no noise is. */
const drawn = (channels = 3, side = 32): Image<'u8'> =>
  image({
    width: side,
    height: side,
    channels,
    format: 'u8',
    data: Uint8Array.from({ length: side * side * channels }, (_, i) => {
      const [x, y] = [Math.floor(i / channels) % side, Math.floor(i / channels / side)]
      return 128 + 60 * Math.sin((x + 9 * (i % channels)) / 6) + (x > y ? 40 : -40)
    }),
  })
const mse = (a: Image, b: Image): number =>
  Array.from(a.data).reduce((sum, value, i) => sum + ((value - b.data[i]!) / 255) ** 2, 0) / a.data.length
const psnr = (a: Image, b: Image): number => -10 * Math.log10(mse(a, b))

test('one exposure has the whole field, as long as the reference outshines it', async () => {
  const [width, height] = [8, 4]
  const values = await (await stream(1)).uniforms(2 * width * height)
  const data = values.map(u => 4 * u - 2)
  const back = fieldOf(exposed({ width, height, data }), { width, height })
  expect(Math.max(...back.data.map((value, i) => Math.abs(value - data[i]!)))).toBeLessThan(1e-9)
})

test('the phase-only bench gives the picture back, better through more bits, and hides it in one host', async () => {
  const bench = hidingTransform()
  const plain = drawn()
  const there = (picture: Image, wire: 'u8' | 'u16', by = key(1)) =>
    bench.encrypt(picture, { key: by, nonce: NONCE, wire })
  const back = (cipher: Image, by = key(1)) =>
    bench.decrypt!(cipher, { key: by, nonce: NONCE, wire: cipher.format, plain })
  const [eight, sixteen] = [await there(plain, 'u8'), await there(plain, 'u16')]
  expect(psnr(await back(eight), plain)).toBeGreaterThan(25)
  expect(psnr(await back(sixteen), plain)).toBeGreaterThan(45)
  expect(psnr(await back(sixteen, key(2)), plain)).toBeLessThan(14)
  // A sixteenth of each sample is all that differs between two pictures.
  const other = await there(image({ ...plain, data: new Uint8Array(plain.data.length) }), 'u8')
  const apart = (eight.data as Uint8Array).map((value, i) => Math.abs(value - other.data[i]!))
  expect(Math.max(...apart)).toBeLessThanOrEqual(16)
  expect(Math.max(...apart)).toBeGreaterThan(3)
})

test('cipher images of another shape are refused', async () => {
  const plain = drawn()
  const call = { key: key(1), nonce: NONCE, wire: 'u8' as const }
  const hidden = await hidingTransform().encrypt(plain, call)
  const cut = { ...hidden, height: hidden.height / 2, data: hidden.data.slice(0, hidden.data.length / 2) } as Image
  await expect(hidingTransform().decrypt!(cut, { ...call, plain })).rejects.toMatchObject({ code: 'E_IMAGE' })
})
