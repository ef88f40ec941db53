import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { MAX_PIXELS } from '../src/index.ts'
import {
  checkSize,
  decodePng,
  encodePng,
  isPng,
  PNG_HEADER_BYTES,
  pngParts,
  readPng,
  readPngHeader,
  readPngTexts,
} from '../src/png.ts'
import { unpackedSize, unpackRows } from '../src/png-rows.ts'

/** Written by hand, byte for byte: what is refused, with which words, and what is just allowed. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10]
function chunk(type: string, data: ArrayLike<number>): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), Buffer.from(Array.from(data))])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}
const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
const header = (width: number, height: number, depth = 8, colour = 0, rest = [0, 0, 0]) =>
  chunk('IHDR', [...u32(width), ...u32(height), depth, colour, ...rest])
const idat = (...rows: number[]) => chunk('IDAT', deflateSync(Uint8Array.from(rows)))
const END = chunk('IEND', [])
/** With another checksum. */
const wrong = (made: Buffer): Buffer => Buffer.concat([made.subarray(0, -1), Buffer.of(made.at(-1)! ^ 1)])
const file = (...chunks: Uint8Array[]) => new Uint8Array(Buffer.concat([Buffer.from(SIGNATURE), ...chunks]))

const damage = (what: string) => expect.objectContaining({ code: 'E_IMAGE', message: `this PNG is damaged: ${what}` })
const pixels = ({ data }: { data: ArrayLike<number> }) => Array.from(data)

describe('what is refused, and why', () => {
  const one = header(1, 1)
  test.each<[string, Uint8Array]>([
    ['it ends too early', file(one).subarray(0, 32)],
    ['it ends too early', file(one)],
    ['it ends too early', file(one, idat(0, 7))],
    ['it ends too early', file(one, idat(0, 7), END.subarray(0, 11))],
    ['it does not start with its header', file(chunk('IDAT', new Uint8Array(13)))],
    ['its header is invalid', file(chunk('IHDR', [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0]), chunk('tEXt', [1]))],
    ['its header is invalid', file(chunk('IHDR', [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0]))],
    ['the checksum of its IHDR chunk is wrong', file(wrong(one))],
    ['its header is invalid', file(header(0, 1), idat(0), END)],
    ['its header is invalid', file(header(1, 0), idat(0), END)],
    ['its header is invalid', file(header(1, 1, 8, 0, [1, 0, 0]), idat(0, 7), END)],
    ['its header is invalid', file(header(1, 1, 8, 0, [0, 1, 0]), idat(0, 7), END)],
    ['its header is invalid', file(header(1, 1, 8, 0, [0, 0, 2]), idat(0, 7), END)],
    ['its header is invalid', file(header(1, 1, 8, 1), idat(0, 7), END)],
    ['a chunk has no valid name', file(header(1, 1), chunk('a1bc', []), idat(0, 7), END)],
    ['a chunk has no valid name', file(header(1, 1), chunk('\0abc', []), idat(0, 7), END)],
    ['a chunk has no valid name', file(header(1, 1), chunk('abc\0', []), idat(0, 7), END)],
    ['its IDAT chunk is cut off', file(header(1, 1), idat(0, 7).subarray(0, -1))],
    ['it has two headers', file(header(1, 1), header(1, 1), idat(0, 7), END)],
    ['the checksum of its IDAT chunk is wrong', file(header(1, 1), wrong(idat(0, 7)), END)],
    ['its compressed data is broken', file(header(1, 1), chunk('IDAT', [1, 2, 3]), END)],
    ['its compressed data is broken', file(header(1, 1), END)],
    ['its rows are not what the header says', file(header(1, 2), idat(0, 7, 0), END)],
    ['its palette is missing', file(header(1, 1, 8, 3), idat(0, 0), END)],
    ['its palette is invalid', file(header(1, 1, 8, 3), chunk('PLTE', []), idat(0, 0), END)],
    ['its palette is invalid', file(header(1, 1, 8, 3), chunk('PLTE', [1, 2, 3, 4]), idat(0, 0), END)],
    ['its palette is invalid', file(header(1, 1, 8, 3), chunk('PLTE', new Uint8Array(771)), idat(0, 0), END)],
    [
      'a pixel names a colour that its palette has not',
      file(header(1, 1, 8, 3), chunk('PLTE', [1, 2, 3]), idat(0, 1), END),
    ],
    ['the checksum of its tRNS chunk is wrong', file(header(1, 1), wrong(chunk('tRNS', [0, 7])), idat(0, 7), END)],
    ['its transparent colour is invalid', file(header(1, 1), chunk('tRNS', [0, 7, 0]), idat(0, 7), END)],
    ['its transparent colour is invalid', file(header(1, 1, 8, 2), chunk('tRNS', [0, 7]), idat(0, 1, 2, 3), END)],
    ['the checksum of its tEXt chunk is wrong', file(header(1, 1), wrong(chunk('tEXt', [65, 0])), idat(0, 7), END)],
    ['a text chunk has no keyword', file(header(1, 1), chunk('tEXt', [0, 65]), idat(0, 7), END)],
    ['a text chunk has no keyword', file(header(1, 1), chunk('tEXt', [65, 66]), idat(0, 7), END)],
  ])('%s', (what, bytes) => {
    expect(() => decodePng(bytes)).toThrow(damage(what))
    expect(() => decodePng(bytes)).toThrow(expect.objectContaining({ hint: expect.stringContaining('save it again') }))
  })

  test('what a chunk that must be understood is called, wherever it stands', () => {
    for (const bytes of [
      file(chunk('CgBI', new Uint8Array(13))),
      file(header(1, 1), chunk('ABCD', []), idat(0, 7), END),
    ])
      expect(() => decodePng(bytes)).toThrow(
        expect.objectContaining({
          code: 'E_IMAGE',
          message: expect.stringMatching(/needs its (?:CgBI|ABCD) chunk/),
          hint: expect.stringContaining('ordinary PNG'),
        }),
      )
  })

  test('no PNG at all', () => {
    expect(isPng(Uint8Array.from(SIGNATURE))).toBe(true)
    expect(isPng(Uint8Array.from(SIGNATURE.with(7, 11)))).toBe(false)
    expect(() => readPngHeader(Uint8Array.of(1, 2, 3))).toThrow(
      expect.objectContaining({ code: 'E_IMAGE', hint: expect.stringContaining('latent seal') }),
    )
  })

  test('what broke is kept as the cause', () => {
    const errorOf = (bytes: Uint8Array): Error => {
      try {
        decodePng(bytes)
      } catch (error) {
        return error as Error
      }
      throw new Error('it was read')
    }
    expect(errorOf(file(header(1, 1), chunk('IDAT', [1, 2, 3]), END)).cause).toBeInstanceOf(Error)
    expect(Object.hasOwn(errorOf(file(header(1, 1), END.subarray(0, 5))), 'cause')).toBe(false)
  })
})

describe('what is just allowed', () => {
  test('a header of exactly its bytes, the last colour of a palette, 256 colours', () => {
    expect(readPngHeader(file(header(3, 2, 16, 6)))).toMatchObject({ width: 3, height: 2, depth: 16, channels: 4 })
    expect(file(header(3, 2)).length).toBe(PNG_HEADER_BYTES)
    const palette = Uint8Array.from({ length: 768 }, (_, i) => i / 3)
    expect(pixels(decodePng(file(header(2, 1, 8, 3), chunk('PLTE', palette), idat(0, 255, 1), END)))).toEqual([
      255, 255, 255, 1, 1, 1,
    ])
  })

  test('a palette with alpha for its first entries alone; a transparent colour of each depth', () => {
    const two = file(header(2, 1, 8, 3), chunk('PLTE', [1, 2, 3, 4, 5, 6]), chunk('tRNS', [9]), idat(0, 1, 0), END)
    expect(pixels(decodePng(two))).toEqual([4, 5, 6, 255, 1, 2, 3, 9])
    // The high bits of a named colour do not count.
    const grey = file(header(3, 1, 2), chunk('tRNS', [255, 0b11111101]), idat(0, 0b00011100), END)
    expect(pixels(decodePng(grey))).toEqual([0, 255, 85, 0, 255, 255])
    const wide = file(header(2, 1, 16), chunk('tRNS', [1, 2]), idat(0, 1, 2, 1, 3), END)
    expect(pixels(decodePng(wide))).toEqual([258, 0, 259, 65535])
    const colour = file(header(2, 1, 8, 2), chunk('tRNS', [0, 1, 0, 2, 0, 3]), idat(0, 1, 2, 3, 1, 2, 4), END)
    expect(pixels(decodePng(colour))).toEqual([1, 2, 3, 0, 1, 2, 4, 255])
  })

  test('some bytes behind the pixels, and not many more', () => {
    const padded = (more: number) => file(header(4, 4), idat(...new Uint8Array(20 + more)), END)
    expect(pixels(decodePng(padded(64)))).toEqual(pixels({ data: new Uint8Array(16) }))
    expect(() => decodePng(padded(65))).toThrow(expect.objectContaining({ code: 'E_LIMIT', cause: expect.anything() }))
  })

  test('texts are read without the pixels, of any encoder', () => {
    const texts = file(header(1, 1), chunk('tEXt', Buffer.from('a\0b=\xe9', 'latin1')), chunk('zTXt', [65, 0, 0]), END)
    expect(readPngTexts(texts)).toEqual({ a: 'b=\u00e9' })
    expect(() => readPngTexts(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'E_IMAGE' }))
    expect(readPng(file(header(1, 1), idat(0, 7), END)).image).not.toHaveProperty('annotations')
  })
})

describe('limits', () => {
  const refusal = (width: number, height: number, bytes: number, most: number) => {
    try {
      checkSize({ width, height }, bytes, most)
      return undefined
    } catch (error) {
      return error as { code: string; message: string; hint: string }
    }
  }

  test('count pixels of four bytes, and larger ones for more', () => {
    expect(refusal(10, 10, 4, 100)).toBeUndefined()
    expect(refusal(10, 10, 1, 100)).toBeUndefined()
    expect(refusal(10, 10, 1, 99)?.message).toBe('this picture has 10 x 10 pixels, more than the limit of 99')
    expect(refusal(10, 10, 8, 199)?.message).toBe(
      'this picture has 10 x 10 pixels of 8 bytes, which count for 200, more than the limit of 199',
    )
    expect(refusal(10, 10, 8, 200)).toBeUndefined()
  })

  test('say what to raise, where raising helps', () => {
    expect(refusal(20_000, 5000, 3, 1000)?.hint).toBe(
      'its pixels alone take 300 MB, and a cipher several times that; encrypt and decrypt take --max-pixels ' +
        '100000000, everything takes LATENT_MAX_PIXELS=100000000; latent seal takes files of any size',
    )
    expect(refusal(MAX_PIXELS, 1, 4, 1000)?.hint).toContain(`--max-pixels ${MAX_PIXELS},`)
    expect(refusal(MAX_PIXELS + 1, 1, 4, MAX_PIXELS)?.hint).toBe('latent seal takes files of any size')
  })

  test('of a file are those of what it is decoded to', () => {
    const of = (depth: number, colour: number, maxPixels: number) => () =>
      readPngHeader(file(header(10, 10, depth, colour)), { maxPixels })
    for (const [depth, colour, counted] of [
      [8, 0, 100],
      [16, 6, 200],
      [16, 2, 150],
      [16, 4, 100],
      [1, 3, 100],
    ] as const) {
      expect(of(depth, colour, counted)).not.toThrow()
      expect(of(depth, colour, counted - 1)).toThrow(expect.objectContaining({ code: 'E_LIMIT' }))
    }
    expect(() => readPngHeader(file(header(2 ** 15, 2 ** 14)))).toThrow(expect.objectContaining({ code: 'E_LIMIT' }))
    expect(readPngHeader(file(header(2 ** 14, 2 ** 14)))).toMatchObject({ width: 2 ** 14 })
  })
})

describe('rows', () => {
  const shape = { width: 3, height: 2, channels: 1, depth: 16, interlaced: false }

  test('their size, with a filter byte each and whole bytes', () => {
    expect(unpackedSize(shape)).toBe(14)
    expect(unpackedSize({ ...shape, depth: 1, width: 9 })).toBe(6)
    // Passes without columns or rows have no filter bytes either.
    expect(unpackedSize({ ...shape, width: 1, height: 1, depth: 8, interlaced: true })).toBe(2)
  })

  test('of 16 bits, at even and at odd places of a larger buffer', () => {
    const stored = [0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]
    for (const offset of [0, 1]) {
      const rows = new Uint8Array(20)
      rows.set(stored, offset)
      expect(pixels({ data: unpackRows(rows.subarray(offset, offset + 14), shape)! })).toEqual([
        0x0102, 0x0304, 0x0506, 0x0708, 0x090a, 0x0b0c,
      ])
    }
    expect(unpackRows(Uint8Array.from(stored.slice(0, -1)), shape)).toBeUndefined()
    expect(unpackRows(Uint8Array.from(stored.with(7, 5)), shape)).toBeUndefined()
  })

  test('Paeth: each of the three, and left before up before the corner where they tie', () => {
    // One byte a pixel, filter 4, above [a, b], left x: the prediction is added to 0.
    const predicted = (left: number, up: number, corner: number) => {
      const rows = Uint8Array.from([0, corner, up, 4, (left - corner) & 255, 0])
      return unpackRows(rows, { width: 2, height: 2, channels: 1, depth: 8, interlaced: false })![3]
    }
    for (const [left, up, corner] of [
      [10, 20, 20],
      [20, 10, 20],
      [10, 30, 20],
      [5, 5, 9],
      [100, 50, 60],
      [50, 100, 60],
      [0, 255, 128],
      [3, 7, 5],
      [9, 1, 5],
    ] as const) {
      const estimate = left + up - corner
      const nearest = [left, up, corner].toSorted((a, b) => Math.abs(estimate - a) - Math.abs(estimate - b))[0]
      expect(predicted(left, up, corner)).toBe(nearest)
    }
  })
})

describe('what is written', () => {
  const grey = { width: 2, height: 1, channels: 1, format: 'u8', data: Uint8Array.of(1, 2) } as const
  test('names of annotations from 1 to 79 letters, text of any length, Latin-1', () => {
    for (const annotations of [{ ['k'.repeat(79)]: '' }, { k: 'x'.repeat(5000) }, { '\u00e9': '\u00ff' }])
      expect(decodePng(encodePng({ ...grey, annotations })).annotations).toEqual(annotations)
  })

  test.each([
    [{ ...grey, format: 'f32', data: new Float32Array(2) } as const, /1 channels of f32/],
    [{ width: 1, height: 1, channels: 5, format: 'u8', data: new Uint8Array(5) } as const, /5 channels of u8/],
  ])('not %o', (source, words) => {
    expect(() => encodePng(source)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    expect(() => pngParts(source)).toThrow(words)
  })

  test('the parts together are the file, which noise packs by level 0', () => {
    const source = { ...grey, width: 200, data: new Uint8Array(200) }
    expect(Buffer.concat(pngParts(source, 0))).toEqual(Buffer.from(encodePng(source, 0)))
    expect(encodePng(source, 0).length).toBeGreaterThan(260)
    expect(encodePng(source).length).toBeLessThan(100)
  })
})
