import { describe, expect, test } from 'vitest'
import {
  equalConstantTime,
  floatsToPixels,
  type Image,
  image,
  imageFromBytes,
  LatentError,
  MAX_PIXELS,
  pixelsToFloats,
  sampleBytes,
} from '../src/index.ts'
import { primitives as node } from '../src/primitives-node.ts'
import { primitives as web } from '../src/primitives-web.ts'

const thrown = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    // Of a picture that was changed on its way, people are told what to do; arguments are a programmer's.
    if (error instanceof LatentError && error.code !== 'E_ARGUMENT') expect(error.hint).toEqual(expect.any(String))
    if (error instanceof LatentError) return `${error.code} ${error.message}`
    throw error
  }
  return 'nothing'
}

describe('an image', () => {
  const good = { width: 3, height: 2, channels: 4, format: 'u8' as const, data: new Uint8Array(24) }

  test.each(['width', 'height', 'channels'])('has a whole, positive %s', name => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', 2 ** 53])
      expect(thrown(() => image({ ...good, [name]: value }))).toMatch(
        new RegExp(`^E_ARGUMENT expected a positive integer for ${name}, received`),
      )
  })

  test('of one sample, of each kind', () => {
    for (const [format, data] of [
      ['u8', new Uint8Array(1)],
      ['u16', new Uint16Array(1)],
      ['f32', new Float32Array(1)],
    ] as const) {
      const one = { width: 1, height: 1, channels: 1, format, data } as Image
      expect(image(one)).toBe(one)
      for (const other of ['u8', 'u16', 'f32'].filter(kind => kind !== format))
        expect(thrown(() => image({ ...one, format: other } as never))).toContain('for data')
    }
  })

  test('has as many samples as its size says, no more and no fewer', () => {
    for (const length of [0, 1, 6, 23, 25, 48])
      expect(thrown(() => image({ ...good, data: new Uint8Array(length) }))).toBe(
        `E_ARGUMENT expected 24 samples for data, received ${length}`,
      )
  })

  test('has no more pixels than the limit', () => {
    // Both stop at the first thing that is wrong: at the limit that is the number of samples.
    expect(thrown(() => image({ ...good, width: 2 ** 14, height: 2 ** 14 }))).toContain(
      `expected ${4 * MAX_PIXELS} samples`,
    )
    expect(thrown(() => image({ ...good, width: 2 ** 14, height: 2 ** 14 + 1 }))).toBe(
      `E_ARGUMENT expected at most 268435456 pixels for width * height, received ${2 ** 28 + 2 ** 14}`,
    )
  })

  test('gives bytes that are copies, and takes only as many as it has', () => {
    const [bytes, deep] = [
      image({ ...good, data: Uint8Array.from({ length: 24 }, (_, i) => i) }),
      image({ ...good, width: 1, height: 1, channels: 2, format: 'u16', data: Uint16Array.of(0x00ff, 0xff01) }),
    ]
    for (const source of [bytes, deep]) {
      const copy = sampleBytes(source)
      const again = imageFromBytes(copy, { ...source, annotations: { left: 'out' } })
      expect(again).toEqual(source)
      const before = again.data[0]
      copy.fill(0x55)
      expect([again.data[0], source.data[0]]).toEqual([before, before])
      for (const change of [-1, 1])
        expect(thrown(() => imageFromBytes(new Uint8Array(copy.length + change), source))).toBe(
          `E_ARGUMENT expected ${copy.length} bytes for bytes, received ${copy.length + change} bytes`,
        )
    }
    expect(sampleBytes(deep)).toEqual(Uint8Array.of(0x00, 0xff, 0xff, 0x01))
  })
})

describe('floats in disguise', () => {
  const floats = image({
    width: 2,
    height: 3,
    channels: 2,
    format: 'f32',
    data: Float32Array.of(0, -0, 1, -1, 0.1, 1e-38, 3.4e38, -2.5, 1 / 3, 5, 6, 7),
    annotations: { 'latent:nonce': '01' },
  })

  test('keep every bit, and what stands beside them', () => {
    const pixels = floatsToPixels(floats)
    expect([pixels.width, pixels.height, pixels.channels, pixels.format, pixels.data.length]).toEqual([
      4,
      3,
      4,
      'u8',
      48,
    ])
    expect(pixels.annotations).toEqual({ 'latent:nonce': '01', 'latent:float-samples': '2' })
    // 1 and -1 as IEEE 754 has them.
    expect(Array.from(pixels.data.subarray(8, 16))).toEqual([0x3f, 0x80, 0, 0, 0xbf, 0x80, 0, 0])
    expect(pixelsToFloats(pixels)).toEqual(floats)
    expect(Object.is((pixelsToFloats(pixels) as Image<'f32'>).data[1], -0)).toBe(true)
  })

  test('a view into larger memory is read where it begins', () => {
    const pixels = floatsToPixels(floats)
    const shifted = new Uint8Array(60)
    shifted.set(pixels.data, 8)
    expect(pixelsToFloats({ ...pixels, data: shifted.subarray(8, 56) })).toEqual(floats)
  })

  test('of one channel keep their width', () => {
    const grey = image({ width: 3, height: 1, channels: 1, format: 'f32', data: Float32Array.of(0.5, 1, 2) })
    expect(pixelsToFloats(floatsToPixels(grey))).toEqual({ ...grey, annotations: {} })
  })

  test('other pictures are left as they are', () => {
    const plain = image({ width: 1, height: 1, channels: 4, format: 'u8', data: new Uint8Array(4) })
    expect(pixelsToFloats(plain)).toBe(plain)
  })

  test.each<[string, Partial<Image>]>([
    ['no channels', { annotations: { 'latent:float-samples': '0' } }],
    ['minus one', { annotations: { 'latent:float-samples': '-1' } }],
    ['half a channel', { annotations: { 'latent:float-samples': '0.5' } }],
    ['words', { annotations: { 'latent:float-samples': 'two' } }],
    ['a number that does not divide the width', { annotations: { 'latent:float-samples': '3' } }],
    ['three channels of pixels', { channels: 3, data: new Uint8Array(36) }],
    ['pixels of 16 bits', { format: 'u16', data: new Uint16Array(48) }],
  ])('%s: refused', (_, change) => {
    expect(thrown(() => pixelsToFloats({ ...floatsToPixels(floats), ...change }))).toMatch(/^E_IMAGE .*contradicts/)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d is no sample, wherever it stands',
    value => {
      for (const at of [0, 5, 11]) {
        const data = Float32Array.from(floats.data)
        data[at] = value
        expect(thrown(() => pixelsToFloats(floatsToPixels({ ...floats, data })))).toMatch(/^E_IMAGE .*no numbers/)
      }
    },
  )
})

describe.each([node, web])('$name', primitives => {
  test.each([0, 1, 65_535, 65_536, 65_537, 200_001])('%i random bytes, other ones each time', length => {
    const [one, other] = [primitives.randomBytes(length), primitives.randomBytes(length)]
    expect([one.length, other.length]).toEqual([length, length])
    // No stretch of 16 bytes is left as it was: zeros.
    for (let at = 0; at + 16 <= length; at += 16)
      if (one.subarray(at, at + 16).every(byte => byte === 0)) throw new Error(`zeros at ${at}`)
    expect(length >= 16 && one.every((byte, i) => byte === other[i])).toBe(false)
    expect(Buffer.isBuffer(one)).toBe(false)
  })

  test('CRC-32 of every length around its steps, whole and in parts', () => {
    const bytes = Uint8Array.from({ length: 40 }, (_, i) => 37 * i)
    // One bit at a time, as PNG defines it.
    const slow = (part: Uint8Array) =>
      ~part.reduce(
        (crc, byte) =>
          Array.from({ length: 8 }).reduce<number>(c => (c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1), crc ^ byte),
        -1,
      ) >>> 0
    for (let length = 0; length <= bytes.length; length++) {
      expect(primitives.crc32(bytes.subarray(0, length))).toBe(slow(bytes.subarray(0, length)))
      expect(primitives.crc32(bytes.subarray(length), primitives.crc32(bytes.subarray(0, length)))).toBe(slow(bytes))
    }
  })

  test('zlib: packed as tightly as asked, unpacked up to its limit and cut off nowhere', () => {
    const bytes = new Uint8Array(300_000).fill(65)
    const [stored, packed] = [primitives.zlibPack(bytes, 0), primitives.zlibPack(bytes, 9)]
    expect(stored.length).toBeGreaterThan(300_000)
    expect(packed.length).toBeLessThan(2000)
    for (const stream of [stored, packed]) {
      expect(primitives.zlibUnpack(stream, 300_000)).toEqual(bytes)
      expect(thrown(() => primitives.zlibUnpack(stream, 299_999))).toMatch(/^E_LIMIT/)
      expect(() => primitives.zlibUnpack(stream.subarray(0, stream.length >>> 1), 300_000)).toThrow(
        /unexpected (?:end|EOF)|invalid zlib data/,
      )
    }
    expect(primitives.zlibUnpack(primitives.zlibPack(new Uint8Array(0), 6), 0)).toEqual(new Uint8Array(0))
    expect(thrown(() => primitives.zlibUnpack(primitives.zlibPack(new Uint8Array(1), 6), 0))).toMatch(/^E_LIMIT/)
  })

  test('AES-256-CTR of any length, not disturbed by a longer one before', async () => {
    const [key, counter] = [new Uint8Array(32).fill(3), new Uint8Array(16)]
    const long = await primitives.aes256CtrStream(key, counter, 5000)
    for (const length of [0, 1, 17, 4999])
      expect(await primitives.aes256CtrStream(key, counter, length)).toEqual(long.subarray(0, length))
  })
})

test.each([
  [[], [], true],
  [[1], [1], true],
  [[1, 2, 3], [1, 2, 4], false],
  [[9, 2, 3], [1, 2, 3], false],
  [[1, 2], [1, 2, 0], false],
  [[1, 2, 0], [1, 2], false],
  // Bits that differ must not cancel each other.
  [[1, 1], [0, 0], false],
])('%j and %j: equal %s', (a, b, equal) => {
  expect(equalConstantTime(Uint8Array.from(a), Uint8Array.from(b))).toBe(equal)
})
