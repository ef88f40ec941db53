import { type Image, image, randomBytes } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Maker, readAnnotations, withAnnotations } from '../src/contract/annotations.ts'
import { decryptTiles, encryptTiles, paddedShape, type TileRule } from '../src/neural/index.ts'

const RULE: TileRule = { tile: 16, multiple: 4, minimum: 3 }

/** Its own inverse, different for every tile, and confined to it. */
const negate = async (planes: Float32Array) => planes.map(value => 1 - value)

function noise(width: number, height: number, channels: number, format: 'u8' | 'u16'): Image {
  const bytes = randomBytes(2 * width * height * channels)
  const count = width * height * channels
  return image({
    width,
    height,
    channels,
    format,
    data:
      format === 'u8'
        ? bytes.slice(0, count)
        : Uint16Array.from({ length: count }, (_, i) => 256 * bytes[2 * i]! + bytes[2 * i + 1]!),
  })
}

describe('tiles', () => {
  const shapes = fc.record({
    width: fc.integer({ min: 3, max: 40 }),
    height: fc.integer({ min: 3, max: 40 }),
    channels: fc.integer({ min: 1, max: 4 }),
    format: fc.constantFrom('u8' as const, 'u16' as const),
  })

  test('every sample of every shape comes back', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async shape => {
        const plain = noise(shape.width, shape.height, shape.channels, shape.format)
        const cipher = await encryptTiles(plain, RULE, 'u16', negate)
        expect(cipher).toMatchObject(paddedShape(plain, RULE, 'u16'))
        expect(await decryptTiles(cipher, plain, RULE, negate)).toEqual(plain)
      }),
      { numRuns: 60 },
    )
  })

  test('a transform sees whole tiles, numbered, with the edge repeated', async () => {
    const plain = image({
      width: 18,
      height: 5,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from({ length: 90 }, (_, i) => i),
    })
    const seen: unknown[] = []
    await encryptTiles(plain, RULE, 'f32', async (planes, { index, width, height }) => {
      seen.push([index, width, height, planes.length])
      const at = (x: number, y: number) => Math.round(255 * planes[y * width + x]!)
      const left = index === 0 ? 0 : 16
      expect(at(0, 0)).toBe(left)
      expect(at(1, 7)).toBe(4 * 18 + left + 1)
      expect(at(width - 1, 2)).toBe(2 * 18 + Math.min(17, left + width - 1))
      expect(planes.subarray(0, width * height)).toEqual(planes.subarray(2 * width * height))
      return planes
    })
    expect(seen).toEqual([
      [0, 16, 8, 384],
      [1, 4, 8, 96],
    ])
  })

  test('too small an image and a cipher image of another size are refused', async () => {
    await expect(encryptTiles(noise(2, 9, 3, 'u8'), RULE, 'u8', negate)).rejects.toMatchObject({ code: 'E_IMAGE' })
    const plain = noise(9, 9, 3, 'u8')
    const cipher = await encryptTiles(plain, RULE, 'u8', negate)
    await expect(decryptTiles(cipher, { ...plain, width: 13 }, RULE, negate)).rejects.toMatchObject({ code: 'E_IMAGE' })
    await expect(decryptTiles(cipher, { ...plain, channels: 4 }, RULE, negate)).rejects.toMatchObject({
      code: 'E_IMAGE',
    })
  })
})

describe('annotations', () => {
  const maker: Maker = { scheme: 'toy', profile: 'compact', sha256: 'ab'.repeat(32) }
  const key = new Uint8Array(32).fill(3)
  const plain = noise(7, 6, 3, 'u8')
  const annotated = async (options = {}) =>
    withAnnotations(await encryptTiles(plain, RULE, 'u8', negate), plain, maker, key, options)

  test('travel through a PNG', async () => {
    const nonce = Uint8Array.of(1, 2, 3)
    const arrived = decodePng(encodePng(await annotated({ nonce, check: true })))
    expect(await readAnnotations(arrived, maker, ['u8', 'u16'], key)).toEqual({
      plain: { width: 7, height: 6, channels: 3, format: 'u8' },
      wire: 'u8',
      nonce,
    })
  })

  test('tell a wrong key if a check value travels, and cannot otherwise', async () => {
    const wrong = key.with(0, 4)
    await expect(readAnnotations(await annotated({ check: true }), maker, ['u8'], wrong)).rejects.toMatchObject({
      code: 'E_NO_MATCH',
    })
    expect((await readAnnotations(await annotated(), maker, ['u8'], wrong)).wire).toBe('u8')
  })

  test.each([
    ['another scheme', { maker: { ...maker, scheme: 'other' } }, 'E_IMAGE'],
    ['another profile', { maker: { ...maker, profile: 'paper' } }, 'E_IMAGE'],
    ['other weights', { maker: { ...maker, sha256: 'cd'.repeat(32) } }, 'E_WEIGHTS'],
    ['a format that the scheme does not write', { wires: ['u16'] }, 'E_IMAGE'],
    ['annotations that are lost', { annotations: {} }, 'E_IMAGE'],
    ['a malformed shape', { annotations: { 'latent:plain': '7x6x9 u8' } }, 'E_IMAGE'],
    ['a malformed nonce', { annotations: { 'latent:nonce': 'xyz' } }, 'E_IMAGE'],
  ] as const)('refuses %s', async (_, change, code) => {
    const cipher = await annotated()
    const given =
      'annotations' in change
        ? {
            ...cipher,
            annotations:
              Object.keys(change.annotations).length > 0 ? { ...cipher.annotations, ...change.annotations } : {},
          }
        : cipher
    await expect(
      readAnnotations(given, 'maker' in change ? change.maker : maker, 'wires' in change ? change.wires : ['u8'], key),
    ).rejects.toMatchObject({ code })
  })
})
