import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { decodePng, encodePng, readPng } from '../src/png.ts'
import { chunk, SAMPLES, shownSamples, type Stored, type StoredPicture, writePng } from './reference/png-writer.ts'

const KINDS: readonly (readonly [colour: number, depth: number])[] = [
  ...[1, 2, 4, 8, 16].map(depth => [0, depth] as const),
  ...[8, 16].map(depth => [2, depth] as const),
  ...[1, 2, 4, 8].map(depth => [3, depth] as const),
  ...[8, 16].map(depth => [4, depth] as const),
  ...[8, 16].map(depth => [6, depth] as const),
]
const NAMES: Readonly<Record<number, string>> = { 0: 'grey', 2: 'RGB', 3: 'palette', 4: 'grey and alpha', 6: 'RGBA' }
const text = (keyword: string, value: string): Stored => ['tEXt', Buffer.from(`${keyword}\0${value}`, 'latin1')]

function arbitraryPicture(colour: number, depth: number, interlaced: boolean): fc.Arbitrary<StoredPicture> {
  return fc
    .record({
      width: fc.integer({ min: 1, max: 19 }),
      height: fc.integer({ min: 1, max: 19 }),
      filters: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }),
      transparent: fc.boolean(),
      proposal: fc.boolean(),
      cuts: fc.integer({ min: 1, max: 4 }),
      seed: fc.integer({ min: 1 }),
      around: fc.subarray<Stored>([text('Title', 'a heap of stones'), ['gAMA', Buffer.from([0, 1, 134, 160])], ['prVt', Buffer.from([1, 2, 3])], ['tIME', Buffer.from([7, 208, 1, 1, 0, 0, 0])]]),
    })
    .map(({ width, height, filters, transparent, proposal, cuts, seed, around }) => {
      let state = seed
      const next = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
      const entries = 1 + next(2 ** Math.min(depth, 8))
      const samples = Array.from({ length: width * height * SAMPLES[colour]! }, () => next(colour === 3 ? entries : 2 ** depth))
      const palette = Array.from({ length: entries }, (): [number, number, number] => [next(256), next(256), next(256)])
      const alpha = colour === 3 ? Array.from({ length: 1 + next(entries) }, () => next(256)) : samples.slice(0, SAMPLES[colour])
      const hasPalette = colour === 3 || (proposal && (colour === 2 || colour === 6))
      return {
        width, height, depth, colour, interlaced, filters, samples, cuts,
        first: around.filter(([type]) => type === 'gAMA'), middle: around.filter(([type]) => type === 'prVt'), last: around.filter(([type]) => type === 'tEXt' || type === 'tIME'),
        ...(hasPalette ? { palette } : {}),
        ...(transparent && colour !== 4 && colour !== 6 ? { transparency: alpha } : {}),
      }
    })
}

describe.each([false, true])('interlaced: %s', interlaced => {
  test.each(KINDS)('colour type %i of %i bits: the samples that were stored, and those that libpng reads', async (colour, depth) => {
    await fc.assert(
      fc.asyncProperty(arbitraryPicture(colour, depth, interlaced), async picture => {
        const file = writePng(picture)
        const read = decodePng(file)
        const { channels, samples } = shownSamples(picture)
        expect({ ...read, data: Array.from(read.data), annotations: undefined }).toEqual({ width: picture.width, height: picture.height, channels, format: depth === 16 ? 'u16' : 'u8', data: samples, annotations: undefined })
        // A decoder of other people's: it gives RGBA, in which every kind can be compared.
        const other = await sharp(file).pipelineColourspace(depth === 16 ? 'rgb16' : 'srgb').toColourspace(depth === 16 ? 'rgb16' : 'srgb').ensureAlpha(1).raw(depth === 16 ? { depth: 'ushort' } : {}).toBuffer()
        const theirs = depth === 16 ? new Uint16Array(new Uint8Array(other).buffer) : new Uint8Array(other)
        // sharp applies gAMA to nothing; its opaque alpha of 16 bits is 255 or 65535 by version.
        expect(rgba(Array.from(theirs), 4).map(pixel => pixel.slice(0, 3))).toEqual(rgba(samples, channels).map(pixel => pixel.slice(0, 3)))
      }),
      { numRuns: 40 },
    )
  })
})

const rgba = (samples: readonly number[], channels: number): number[][] =>
  Array.from({ length: samples.length / channels }, (_, p) => {
    const pixel = samples.slice(p * channels, (p + 1) * channels)
    return channels < 3 ? [pixel[0]!, pixel[0]!, pixel[0]!] : pixel
  })

const plain: StoredPicture = { width: 3, height: 2, depth: 8, colour: 2, interlaced: false, filters: [0], samples: Array.from({ length: 18 }, (_, i) => 10 * i) }

describe('orders and chunks that the specification allows', () => {
  test.each<[string, Partial<StoredPicture>]>([
    ['a proposed palette in an RGB picture', { palette: [[1, 2, 3], [4, 5, 6]] }],
    ['empty data chunks', { cuts: 200 }],
    ['texts after the pixels', { last: [text('a', 'b')] }],
    ['a private chunk nobody knows', { middle: [['zzZz', Buffer.from('?')]] }],
    ['a profile before, a time after', { first: [['iCCP', Buffer.from('x\0\0y')]], last: [['tIME', Buffer.alloc(7)]] }],
    ['EXIF after the pixels', { last: [['eXIf', Buffer.from('MM\0*\0\0\0\x08\0\0')]] }],
  ])('%s', (_, change) => {
    expect(Array.from(decodePng(writePng({ ...plain, ...change })).data)).toEqual(plain.samples)
  })

  test('a transparent colour in a picture that has alpha means nothing, and the low bits of one count', () => {
    const alpha = { ...plain, colour: 6, samples: Array.from({ length: 24 }, (_, i) => i) }
    expect(Array.from(decodePng(writePng({ ...alpha, middle: [['tRNS', Buffer.alloc(6)]] })).data)).toEqual(alpha.samples)
    expect(Array.from(decodePng(writePng({ ...plain, width: 1, height: 1, samples: [1, 2, 3], transparency: [0x101, 0x202, 0x303] })).data)).toEqual([1, 2, 3, 0])
  })

  test('the smallest pictures of every kind, one pixel, interlaced or not', () => {
    for (const [colour, depth] of KINDS) for (const interlaced of [false, true]) {
      const palette = colour === 3 ? { palette: [[1, 2, 3], [9, 8, 7]] as const } : {}
      const one: StoredPicture = { width: 1, height: 1, depth, colour, interlaced, filters: [4], samples: Array.from({ length: SAMPLES[colour]! }, () => 1), ...palette }
      expect([NAMES[colour], ...decodePng(writePng(one)).data]).toEqual([NAMES[colour], ...shownSamples(one).samples])
    }
  })

  test('a critical chunk that nobody knows is no picture to guess at', () => {
    for (const type of ['CgBI', 'ABCD']) expect(() => decodePng(writePng({ ...plain, first: [[type, Buffer.alloc(4)]] }))).toThrow(expect.objectContaining({ code: 'E_IMAGE', message: expect.stringContaining(type) }))
  })
})

describe('what stands beside the pixels', () => {
  const gamma: Stored = ['gAMA', Buffer.from([0, 0, 177, 143])]
  const exif: Stored = ['eXIf', Buffer.from('II*\0\x08\0\0\0\0\0')]

  test('is read in its order, and written again', () => {
    const { beside, lost, image } = readPng(writePng({ ...plain, first: [gamma, ['pHYs', Buffer.alloc(9)]], middle: [exif], last: [text('Author', 'me'), ['zTXt', Buffer.from('k\0\0x')]] }))
    expect([beside.map(({ type }) => type), lost]).toEqual([['gAMA', 'pHYs', 'eXIf', 'tEXt', 'zTXt'], []])
    const again = readPng(encodePng({ ...image, annotations: {} }, 6, beside))
    expect(again.beside.map(({ type, data }) => [type, Buffer.from(data)])).toEqual(beside.map(({ type, data }) => [type, Buffer.from(data)]))
    expect(Array.from(again.image.data)).toEqual(plain.samples)
  })

  const animated: Stored[] = [['acTL', Buffer.alloc(8)], ['fcTL', Buffer.alloc(26)]]
  test.each<[string, Partial<StoredPicture>, string[]]>([
    ['frames', { middle: animated, last: [['fcTL', Buffer.alloc(26)], ['fdAT', Buffer.alloc(9)], ['fcTL', Buffer.alloc(26)], ['fdAT', Buffer.alloc(9)]] }, ['the other pictures of its animation (2)']],
    ['significant bits of a palette that is unfolded', { colour: 3, depth: 1, samples: [0, 1, 0, 1, 1, 0], palette: [[1, 2, 3], [4, 5, 6]], first: [['sBIT', Buffer.from([8, 8, 8])]] }, ['sBIT']],
    ['offsets into a file that is written anew', { first: [['iDOT', Buffer.alloc(28)]] }, ['iDOT']],
    ['a histogram of widened greys', { colour: 0, depth: 2, samples: [0, 1, 2, 3, 0, 1], middle: [['bKGD', Buffer.from([0, 1])]] }, ['bKGD']],
  ])('%s: named as lost', (_, change, lost) => {
    expect(readPng(writePng({ ...plain, ...change })).lost).toEqual(lost)
  })

  test('a chunk whose checksum is wrong is named, and the picture is read', () => {
    const file = Buffer.from(writePng({ ...plain, first: [gamma] }))
    file[file.indexOf('gAMA') + 5]! ^= 1
    expect(readPng(file)).toMatchObject({ beside: [], lost: ['gAMA'] })
  })
})

describe('strangers\' files', () => {
  const coded = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      expect(error).toMatchObject({ name: 'LatentError', code: expect.stringMatching(/^E_(IMAGE|LIMIT)$/), hint: expect.any(String) })
    }
  }

  test('any bytes, and any change to a good file: a picture or a coded error with a hint, in little memory', () => {
    const before = process.memoryUsage().rss
    const kinds = fc.constantFrom(...KINDS).chain(([colour, depth]) => fc.boolean().chain(interlaced => arbitraryPicture(colour, depth, interlaced)))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => coded(() => readPng(bytes))), { numRuns: 300 })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => coded(() => readPng(Buffer.concat([Buffer.from(writePng(plain)).subarray(0, 33), chunk(['IDAT', bytes]), chunk(['IEND', Buffer.alloc(0)])])))), { numRuns: 300 })
    fc.assert(
      fc.property(kinds, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }), fc.boolean(), (picture, changes, mend) => {
        const file = Buffer.from(writePng(picture))
        for (const [at, value] of changes) file[8 + (at % (file.length - 8))] = value
        coded(() => readPng(mend ? mended(file) : file))
      }),
      { numRuns: 1500 },
    )
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6)
  })

  /** Checksums made right again, so that changes reach what lies behind them. */
  function mended(file: Buffer): Buffer {
    const parts = [file.subarray(0, 8)]
    for (let at = 8; at + 12 <= file.length; ) {
      const length = Math.min(file.readUInt32BE(at), file.length - at - 12)
      parts.push(chunk([file.toString('latin1', at + 4, at + 8), file.subarray(at + 8, at + 8 + length)]))
      at += 12 + length
    }
    return Buffer.concat(parts)
  }

  test('a limit is looked at before any pixel', () => {
    const wide = Buffer.from(writePng({ ...plain, width: 1, height: 1, samples: [0, 0, 0] }))
    wide.writeUInt32BE(20000, 16)
    wide.writeUInt32BE(20000, 20)
    for (const [file, limits] of [[mended(wide), {}], [Buffer.from(writePng(plain)), { maxPixels: 5 }]] as const) {
      expect(() => decodePng(file, limits)).toThrow(expect.objectContaining({ code: 'E_LIMIT', hint: expect.stringContaining('latent seal') }))
    }
  })
})
