import { concatBytes, nameOfBytes } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { decodeMetadata, encodeMetadata, mediaType, type Metadata, metadataFault, padme } from '../src/index.ts'
import { text } from './cheap.ts'

const METADATA: Metadata = { name: 'a.jpg', type: 'image/jpeg', size: 5, modified: 7 }
const latin1 = (value: string) => Uint8Array.from(value, char => char.charCodeAt(0))
/** The name of a file whose bytes are these. */
const raw = (bytes: string) => nameOfBytes(latin1(bytes))
const region = (json: string, zeros = 128 - (text(json).length % 128)) => concatBytes(text(json), new Uint8Array(zeros))
const written = (fields: object) => region(JSON.stringify(fields))

describe('what may be known of a file', () => {
  const [name, folder, mode, type, long, size, time] = [
    'the name is not a file name',
    'the name leads to another folder',
    'the mode is not made of permission bits',
    'the media type is malformed',
    'the name is longer than the format holds',
    'the size is not a number of bytes',
    'the time is not a whole number of milliseconds',
  ]

  test.each<[object, string | undefined]>([
    [{}, undefined],
    [{ name: '' }, name],
    [{ name: 5 }, name],
    [{ name: undefined }, name],
    [{ name: '\ud83d' }, name],
    [{ name: 'a\ud800b\udcff' }, name],
    [{ name: raw('b\xe4r') }, undefined],
    [{ name: '.' }, folder],
    [{ name: '..' }, folder],
    [{ name: '...' }, undefined],
    [{ name: '.a' }, undefined],
    [{ name: 'a/b' }, folder],
    [{ name: '/' }, folder],
    [{ name: 'a\0' }, folder],
    [{ name: 'a\\b' }, undefined],
    [{ mode: 0 }, undefined],
    [{ mode: 0o777 }, undefined],
    [{ mode: 0o1000 }, mode],
    [{ mode: -1 }, mode],
    [{ mode: 1.5 }, mode],
    [{ mode: Number.NaN }, mode],
    [{ name: 'n'.repeat(255) }, undefined],
    [{ name: 'n'.repeat(256) }, long],
    [{ name: 'ä'.repeat(127) }, undefined],
    [{ name: 'ä'.repeat(128) }, long],
    // Written as Latin-1, each takes two bytes.
    [{ name: raw('\xe4'.repeat(127)) }, undefined],
    [{ name: raw('\xe4'.repeat(128)) }, long],
    [{ name: raw(`\xe4${'n'.repeat(253)}`) }, undefined],
    [{ name: raw(`\xe4${'n'.repeat(254)}`) }, long],
    [{ type: '' }, type],
    [{ type: 7 }, type],
    [{ type: undefined }, type],
    [{ type: 'a b' }, type],
    [{ type: ' a' }, type],
    [{ type: 'a\n' }, type],
    [{ type: 'a\x7f' }, type],
    [{ type: '!~' }, undefined],
    [{ type: 't'.repeat(127) }, undefined],
    [{ type: 't'.repeat(128) }, type],
    [{ type: 't'.repeat(118), mode: 0o644 }, undefined],
    [{ type: 't'.repeat(119), mode: 0o644 }, type],
    [{ size: 0 }, undefined],
    [{ size: -1 }, size],
    [{ size: 0.5 }, size],
    [{ size: Number.MAX_SAFE_INTEGER }, undefined],
    [{ size: Number.MAX_SAFE_INTEGER + 1 }, size],
    [{ size: '5' }, size],
    [{ modified: -1 }, undefined],
    [{ modified: 0.5 }, time],
    [{ modified: Number.MIN_SAFE_INTEGER - 1 }, time],
  ])('%j: %s', (change, fault) => {
    expect(metadataFault({ ...METADATA, ...change })).toBe(fault)
  })
})

describe('metadata', () => {
  test('are JSON of four fields in their order, then zeros up to whole blocks, one at least', () => {
    const json = '{"name":"a.jpg","type":"image/jpeg","size":5,"modified":7}'
    expect(encodeMetadata(METADATA)).toEqual(region(json))
    for (const length of [60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77]) {
      const encoded = encodeMetadata({ ...METADATA, name: 'n'.repeat(length) })
      const written = encoded.indexOf(0)
      expect(encoded.length).toBe((Math.floor(written / 128) + 1) * 128)
      expect(decodeMetadata(encoded)).toEqual({ ...METADATA, name: 'n'.repeat(length) })
    }
  })

  test.each<[string, Partial<Metadata>, object]>([
    ['a mode', { mode: 0o7 }, { type: 'image/jpeg;mode=007' }],
    ['no permission at all', { mode: 0 }, { type: 'image/jpeg;mode=000' }],
    ['a name that is no UTF-8', { name: raw('b\xe4r') }, { name: 'bär', type: 'image/jpeg;name=latin1' }],
    ['both', { name: raw('b\xe4r'), mode: 0o640 }, { name: 'bär', type: 'image/jpeg;name=latin1;mode=640' }],
  ])('%s travels in the type, and comes back', (_, change, fields) => {
    expect(encodeMetadata({ ...METADATA, ...change })).toEqual(written({ ...METADATA, ...fields }))
    expect(decodeMetadata(written({ ...METADATA, ...fields }))).toEqual({ ...METADATA, ...change })
  })

  test.each<[string, object]>([
    ['a mode of two digits', { type: 'image/jpeg;mode=64' }],
    ['a mode of four digits', { type: 'image/jpeg;mode=0640' }],
    ['a mode with an 8', { type: 'image/jpeg;mode=648' }],
    ['a mode with something behind it', { type: 'image/jpeg;mode=640;' }],
    ['the parameters in the other order', { type: 'image/jpeg;mode=640;name=latin1' }],
    ['a name said to be Latin-1 that is ASCII', { type: 'image/jpeg;name=latin1' }],
    ['a name said to be Latin-1 that has other characters', { name: '\u0161', type: 'image/jpeg;name=latin1' }],
    ['a name said to be Latin-1 that is UTF-8', { name: 'Ã¤', type: 'image/jpeg;name=latin1' }],
    ['parameters of no type', { type: ';mode=640' }],
  ])('%s is a remark like any other', (_, change) => {
    expect(decodeMetadata(written({ ...METADATA, ...change }))).toEqual({ ...METADATA, ...change })
  })

  test.each<[string, Uint8Array, string]>([
    ['no zero behind them', text('{"name":"a.jpg","type":"image/jpeg","size":5,"modified":7}'), 'it is not JSON'],
    ['nothing', new Uint8Array(128), 'it is not JSON'],
    ['half of it', region('{"name":"a.jpg"'), 'it is not JSON'],
    [
      'bytes that are no UTF-8',
      concatBytes(latin1('{"name":"\xe4","type":"a","size":5,"modified":7}'), new Uint8Array(128)),
      'it is not JSON',
    ],
    ['null', region('null'), 'the name is not a file name'],
    ['a number', region('5'), 'the name is not a file name'],
    ['no type', written({ name: 'a', size: 5, modified: 7 }), 'the media type is malformed'],
    ['a type that is a number', written({ ...METADATA, type: 5 }), 'the media type is malformed'],
    [
      'a name that is a number',
      written({ ...METADATA, name: 5, type: 'image/jpeg;name=latin1' }),
      'the name is not a file name',
    ],
    ['a name in another folder', written({ ...METADATA, name: '../a' }), 'the name leads to another folder'],
    ['a negative size', written({ ...METADATA, size: -5 }), 'the size is not a number of bytes'],
    [
      'a fraction of a millisecond',
      written({ ...METADATA, modified: 7.5 }),
      'the time is not a whole number of milliseconds',
    ],
    ['a space', region('{ "name":"a.jpg","type":"image/jpeg","size":5,"modified":7}'), 'it is not in canonical form'],
    ['a mark in front', region('\ufeff{"name":"a.jpg","type":"image/jpeg","size":5,"modified":7}'), 'it is not JSON'],
    [
      'another order',
      written({ type: 'image/jpeg', name: 'a.jpg', size: 5, modified: 7 }),
      'it is not in canonical form',
    ],
    ['a field more', written({ ...METADATA, author: 'me' }), 'it is not in canonical form'],
    ['a block more', concatBytes(written(METADATA), new Uint8Array(128)), 'it is not in canonical form'],
    ['a block less', written(METADATA).subarray(0, 100), 'it is not in canonical form'],
    [
      'something in the zeros',
      written(METADATA).map((byte, i) => (i === 127 ? 1 : byte)),
      'it is not in canonical form',
    ],
  ])('with %s are refused', (_, bytes, reason) => {
    expect(() => decodeMetadata(bytes)).toThrow(
      expect.objectContaining({
        code: 'E_HEADER',
        message: `the metadata of this sealed file is malformed: ${reason}`,
      }),
    )
  })
})

test.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 4],
  [7, 7],
  [8, 8],
  [9, 10],
  [15, 16],
  [16, 16],
  [17, 18],
  [31, 32],
  [32, 32],
  [33, 36],
  [99, 104],
  [255, 256],
  [256, 256],
  [257, 272],
  [1000, 1024],
  [65_536, 65_536],
  [65_537, 67_584],
  [1_000_000, 1_015_808],
])('padme of %i is %i', (size, padded) => {
  expect(padme(size)).toBe(padded)
})

describe('media types by first bytes', () => {
  test.each<[string, string]>([
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['GIF89a', 'image/gif'],
    ['RIFF....WEBPVP8 ', 'image/webp'],
    ['II*\0', 'image/tiff'],
    ['MM\0*', 'image/tiff'],
    ['\xff\x0a', 'image/jxl'],
    ['\0\0\0\x0cJXL \r\n\x87\n', 'image/jxl'],
    ['....ftypavif', 'image/avif'],
    ['....ftypavis', 'image/avif'],
    ['....ftypheic', 'image/heic'],
    ['....ftyphevc', 'image/heic'],
    ['....ftypmif1', 'image/heic'],
    ['....ftypmsf1', 'image/heic'],
    ['....ftypqt  ', 'video/quicktime'],
    ['....ftypmp42', 'video/mp4'],
    ['....ftypisom', 'video/mp4'],
    ['%PDF-1.7', 'application/pdf'],
  ])('%j is %s, and with a byte in front or another one in it something else', (start, type) => {
    expect(mediaType(latin1(start))).toBe(type)
    expect(mediaType(latin1(`${start}, and what follows`))).toBe(type)
    expect(mediaType(latin1(`#${start}`))).toBe('application/octet-stream')
  })

  test.each([
    '\xff\xd8\xfe',
    '\x89PNG\r\n\x1a\r',
    'GIF7',
    'RIFF....WAVE',
    'RIFX....WEBP',
    'II\0*',
    'MM*\0',
    '\xff\x0b',
    '....JXLx',
    '....ftyq',
    '%PDF_',
    '',
    'ftypavif',
    'hello.jpg',
  ])('%j is of no known type', start => {
    expect(mediaType(latin1(start))).toBe('application/octet-stream')
  })

  test('behind the first 16 bytes nothing counts', () => {
    expect(mediaType(latin1(`${'x'.repeat(16)}%PDF-`))).toBe('application/octet-stream')
  })
})
