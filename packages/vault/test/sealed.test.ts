import { sha256Of, toHex } from '@latent/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type Album,
  carrierSize,
  chunkRange,
  collect,
  createAlbum,
  geometryFor,
  inspectSealed,
  Keyring,
  openSealed,
  padme,
  pixelBytes,
  prepareSeal,
  readCarrier,
  salvagedMetadata,
  salvageSealed,
  streamOf,
  writeCarrier,
} from '../src/index.ts'
import { BODIES, flows, noise, openBytes, pixelOffsets, sealBytes, testAlbum, text } from './fixtures.ts'

let album: Album
let keyring: () => Keyring
beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
})

const CHUNK = 4096
const META = 128

describe.each(Object.entries(BODIES))('%s', (_, body) => {
  const boundaries = [1, 2].flatMap(k => [-33, -32, -31, -1, 0, 1, 31, 32, 33].map(d => k * CHUNK - META - 32 + d))
  test.each([0, 1, 31, 32, 33, ...boundaries])('%i bytes come back', async size => {
    const bytes = await noise(size, 'sizes')
    const png = await sealBytes(bytes, album, { body, chunk: CHUNK })
    expect(await openBytes(png, keyring())).toEqual(bytes)
  })

  test('around the boundary of a full chunk', async () => {
    for (const size of [786_432 - META - 33, 786_432 - META - 32, 786_432 - META - 31, 2 * 786_432]) {
      const bytes = await noise(size, 'full')
      expect(toHex(sha256Of(await openBytes(await sealBytes(bytes, album, { body }), keyring())))).toBe(
        toHex(sha256Of(bytes)),
      )
    }
  })
})

test('any content, any part sizes, padded or not, and the size is as announced', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 9000, size: 'max' }),
      fc.integer({ min: 1, max: 700 }),
      fc.boolean(),
      async (bytes, part, padded) => {
        const metadata = { name: 'ä b.jpg', type: 'image/jpeg', size: bytes.length, modified: 5 }
        const sealing = await prepareSeal({
          album,
          metadata,
          flows,
          body: { type: 'aes-256-gcm' },
          chunk: CHUNK,
          padding: padded ? 'padme' : 'none',
        })
        const png = await collect(sealing.png(streamOf(bytes, part)))
        expect(png.length).toBe(sealing.size)
        const opened = await openSealed(streamOf(png, part), keyring(), flows)
        expect(opened.metadata).toEqual(metadata)
        expect(await collect(opened.bytes)).toEqual(bytes)
      },
    ),
    { numRuns: 40 },
  )
})

describe('damage', () => {
  test.each(Object.entries(BODIES))('%s: every single flipped bit in the pixels is detected', async (_, body) => {
    const plain = text('every bit counts')
    const png = await sealBytes(plain, album, { body })
    const { geometry } = await inspectSealed(streamOf(png))
    const offsets = pixelOffsets(geometry.width, geometry.height)
    expect(offsets.length).toBeGreaterThan(600)
    let detected = 0
    for (const offset of offsets) {
      for (let bit = 0; bit < 8; bit++) {
        png[offset]! ^= 1 << bit
        await openBytes(png, keyring()).catch((error: { code: string }) => {
          if (/^E_(HEADER|CHUNK|NO_MATCH|REENCODED|UNSUPPORTED|TRUNCATED)$/.test(error.code)) detected++
        })
        png[offset]! ^= 1 << bit
      }
    }
    expect(detected).toBe(8 * offsets.length)
    expect(await openBytes(png, keyring())).toEqual(plain)
  })

  test('random flipped bits in a sealed file of several chunks are detected and located', async () => {
    const png = await sealBytes(await noise(60_000, 'flips'), album, { chunk: CHUNK })
    const { geometry, headerSize } = await inspectSealed(streamOf(png))
    const offsets = pixelOffsets(geometry.width, geometry.height)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: headerSize, max: 50_000 }),
        fc.integer({ min: 0, max: 7 }),
        async (position, bit) => {
          const bad = png.slice()
          bad[offsets[position]!]! ^= 1 << bit
          const chunk = Math.floor((position - headerSize) / (CHUNK + 16)) + 1
          await expect(openBytes(bad, keyring())).rejects.toMatchObject({
            code: 'E_CHUNK',
            message: expect.stringContaining(`chunk ${chunk} of 15 `),
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('every truncation is detected', async () => {
    const png = await sealBytes(await noise(5000, 'cut'), album, { chunk: CHUNK })
    for (let length = 0; length < png.length; length++) {
      await expect(openBytes(png.subarray(0, length), keyring())).rejects.toMatchObject({
        code: expect.stringMatching(length < 8 ? /^E_NOT_SEALED$/ : /^E_TRUNCATED$/),
      })
    }
  })

  test('chunks of another file, and exchanged ones, are refused', async () => {
    const [a, b] = [
      await sealBytes(await noise(20_000, 'a'), album, { chunk: CHUNK }),
      await sealBytes(await noise(20_000, 'b'), album, { chunk: CHUNK }),
    ]
    const pixels = async (png: Uint8Array) => collect((await readCarrier(streamOf(png))).pixels)
    const { headerSize, geometry } = await inspectSealed(streamOf(a))
    const [pa, pb] = [await pixels(a), await pixels(b)]
    const at = (chunk: number) => headerSize + chunk * (CHUNK + 16)
    const rebuilt = async (pixels: Uint8Array) => collect(writeCarrier(geometry, streamOf(pixels)))
    const foreign = pa.slice()
    foreign.set(pb.subarray(at(1), at(2)), at(1))
    await expect(openBytes(await rebuilt(foreign), keyring())).rejects.toMatchObject({
      code: 'E_CHUNK',
      message: expect.stringContaining('chunk 2 '),
    })
    const swapped = pa.slice()
    swapped.set(pa.subarray(at(2), at(3)), at(1))
    swapped.set(pa.subarray(at(1), at(2)), at(2))
    await expect(openBytes(await rebuilt(swapped), keyring())).rejects.toMatchObject({
      code: 'E_CHUNK',
      message: expect.stringContaining('chunk 2 '),
    })
    expect(await openBytes(await rebuilt(pa), keyring())).toEqual(await noise(20_000, 'a'))
  })

  test('a source that grows or shrinks while it is sealed is refused', async () => {
    for (const size of [99, 101]) {
      const sealing = await prepareSeal({
        album,
        metadata: { name: 'a', type: 'b', size, modified: 0 },
        flows,
        body: { type: 'aes-256-gcm' },
      })
      await expect(collect(sealing.png(streamOf(new Uint8Array(100))))).rejects.toMatchObject({ code: 'E_CHANGED' })
    }
  })
})

describe('keys', () => {
  const bytes = text('for your eyes only')

  test('several recipients, a passphrase and the post-quantum hybrid open; others do not', async () => {
    const { generateX25519Identity, generateHybridIdentity, identityToRecipient } = await import('age-encryption')
    const [first, second, hybrid, stranger] = [
      await generateX25519Identity(),
      await generateX25519Identity(),
      await generateHybridIdentity(),
      await generateX25519Identity(),
    ]
    const shared = await sealBytes(
      bytes,
      await createAlbum({ recipients: [await identityToRecipient(first), await identityToRecipient(second)] }),
    )
    for (const identity of [first, second])
      expect(await openBytes(shared, new Keyring({ identities: [identity] }))).toEqual(bytes)
    await expect(openBytes(shared, new Keyring({ identities: [stranger] }))).rejects.toMatchObject({
      code: 'E_NO_MATCH',
    })
    await expect(openBytes(shared, new Keyring({ passphrases: ['x'] }))).rejects.toMatchObject({ code: 'E_NO_MATCH' })
    const quantum = await sealBytes(bytes, await createAlbum({ recipients: [await identityToRecipient(hybrid)] }))
    expect(await openBytes(quantum, new Keyring({ identities: [stranger, hybrid] }))).toEqual(bytes)
    const worded = await sealBytes(bytes, await createAlbum({ passphrase: 'correct horse', workFactor: 2 }))
    expect(await openBytes(worded, new Keyring({ passphrases: ['correct horse'] }))).toEqual(bytes)
    await expect(openBytes(worded, new Keyring({ passphrases: ['wrong horse'] }))).rejects.toMatchObject({
      code: 'E_NO_MATCH',
    })
  })

  test('malformed recipients and identities are refused without being quoted', async () => {
    await expect(createAlbum({ recipients: ['age1nonsense'] })).rejects.toMatchObject({ code: 'E_KEY' })
    await expect(createAlbum({ recipients: [] })).rejects.toMatchObject({ code: 'E_KEY' })
    await expect(createAlbum({ passphrase: '' })).rejects.toMatchObject({ code: 'E_KEY' })
    const error = (() => {
      try {
        return new Keyring({ identities: ['AGE-SECRET-KEY-1WRONG'] })
      } catch (caught) {
        return caught as Error
      }
    })()
    expect(error).toMatchObject({ code: 'E_KEY' })
    expect(JSON.stringify(error)).not.toContain('WRONG')
  })

  test('one envelope serves a whole run and is opened once', async () => {
    const [a, b] = [await sealBytes(text('a'), album), await sealBytes(text('b'), album)]
    const ring = keyring()
    expect([await openBytes(a, ring), await openBytes(b, ring)]).toEqual([text('a'), text('b')])
    const nonces = await Promise.all([a, b].map(async png => toHex((await inspectSealed(streamOf(png))).header.nonce)))
    expect(nonces[0]).not.toBe(nonces[1])
  })
})

describe('salvage', () => {
  const size = 30_000
  const salvage = async (png: Uint8Array) => {
    const found = await salvageSealed(() => streamOf(png, 1000), png.length, keyring(), flows)
    const pieces: (Uint8Array | undefined)[] = []
    for await (const plaintext of found.pieces) pieces.push(plaintext)
    expect(pieces.length).toBeLessThanOrEqual(found.chunks.count)
    return { found, pieces }
  }

  test.each<[string, (png: Uint8Array) => Uint8Array, number[]]>([
    ['nothing', png => png, []],
    ['one byte of the fourth chunk', png => png.map((byte, i) => (i === 49 + 16_500 ? byte ^ 1 : byte)), [3]],
    ['the deflate header of the first block', png => png.map((byte, i) => (i > 40 && i < 48 ? 0xff : byte)), []],
    [
      'the name of the data chunk and its checksum',
      png => png.map((byte, i) => ((i > 36 && i < 41) || i > png.length - 20 ? 0 : byte)),
      [],
    ],
    ['the second half', png => png.subarray(0, png.length >>> 1), [3, 4, 5, 6, 7]],
  ])('without %s, every other chunk is there', async (_, damage, missing) => {
    const bytes = await noise(size, 'salvage')
    const { found, pieces } = await salvage(damage(await sealBytes(bytes, album, { chunk: CHUNK })))
    expect(found.chunks.count).toBe(8)
    expect(Array.from({ length: 8 }, (_, index) => index).filter(index => !pieces[index])).toEqual(missing)
    expect(salvagedMetadata(found, pieces[0])).toMatchObject({ name: 'photo.jpg', size })
    for (let index = 0; index < 8; index++) {
      const piece = pieces[index]
      const { from, to } = chunkRange(index, found, size)
      const start = index === 0 ? META : 0
      expect(piece?.subarray(start, start + to - from) ?? 'missing').toEqual(
        missing.includes(index) ? 'missing' : bytes.subarray(from, to),
      )
    }
  })
})

describe('the carrier', () => {
  test('is as square as fits, wastes little, and has the size it says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 300, max: 200_000 }), async bytes => {
        const geometry = geometryFor(bytes)
        const waste = pixelBytes(geometry) - bytes
        expect(waste).toBeGreaterThanOrEqual(0)
        expect(waste).toBeLessThan(Math.max(6, 3 * Math.sqrt(bytes / 3)))
        expect(geometry.width / geometry.height).toBeLessThan(2.5)
        const png = await collect(writeCarrier(geometry, streamOf(new Uint8Array(pixelBytes(geometry)), 777)))
        expect(png.length).toBe(carrierSize(geometry))
      }),
      { numRuns: 40 },
    )
  })

  test('a stranger decodes the same pixels', async () => {
    const { decodePng } = await import('@latent/core/png')
    const bytes = await noise(99, 'foreign decoder')
    const png = await collect(writeCarrier({ width: 11, height: 3 }, streamOf(bytes, 7)))
    expect(decodePng(png)).toMatchObject({ width: 11, height: 3, channels: 3, data: bytes })
  })
})

test('padme hides all but the leading bits', () => {
  // Worked out by hand from the definition.
  expect([1, 9, 100, 1000, 1_000_000].map(padme)).toEqual([1, 10, 104, 1024, 1_015_808])
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 2 ** 40 }), size => {
      expect(padme(size)).toBeGreaterThanOrEqual(size)
      expect(padme(size)).toBeLessThanOrEqual(size * 1.12)
    }),
  )
})
