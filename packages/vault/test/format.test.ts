import { bytesOfName, concatBytes, LatentError, nameOfBytes } from '@latent/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  collect,
  createAlbum,
  decodeMetadata,
  encodeMetadata,
  geometryFor,
  MAX_FILLER,
  mediaType,
  type Metadata,
  metadataFault,
  parseHeader,
  pixelBytes,
  prepareSeal,
  readCarrier,
  type SealOptions,
  streamOf,
} from '../src/index.ts'
import { pngChunk } from './conformance/craft.ts'
import { BODIES, flows, noise, openBytes, sealBytes, testAlbum, text } from './fixtures.ts'

const { album, keyring } = await testAlbum()

test('a header that is not all there yet is awaited, wherever it is cut', async () => {
  const png = await sealBytes(text('cut'), album, { body: BODIES['exact-flow+aes-256-gcm']! })
  const pixels = await collect((await readCarrier(streamOf(png))).pixels)
  const { size } = parseHeader(pixels)!
  for (let length = 0; length < size; length++) expect(parseHeader(pixels.subarray(0, length))).toBeUndefined()
  expect(parseHeader(pixels.subarray(0, size))).toMatchObject({ size })
})

test('pixels that were never sealed are said to be no sealed file, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 14, maxLength: 300 }), pixels => {
      expect(() => parseHeader(pixels)).toThrow(expect.objectContaining({ code: 'E_REENCODED' }))
    }),
  )
})

/** The code that a call ends with; `undefined` if it returns. */
function codeOf(call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return error instanceof LatentError ? error.code : String(error)
  }
}

test('hostile bytes behind the first word give a coded error or nothing', () => {
  const lines = fc.constantFrom(
    '1\n',
    'body aes-256-gcm\n',
    'chunk 4096\n',
    'metadata 128\n',
    `nonce ${'0'.repeat(64)}\n`,
    'envelope 1\n',
    'x\n',
    'filler 00000\n',
    '\n',
    'mac ',
    '9'.repeat(40),
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(lines, fc.string()), { maxLength: 9 }), parts => {
      expect(['E_HEADER', 'E_UNSUPPORTED', undefined]).toContain(
        codeOf(() => parseHeader(text(`latent sealed ${parts.join('')}`))),
      )
    }),
    { numRuns: 500 },
  )
})

test('metadata that may be sealed come back, and none that may not are made', () => {
  const name = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.constantFrom('..', '.', 'a/b', '\0', '\ud800', 'a\\b', '\u2028'),
  )
  const metadata = fc.record({
    name,
    type: fc.constantFrom('image/jpeg', '', 'a b', 'x'),
    size: fc.maxSafeNat(),
    modified: fc.oneof(fc.maxSafeInteger(), fc.double()),
  })
  fc.assert(
    fc.property(metadata, given => {
      const region = encodeMetadata(given)
      const decoded: Metadata[] = []
      expect(codeOf(() => decoded.push(decodeMetadata(region)))).toBe(
        metadataFault(given) === undefined ? undefined : 'E_HEADER',
      )
      expect(region.length % 128).toBe(0)
      for (const back of decoded) expect(back).toEqual({ ...given, modified: given.modified + 0 })
    }),
    { numRuns: 300 },
  )
})

const METADATA: Metadata = { name: 'a.jpg', type: 'image/jpeg', size: 5, modified: 7 }
const json = (region: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(region.subarray(0, region.indexOf(0)))) as Metadata

describe('names that are no UTF-8, and modes', () => {
  const latin1 = (name: string) => nameOfBytes(Uint8Array.from(name, char => char.codePointAt(0)!))

  test.each<[string, string]>([
    ['Latin-1', 'b\xe4r.jpg'],
    ['all high bytes', '\xff\xfe\x80'],
    ['UTF-8 and not, side by side', 'caf\xc3\xa9 caf\xe9'],
    ['Shift JIS', '\x8e\xca\x90\x5e.jpg'],
    ['UTF-8 cut short', 'x\xf0\x9f\x93'],
    ['a surrogate in UTF-8', '\xed\xa0\x80'],
    ['an overlong slash', '\xc0\xaf'],
    ['127 bytes of KOI8-R', '\xc1'.repeat(127)],
  ])('%s comes back to the byte', (_, bytes) => {
    const name = latin1(bytes)
    expect(name.isWellFormed()).toBe(false)
    expect(String.fromCodePoint(...bytesOfName(name))).toBe(bytes)
    const region = encodeMetadata({ ...METADATA, name, mode: 0o640 })
    expect(decodeMetadata(region)).toEqual({ ...METADATA, name, mode: 0o640 })
    // Readers of the first release find four fields of the right kinds.
    expect(json(region)).toEqual({ ...METADATA, name: bytes, type: 'image/jpeg;name=latin1;mode=640' })
  })

  test('any bytes at all are a name and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        expect(bytesOfName(nameOfBytes(bytes))).toEqual(bytes)
      }),
      { numRuns: 500 },
    )
  })

  test.each([0, 0o7, 0o600, 0o644, 0o755, 0o777])('the mode %i comes back', mode => {
    expect(decodeMetadata(encodeMetadata({ ...METADATA, mode }))).toEqual({ ...METADATA, mode })
  })

  test.each<[string, Partial<Metadata>]>([
    ['a mode with set-user-id', { mode: 0o4755 }],
    ['a negative mode', { mode: -1 }],
    ['more bytes than the format holds', { name: latin1('\xe4'.repeat(128)) }],
    ['half a surrogate pair', { name: '\ud83d' }],
    ['a raw slash', { name: 'a\udce4/b' }],
  ])('%s cannot be sealed', (_, change) => {
    expect(metadataFault({ ...METADATA, ...change })).toBeDefined()
  })

  test.each([
    ['image/jpeg;mode=999', 'a'],
    ['image/jpeg;name=latin1', 'a.jpg'],
    ['image/jpeg;name=latin1', 'b\u0161\u01e4'],
    ['image/jpeg;name=latin1', 'Ã¤.jpg'],
    ['image/jpeg;mode=640;name=latin1', 'a'],
    [';mode=600', 'a'],
    ['text/plain;charset=utf-8', 'a'],
  ])('a type %s that only looks as if is a remark', (type, name) => {
    const given = { ...METADATA, type, name }
    expect(decodeMetadata(encodeMetadata(given))).toEqual(given)
  })
})

test('PNG files have the type of PNG files', () => {
  expect(mediaType(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10))).toBe('image/png')
  expect(mediaType(new Uint8Array(0))).toBe('application/octet-stream')
})

const sealing = (options: Partial<Omit<SealOptions, 'metadata'>> & { metadata?: Partial<Metadata> }) =>
  prepareSeal({
    album,
    flows,
    body: { type: 'aes-256-gcm' },
    ...options,
    metadata: { name: 'a', type: 'b/c', size: 1, modified: 0, ...options.metadata },
  })

test.each<[string, Parameters<typeof sealing>[0]]>([
  ['a name with a folder', { metadata: { name: 'a/b' } }],
  ['a time with a fraction', { metadata: { modified: 0.5 } }],
  ['a negative size', { metadata: { size: -1 } }],
  ['a chunk of 127 bytes', { chunk: 127 }],
  ['a chunk above 16 MiB', { chunk: 2 ** 24 + 1 }],
  ['a name that needs more than the chunk', { chunk: 128, metadata: { name: 'n'.repeat(200) } }],
  ['a nonce of 31 bytes', { nonce: new Uint8Array(31) }],
  ['an envelope above 512 KiB', { album: { key: album.key, envelope: new Uint8Array(2 ** 19 + 1) } }],
])('%s is refused before anything is sealed', async (_, options) => {
  await expect(sealing(options)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
})

test('the filler fits its limit for files of any size', () => {
  fc.assert(
    fc.property(fc.double({ min: 2, max: 44, noNaN: true }), exponent => {
      const bytes = Math.floor(2 ** exponent)
      const left = pixelBytes(geometryFor(bytes, MAX_FILLER)) - bytes
      expect(left).toBeGreaterThanOrEqual(0)
      expect(left).toBeLessThanOrEqual(MAX_FILLER)
    }),
    { numRuns: 300 },
  )
})

test('deflate data beyond the picture are not inflated: what nobody needs can do no harm', async () => {
  const png = await sealBytes(await noise(300, 'beyond'), album)
  const length = new DataView(png.buffer).getUint32(33)
  const data = png.slice(41, 41 + length - 4)
  // The one stored block is no longer the last, and the next is of the reserved type: to inflate it is an error.
  data[2] = 0
  const file = concatBytes(
    png.subarray(0, 33),
    pngChunk('IDAT', data),
    pngChunk('IDAT', new Uint8Array(1000).fill(7)),
    png.subarray(-12),
  )
  expect(await openBytes(file, keyring())).toEqual(await noise(300, 'beyond'))
})

test('an envelope for too many recipients is refused, not written', async () => {
  const { generateHybridIdentity, identityToRecipient } = await import('age-encryption')
  const recipient = await identityToRecipient(await generateHybridIdentity())
  await expect(createAlbum({ recipients: Array.from({ length: 340 }, () => recipient) })).rejects.toMatchObject({
    code: 'E_LIMIT',
  })
})
