import { type Image, image, type SampleFormat } from '@latent/core'
import { encodeSafetensors, initialise, leaves, parameterCount } from '@latent/graph'
import type { Tensor, Tree } from '@latent/graph'
import { writeModel, readModel } from '@latent/schemes/models'
import { openScheme } from '@latent/schemes'
import {
  balancedMask,
  type Block,
  flowCryptCipher,
  flowCryptParameters,
  type FlowCryptShape,
  flowCryptRunner,
  gatherHalf,
  initialFlowCrypt,
  networkCost,
  runnerOf,
  scatterHalf,
  SHAPES,
  splitOrder,
  stretch,
  throughWire,
  tileKey,
  transform,
} from '@latent/schemes/flowcrypt'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slowMask, slowSplit } from './reference/flowcrypt.ts'

/** Random weights are enough to show that decryption inverts encryption. */
const TINY: FlowCryptShape = { blocks: 2, hidden: 4 }
const KEY = new Uint8Array(32).fill(7)
const OTHER = new Uint8Array(32).fill(8)

const WANTED = { scheme: 'flowcrypt-2025-compact', profile: 'compact' }

async function tinyModel(seed: number) {
  const weights = await initialise({ flowcrypt: flowCryptParameters(TINY) }, seed)
  const tensors = Object.fromEntries(leaves(weights as unknown as Tree<Tensor>)) as Record<string, Tensor<'f32'>>
  return readModel(writeModel({ ...WANTED, tensors }, { half: false }), WANTED)
}

async function open(seed = 1) {
  const model = await tinyModel(seed)
  const runner = flowCryptRunner(model, TINY, { threads: 1 })
  return { cipher: flowCryptCipher('flowcrypt-2025-compact', { profile: 'compact', model, runner }), runner }
}

let opened: Awaited<ReturnType<typeof open>>
beforeAll(async () => void (opened = await open()))
afterAll(() => opened.runner.close())

function picture(width: number, height: number, channels: number, format: SampleFormat = 'u8', seed = 1): Image {
  const count = width * height * channels
  const peak = format === 'u8' ? 255 : format === 'u16' ? 65535 : 1
  const values = Float64Array.from(
    { length: count },
    (_, i) => (0.5 + 0.4 * Math.sin(i * 0.01 * seed) + 0.1 * Math.sin(i * 1.7)) * peak,
  )
  const data =
    format === 'u8' ? Uint8Array.from(values) : format === 'u16' ? Uint16Array.from(values) : Float32Array.from(values)
  return image({ width, height, channels, format, data })
}

function decibels(a: Image, b: Image): number {
  const peak = a.format === 'u8' ? 255 : a.format === 'u16' ? 65535 : 1
  const mse = Array.from(a.data).reduce((sum, value, i) => sum + ((value - b.data[i]!) / peak) ** 2, 0) / a.data.length
  return -10 * Math.log10(mse)
}

describe('network', () => {
  test('the paper profile has 953,440 parameters and costs 31 GMAC at 256 x 256', () => {
    expect(parameterCount(flowCryptParameters(SHAPES.paper))).toBe(953_440)
    const cost = networkCost(SHAPES.paper, 256 * 256)
    expect(cost.parameters).toBe(953_440)
    expect(cost.macs / 1e9).toBeCloseTo(31.1, 1)
    expect(parameterCount(flowCryptParameters(SHAPES.compact))).toBe(127_792)
  })

  test('a block has the four published sub-networks of five convolutions', () => {
    const blocks = Object.values(flowCryptParameters(SHAPES.paper)) as Block<unknown>[]
    expect(blocks).toHaveLength(8)
    for (const block of blocks) {
      expect(Object.keys(block).toSorted()).toEqual(['eta', 'omega', 'phi', 'rho'])
      for (const stack of Object.values(block)) expect(Object.keys(stack)).toHaveLength(5)
    }
  })
})

describe('split', () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 12 }).map(half => 2 * half),
    height: fc.integer({ min: 1, max: 9 }),
  })

  test('the mask is balanced and ranks as the slow twin does, ties included', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.infiniteStream(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))),
        ({ width, height }, stream) => {
          const words = Uint32Array.from({ length: width * height }, () => stream.next().value as number)
          const mask = balancedMask(words)
          expect(mask.reduce((sum, bit) => sum + bit, 0)).toBe((width * height) / 2)
          expect(mask).toEqual(slowMask(words))
        },
      ),
    )
  })

  test('halves are what the slow twin collects, and come back to their places, black pixels too', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 2 ** 32 - 1 }), ({ width, height }, seed) => {
        const count = width * height
        const mask = balancedMask(Uint32Array.from({ length: count }, (_, i) => Math.imul(i + 1, seed | 1) >>> 0))
        // Every third value is zero: places count, not values.
        const planes = Float32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 0 ? 0 : i))
        const order = splitOrder(mask, width, height)
        const slow = slowSplit(planes, mask, width, height)
        expect(gatherHalf(planes, order.first)).toEqual(slow.first)
        expect(gatherHalf(planes, order.second)).toEqual(slow.second)
        const back = new Float32Array(planes.length).fill(NaN)
        scatterHalf(slow.first, order.first, back)
        scatterHalf(slow.second, order.second, back)
        expect(back).toEqual(planes)
      }),
    )
  })

  test('an odd count and an unbalanced mask are refused', () => {
    expect(() => balancedMask(new Uint32Array(3))).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    expect(() => splitOrder(Uint8Array.of(1, 1, 1, 0), 2, 2)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe('key', () => {
  test('stretching is PBKDF2-HMAC-SHA-256 with 100,000 rounds and the fixed salt', async () => {
    const { pbkdf2Sync } = await import('node:crypto')
    const secret = new TextEncoder().encode('any length, any alphabet')
    expect(await stretch(secret, new Uint8Array(0))).toEqual(
      new Uint8Array(pbkdf2Sync(secret, 'FlowCrypt/v1', 100_000, 64, 'sha256')),
    )
    await expect(stretch(new Uint8Array(0), new Uint8Array(0))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('another key, nonce or tile is another mask and map', async () => {
    const [a, b, c] = [
      await stretch(KEY, new Uint8Array(0)),
      await stretch(OTHER, new Uint8Array(0)),
      await stretch(KEY, Uint8Array.of(1)),
    ]
    const keys = await Promise.all([
      tileKey(a, { index: 0, width: 16, height: 16 }),
      tileKey(b, { index: 0, width: 16, height: 16 }),
      tileKey(c, { index: 0, width: 16, height: 16 }),
      tileKey(a, { index: 1, width: 16, height: 16 }),
    ])
    for (const part of ['mapX', 'mapY'] as const) expect(new Set(keys.map(key => key[part].join())).size).toBe(4)
    expect(new Set(keys.map(({ order }) => order.first.join())).size).toBe(4)
  })
})

describe('cipher', () => {
  test.each<[SampleFormat, number]>([
    ['f32', 100],
    ['u16', 60],
    ['u8', 25],
  ])('with random weights a picture comes back from %s at more than %d dB', async (wire, least) => {
    const plain = picture(48, 40, 3, 'f32')
    const cipher = await opened.cipher.encrypt(plain, KEY, { wire })
    expect([cipher.width, cipher.height, cipher.channels, cipher.format]).toEqual([48, 40, 3, wire])
    expect(decibels(plain, await opened.cipher.decrypt(cipher, KEY))).toBeGreaterThan(least)
    // Nothing is a fixed point: the cipher is no copy.
    expect(decibels(plain, { ...(await opened.cipher.encrypt(plain, KEY)), format: 'f32' })).toBeLessThan(40)
  })

  test.each<[number, number, number, SampleFormat]>([
    [8, 8, 3, 'u8'],
    [9, 11, 1, 'u8'],
    [17, 8, 2, 'u8'],
    [31, 23, 4, 'u8'],
    [20, 13, 3, 'u16'],
    [515, 9, 3, 'u8'],
  ])('%d x %d with %d channels as %s', async (width, height, channels, format) => {
    const plain = picture(width, height, channels, format)
    const cipher = await opened.cipher.encrypt(plain, KEY)
    expect(cipher.format).toBe('f32')
    const back = await opened.cipher.decrypt(cipher, KEY)
    expect({ ...back, data: undefined }).toEqual({ ...plain, data: undefined })
    // Floats lose less than half a level of 8 bits, and a few levels of 16.
    const worst = Array.from(plain.data).reduce((most, value, i) => Math.max(most, Math.abs(value - back.data[i]!)), 0)
    expect(worst).toBeLessThanOrEqual(format === 'u8' ? 0 : 3)
  })

  test('black pixels survive the repacking', async () => {
    const plain = image({
      width: 16,
      height: 16,
      channels: 3,
      format: 'u8',
      data: new Uint8Array(768).map((_, i) => (i % 5 === 0 ? 200 : 0)),
    })
    expect((await opened.cipher.decrypt(await opened.cipher.encrypt(plain, KEY), KEY)).data).toEqual(plain.data)
  })

  test('equal images give equal ciphers without a nonce, and others with one', async () => {
    const plain = picture(16, 16, 3)
    const [a, b] = [await opened.cipher.encrypt(plain, KEY), await opened.cipher.encrypt(plain, KEY)]
    expect(a).toEqual(b)
    const fresh = await opened.cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(1, 2, 3) })
    expect(fresh.data).not.toEqual(a.data)
    expect((await opened.cipher.decrypt(fresh, KEY)).data).toEqual(plain.data)
  })

  test('two images at once do not disturb each other', async () => {
    const [a, b] = [picture(16, 16, 3), picture(24, 10, 3)]
    const [ca, cb] = await Promise.all([opened.cipher.encrypt(a, KEY), opened.cipher.encrypt(b, KEY)])
    const [pa, pb] = await Promise.all([opened.cipher.decrypt(ca, KEY), opened.cipher.decrypt(cb, KEY)])
    expect([pa.data, pb.data]).toEqual([a.data, b.data])
  })

  test('a wrong key gives another picture, and an error where a check value travels', async () => {
    const plain = picture(16, 16, 3)
    expect((await opened.cipher.decrypt(await opened.cipher.encrypt(plain, KEY), OTHER)).data).not.toEqual(plain.data)
    const checked = await opened.cipher.encrypt(plain, KEY, { check: true })
    expect((await opened.cipher.decrypt(checked, KEY)).data).toEqual(plain.data)
    await expect(opened.cipher.decrypt(checked, OTHER)).rejects.toMatchObject({
      code: 'E_NO_MATCH',
      hint: expect.any(String),
    })
  })

  test('what it cannot have made is refused, with a hint', async () => {
    const plain = picture(16, 16, 3)
    const cipher = await opened.cipher.encrypt(plain, KEY, { wire: 'u8' })
    const refused = (altered: Image, code: string) =>
      expect(opened.cipher.decrypt(altered, KEY)).rejects.toMatchObject({ code, hint: expect.any(String) })
    await refused(plain, 'E_IMAGE')
    await refused(
      { ...cipher, annotations: { ...cipher.annotations, 'latent:scheme': 'flowcrypt-2025/paper' } },
      'E_IMAGE',
    )
    await refused({ ...cipher, annotations: { ...cipher.annotations, 'latent:wire': 'f64' } }, 'E_IMAGE')
    await refused({ ...cipher, width: 8, height: 32 }, 'E_IMAGE')
    await refused({ ...cipher, width: 8, data: cipher.data.slice(0, 8 * 16 * 3) }, 'E_IMAGE')
    await expect(opened.cipher.encrypt(picture(7, 20, 3), KEY)).rejects.toMatchObject({
      code: 'E_IMAGE',
      hint: expect.any(String),
    })
    await expect(opened.cipher.encrypt(plain, new Uint8Array(0))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const other = await open(2)
    await expect(other.cipher.decrypt(cipher, KEY)).rejects.toMatchObject({
      code: 'E_WEIGHTS',
      hint: expect.any(String),
    })
    await other.runner.close()
  })

  test('weights that are cut short, of another scheme, profile or network are refused', async () => {
    const { tensors } = await tinyModel(1)
    const bytes = writeModel({ ...WANTED, tensors }, { half: true })
    const refusal = expect.objectContaining({ code: 'E_WEIGHTS' })
    expect(() => readModel(bytes.subarray(0, bytes.length >> 1), WANTED)).toThrow(refusal)
    expect(() => readModel(bytes, { ...WANTED, scheme: 'flowcrypt-2025' })).toThrow(refusal)
    expect(() => readModel(bytes, { ...WANTED, profile: 'paper' })).toThrow(refusal)
    expect(() => readModel(encodeSafetensors({ tensors, metadata: {} }), WANTED)).toThrow(refusal)
    expect(() => flowCryptRunner(readModel(bytes, WANTED), SHAPES.compact)).toThrow(refusal)
  })
})

describe('what training starts from, and what it ends with', () => {
  const plain = picture(64, 64, 3)

  test('the start is a flat cipher image that comes back from 8 bits, and only with its map', async () => {
    const runner = runnerOf(await initialise(await initialFlowCrypt(SHAPES.compact, 1), 1), { threads: 1 })
    const size = { index: 0, width: 64, height: 64 }
    const [right, wrong] = [
      await tileKey(await stretch(KEY, new Uint8Array(0)), size),
      await tileKey(await stretch(OTHER, new Uint8Array(0)), size),
    ]
    const planes = new Float32Array(plain.data.length).map(
      (_, i) => plain.data[(i % 4096) * 3 + Math.floor(i / 4096)]! / 255,
    )
    const cipher = await transform(runner, 'forward', 'f32', async () => right)(planes, size)
    const counts = new Float64Array(16)
    for (const value of cipher) counts[Math.min(15, Math.max(0, Math.floor(value * 16)))]!++
    // 768 values in each sixteenth if the histogram were flat.
    expect(Math.min(...counts)).toBeGreaterThan(500)
    expect(Math.max(...counts)).toBeLessThan(1100)
    const error = async (key: typeof right) => {
      const back = await transform(runner, 'backward', 'f32', async () => key)(throughWire(cipher, 'u8'), size)
      return (
        -10 *
        Math.log10(
          back.reduce((sum, value, i) => sum + (Math.min(1, Math.max(0, value)) - planes[i]!) ** 2, 0) / back.length,
        )
      )
    }
    expect(await error(right)).toBeGreaterThan(38)
    expect(await error(wrong)).toBeLessThan(10)
    await runner.close()
  })

  test('16 and 8 bits round as the cipher does', async () => {
    const key = await tileKey(await stretch(KEY, new Uint8Array(0)), { index: 0, width: 64, height: 64 })
    const planes = new Float32Array(plain.data.length).map(
      (_, i) => plain.data[(i % 4096) * 3 + Math.floor(i / 4096)]! / 255,
    )
    const raw = await transform(
      opened.runner,
      'forward',
      'f32',
      async () => key,
    )(planes, { index: 0, width: 64, height: 64 })
    for (const [wire, room, levels] of [
      ['u16', 1 / 16, 65535],
      ['u8', 0, 255],
    ] as const) {
      const { data } = await opened.cipher.encrypt(plain, KEY, { wire })
      const expected = throughWire(raw, wire)
      const off = Array.from(expected, (value, i) =>
        Math.abs(value - ((data[(i % 4096) * 3 + Math.floor(i / 4096)]! / levels) * (1 + 2 * room) - room)),
      )
      // Values midway between two levels may fall either way: floats here, doubles there.
      expect(off.filter(distance => distance > 1e-6).length).toBeLessThan(off.length / 100)
      expect(Math.max(...off)).toBeLessThan((1.1 * (1 + 2 * room)) / levels)
    }
  })

  test.each(['flowcrypt-2025', 'flowcrypt-2025-compact'])(
    '%s with its shipped weights',
    { timeout: 60_000 },
    async id => {
      const { cipher, close } = await openScheme(id)
      const smooth = picture(64, 64, 3, 'f32')
      const floats = await cipher.encrypt(smooth, KEY)
      expect(decibels(smooth, await cipher.decrypt(floats, KEY))).toBeGreaterThan(100)
      expect(
        decibels(smooth, await cipher.decrypt(await cipher.encrypt(smooth, KEY, { wire: 'u8' }), KEY)),
      ).toBeGreaterThan(30)
      expect(decibels(smooth, await cipher.decrypt(floats, OTHER))).toBeLessThan(12)
      await close()
    },
  )
})
