import { aes256GcmOpen, aes256GcmSeal, concatBytes, fromHex, LatentError, sha256Of, toHex } from '@latent/core'
import { describe, expect, test } from 'vitest'
import {
  type Album,
  bodyCipher,
  carrierSize,
  chunkRange,
  type Chunks,
  chunksIn,
  chunksOf,
  collect,
  encodeHeader,
  encodeMetadata,
  fileKeys,
  geometryFor,
  type Header,
  headerId,
  headerSize,
  inspectSealed,
  inspection,
  Keyring,
  looksSealed,
  MAX_FILLER,
  MAX_HEADER,
  openSealed,
  paddedSize,
  parseHeader,
  pixelBytes,
  prepareSeal,
  readCarrier,
  readHeader,
  rewrapSealed,
  roomFor,
  type SealOptions,
  salvagedMetadata,
  salvageSealed,
  streamOf,
  unlock,
  writeCarrier,
} from '../src/index.ts'
import { album, BODIES, fakeFlow, keyring, noFlows, openBytes, pattern, sealBytes, text, WEIGHTS } from './cheap.ts'
import { watched } from './watched.ts'

const CHUNK = 256
const NONCE = sha256Of(text('nonce'))
const AES: SealOptions['body'] = { type: 'aes-256-gcm' }
const { flows } = fakeFlow()
// Made in each test, not beside them: what runs while a file is loaded, a mutation run repeats for every test.
const keysHere = () => fileKeys(album.key, NONCE)

/** Code and message of what is thrown, and whether it says what to do. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) =>
      error instanceof LatentError
        ? `${error.code}: ${error.message}${error.hint === undefined ? ' (no hint)' : ''}`
        : error,
  )
const pixelsOf = async (png: Uint8Array) => collect((await readCarrier(streamOf(png))).pixels)
/** A picture of these pixel bytes, as many as make whole pixels. */
const exact = (pixels: Uint8Array) => collect(writeCarrier({ width: pixels.length / 3, height: 1 }, streamOf(pixels)))

/** A sealed file of any plaintext, made by the parts of the format. */
async function crafted(
  plaintext: Uint8Array,
  change: Partial<Header> = {},
  body: Partial<Chunks> = {},
): Promise<Uint8Array> {
  const header: Header = {
    body: 'aes-256-gcm',
    chunk: CHUNK,
    metadata: 128,
    nonce: NONCE,
    envelope: album.envelope,
    ...change,
  }
  const chunks = { ...chunksOf(plaintext.length, CHUNK), ...body }
  const keys = await keysHere()
  const cipher = await bodyCipher(header, keys, noFlows)
  const sealed = await Promise.all(
    Array.from({ length: chunks.count }, (_, i) =>
      cipher.seal(i, i === chunks.count - 1, plaintext.slice(i * CHUNK, (i + 1) * CHUNK)),
    ),
  )
  const bare = headerSize(header, 0) + sealed.reduce((sum, each) => sum + each.length, 0)
  return exact(concatBytes(await encodeHeader(header, keys, (3 - (bare % 3)) % 3), ...sealed))
}
const region = (size: number, name = 'photo.jpg') =>
  encodeMetadata({ name, type: 'image/jpeg', size, modified: 1_700_000_000_000 })

describe('how a body is cut', () => {
  test.each([
    [1, 256, 1, 1],
    [256, 256, 1, 256],
    [257, 256, 2, 1],
    [512, 256, 2, 256],
    [513, 256, 3, 1],
    [0, 256, 1, 0],
  ])('%i bytes in chunks of %i: %i, the last of %i', (plaintext, size, count, lastSize) => {
    expect(chunksOf(plaintext, size)).toEqual({ size, count, lastSize, sealedSize: plaintext + 16 * count })
  })

  test.each<[number, number | undefined, number?]>([
    [0, undefined],
    [16, undefined],
    [47, undefined],
    [48, 1, 32],
    [272, 1, 256],
    [273, undefined],
    [272 + 47, undefined],
    [272 + 48, 2, 32],
    [544, 2, 256],
    [544 + 48, 3, 32],
  ])('a body of %i bytes', (sealed, count, lastSize) => {
    expect(chunksIn(sealed, 256, 32)).toEqual(
      count === undefined ? undefined : { size: 256, count, lastSize, sealedSize: sealed },
    )
  })

  test('a body of less than nothing is none', () => {
    expect(chunksIn(-5, 256, 32)).toBeUndefined()
    expect(chunksIn(-500, 256, 32)).toBeUndefined()
  })

  test.each([
    [0, 32],
    [1, 32],
    [31, 32],
    [32, 32],
    [33, 33],
    [255, 255],
    [256, 256],
    [257, 288],
    [287, 288],
    [288, 288],
    [289, 289],
    [512, 512],
    [513, 544],
  ])('%i bytes are padded to %i', (size, padded) => {
    expect(paddedSize(size, 256, 32)).toBe(padded)
    expect(chunksOf(padded, 256).lastSize).toBeGreaterThanOrEqual(32)
  })
})

describe('the cipher of a body', () => {
  const header: Header = { body: 'aes-256-gcm', chunk: CHUNK, metadata: 128, nonce: NONCE, envelope: album.envelope }
  const flowHeader: Header = { ...header, body: 'exact-flow+aes-256-gcm', weights: WEIGHTS }
  const nonce = (index: string, last: boolean) => fromHex(`000000${index.padStart(16, '0')}${last ? '01' : '00'}`)

  test.each<[number, string]>([
    [0, '0'],
    [1, '1'],
    [255, 'ff'],
    [65_536, '10000'],
    [2 ** 40 + 3, '10000000003'],
  ])('chunk %i is AES-256-GCM under its number and whether it is the last', async (index, hex) => {
    const keys = await keysHere()
    const cipher = await bodyCipher(header, keys, noFlows)
    for (const last of [false, true]) {
      const sealed = await cipher.seal(index, last, pattern(50))
      expect(sealed).toEqual(await aes256GcmSeal(keys.body, nonce(hex, last), pattern(50), headerId(header)))
      expect(await cipher.open(index, last, sealed)).toEqual(pattern(50))
      expect(await cipher.open(index, !last, sealed)).toBeUndefined()
      expect(await cipher.open(index + 1, last, sealed)).toBeUndefined()
    }
    expect(cipher.lanes).toBe(2)
  })

  test('the flow comes before it, under its own key and the number of the chunk', async () => {
    const keys = await keysHere()
    const fake = fakeFlow(WEIGHTS, 3)
    const cipher = await bodyCipher(flowHeader, keys, fake.flows)
    expect(cipher.lanes).toBe(5)
    const tweak = concatBytes(text('chunk'), fromHex('0000000000000102'))
    const permuted = await (await fake.flows(WEIGHTS)).encrypt(keys.flow, tweak, pattern(50))
    const sealed = await cipher.seal(0x102, true, pattern(50))
    expect(await aes256GcmOpen(keys.body, nonce('102', true), sealed, headerId(flowHeader))).toEqual(permuted)
    expect(fake.tweaks).toEqual([toHex(tweak), toHex(tweak)])
    expect(await cipher.open(0x102, true, sealed)).toEqual(pattern(50))
    expect(await cipher.open(0x103, true, sealed)).toBeUndefined()
  })

  test('other weights than the header names are refused', async () => {
    expect(await failure(bodyCipher(flowHeader, await keysHere(), fakeFlow('cd'.repeat(32)).flows))).toBe(
      'E_UNSUPPORTED: this file needs the exact-flow weights abababababababab..., which are not here',
    )
  })
})

describe.each(BODIES)('%s', (_, body) => {
  const sizes = [
    0,
    1,
    31,
    32,
    33,
    ...[1, 2, 4].flatMap(k => [-33, -32, -31, -1, 0, 1, 32].map(d => k * CHUNK - 160 + d)),
  ]

  test.each(sizes)('%i bytes come back, in the format that was said', async size => {
    const bytes = pattern(size)
    for (const padding of ['none', 'padme'] as const) {
      const sealing = await prepareSeal({
        album,
        metadata: { name: 'a', type: 'b/c', size, modified: -5 },
        flows,
        body,
        chunk: CHUNK,
        padding,
        nonce: NONCE,
      })
      const png = await collect(sealing.png(streamOf(bytes, 100)))
      expect(png.length).toBe(sealing.size)
      expect(sealing.nonce).toEqual(NONCE)
      for (const part of [7, 100_000]) {
        const opened = await openSealed(streamOf(png, part), keyring(), flows)
        expect(opened).toMatchObject({
          geometry: sealing.geometry,
          metadata: { name: 'a', type: 'b/c', size, modified: -5 },
        })
        expect(await collect(opened.bytes)).toEqual(bytes)
        expect(toHex(await (await openSealed(streamOf(png, part), keyring(), flows)).sha256())).toBe(
          toHex(sha256Of(bytes)),
        )
      }
    }
  })
})

describe('sealing', () => {
  const seal = (size: number, change: Partial<SealOptions> = {}) =>
    prepareSeal({ album, metadata: { name: 'a', type: 'b', size, modified: 0 }, flows: noFlows, body: AES, ...change })

  test('the plaintext is metadata, file, hash and zeros, of the size that padme says', async () => {
    const keys = await keysHere()
    const size = 1000
    const png = await sealBytes(pattern(size), { chunk: 4096, padding: 'padme' })
    const pixels = await pixelsOf(png)
    const parsed = parseHeader(pixels)!
    const cipher = await bodyCipher(parsed.header, keys, noFlows)
    const plaintext = (await cipher.open(0, true, pixels.subarray(parsed.size)))!
    // 128 + 1000 + 32 are 1160; padme makes 1216 of it, in steps of 64.
    expect(plaintext).toEqual(concatBytes(region(size), pattern(size), sha256Of(pattern(size)), new Uint8Array(56)))
    expect(await parsed.authenticate(keys)).toBe(true)
  })

  test('long padding is zeros to its end', async () => {
    const size = 2_100_000
    const sealing = await seal(size, { padding: 'padme', nonce: NONCE })
    const png = await collect(sealing.png(streamOf(new Uint8Array(size), 300_000)))
    const opened = await openSealed(streamOf(png, 200_000), keyring(), noFlows)
    expect(roomFor(opened)).toBeGreaterThan(size + 8192)
    expect((await collect(opened.bytes)).length).toBe(size)
  })

  test('the picture holds header and body, and no more filler than the format has', async () => {
    for (const size of [0, 1, 500, 3000]) {
      const { geometry } = await inspectSealed(streamOf(await sealBytes(pattern(size))))
      const header: Header = {
        body: 'aes-256-gcm',
        chunk: 786_432,
        metadata: 128,
        nonce: NONCE,
        envelope: album.envelope,
      }
      const filler = pixelBytes(geometry) - headerSize(header, 0) - (128 + size + 32 + 16)
      expect(geometry).toEqual(geometryFor(headerSize(header, 0) + 128 + size + 48, MAX_FILLER))
      expect(filler).toBeGreaterThanOrEqual(0)
      expect((await inspectSealed(streamOf(await sealBytes(pattern(size))))).headerSize).toBe(
        headerSize(header, filler),
      )
    }
  })

  test('a nonce is drawn if none is given', async () => {
    const [one, other] = [await seal(1), await seal(1)]
    expect([one.nonce.length, toHex(one.nonce) === toHex(other.nonce)]).toEqual([32, false])
  })

  test.each<[string, Partial<SealOptions>, string]>([
    [
      'a name that leads elsewhere',
      { metadata: { name: '..', type: 'b', size: 1, modified: 0 } },
      'under its metadata: the name leads to another folder',
    ],
    ['31 bytes of nonce', { nonce: new Uint8Array(31) }, 'nonce'],
    ['33 bytes of nonce', { nonce: new Uint8Array(33) }, 'nonce'],
    ['a chunk of 127 bytes', { chunk: 127 }, 'its chunk size is out of range'],
    [
      'no envelope',
      { album: { key: album.key, envelope: new Uint8Array(0) } },
      'its age envelope is larger than allowed',
    ],
  ])('%s is refused before a byte is read', async (_, change, message) => {
    expect(await failure(seal(1, change))).toMatch(new RegExp(`^E_ARGUMENT: .*${message}`))
  })

  test.each<[number, number, string]>([
    [100, 99, 'received 99'],
    [100, 0, 'received 0'],
    [100, 101, 'received more than 100'],
    [0, 1, 'received more than 0'],
    [5000, 4999, 'received 4999'],
  ])('a source of %i bytes that has %i is refused', async (size, real, message) => {
    expect(await failure(collect((await seal(size, { chunk: CHUNK })).png(streamOf(pattern(real), 60))))).toBe(
      `E_CHANGED: the file changed while it was being sealed: expected ${size} bytes, ${message}`,
    )
  })
})

/** Of so many bytes that they leave the picture in several parts. */
const largeFile = () => sealBytes(pattern(200_000), { chunk: 1 << 15 })

test('a source that does not end is not read on', async () => {
  let given = 0
  const endless = (async function* () {
    while (given < 50) {
      given++
      yield new Uint8Array(60)
    }
  })()
  const sealing = await prepareSeal({
    album,
    metadata: { name: 'a', type: 'b', size: 100, modified: 0 },
    flows: noFlows,
    body: AES,
  })
  expect(await failure(collect(sealing.png(endless)))).toMatch(/^E_CHANGED: .* received more than 100$/)
  expect(given).toBe(2)
})

describe('opening', () => {
  const bytes = pattern(1500)
  /** 128 + 1500 + 32 bytes in chunks of 256: seven, the last of 124. */
  const made = async () => {
    const png = await sealBytes(bytes, { chunk: CHUNK })
    const pixels = await pixelsOf(png)
    const found = await inspectSealed(streamOf(png))
    const { headerSize: headerBytes } = found
    const at = (chunk: number) => headerBytes + chunk * (CHUNK + 16)
    const flipped = (offset: number) => pixels.map((byte, i) => (i === offset ? byte ^ 1 : byte))
    return { png, pixels, headerBytes, found, at, flipped }
  }
  const opening = async (file: Uint8Array) => failure(openBytes(file))

  test('what shows without a key', async () => {
    const { pixels, headerBytes, found } = await made()
    expect(found).toMatchObject({
      headerSize: headerBytes,
      chunks: { size: CHUNK, count: 7, lastSize: 124, sealedSize: pixels.length - headerBytes },
      header: { chunk: CHUNK, metadata: 128, envelope: album.envelope },
    })
    expect(roomFor(found)).toBe(1500)
    expect(roomFor({ ...found, chunks: { ...found.chunks, sealedSize: 7 * 16 + 160 } })).toBe(0)
    expect(roomFor({ ...found, chunks: { ...found.chunks, sealedSize: 7 * 16 + 50 } })).toBe(0)
  })

  test('where in the file the bytes of a chunk lie', async () => {
    const { found } = await made()
    expect(Array.from({ length: 7 }, (_, i) => chunkRange(i, found, 1500))).toEqual([
      { from: 0, to: 128 },
      ...[1, 2, 3, 4, 5].map(i => ({ from: i * 256 - 128, to: i * 256 + 128 })),
      { from: 1408, to: 1500 },
    ])
    // The last one holds the hash too, and where the file is shorter, nothing else.
    expect(chunkRange(6, found, 1410)).toEqual({ from: 1408, to: 1410 })
    expect(chunkRange(6, found, 1400)).toEqual({ from: 1400, to: 1400 })
    expect(chunkRange(0, found, 5)).toEqual({ from: 0, to: 5 })
    expect(chunkRange(0, { ...found, header: { ...found.header, metadata: 256 } }, 5)).toEqual({ from: 0, to: 0 })
    expect(chunkRange(6, found, 2000)).toEqual({ from: 1408, to: 1532 })
  })

  test.each([0, 1, 3, 6])('a damaged chunk %i is named, with the bytes that it held', async chunk => {
    const { found, at, flipped } = await made()
    const { from, to } = chunkRange(chunk, found, 1500)
    // Before the first chunk is open, only the room for the file is known: it is the file's own size here.
    expect(await opening(await exact(flipped(at(chunk) + 5)))).toBe(
      `E_CHUNK: chunk ${chunk + 1} of 7 is damaged (bytes ${from} to ${to - 1} of the file inside)`,
    )
  })

  test('a chunk that holds nothing of the file says so', async () => {
    const whole = await sealBytes(pattern(1400), { chunk: CHUNK })
    const inside = await pixelsOf(whole)
    const { size } = parseHeader(inside)!
    const bad = inside.map((byte, i) => (i === size + 6 * 272 ? byte ^ 1 : byte))
    expect(await opening(await exact(bad))).toBe(
      'E_CHUNK: chunk 7 of 7 is damaged (it holds no bytes of the file inside, but its hash or padding)',
    )
  })

  test('a header that was altered is refused', async () => {
    const { pixels, headerBytes } = await made()
    const end = headerBytes - 2
    expect(
      await opening(await exact(pixels.map((byte, i) => (i === end ? (byte === 0x30 ? 0x31 : 0x30) : byte)))),
    ).toBe('E_HEADER: the header of this sealed file was altered')
    const parsed = parseHeader(pixels)!
    expect(await failure(unlock({ ...parsed, authenticate: async () => false }, keyring(), flows))).toContain(
      'E_HEADER',
    )
    expect((await unlock(parsed, keyring(), flows)).cipher.lanes).toBe(2)
  })

  test.each([1, 3, 6])('cut behind chunk %i and made a whole picture, it is cut', async chunk => {
    const { pixels, at } = await made()
    const cut = pixels.subarray(0, at(chunk))
    const fill = (3 - (cut.length % 3)) % 3
    expect(
      fill === 0
        ? await opening(await exact(cut))
        : await opening(await exact(concatBytes(cut, pixels.subarray(at(chunk), at(chunk) + fill)))),
    ).toMatch(/^E_(TRUNCATED|CHUNK)/)
  })

  test('a file whose first chunk is said to be all, though another followed, is cut', async () => {
    const plaintext = concatBytes(region(1000), pattern(1000), sha256Of(pattern(1000)))
    const header: Header = { body: 'aes-256-gcm', chunk: CHUNK, metadata: 128, nonce: NONCE, envelope: album.envelope }
    const keys = await keysHere()
    const cipher = await bodyCipher(header, keys, noFlows)
    for (const last of [false, true]) {
      const only = await cipher.seal(0, last, plaintext.slice(0, CHUNK))
      const bare = headerSize(header, 0) + only.length
      const file = await exact(concatBytes(await encodeHeader(header, keys, (3 - (bare % 3)) % 3), only))
      expect(await opening(file)).toBe('E_TRUNCATED: this sealed file ends too early')
      const source = watched(file)
      await expect(openSealed(source.source, keyring(), flows)).rejects.toMatchObject({ code: 'E_TRUNCATED' })
      expect(source.closed()).toBe(true)
    }
  })

  test('a size one byte larger than there is room for is cut; of all the room it is read', async () => {
    const plain = pattern(96)
    expect(await opening(await crafted(concatBytes(region(97), plain, sha256Of(plain))))).toBe(
      'E_TRUNCATED: this sealed file ends too early',
    )
    expect(await openBytes(await crafted(concatBytes(region(96), plain, sha256Of(plain))))).toEqual(plain)
  })

  test.each<[string, number, (plain: Uint8Array) => Uint8Array, string]>([
    [
      'another hash',
      300,
      plain => sha256Of(concatBytes(plain, text('x'))),
      'the bytes that came out are not those that were sealed',
    ],
    [
      'padding that is not empty, right behind the hash',
      300,
      plain => concatBytes(sha256Of(plain), Uint8Array.of(1, 0, 0)),
      'the padding behind the file is not empty',
    ],
    [
      'padding that is not empty, far behind',
      300,
      plain => concatBytes(sha256Of(plain), new Uint8Array(600), Uint8Array.of(1)),
      'the padding behind the file is not empty',
    ],
    [
      'padding that is not empty, in a chunk of its own',
      352,
      plain => concatBytes(sha256Of(plain), new Uint8Array(40).fill(9)),
      'the padding behind the file is not empty',
    ],
  ])('%s: whoever has the key and writes that is found out', async (_, size, tail, message) => {
    expect(await opening(await crafted(concatBytes(region(size), pattern(size), tail(pattern(size)))))).toBe(
      `E_HASH: ${message}`,
    )
  })

  test.each([63, 64, 95, 96, 97, 127, 128, 129, 352, 380])(
    '%i bytes and empty padding of several chunks open, and their hash is had',
    async size => {
      const file = await crafted(concatBytes(region(size), pattern(size), sha256Of(pattern(size)), new Uint8Array(700)))
      expect(await openBytes(file)).toEqual(pattern(size))
      expect(toHex(await (await openSealed(streamOf(file), keyring(), flows)).sha256())).toBe(
        toHex(sha256Of(pattern(size))),
      )
    },
  )

  test('the hash is had without opening the chunks before it, and not if its own is damaged', async () => {
    const { at, flipped } = await made()
    const large = await largeFile()
    const hash = async (bad: Uint8Array) => (await openSealed(streamOf(await exact(bad)), keyring(), flows)).sha256()
    for (const chunk of [2, 3, 5]) expect(toHex(await hash(flipped(at(chunk) + 9)))).toBe(toHex(sha256Of(bytes)))
    expect(await failure(hash(flipped(at(6) + 9)))).toMatch(/^E_CHUNK: chunk 7 of 7/)
    expect(await failure((await openSealed(streamOf(large.subarray(0, 150_000)), keyring(), flows)).sha256())).toMatch(
      /^E_TRUNCATED/,
    )
    const source = watched(large, 10_000)
    await (await openSealed(source.source, keyring(), flows)).sha256()
    expect(source.closed()).toBe(true)
  })

  test('the hash is had after all bytes were read, too, and is the one they were compared with', async () => {
    const source = watched(await largeFile(), 10_000)
    const opened = await openSealed(source.source, keyring(), flows)
    const whole = await collect(opened.bytes)
    expect(toHex(await opened.sha256())).toBe(toHex(sha256Of(whole)))
    expect(toHex(await opened.sha256())).toBe(toHex(sha256Of(whole)))
    expect(source.closed()).toBe(true)
  })

  test('a hash that lies in two chunks is had whole', async () => {
    for (const size of [1500 - 92 - 1, 1500 - 92 - 31, 1500 - 92 - 32, 1500 - 92]) {
      const whole = pattern(size)
      const opened = await openSealed(streamOf(await sealBytes(whole, { chunk: CHUNK })), keyring(), flows)
      expect(toHex(await opened.sha256())).toBe(toHex(sha256Of(whole)))
    }
  })

  test('the source is let go: at the end, when the bytes are left, when asked, on errors', async () => {
    const { headerBytes, at, flipped } = await made()
    const large = await largeFile()
    const ways: ((opened: Awaited<ReturnType<typeof openSealed>>) => Promise<unknown>)[] = [
      async ({ bytes: all }) => collect(all),
      async ({ bytes: all }) => {
        for await (const _ of all) break
      },
      async opened => opened.close(),
    ]
    for (const way of ways) {
      const source = watched(large, 10_000)
      const opened = await openSealed(source.source, keyring(), flows)
      expect(source.closed()).toBe(false)
      await way(opened)
      expect(source.closed()).toBe(true)
    }
    for (const bad of [flipped(3), flipped(headerBytes - 3), flipped(at(0) + 1)]) {
      const source = watched(await exact(bad))
      expect(await failure(openSealed(source.source, keyring(), flows))).toMatch(/^E_/)
      expect(source.closed()).toBe(true)
    }
    const inspected = watched(large, 10_000)
    await inspectSealed(inspected.source)
    expect(inspected.closed()).toBe(true)
    const broken = watched(await exact(flipped(3)))
    await failure(inspectSealed(broken.source))
    expect(broken.closed()).toBe(true)
  })

  test('a picture too small for the body that its header begins is cut', async () => {
    const { pixels, headerBytes } = await made()
    for (const extra of [0, 15, 47]) {
      const short = pixels.subarray(0, headerBytes + extra)
      const width = Math.ceil(short.length / 3)
      // Up to two bytes too many: below 48 there is no body at all.
      const filled = concatBytes(short, pixels.subarray(short.length, width * 3))
      expect(await opening(await exact(filled))).toMatch(filled.length - headerBytes < 48 ? /^E_TRUNCATED/ : /^E_CHUNK/)
    }
    expect(await failure((async () => inspection({ width: 10, height: 1 }, parseHeader(pixels)!))())).toBe(
      'E_TRUNCATED: this sealed file ends too early',
    )
  })

  test('a header that does not end is given up', async () => {
    const { pixels, headerBytes } = await made()
    const start = pixels.subarray(0, headerBytes - 80)
    const endless = (amount: number) => ({
      start: new Uint8Array(64),
      pixels: streamOf(concatBytes(start, new Uint8Array(amount)), 1 << 16),
    })
    const envelope = text(
      new TextDecoder('latin1')
        .decode(start)
        .replace(/envelope \d+/, 'envelope 524288')
        .slice(0, 300),
    )
    expect(await failure(readHeader({ start: new Uint8Array(64), pixels: streamOf(envelope) }))).toBe(
      'E_HEADER: the header of this sealed file does not end',
    )
    expect(await failure(readHeader(endless(0)))).toBe('E_HEADER: the header of this sealed file does not end')
    let given = 0
    const forever = (async function* () {
      yield envelope
      for (;;) {
        given += 60_000
        yield new Uint8Array(60_000)
      }
    })()
    expect(await failure(readHeader({ start: new Uint8Array(64), pixels: forever }))).toMatch(/^E_HEADER/)
    expect(given).toBeLessThanOrEqual(MAX_HEADER + 120_000)
  })

  test('header and body that come in one part or in many are told apart', async () => {
    const { png, pixels, headerBytes } = await made()
    for (const part of [1, 7, headerBytes, headerBytes + 1, 100_000]) {
      const { parsed, rest } = await readHeader({ start: png.subarray(0, 64), pixels: streamOf(pixels, part) })
      expect(parsed.size).toBe(headerBytes)
      expect(await collect(rest)).toEqual(pixels.subarray(headerBytes))
    }
  })

  test('a picture that breaks at once was sealed only if its first bytes say so', async () => {
    const { png } = await made()
    const breaking = (code: 'E_TRUNCATED' | 'E_CHUNK' | 'E_IO', before: Uint8Array = new Uint8Array(0)) =>
      (async function* () {
        if (before.length > 0) yield before
        throw new LatentError(code, 'it broke')
      })()
    const start = png.slice(0, 64)
    const other = start.map((byte, i) => (i === 50 ? byte ^ 1 : byte))
    const broken = (first: Uint8Array, code: 'E_TRUNCATED' | 'E_CHUNK' | 'E_IO', before?: Uint8Array) =>
      failure(readHeader({ start: first, pixels: breaking(code, before) }))
    expect(await broken(start, 'E_TRUNCATED')).toBe('E_TRUNCATED: it broke (no hint)')
    expect(await broken(start, 'E_CHUNK')).toBe('E_CHUNK: it broke (no hint)')
    for (const code of ['E_TRUNCATED', 'E_CHUNK'] as const)
      expect(await broken(other, code)).toBe(
        'E_NOT_SEALED: this PNG is broken, and nothing in it shows that it was sealed',
      )
    expect(await broken(other, 'E_IO')).toBe('E_IO: it broke (no hint)')
    expect(await broken(start.subarray(0, 55), 'E_TRUNCATED')).toMatch(/^E_TRUNCATED: this PNG ends too early to tell/)
    expect(await broken(other, 'E_TRUNCATED', text('latent sealed'))).toMatch(/^E_NOT_SEALED/)
    expect(await broken(other, 'E_TRUNCATED', text('latent sealed '))).toBe('E_TRUNCATED: it broke (no hint)')
    const strange = new Error('no error of ours')
    const throwing: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: async () => Promise.reject(strange) }),
    }
    expect(await failure(readHeader({ start: other, pixels: throwing }))).toBe(strange)
  })

  test('without the key nothing opens', async () => {
    const { png } = await made()
    expect(await failure(openSealed(streamOf(png), new Keyring({ passphrases: [] }), flows))).toMatch(
      /^E_(HEADER|NO_MATCH)/,
    )
  })
})

describe('salvage', () => {
  const bytes = pattern(1500)
  const made = async () => {
    const png = await sealBytes(bytes, { chunk: CHUNK })
    const { headerSize: headerBytes, geometry } = await inspectSealed(streamOf(png))
    const rowBytes = geometry.width * 3
    /** Where in the file a pixel byte lies. */
    const offset = (pixel: number) => 49 + pixel + Math.floor(pixel / rowBytes)
    const chunkAt = (chunk: number) => offset(headerBytes + chunk * (CHUNK + 16))
    return { png, headerBytes, geometry, rowBytes, offset, chunkAt }
  }
  const salvaged = async (file: Uint8Array, size = file.length) => {
    const found = await salvageSealed(() => streamOf(file, 300), size, keyring(), flows)
    const pieces: (Uint8Array | undefined)[] = []
    for await (const piece of found.pieces) pieces.push(piece)
    return { found, pieces }
  }
  const state = (
    pieces: readonly (Uint8Array | undefined)[],
    plaintext = concatBytes(region(1500), bytes, sha256Of(bytes)),
  ) =>
    pieces
      .map((piece, i) =>
        piece === undefined
          ? '-'
          : Buffer.from(piece).equals(plaintext.subarray(i * CHUNK, (i + 1) * CHUNK))
            ? '+'
            : '?',
      )
      .join('')

  test.each<[string, (file: Uint8Array, where: Awaited<ReturnType<typeof made>>) => Uint8Array, string]>([
    ['nothing', file => file, '+++++++'],
    [
      'a bit of the first chunk',
      (file, { chunkAt }) => file.map((byte, i) => (i === chunkAt(0) + 3 ? byte ^ 1 : byte)),
      '-++++++',
    ],
    [
      'a bit of the last chunk',
      (file, { chunkAt }) => file.map((byte, i) => (i === chunkAt(6) + 3 ? byte ^ 1 : byte)),
      '++++++-',
    ],
    ['the header of the deflate block', file => file.map((byte, i) => (i >= 43 && i < 48 ? 0xee : byte)), '+++++++'],
    [
      'the code over the header',
      (file, { offset, headerBytes }) =>
        file.map((byte, i) => (i === offset(headerBytes - 3) ? (byte === 0x30 ? 0x31 : 0x30) : byte)),
      '+++++++',
    ],
    ['all behind the third chunk', (file, { chunkAt }) => file.subarray(0, chunkAt(3)), '+++'],
    ['all but one byte of the fourth chunk', (file, { chunkAt }) => file.subarray(0, chunkAt(3) + 100), '+++'],
    ['the last byte of the last chunk', (file, { chunkAt }) => file.subarray(0, chunkAt(6) + 140), '++++++'],
    [
      'every filter byte',
      (file, { rowBytes, geometry }) =>
        file.map((byte, i) =>
          i >= 48 && i < 48 + (rowBytes + 1) * geometry.height && (i - 48) % (rowBytes + 1) === 0 ? 9 : byte,
        ),
      '+++++++',
    ],
  ])('without %s', async (_, damage, expected) => {
    const file = await made()
    const { found, pieces } = await salvaged(damage(file.png.slice(), file))
    expect(state(pieces)).toBe(expected)
    expect(found.chunks.count).toBe(7)
    expect(salvagedMetadata(found, pieces[0])).toEqual(
      pieces[0] && { name: 'photo.jpg', type: 'image/jpeg', size: 1500, modified: 1_700_000_000_000 },
    )
  })

  test('a file that grew is read as any picture is, and so is one in another layout', async () => {
    const { png, geometry, rowBytes } = await made()
    const grown = concatBytes(png, text('a service wrote this'))
    expect(state((await salvaged(grown)).pieces)).toBe('+++++++')
    // Whether positions can be trusted is told by the size alone.
    const broken = png.map((byte, i) => (i >= 43 && i < 48 ? 0xee : byte))
    expect(await failure(salvaged(broken, carrierSize(geometry) + 1))).toMatch(/^E_CHUNK|^E_NOT_SEALED|^E_TRUNCATED/)
    expect(state((await salvaged(broken, carrierSize(geometry))).pieces)).toBe('+++++++')
    const { deflateSync, crc32 } = await import('node:zlib')
    const raw = Buffer.concat(
      Array.from({ length: geometry.height }, (_, y) =>
        png.subarray(48 + y * (rowBytes + 1), 48 + (y + 1) * (rowBytes + 1)),
      ),
    )
    const data = deflateSync(raw, { level: 1 })
    const u32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
    const chunk = (type: string, body: Uint8Array) =>
      concatBytes(u32(body.length), text(type), body, u32(crc32(concatBytes(text(type), body))))
    const other = concatBytes(png.subarray(0, 33), chunk('IDAT', data), chunk('IEND', new Uint8Array(0)))
    expect(state((await salvaged(other)).pieces)).toBe('+++++++')
  })

  test('cut at a chunk and made a whole picture, even its last chunk comes out', async () => {
    const { png } = await made()
    const keys = await keysHere()
    for (const chunks of [3, 6]) {
      const parsed = parseHeader(await pixelsOf(png))!
      const body = (await pixelsOf(png)).subarray(parsed.size, parsed.size + chunks * (CHUNK + 16))
      const header = headerSize(parsed.header, 0)
      const file = await exact(
        concatBytes(await encodeHeader(parsed.header, keys, (3 - ((header + body.length) % 3)) % 3), body),
      )
      const { pieces, found } = await salvaged(file)
      expect([state(pieces), found.chunks.count]).toEqual(['+'.repeat(chunks), chunks])
    }
  })

  test('a source that fails otherwise than by damage fails the salvage', async () => {
    const large = await largeFile()
    const failing = async function* () {
      yield large.slice(0, 100_000)
      throw new TypeError('a fault of the program')
    }
    const { pieces } = await salvageSealed(failing, large.length, keyring(), flows)
    await expect(
      (async () => {
        for await (const _ of pieces) void _
      })(),
    ).rejects.toThrow('a fault of the program')
  })

  test('sources are let go', async () => {
    const { png, offset } = await made()
    const large = await largeFile()
    const given: ReturnType<typeof watched>[] = []
    const source = (file: Uint8Array) => () => {
      given.push(watched(file))
      return given.at(-1)!.source
    }
    const { pieces } = await salvageSealed(source(large), large.length, keyring(), flows)
    for await (const _ of pieces) break
    expect(given.map(({ closed }) => closed())).toEqual([true, true])
    await failure(
      salvageSealed(source(png.map((byte, i) => (i === offset(20) ? byte ^ 1 : byte))), png.length, keyring(), flows),
    )
    await failure(
      salvageSealed(
        source(
          concatBytes(
            png.map((byte, i) => (i === offset(20) ? byte ^ 1 : byte)),
            text('x'),
          ),
        ),
        png.length + 1,
        keyring(),
        flows,
      ),
    )
    expect(given.length).toBeGreaterThanOrEqual(4)
    expect(given.every(({ closed }) => closed())).toBe(true)
  })

  test('the first bytes of a file tell whether it is one of ours', async () => {
    const { png } = await made()
    expect([
      looksSealed(png),
      looksSealed(png.subarray(0, 63)),
      looksSealed(png.subarray(0, 62)),
      looksSealed(text('a letter')),
    ]).toEqual([true, true, false, false])
  })
})

describe('a new envelope', () => {
  const bytes = pattern(1500)
  const other: Album = {
    key: album.key,
    envelope: text('an envelope for somebody else, and longer than the one before it was'),
  }

  test.each(BODIES)('around a body of %s: the same body, for those alone whom it is for', async (_, body) => {
    const before = await sealBytes(bytes, { body, chunk: CHUNK })
    const asked: Uint8Array[] = []
    const rewrapping = await rewrapSealed(streamOf(before, 90), keyring(), async key => {
      asked.push(key)
      return other
    })
    const after = await collect(rewrapping.png)
    expect(asked).toEqual([album.key])
    expect([after.length, rewrapping.nonce]).toEqual([rewrapping.size, NONCE])
    const [old, now] = [await inspectSealed(streamOf(before)), await inspectSealed(streamOf(after))]
    expect(now.header).toEqual({ ...old.header, envelope: other.envelope })
    expect((await pixelsOf(after)).subarray(now.headerSize)).toEqual((await pixelsOf(before)).subarray(old.headerSize))
    expect(await collect((await openSealed(streamOf(after), new Keyring().remember(other), flows)).bytes)).toEqual(
      bytes,
    )
    expect(await failure(openBytes(after))).toMatch(/^E_/)
    expect(now.geometry).toEqual(geometryFor(headerSize(now.header, 0) + now.chunks.sealedSize, MAX_FILLER))
  })

  test('is not put around a file whose header was altered, and the source is let go', async () => {
    const before = await sealBytes(bytes, { chunk: CHUNK })
    const pixels = await pixelsOf(before)
    const { size } = parseHeader(pixels)!
    const source = watched(
      await exact(pixels.map((byte, i) => (i === size - 2 ? (byte === 0x30 ? 0x31 : 0x30) : byte))),
    )
    expect(await failure(rewrapSealed(source.source, keyring(), async () => other))).toBe(
      'E_HEADER: the header of this sealed file was altered',
    )
    expect(source.closed()).toBe(true)
    const large = await largeFile()
    const left = watched(large, 10_000)
    const rewrapping = await rewrapSealed(left.source, keyring(), async () => other)
    expect(left.closed()).toBe(false)
    await rewrapping.close()
    expect(left.closed()).toBe(true)
    const read = watched(large, 10_000)
    await collect((await rewrapSealed(read.source, keyring(), async () => other)).png)
    expect(read.closed()).toBe(true)
  })
})
