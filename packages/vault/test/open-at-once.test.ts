import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AlbumKeys, collect, type FlowProvider, openSealed, pixelBytes, streamOf } from '../src/index.ts'
import { readAtOnce } from '../src/carrier/at-once.ts'
import { carrierSize, geometryFor, readCarrier, writeCarrier } from '../src/carrier/index.ts'
import { openAtOnce } from '../src/open-at-once.ts'
import { png, pngChunk, rows } from './conformance/craft.ts'
import { BODIES, flows, noise, sealBytes, testAlbum, text } from './fixtures.ts'

const { album, keyring } = await testAlbum()

/** What comes out, or why nothing does. */
async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return error instanceof Error ? [(error as Error & { code?: string }).code, error.message] : error
  }
}

const partByPart = (sealed: Uint8Array, keys: AlbumKeys, opener: FlowProvider = flows) =>
  outcome(async () => {
    const { metadata, note, header, bytes } = await openSealed(streamOf(sealed, 1000), keys, opener)
    return { metadata, note, nonce: header.nonce, envelope: header.envelope, bytes: await collect(bytes) }
  })

const atOnce = (sealed: Uint8Array, keys: AlbumKeys, opener: FlowProvider = flows) =>
  outcome(async () => {
    const opened = await openAtOnce(sealed, keys, opener)
    if (!opened) return undefined
    const { sha256: _, ...rest } = opened
    return { ...rest, bytes: new Uint8Array(rest.bytes) }
  })

describe('a carrier that is read at once', () => {
  test.each([1, 2, 50, 3000, 65_000, 65_535, 65_536, 200_000, 1_000_000])(
    'of %i bytes has the pixels that are read part by part',
    async size => {
      const geometry = geometryFor(size)
      const pixels = await noise(pixelBytes(geometry), `${size}`)
      const file = await collect(writeCarrier(geometry, streamOf(pixels)))
      const read = readAtOnce(file)!
      expect(read.geometry).toEqual(geometry)
      expect(Buffer.from(read.pixels).equals(pixels)).toBe(true)
    },
  )

  test('is small, and laid out as it is written: nothing else is', async () => {
    const geometry = { width: 40, height: 30 }
    const pixels = await noise(pixelBytes(geometry), 'layout')
    const file = await collect(writeCarrier(geometry, streamOf(pixels)))
    expect(readAtOnce(png({ ...geometry, raw: rows(pixels, 120, 3) }))).toBeUndefined()
    const beside = Buffer.concat([file.subarray(0, 33), pngChunk('tEXt', text('a note')), file.subarray(33)])
    expect(readAtOnce(beside)).toBeUndefined()
    expect(readAtOnce(Buffer.concat([file, text('behind')]))).toBeUndefined()
    expect(readAtOnce(file.subarray(0, -1))).toBeUndefined()
    const large = geometryFor(17 * 65_535)
    const zeros = await collect(writeCarrier(large, streamOf(new Uint8Array(pixelBytes(large)))))
    expect([zeros.length, readAtOnce(zeros)]).toEqual([carrierSize(large), undefined])
  })

  test('gives what is read part by part, or nothing, whatever is wrong with a byte', async () => {
    const geometry = { width: 7, height: 5 }
    const file = await collect(writeCarrier(geometry, streamOf(await noise(105, 'bytes'))))
    let refused = 0
    for (let at = 0; at < file.length; at++) {
      for (const flip of [1, 4, 128]) {
        const wrong = file.slice()
        wrong[at]! ^= flip
        const here = await outcome(async () => readAtOnce(wrong)?.pixels)
        const there = await outcome(async () => collect((await readCarrier(streamOf(wrong))).pixels))
        if (here === undefined) refused++
        expect([at, here ?? there]).toEqual([at, there])
      }
    }
    // Names, lengths, zlib's first bytes, a block's head and the filters of five rows: 32 places at least.
    expect(refused).toBeGreaterThan(3 * 32)
  })
})

describe.each(Object.entries(BODIES))('%s, opened at once', (_, body) => {
  test.each([0, 1, 31, 32, 4096, 65_400, 300_000, 786_432 - 160])('%i bytes', async size => {
    const bytes = await noise(size, 'at once')
    for (const options of [{}, { padding: 'padme' as const, note: text('{"path":"a/b.jpg"}') }]) {
      const sealed = await sealBytes(bytes, album, { body, ...options })
      const opened = (await atOnce(sealed, keyring())) as { bytes: Uint8Array }
      expect(opened).toEqual(await partByPart(sealed, keyring()))
      expect(Buffer.from(opened.bytes).equals(bytes)).toBe(true)
    }
  })

  test('a file of two chunks is left to be opened part by part', async () => {
    const sealed = await sealBytes(await noise(786_432 - 159, 'two'), album, { body })
    expect(await atOnce(sealed, keyring())).toBeUndefined()
  })
})

describe('what is wrong with a file', () => {
  test('is nothing that is opened at once, or the very error', async () => {
    const whole = await sealBytes(await noise(500, 'wrong'), album, { padding: 'padme' })
    let opened = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const wrong = whole.slice()
        wrong[at]! ^= flip
        const [here, there] = [await atOnce(wrong, keyring()), await partByPart(wrong, keyring())]
        expect(here ?? there).toEqual(there)
        // Checksums of the picture alone may be wrong.
        if (typeof here === 'object' && 'bytes' in here!) opened++
      }),
      { numRuns: 300 },
    )
    expect(opened).toBeLessThan(30)
  })

  test('a wrong hash, or padding that is not empty, of a faulty program is told part by part', async () => {
    const sealed = await sealBytes(await noise(500, 'hash'), album, { body: BODIES['exact-flow+aes-256-gcm']! })
    for (const from of [20, 1]) {
      const faulty: FlowProvider = async (weights, bytes) => {
        const flow = await flows(weights, bytes)
        return {
          ...flow,
          decrypt: async (...given) => {
            const plaintext = await flow.decrypt(...given)
            plaintext[plaintext.length - from]! ^= 1
            return plaintext
          },
        }
      }
      expect(await atOnce(sealed, keyring(), faulty)).toBeUndefined()
      expect(await partByPart(sealed, keyring(), faulty)).toMatchObject(['E_HASH', expect.any(String)])
    }
    const padded = await sealBytes(new Uint8Array(3000), album, { padding: 'padme' })
    expect(await atOnce(padded, keyring())).toEqual(await partByPart(padded, keyring()))
  })

  test('another key, or an altered header', async () => {
    const sealed = await sealBytes(await noise(500, 'key'), album)
    const other = { albumKey: () => Promise.resolve(new Uint8Array(32)) }
    expect(await atOnce(sealed, other)).toEqual(await partByPart(sealed, other))
    expect(await atOnce(sealed, other)).toMatchObject(['E_HEADER', expect.stringContaining('altered')])
  })
})
