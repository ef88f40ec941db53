import { decode } from 'fast-png'
import { zlibSync } from 'fflate'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, crc32, floatsToPixels, type Image, image, pixelsToFloats } from '../src/index.ts'
import { decodePng, encodePng } from '../src/png.ts'

const sized = fc.record({
  width: fc.integer({ min: 1, max: 17 }),
  height: fc.integer({ min: 1, max: 9 }),
  channels: fc.integer({ min: 1, max: 4 }),
  deep: fc.boolean(),
  seed: fc.integer(),
})

function noise({
  width,
  height,
  channels,
  deep,
  seed,
}: {
  width: number
  height: number
  channels: number
  deep: boolean
  seed: number
}): Image<'u8' | 'u16'> {
  const n = width * height * channels
  const value = (i: number) => Math.imul(seed ^ i, 2654435761) >>> (deep ? 16 : 24)
  return deep
    ? image({ width, height, channels, format: 'u16', data: Uint16Array.from({ length: n }, (_, i) => value(i)) })
    : image({ width, height, channels, format: 'u8', data: Uint8Array.from({ length: n }, (_, i) => value(i)) })
}

/** A PNG from parts, so that files no encoder would write can be tested. */
function png(header: number[], chunks: [string, Uint8Array][]): Uint8Array {
  const parts: number[] = [137, 80, 78, 71, 13, 10, 26, 10]
  for (const [type, data] of [['IHDR', Uint8Array.from(header)] as [string, Uint8Array], ...chunks]) {
    const body = concatBytes(new TextEncoder().encode(type), data)
    const length = data.length
    const crc = crc32(body)
    parts.push(
      length >>> 24,
      (length >>> 16) & 255,
      (length >>> 8) & 255,
      length & 255,
      ...body,
      crc >>> 24,
      (crc >>> 16) & 255,
      (crc >>> 8) & 255,
      crc & 255,
    )
  }
  return Uint8Array.from(parts)
}

const header = (width: number, height: number, depth: number, colour: number) => [
  width >>> 24,
  (width >>> 16) & 255,
  (width >>> 8) & 255,
  width & 255,
  height >>> 24,
  (height >>> 16) & 255,
  (height >>> 8) & 255,
  height & 255,
  depth,
  colour,
  0,
  0,
  0,
]
const IEND: [string, Uint8Array] = ['IEND', new Uint8Array(0)]
const idat = (...raw: number[]): [string, Uint8Array] => ['IDAT', zlibSync(Uint8Array.from(raw))]

test('every size, depth and channel count comes back', () => {
  fc.assert(
    fc.property(sized, shape => {
      const source = noise(shape)
      expect(decodePng(encodePng(source))).toEqual(source)
    }),
  )
})

test('annotations travel as text chunks', () => {
  const source = {
    ...noise({ width: 2, height: 2, channels: 3, deep: false, seed: 1 }),
    annotations: { 'latent:nonce': '00ff' },
  }
  expect(decodePng(encodePng(source))).toEqual(source)
})

test('annotations that no text chunk holds are refused', () => {
  for (const annotations of [{ '': 'x' }, { ['k'.repeat(80)]: 'x' }, { k: '\u0100' }, { k: 'a\0b' }, { 'k\0': 'x' }]) {
    expect(() =>
      encodePng({ ...noise({ width: 2, height: 2, channels: 1, deep: false, seed: 1 }), annotations }),
    ).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  }
})

test('rows with any filters: the samples that another decoder reads', () => {
  fc.assert(
    fc.property(sized, fc.infiniteStream(fc.integer({ min: 0, max: 4 })), (shape, filters) => {
      const { width, height, channels, deep, seed } = shape
      const rowBytes = width * channels * (deep ? 2 : 1)
      const rows = Array.from({ length: height }, (_, y) => [
        filters.next().value as number,
        ...Array.from({ length: rowBytes }, (_, i) => Math.imul(seed ^ (y * rowBytes + i), 2654435761) >>> 24),
      ]).flat()
      const file = png(header(width, height, deep ? 16 : 8, [0, 4, 2, 6][channels - 1]!), [idat(...rows), IEND])
      expect(Array.from(decodePng(file).data)).toEqual(Array.from(decode(file).data))
    }),
  )
})

test('one-bit grey, palettes and a transparent colour become plain samples', () => {
  expect(decodePng(png(header(3, 1, 1, 0), [idat(0, 0b10100000), IEND])).data).toEqual(Uint8Array.of(255, 0, 255))
  const palette = decodePng(png(header(2, 1, 8, 3), [['PLTE', Uint8Array.of(1, 2, 3, 4, 5, 6)], idat(0, 1, 0), IEND]))
  expect([palette.channels, palette.data]).toEqual([3, Uint8Array.of(4, 5, 6, 1, 2, 3)])
  const transparent = decodePng(png(header(2, 1, 8, 0), [['tRNS', Uint8Array.of(0, 7)], idat(0, 7, 8), IEND]))
  expect([transparent.channels, transparent.data]).toEqual([2, Uint8Array.of(7, 0, 8, 255)])
})

describe('hostile files', () => {
  const good = encodePng(noise({ width: 8, height: 8, channels: 3, deep: false, seed: 3 }))

  test.each<[string, string, Uint8Array]>([
    ['a JPEG', 'E_IMAGE', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    ['nothing', 'E_IMAGE', new Uint8Array(0)],
    ['65535 x 65535 pixels', 'E_LIMIT', png(header(65535, 65535, 8, 2), [idat(0), IEND])],
    ['a zlib bomb', 'E_LIMIT', png(header(4, 4, 8, 0), [['IDAT', zlibSync(new Uint8Array(10_000_000))], IEND])],
    ['no pixels at all', 'E_IMAGE', png(header(0, 4, 8, 0), [idat(0), IEND])],
    ['too little data', 'E_IMAGE', png(header(4, 4, 8, 0), [idat(0, 1, 2), IEND])],
    ['an unknown filter', 'E_IMAGE', png(header(1, 1, 8, 0), [idat(5, 1), IEND])],
    ['a depth that its colour type has not', 'E_IMAGE', png(header(4, 4, 4, 2), [idat(0), IEND])],
    [
      'two headers',
      'E_IMAGE',
      png(header(1, 1, 8, 0), [['IHDR', Uint8Array.from(header(1, 1, 8, 0))], idat(0, 1), IEND]),
    ],
    ['an unknown colour type', 'E_IMAGE', png(header(4, 4, 8, 5), [idat(0), IEND])],
    [
      'a palette index out of range',
      'E_IMAGE',
      png(header(1, 1, 8, 3), [['PLTE', Uint8Array.of(1, 2, 3)], idat(0, 9), IEND]),
    ],
  ])('%s: %s', (_, code, bytes) => {
    expect(() => decodePng(bytes)).toThrow(expect.objectContaining({ code }))
  })

  test('every truncation and every flipped bit is refused', () => {
    for (let length = 0; length < good.length; length++)
      expect(() => decodePng(good.subarray(0, length))).toThrow(expect.objectContaining({ code: 'E_IMAGE' }))
    const coded = expect.objectContaining({ code: expect.stringMatching(/^E_(IMAGE|LIMIT)$/) })
    for (let at = 0; at < good.length; at++) {
      const bad = good.slice()
      bad[at]! ^= 1
      expect(() => decodePng(bad)).toThrow(coded)
    }
  })
})

describe('floats as pixels', () => {
  test('every float comes back through a PNG', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })),
        (width, channels, floats) => {
          const data = Float32Array.from({ length: width * 2 * channels }, () => floats.next().value as number)
          const source = image({ width, height: 2, channels, format: 'f32', data, annotations: { a: 'b' } })
          expect(pixelsToFloats(decodePng(encodePng(floatsToPixels(source))))).toEqual(source)
        },
      ),
    )
  })

  test('a contradiction is refused, and other pictures are left alone', () => {
    const packed = floatsToPixels(
      image({ width: 1, height: 1, channels: 3, format: 'f32', data: Float32Array.of(0, 1, NaN) }),
    )
    expect(() => pixelsToFloats(packed)).toThrow(expect.objectContaining({ code: 'E_IMAGE' }))
    for (const mark of ['2', '0', 'x'])
      expect(() => pixelsToFloats({ ...packed, annotations: { 'latent:float-samples': mark } })).toThrow(
        expect.objectContaining({ code: 'E_IMAGE' }),
      )
    const { annotations: _, ...plain } = packed
    expect(pixelsToFloats(plain)).toBe(plain)
  })
})
