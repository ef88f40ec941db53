import { concatBytes, type LatentError } from '@latent/core'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
// Not from the index, which loads age and the learned cipher: a mutation run would load them again for every change.
import {
  carrierSize,
  type Geometry,
  geometryFor,
  imageFormat,
  pixelBytes,
  readCanonical,
  readCarrier,
  writeCarrier,
} from '../src/carrier/index.ts'
import { collect, streamOf } from '../src/streams.ts'
import { watched } from './watched.ts'

const latin1 = (value: string) => Uint8Array.from(value, char => char.charCodeAt(0))
const SIGNATURE = latin1('\x89PNG\r\n\x1a\n')
const u32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)

/** Bytes that repeat late and differ everywhere near. */
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 167 + (i >>> 8) * 29 + 5) & 255)

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = concatBytes(latin1(type), data)
  return concatBytes(u32(data.length), body, u32(crc32(body)))
}

/** @param rest depth, colour type, compression, filtering, interlacing */
const ihdr = (width: number, height: number, rest: readonly number[] = [8, 2, 0, 0, 0]) =>
  concatBytes(u32(width), u32(height), Uint8Array.from(rest))

/** A PNG whose compressed data come in pieces, and with chunks of others in between. */
function png(header: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    SIGNATURE,
    pngChunk('IHDR', header),
    pngChunk('tIME', new Uint8Array(7)),
    ...data.flatMap(part => [pngChunk('IDAT', part), pngChunk('teXt', latin1('between'))]),
    pngChunk('IEND', new Uint8Array(0)),
  )
}

const withFilter0 = (pixels: Uint8Array, rowBytes: number) =>
  concatBytes(
    ...Array.from({ length: Math.ceil(pixels.length / rowBytes) }, (_, y) =>
      concatBytes(Uint8Array.of(0), pixels.subarray(y * rowBytes, (y + 1) * rowBytes)),
    ),
  )

const written = (geometry: Geometry, pixels: Uint8Array, part?: number) =>
  collect(writeCarrier(geometry, streamOf(pixels, part)))
const read = async (file: Uint8Array, part?: number) => collect((await readCarrier(streamOf(file, part))).pixels)

/** What came out, and how it ended. */
async function outcome(
  parts: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Uint8Array; code: string | undefined; message: string; hint?: string | undefined }> {
  const all: Uint8Array[] = []
  try {
    for await (const part of parts) all.push(part.slice())
    return { bytes: concatBytes(...all), code: undefined, message: '' }
  } catch (error) {
    const { code, message, hint } = error as LatentError
    return { bytes: concatBytes(...all), code, message, hint }
  }
}

describe('what is read', () => {
  const [WIDTH, HEIGHT] = [5, 40]
  const pixels = pattern(WIDTH * HEIGHT * 3)

  /** Filters rows as the PNG specification defines it, each with the next of `filters`. */
  function filtered(data: Uint8Array, rowBytes: number, bpp: number, filters: readonly number[]): Uint8Array {
    const rows = data.length / rowBytes
    const out = new Uint8Array(rows * (rowBytes + 1))
    const at = (x: number, y: number) => (x < 0 || y < 0 ? 0 : data[y * rowBytes + x]!)
    for (let y = 0; y < rows; y++) {
      const filter = filters[y % filters.length]!
      out[y * (rowBytes + 1)] = filter
      for (let x = 0; x < rowBytes; x++) {
        const [a, b, c] = [at(x - bpp, y), at(x, y - 1), x < bpp ? 0 : at(x - bpp, y - 1)]
        const nearest = [a, b, c].toSorted((p, q) => Math.abs(a + b - c - p) - Math.abs(a + b - c - q))[0]!
        out[y * (rowBytes + 1) + 1 + x] = at(x, y) - [0, a, b, Math.floor((a + b) / 2), nearest][filter]!
      }
    }
    return out
  }

  const opaque = (alpha: (i: number) => number = () => 255) =>
    Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) =>
      i % 4 === 3 ? alpha(i >> 2) : pixels[(i >> 2) * 3 + (i % 4)]!,
    )

  test.each(
    [[0], [1], [2], [3], [4], [4, 3, 2, 1, 0]].flatMap(filters => [1, 4, 64, 100_000].map(part => ({ filters, part }))),
  )('filters $filters, in parts of $part bytes', async ({ filters, part }) => {
    expect(await read(png(ihdr(WIDTH, HEIGHT), deflateSync(filtered(pixels, WIDTH * 3, 3, filters))), part)).toEqual(
      pixels,
    )
    expect(
      await read(
        png(ihdr(WIDTH, HEIGHT, [8, 6, 0, 0, 0]), deflateSync(filtered(opaque(), WIDTH * 4, 4, filters))),
        part,
      ),
    ).toEqual(pixels)
  })

  test('a row that begins a group is filtered by the one that ended the group before', async () => {
    const [width, height] = [400, 130]
    const many = pattern(width * height * 3)
    for (const filters of [[2], [3], [4], [1, 4, 2, 3, 0]])
      expect(await read(png(ihdr(width, height), deflateSync(filtered(many, width * 3, 3, filters))), 5000)).toEqual(
        many,
      )
  })

  test.each([0, 3, WIDTH * HEIGHT - 1])('a transparent pixel %i is a changed one', async where => {
    const end = await outcome(
      (
        await readCarrier(
          streamOf(
            png(
              ihdr(WIDTH, HEIGHT, [8, 6, 0, 0, 0]),
              deflateSync(
                withFilter0(
                  opaque(i => (i === where ? 254 : 255)),
                  WIDTH * 4,
                ),
              ),
            ),
          ),
        )
      ).pixels,
    )
    expect(end).toMatchObject({
      code: 'E_REENCODED',
      message: expect.stringContaining('partly transparent'),
      hint: expect.stringContaining('download the original file'),
    })
  })

  test('rows leave in groups, and wide ones alone', async () => {
    const sizes = async (width: number, height: number, channels: 3 | 4) => {
      const raw = new Uint8Array((width * channels + 1) * height).fill(channels === 4 ? 255 : 0)
      for (let at = 0; at < raw.length; at += width * channels + 1) raw[at] = 0
      const found: number[] = []
      for await (const part of (
        await readCarrier(streamOf(png(ihdr(width, height, [8, channels === 3 ? 2 : 6, 0, 0, 0]), deflateSync(raw))))
      ).pixels)
        found.push(part.length)
      return found
    }
    expect(await sizes(1, 30_000, 3)).toEqual([65_538, 24_462])
    expect(await sizes(1, 30_000, 4)).toEqual([65_538, 24_462])
    expect(await sizes(1, 21_846, 3)).toEqual([65_538])
    expect(await sizes(21_845, 3, 3)).toEqual([2 * 65_535, 65_535])
    expect(await sizes(21_846, 2, 3)).toEqual([65_538, 65_538])
    expect(await sizes(30_000, 2, 3)).toEqual([90_000, 90_000])
  })

  test('what follows the picture in the compressed data is let pass', async () => {
    const raw = concatBytes(withFilter0(pixels, WIDTH * 3), Uint8Array.of(0), pixels)
    expect(await read(png(ihdr(WIDTH, HEIGHT), deflateSync(raw)))).toEqual(pixels)
  })

  test('a filter that does not exist is damage, in the row that has it', async () => {
    for (const row of [0, 7]) {
      const raw = withFilter0(pixels, WIDTH * 3)
      raw[row * (WIDTH * 3 + 1)] = 5
      expect(
        await outcome((await readCarrier(streamOf(png(ihdr(WIDTH, HEIGHT), deflateSync(raw))))).pixels),
      ).toMatchObject({
        code: 'E_CHUNK',
        message: `row ${row} of this PNG has an unknown filter`,
        hint: expect.stringContaining('--salvage'),
      })
    }
  })

  test.each<[string, number, (raw: Uint8Array) => Uint8Array, number]>([
    ['behind a whole row', 2, raw => raw.subarray(0, 16 * 6), 15 * 6],
    ['behind the filter of a row', 2, raw => raw.subarray(0, 16 * 6 + 1), 15 * 6],
    ['within a row', 2, raw => raw.subarray(0, 16 * 6 + 5), 15 * 6 + 4],
    [
      'within a row that is filtered',
      2,
      raw => raw.map((byte, i) => (i === 16 * 6 ? 1 : byte)).subarray(0, 16 * 6 + 5),
      15 * 6,
    ],
    ['before the last byte', 2, raw => raw.subarray(0, raw.length - 1), WIDTH * HEIGHT * 3 - 1],
    ['within a row with alpha', 6, raw => raw.subarray(0, 21 * 6 + 5), 15 * 6],
  ])('data that end %s give what is there, and an error', async (_, colour, cut, expected) => {
    const raw = colour === 2 ? withFilter0(pixels, WIDTH * 3) : withFilter0(opaque(), WIDTH * 4)
    const end = await outcome(
      (await readCarrier(streamOf(png(ihdr(WIDTH, HEIGHT, [8, colour, 0, 0, 0]), deflateSync(cut(raw)))))).pixels,
    )
    expect(end.code).toBe('E_TRUNCATED')
    expect(end.bytes).toEqual(pixels.subarray(0, expected))
  })

  test('data in many chunks, large and empty, are one stream', async () => {
    const [width, height] = [300, 300]
    const wide = pattern(width * height * 3)
    const stream = deflateSync(withFilter0(wide, width * 3), { level: 0 })
    const cuts = [0, 1, 2, 2, 70_000, 135_536, 201_072, stream.length]
    const parts = cuts.slice(1).map((end, i) => stream.subarray(cuts[i], end))
    for (const part of [1000, 300_000])
      expect(Buffer.from(await read(png(ihdr(width, height), ...parts), part)).equals(wide)).toBe(true)
  })

  test('a file that is cut anywhere gives the first of its pixels, and an error', async () => {
    const file = await written({ width: WIDTH, height: HEIGHT }, pixels)
    for (let length = 33; length < file.length; length++) {
      const end = await outcome((await readCarrier(streamOf(file.subarray(0, length), 100))).pixels)
      expect([length, end.code, end.message, end.hint]).toEqual([
        length,
        'E_TRUNCATED',
        'this sealed file ends too early',
        expect.stringContaining('--salvage'),
      ])
      expect(pixels.subarray(0, end.bytes.length)).toEqual(end.bytes)
    }
    expect(await read(concatBytes(file, latin1('a service wrote this behind it')))).toEqual(pixels)
  })

  test.each<[string, Uint8Array]>([
    ['zeros, as a file of holes has them', new Uint8Array(8)],
    ['a name that is none', concatBytes(u32(0), latin1('ID T'))],
    ['a name with a digit', concatBytes(u32(0), latin1('IDA7'))],
    ['a bit of its name flipped', concatBytes(u32(0), latin1('\xc9DAT'))],
    ['a length that no chunk has', concatBytes(u32(2 ** 31), latin1('teXt'))],
    ['the greatest of all lengths', concatBytes(u32(2 ** 32 - 1), latin1('IDAT'))],
  ])('a chunk with %s ends the reading, however long the file goes on', async (_, head) => {
    let parts = 0
    async function* endless() {
      yield concatBytes(SIGNATURE, pngChunk('IHDR', ihdr(4, 4)), head)
      for (; parts < 1000; parts++) yield new Uint8Array(1000)
    }
    expect(await outcome((await readCarrier(endless())).pixels)).toMatchObject({
      code: 'E_CHUNK',
      message: 'the chunks of this PNG are broken',
      hint: expect.stringContaining('--salvage'),
    })
    expect(parts).toBeLessThan(2)
  })

  test('compressed data that are broken are damage', async () => {
    const stream = deflateSync(withFilter0(pixels, WIDTH * 3))
    // The reserved kind of block.
    stream[2] = 7
    expect(await outcome((await readCarrier(streamOf(png(ihdr(WIDTH, HEIGHT), stream)))).pixels)).toMatchObject({
      code: 'E_CHUNK',
      message: 'the compressed data of this PNG is broken',
      hint: expect.stringContaining('--salvage'),
    })
  })

  test('the source is let go at the end, on an error, and when asked', async () => {
    const file = await written({ width: WIDTH, height: HEIGHT }, pixels)
    const whole = watched(file)
    await collect((await readCarrier(whole.source)).pixels)
    expect(whole.closed()).toBe(true)
    const bad = watched(file.map((byte, i) => (i === 24 ? 16 : byte)))
    await expect(readCarrier(bad.source)).rejects.toMatchObject({ code: 'E_REENCODED' })
    expect(bad.closed()).toBe(true)
    const left = watched(file)
    const carrier = await readCarrier(left.source)
    expect(left.closed()).toBe(false)
    await carrier.close()
    expect(left.closed()).toBe(true)
    const abandoned = watched(file)
    for await (const _ of (await readCarrier(abandoned.source)).pixels) break
    expect(abandoned.closed()).toBe(true)
  })

  test('geometry and first bytes are told before any pixel', async () => {
    const file = await written({ width: WIDTH, height: HEIGHT }, pixels)
    for (const part of [1, 30, 64, 1000])
      expect(await readCarrier(streamOf(file, part))).toMatchObject({
        geometry: { width: WIDTH, height: HEIGHT },
        start: file.slice(0, 64),
      })
    expect((await readCarrier(streamOf(file.subarray(0, 40)))).start).toEqual(file.slice(0, 40))
  })
})

describe('pictures that are none of ours', () => {
  const whole = (header: Uint8Array) => png(header, deflateSync(new Uint8Array(1)))
  const start = (file: Uint8Array) =>
    readCarrier(streamOf(file)).then(
      () => ({ code: undefined }),
      (error: unknown) => error as { code: string; message: string; hint?: string },
    )

  test.each<[string, Uint8Array, string, string]>([
    [
      'a header of another length',
      concatBytes(SIGNATURE, pngChunk('IHDR', concatBytes(ihdr(1, 1), new Uint8Array(1)))),
      'E_NOT_SEALED',
      'header of this PNG is damaged',
    ],
    [
      'a first chunk of another name',
      concatBytes(SIGNATURE, pngChunk('IHDS', ihdr(1, 1))),
      'E_NOT_SEALED',
      'header of this PNG is damaged',
    ],
    ['no width', whole(ihdr(0, 1)), 'E_NOT_SEALED', 'header of this PNG is damaged'],
    ['no height', whole(ihdr(1, 0)), 'E_NOT_SEALED', 'header of this PNG is damaged'],
    ['another compression', whole(ihdr(1, 1, [8, 2, 1, 0, 0])), 'E_NOT_SEALED', 'header of this PNG is damaged'],
    ['another set of filters', whole(ihdr(1, 1, [8, 2, 0, 1, 0])), 'E_NOT_SEALED', 'header of this PNG is damaged'],
    ['too wide', whole(ihdr(2 ** 24 + 1, 1)), 'E_LIMIT', '16777217 pixels wide'],
    ['too many pixels', whole(ihdr(2 ** 24, 2 ** 27)), 'E_LIMIT', 'more pixels than can be counted'],
    ['16 bits', whole(ihdr(1, 1, [16, 2, 0, 0, 0])), 'E_REENCODED', '(16 bits, colour type 2 instead of 8-bit RGB)'],
    ['grey', whole(ihdr(1, 1, [8, 0, 0, 0, 0])), 'E_REENCODED', '(8 bits, colour type 0 instead'],
    ['a palette', whole(ihdr(1, 1, [8, 3, 0, 0, 0])), 'E_REENCODED', 'colour type 3'],
    ['grey with alpha', whole(ihdr(1, 1, [8, 4, 0, 0, 0])), 'E_REENCODED', 'colour type 4'],
    ['interlaced', whole(ihdr(1, 1, [8, 2, 0, 0, 1])), 'E_REENCODED', 'colour type 2, interlaced instead'],
    ['a PNG of its signature', SIGNATURE, 'E_TRUNCATED', 'too early to tell whether'],
    ['a PNG cut in its header', whole(ihdr(1, 1)).subarray(0, 32), 'E_TRUNCATED', 'too early to tell whether'],
    ['nothing', new Uint8Array(0), 'E_NOT_SEALED', 'this is not a sealed file'],
    [
      'text',
      latin1('a letter, and no picture at all, however long it may go on from here'),
      'E_NOT_SEALED',
      'this is not a sealed file',
    ],
    ['a JPEG', latin1('\xff\xd8\xff\xe0'), 'E_REENCODED', 'this is a JPEG file'],
  ])('%s', async (_, file, code, message) => {
    const error = await start(file)
    expect(error).toMatchObject({ code, message: expect.stringContaining(message), hint: expect.stringMatching(/\w/) })
  })

  test.each<[string, Uint8Array]>([
    ['a header and nothing else', whole(ihdr(1, 1)).subarray(0, 33)],
    ['the greatest width', whole(ihdr(2 ** 24, 1))],
    ['the most pixels', whole(ihdr(2 ** 24, 2 ** 27 - 1))],
    ['with alpha', whole(ihdr(1, 1, [8, 6, 0, 0, 0]))],
  ])('%s can be begun', async (_, file) => {
    expect(await start(file)).toEqual({ code: undefined })
  })

  test.each<[string, string | undefined]>([
    ['\x89PNG\r\n\x1a\n', 'PNG'],
    ['\x89PNG\r\n\x1a\r', undefined],
    ['\xff\xd8\xff', 'JPEG'],
    ['\xff\xd8\xfe', undefined],
    [' \xff\xd8\xff', undefined],
    ['RIFF....WEBPVP8 ', 'WebP'],
    ['RIFF....WAVEfmt ', undefined],
    ['RIFX....WEBPVP8 ', undefined],
    ['RIFF...WEBP', undefined],
    ['GIF89a', 'GIF'],
    ['GIF7', undefined],
    ['BM', 'BMP'],
    ['MB', undefined],
    ['II*\0', 'TIFF'],
    ['MM\0*', 'TIFF'],
    ['II\0*', undefined],
    ['....ftypavif', 'AVIF'],
    ['....ftypavis', 'AVIF'],
    ['....ftypheic', 'HEIC'],
    ['....ftypmif1', 'HEIC'],
    ['....ftypmsf1', 'HEIC'],
    ['....ftypmp42', 'video'],
    ['...ftypavif', undefined],
    ['....ftyqheic', undefined],
    ['\xff\x0a', 'JPEG XL'],
    ['\0\0\0\x0cJXL \r\n', 'JPEG XL'],
    ['\0\0\0JXL \r\n', undefined],
    ['\0\0\0\x0cJXLx', undefined],
    // Behind the first 16 bytes nothing counts.
    ['....ftyp........avif', 'video'],
    ['', undefined],
  ])('%j is announced as %s', (text, format) => {
    expect(imageFormat(latin1(text))).toBe(format)
  })
})

describe('the layout that we write, by position alone', () => {
  test('whatever is overwritten between the pixels, they are all there', async () => {
    // 18 blocks in two data chunks.
    const geometry = { width: 1000, height: 370 }
    const pixels = pattern(pixelBytes(geometry))
    const file = await written(geometry, pixels)
    const raw = withFilter0(pixels, 3000)
    const bare = Uint8Array.from(file)
    bare.fill(0xee, 0, 43)
    let at = 43
    for (let block = 0; at < file.length - 20; block++) {
      if (block === 16) bare.fill(0xee, at, (at += 12))
      bare.fill(0xee, at, (at += 5))
      at += Math.min(65535, raw.length - block * 65535)
    }
    bare.fill(0xee, at)
    expect(file.length - at).toBe(4 + 4 + 12)
    expect(Buffer.from(await collect(readCanonical(geometry, streamOf(bare, 40_000)).pixels)).equals(pixels)).toBe(true)
    // Cut where a chunk, a block or a row begins, and one byte to either side.
    const second = 43 + 16 * 65540
    for (const cut of [
      second - 1,
      second,
      second + 11,
      second + 12,
      second + 16,
      second + 17,
      second + 18,
      43 + 65540,
      43 + 65545,
      43 + 65546,
    ]) {
      const inBlocks = Array.from({ length: 18 }, (_, block) =>
        Math.min(65535, Math.max(0, cut - (43 + 5 + block * 65540 + (block >= 16 ? 12 : 0)))),
      ).reduce((sum, each) => sum + each, 0)
      const expected = inBlocks - Math.ceil(inBlocks / 3001)
      const { bytes, code } = await outcome(readCanonical(geometry, streamOf(file.subarray(0, cut), 40_000)).pixels)
      expect([cut, bytes.length, code]).toEqual([cut, expected, undefined])
      expect(Buffer.from(bytes).equals(pixels.subarray(0, expected))).toBe(true)
    }
  })

  test('a small file that is cut anywhere gives the pixels before the cut', async () => {
    const geometry = { width: 3, height: 4 }
    const pixels = pattern(36)
    const file = await written(geometry, pixels)
    for (let length = 0; length <= file.length; length++) {
      const there = Math.max(0, Math.min(40, length - 48))
      expect(await outcome(readCanonical(geometry, streamOf(file.subarray(0, length), 10)).pixels)).toEqual({
        bytes: pixels.subarray(0, there - Math.ceil(there / 10)),
        code: undefined,
        message: '',
      })
    }
  })

  test('the source is let go', async () => {
    const file = await written({ width: 3, height: 4 }, pattern(36))
    const whole = watched(file)
    await collect(readCanonical({ width: 3, height: 4 }, whole.source).pixels)
    expect(whole.closed()).toBe(true)
    const left = watched(file)
    const reading = readCanonical({ width: 3, height: 4 }, left.source)
    for await (const _ of reading.pixels) break
    expect(left.closed()).toBe(true)
    await reading.close()
  })
})

describe('what is written', () => {
  // One pixel; a block exactly; a row more; two blocks; a row of a block; a second data chunk.
  const GEOMETRIES = [
    [1, 1],
    [28, 771],
    [28, 772],
    [28, 1542],
    [21845, 1],
    [5242, 100],
  ] as const

  test.each(GEOMETRIES)(
    '%i x %i pixels are the picture that others read, of the size that was said',
    async (width, height) => {
      const pixels = pattern(width * height * 3)
      const file = await written({ width, height }, pixels, 100_000)
      expect(file.length).toBe(carrierSize({ width, height }))
      expect(file.subarray(0, 33)).toEqual(concatBytes(SIGNATURE, pngChunk('IHDR', ihdr(width, height))))
      const data: Uint8Array[] = []
      let at = 33
      while (at < file.length - 12) {
        const length = new DataView(file.buffer, file.byteOffset).getUint32(at)
        const part = file.subarray(at + 8, at + 8 + length)
        // Names and checksums of the chunks are right.
        expect(Buffer.from(file.subarray(at, at + length + 12)).equals(pngChunk('IDAT', part))).toBe(true)
        data.push(part)
        at += length + 12
      }
      expect(file.subarray(at)).toEqual(pngChunk('IEND', new Uint8Array(0)))
      const stored = concatBytes(...data)
      // Zlib checks the sum at the end; all blocks but the last are full.
      expect(Buffer.from(inflateSync(stored)).equals(withFilter0(pixels, width * 3))).toBe(true)
      const raw = (width * 3 + 1) * height
      expect(stored.length).toBe(2 + raw + 5 * Math.ceil(raw / 65535) + 4)
      expect(data.length).toBe(Math.ceil(raw / (16 * 65535)))
      expect(Buffer.from(await read(file, 30_000)).equals(pixels)).toBe(true)
      expect(
        Buffer.from(await collect(readCanonical({ width, height }, streamOf(file, 77_777)).pixels)).equals(pixels),
      ).toBe(true)
    },
  )

  test.each([1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 1000])('parts of %i bytes make the same file', async part => {
    const pixels = pattern(4 * 9 * 3)
    expect(await written({ width: 4, height: 9 }, pixels, part)).toEqual(await written({ width: 4, height: 9 }, pixels))
  })

  test.each([-12, -1, 1, 12, 1_000_000])('%i bytes too many are an error', async change => {
    const end = await outcome(writeCarrier({ width: 4, height: 9 }, streamOf(new Uint8Array(108 + change), 4)))
    expect(end).toMatchObject({
      code: 'E_INTERNAL',
      message: change < 0 ? 'fewer pixel bytes than the picture holds' : 'more pixel bytes than the picture holds',
    })
    expect(Buffer.from(end.bytes).includes('IEND')).toBe(false)
  })

  test('no byte at all is too few', async () => {
    expect(await outcome(writeCarrier({ width: 1, height: 1 }, streamOf(new Uint8Array(0))))).toMatchObject({
      code: 'E_INTERNAL',
    })
  })

  test('a byte too many behind a data chunk that is just full is an error', async () => {
    const full = { width: 69_904, height: 5 }
    expect((full.width * 3 + 1) * full.height).toBe(16 * 65535 + 5)
    expect(await outcome(writeCarrier(full, streamOf(new Uint8Array(pixelBytes(full) + 1), 100_000)))).toMatchObject({
      code: 'E_INTERNAL',
    })
  })
})

describe('the shape of pictures', () => {
  test('is the one with the least left over among those up to a third wider than a square', () => {
    for (let bytes = 1; bytes < 6000; bytes += bytes < 100 ? 1 : 37) {
      const pixels = Math.ceil(bytes / 3)
      const square = Math.ceil(Math.sqrt(pixels))
      const widths = Array.from({ length: Math.floor(square * 1.33 + 1) - square + 1 }, (_, i) => square + i)
      const least = Math.min(...widths.map(width => width * Math.ceil(pixels / width)))
      const width = widths.find(each => each * Math.ceil(pixels / each) === least)!
      expect(geometryFor(bytes)).toEqual({ width, height: Math.ceil(pixels / width) })
      expect(pixelBytes(geometryFor(bytes))).toBe(least * 3)
    }
  })

  test('is sought among 1024 widths, and among more where too much is left over', () => {
    const bytes = 3 * (10_007 * 10_009 * 997 + 12)
    const square = Math.ceil(Math.sqrt(bytes / 3))
    const left = (width: number) => 3 * (width * Math.ceil(bytes / 3 / width)) - bytes
    const first = Array.from({ length: 1024 }, (_, i) => square + i)
    const least = Math.min(...first.map(left))
    expect(geometryFor(bytes).width).toBe(first.find(width => left(width) === least))
    expect(geometryFor(bytes, least)).toEqual(geometryFor(bytes))
    const further = geometryFor(bytes, least - 1)
    expect(further.width).toBeGreaterThanOrEqual(square + 1024)
    expect(left(further.width)).toBeLessThan(least)
    expect(
      Array.from({ length: further.width - square - 1024 }, (_, i) => left(square + 1024 + i)).every(
        each => each >= least,
      ),
    ).toBe(true)
  })
})
