import { image } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { defineScheme, openScheme, schemes } from '../src/index.ts'

const KEY = new Uint8Array(32).fill(9)
const SIDE = 32
const floats = (value: number) => {
  const data = new Float32Array(SIDE * SIDE * 3).fill(0.5)
  data[77] = value
  return image({ width: SIDE, height: SIDE, channels: 3, format: 'f32', data })
}
const OUTSIDE = [NaN, Infinity, -Infinity, 1e30, -0.001, 1.001, 255]
const FLOATS = schemes.filter(({ accepts }) => accepts.formats.includes('f32'))

// Networks that compute with whatever they are given were opened by inputs that no picture has.
describe('floats that no picture has', () => {
  test('some schemes take floats', () => {
    expect(FLOATS.length).toBeGreaterThan(5)
  })

  test.each(FLOATS.map(scheme => [scheme.id, scheme] as const))('%s encrypts none', async (_, scheme) => {
    // The guard stands before the transform: no weights are needed to see it.
    const opened = await openScheme({
      ...scheme,
      load: async () => ({
        encrypt: () => Promise.reject(new Error('a network was given it')),
        decrypt: () => Promise.reject(new Error('a network was given it')),
      }),
    })
    for (const value of OUTSIDE)
      await expect(opened.cipher.encrypt(floats(value), KEY)).rejects.toMatchObject({ code: 'E_IMAGE' })
    for (const value of [0, 1, 0.1])
      await expect(opened.cipher.encrypt(floats(value), KEY)).rejects.toThrow('a network was given it')
  })

  test('nor are they decrypted', async () => {
    const scheme = defineScheme({
      id: 'floats',
      title: 'floats',
      accepts: { formats: ['f32'] },
      load: async () => ({ encrypt: async plain => plain, decrypt: async cipher => cipher }),
    })
    const { cipher } = await openScheme(scheme)
    for (const value of [NaN, Infinity, -1e9])
      await expect(cipher.decrypt(floats(value), KEY)).rejects.toMatchObject({ code: 'E_IMAGE' })
    expect((await cipher.decrypt(floats(1.2), KEY)).data[77]).toBeCloseTo(1.2)
  })
})
