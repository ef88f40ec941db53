import {
  fromHex,
  type ImageCipher,
  image,
  KeyStream,
  LatentError,
  NONCE_ANNOTATION,
  sampleBytes,
  sha256Of,
  toHex,
} from '@latent/core'
import { beforeAll, describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { baselineSchemes } from '../src/baselines/index.ts'
import { openScheme } from '../src/index.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const grey = (width: number, height: number, channels: number, value = (i: number) => (i * 7) & 255) =>
  image({
    width,
    height,
    channels,
    format: 'u8',
    data: Uint8Array.from({ length: width * height * channels }, (_, i) => value(i)),
  })

describe.each(baselineSchemes.map(scheme => [scheme.id, scheme.nonce.use] as const))('%s', (id, use) => {
  let cipher: ImageCipher
  beforeAll(async () => {
    cipher = (await openScheme(id)).cipher
  })

  test('does what its traits say, on images of many shapes and both formats', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 4, max: 40 }),
        fc.constantFrom(1, 3, 4),
        fc.constantFrom('u8' as const, 'u16' as const),
        fc.nat(255),
        async (width, height, channels, format, seed) => {
          const stream = await KeyStream.create(key(seed), 'latent/v1/test')
          const bytes = await stream.bytes(2 * width * height * channels)
          const data =
            format === 'u8'
              ? bytes.slice(0, bytes.length / 2)
              : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
          const plain = image<'u8' | 'u16'>({ width, height, channels, format, data })
          const before = toHex(sha256Of(bytes))
          const encrypted = await cipher.encrypt(plain, key(seed))
          expect({ ...encrypted, data: 0, annotations: 0 }).toEqual({
            width,
            height,
            channels,
            format,
            data: 0,
            annotations: 0,
          })
          const decrypted = await cipher.decrypt(encrypted, key(seed))
          expect(toHex(sha256Of(sampleBytes(decrypted as typeof plain))) === toHex(sha256Of(sampleBytes(plain)))).toBe(
            cipher.traits.exact,
          )
          const again = await cipher.encrypt(plain, key(seed))
          expect(String(again.data) !== String(encrypted.data)).toBe(cipher.traits.randomised)
          expect(toHex(sha256Of(bytes))).toBe(before)
        },
      ),
      { numRuns: 15 },
    )
  })

  test('a nonce given repeats the cipher, and travels with it', async () => {
    const plain = grey(16, 16, 3)
    const options = use === 'none' ? {} : { nonce: new TextEncoder().encode('image 7') }
    const once = await cipher.encrypt(plain, key(1), options)
    expect((await cipher.encrypt(plain, key(1), options)).data).toEqual(once.data)
    expect(String((await cipher.decrypt(once, key(1))).data) === String(plain.data)).toBe(cipher.traits.exact)
  })

  test('refuses float images and short keys', async () => {
    const float = image({ width: 8, height: 8, channels: 1, format: 'f32', data: new Float32Array(64) })
    await expect(cipher.encrypt(float, key(1))).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(cipher.encrypt(grey(8, 8, 1), new Uint8Array(16))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('golden: the same bytes in every release', async () => {
    const encrypted = await cipher.encrypt(
      grey(20, 11, 3),
      key(9),
      use === 'none' ? {} : { nonce: Uint8Array.of(1, 2, 3) },
    )
    expect(toHex(sha256Of(encrypted.data as Uint8Array)).slice(0, 32)).toMatchSnapshot()
  })
})

test('AES-256-CBC with stealing agrees with SP 800-38A F.2.5 on whole blocks', async () => {
  const plain = image({
    width: 8,
    height: 2,
    channels: 1,
    format: 'u8',
    data: fromHex('6bc1bee22e409f96e93d7e117393172a'),
  })
  const { cipher } = await openScheme('aes-256-cbc')
  const out = await cipher.encrypt(plain, fromHex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'), {
    nonce: fromHex('000102030405060708090a0b0c0d0e0f'),
  })
  expect(toHex(out.data as Uint8Array)).toBe('f58c4c04d6e5f1ba779eabfb5f7bfbd6')
})

test('AES-256-GCM notices a changed sample, a changed shape and a lost tag', async () => {
  const { cipher } = await openScheme('aes-256-gcm')
  const sealed = await cipher.encrypt(grey(8, 4, 3), key(2))
  const changed = { ...sealed, data: (sealed.data as Uint8Array).map((v, i) => (i === 5 ? v ^ 1 : v)) }
  for (const bad of [
    changed,
    { ...sealed, width: 4, height: 8 },
    { ...sealed, annotations: { [NONCE_ANNOTATION]: sealed.annotations![NONCE_ANNOTATION]! } },
  ]) {
    await expect(cipher.decrypt(bad, key(2))).rejects.toBeInstanceOf(LatentError)
  }
})

test('the cat map permutes pixels as its matrix does', async () => {
  const { cipher } = await openScheme('arnold-cat-map')
  const plain = grey(16, 16, 1, i => i)
  const out = await cipher.encrypt(plain, key(3))
  expect(Array.from(out.data).sort((a, b) => a - b)).toEqual(Array.from(plain.data))
  // The origin never moves, and the map is linear: where (1, 0) and (0, 1) go decides the rest.
  const at = (x: number, y: number) => Array.from(out.data).indexOf(y * 16 + x)
  const [u, v] = [at(1, 0), at(0, 1)]
  expect(at(0, 0)).toBe(0)
  const both = ((Math.floor(u / 16) + Math.floor(v / 16)) % 16) * 16 + (((u % 16) + (v % 16)) % 16)
  expect(at(1, 1)).toBe(both)
})
