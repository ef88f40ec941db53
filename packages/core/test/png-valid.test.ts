import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePng, encodePng, readPng } from '../src/png.ts'
import { arbitraryPicture, KINDS, mended, text } from './reference/png-pictures.ts'
import { SAMPLES, shownSamples, type Stored, type StoredPicture, writePng } from './reference/png-writer.ts'

const NAMES: Readonly<Record<number, string>> = { 0: 'grey', 2: 'RGB', 3: 'palette', 4: 'grey and alpha', 6: 'RGBA' }

describe.each([false, true])('interlaced: %s', interlaced => {
  test.each(KINDS)('colour type %i of %i bits: the samples that were stored', (colour, depth) => {
    fc.assert(
      fc.property(arbitraryPicture(colour, depth, interlaced), picture => {
        const read = decodePng(writePng(picture))
        const { channels, samples } = shownSamples(picture)
        expect({ ...read, data: Array.from(read.data), annotations: undefined }).toEqual({
          width: picture.width,
          height: picture.height,
          channels,
          format: depth === 16 ? 'u16' : 'u8',
          data: samples,
          annotations: undefined,
        })
      }),
      { numRuns: 40 },
    )
  })
})

const plain: StoredPicture = {
  width: 3,
  height: 2,
  depth: 8,
  colour: 2,
  interlaced: false,
  filters: [0],
  samples: Array.from({ length: 18 }, (_, i) => 10 * i),
}

describe('orders and chunks that the specification allows', () => {
  test.each<[string, Partial<StoredPicture>]>([
    [
      'a proposed palette in an RGB picture',
      {
        palette: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ],
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
    expect(Array.from(decodePng(writePng({ ...alpha, middle: [['tRNS', Buffer.alloc(6)]] })).data)).toEqual(
      alpha.samples,
    )
    expect(
      Array.from(
        decodePng(writePng({ ...plain, width: 1, height: 1, samples: [1, 2, 3], transparency: [0x101, 0x202, 0x303] }))
          .data,
      ),
    ).toEqual([1, 2, 3, 0])
  })

  test('the smallest pictures of every kind, one pixel, interlaced or not', () => {
    for (const [colour, depth] of KINDS)
      for (const interlaced of [false, true]) {
        const palette =
          colour === 3
            ? {
                palette: [
                  [1, 2, 3],
                  [9, 8, 7],
                ] as const,
              }
            : {}
        const one: StoredPicture = {
          width: 1,
          height: 1,
          depth,
          colour,
          interlaced,
          filters: [4],
          samples: Array.from({ length: SAMPLES[colour]! }, () => 1),
          ...palette,
        }
        expect([NAMES[colour], ...decodePng(writePng(one)).data]).toEqual([NAMES[colour], ...shownSamples(one).samples])
      }
  })

  test('a critical chunk that nobody knows is no picture to guess at', () => {
    for (const type of ['CgBI', 'ABCD'])
      expect(() => decodePng(writePng({ ...plain, first: [[type, Buffer.alloc(4)]] }))).toThrow(
        expect.objectContaining({ code: 'E_IMAGE', message: expect.stringContaining(type) }),
      )
  })
})

describe('what stands beside the pixels', () => {
  const gamma: Stored = ['gAMA', Buffer.from([0, 0, 177, 143])]
  const exif: Stored = ['eXIf', Buffer.from('II*\0\x08\0\0\0\0\0')]

  test('is read in its order, and written again', () => {
    const { beside, lost, image } = readPng(
      writePng({
        ...plain,
        first: [gamma, ['pHYs', Buffer.alloc(9)]],
        middle: [exif],
        last: [text('Author', 'me'), ['zTXt', Buffer.from('k\0\0x')]],
      }),
    )
    expect([beside.map(({ type }) => type), lost]).toEqual([['gAMA', 'pHYs', 'eXIf', 'tEXt', 'zTXt'], []])
    const again = readPng(encodePng({ ...image, annotations: {} }, 6, beside))
    expect(again.beside.map(({ type, data }) => [type, Buffer.from(data)])).toEqual(
      beside.map(({ type, data }) => [type, Buffer.from(data)]),
    )
    expect(Array.from(again.image.data)).toEqual(plain.samples)
  })

  const animated: Stored[] = [
    ['acTL', Buffer.alloc(8)],
    ['fcTL', Buffer.alloc(26)],
  ]
  test.each<[string, Partial<StoredPicture>, string[]]>([
    [
      'frames',
      {
        middle: animated,
        last: [
          ['fcTL', Buffer.alloc(26)],
          ['fdAT', Buffer.alloc(9)],
          ['fcTL', Buffer.alloc(26)],
          ['fdAT', Buffer.alloc(9)],
        ],
      },
      ['the other pictures of its animation (2)'],
    ],
    [
      'significant bits of a palette that is unfolded',
      {
        colour: 3,
        depth: 1,
        samples: [0, 1, 0, 1, 1, 0],
        palette: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        first: [['sBIT', Buffer.from([8, 8, 8])]],
      },
      ['sBIT'],
    ],
    ['offsets into a file that is written anew', { first: [['iDOT', Buffer.alloc(28)]] }, ['iDOT']],
    [
      'a histogram of widened greys',
      { colour: 0, depth: 2, samples: [0, 1, 2, 3, 0, 1], middle: [['bKGD', Buffer.from([0, 1])]] },
      ['bKGD'],
    ],
  ])('%s: named as lost', (_, change, lost) => {
    expect(readPng(writePng({ ...plain, ...change })).lost).toEqual(lost)
  })

  test('a chunk whose checksum is wrong is named, and the picture is read', () => {
    const file = Buffer.from(writePng({ ...plain, first: [gamma] }))
    file[file.indexOf('gAMA') + 5]! ^= 1
    expect(readPng(file)).toMatchObject({ beside: [], lost: ['gAMA'] })
  })
})

test('a limit is looked at before any pixel', () => {
  const wide = Buffer.from(writePng({ ...plain, width: 1, height: 1, samples: [0, 0, 0] }))
  wide.writeUInt32BE(20000, 16)
  wide.writeUInt32BE(20000, 20)
  for (const [file, limits] of [
    [mended(wide), {}],
    [Buffer.from(writePng(plain)), { maxPixels: 5 }],
  ] as const) {
    expect(() => decodePng(file, limits)).toThrow(
      expect.objectContaining({ code: 'E_LIMIT', hint: expect.stringContaining('latent seal') }),
    )
  }
})
