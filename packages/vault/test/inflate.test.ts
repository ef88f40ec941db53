import { concatBytes } from '@latent/core'
import { constants, deflateRawSync, deflateSync, inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { plainAdler32 } from '../src/carrier/adler32.ts'
import { Inflater } from '../src/carrier/inflate.ts'

/** Repeats itself from far away, and not from near. */
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i % 20_000) * 167 + ((i % 20_000) >>> 8))

/** What comes out, in pushes of `size` bytes; whatever was pushed is overwritten afterwards. */
function inflated(stream: Uint8Array, size = stream.length): Uint8Array {
  const inflater = new Inflater()
  const parts: Uint8Array[] = []
  for (let at = 0; at < stream.length; at += size) {
    const bytes = Buffer.from(stream.subarray(at, at + size))
    for (const part of inflater.push(bytes)) parts.push(Uint8Array.from(part))
    bytes.fill(0xaa)
  }
  return concatBytes(...parts)
}

const HEAD = Uint8Array.of(0x78, 1)
const stored = (bytes: Uint8Array, last = false) =>
  concatBytes(
    Uint8Array.of(
      last ? 1 : 0,
      bytes.length & 255,
      bytes.length >>> 8,
      ~bytes.length & 255,
      (~bytes.length >>> 8) & 255,
    ),
    bytes,
  )

/** A stream whose blocks are stored and packed by turns, of so many bytes each; the latter refer to the former. */
function mixed(data: Uint8Array, lengths: readonly number[], first: 'stored' | 'packed'): Uint8Array {
  const blocks: Uint8Array[] = []
  let at = 0
  for (const [i, length] of lengths.entries()) {
    const part = data.subarray(at, at + length)
    const isStored = (i % 2 === 0) === (first === 'stored')
    blocks.push(
      isStored
        ? stored(part)
        : deflateRawSync(part, {
            finishFlush: constants.Z_SYNC_FLUSH,
            ...(at > 0 ? { dictionary: data.subarray(Math.max(0, at - 32_768), at) } : {}),
          }),
    )
    at += length
  }
  const sum = new Uint8Array(4)
  new DataView(sum.buffer).setUint32(0, plainAdler32(data.subarray(0, at), 1))
  return concatBytes(HEAD, ...blocks, stored(new Uint8Array(0), true), sum)
}

describe('a zlib stream', () => {
  const data = pattern(300_000)

  test.each([0, 1, 6, 9])('of level %i comes out, whatever the parts', level => {
    const stream = deflateSync(data, { level })
    for (const size of [undefined, 999, 4096, 65_536, 100_000])
      expect(Buffer.compare(inflated(stream, size), data)).toBe(0)
  })

  test.each([
    [10, 10],
    [5000, 3000, 7000],
    [32_767, 1, 32_768, 20_000],
    [65_535, 100, 65_535, 60_000],
    [32_768, 40_000],
    [0, 5, 0, 5],
    [40_000, 30_000, 30_000],
  ])('of stored blocks and packed ones, of %i bytes and so on, which refer to what came before', (...lengths) => {
    const all = data.subarray(
      0,
      lengths.reduce((sum, length) => sum + length, 0),
    )
    for (const first of ['stored', 'packed'] as const) {
      const stream = mixed(data, lengths, first)
      expect(inflateSync(stream).compare(all)).toBe(0)
      for (const size of [undefined, 999, 32_768]) expect(Buffer.compare(inflated(stream, size), all)).toBe(0)
    }
  })

  test('of stored blocks leaves the memory that it came in where it is', () => {
    const stream = concatBytes(HEAD, stored(data.subarray(0, 1000)), stored(data.subarray(1000, 3000), true))
    const parts = [...new Inflater().push(stream)]
    expect(parts.map(({ buffer, byteOffset, length }) => [buffer === stream.buffer, byteOffset, length])).toEqual([
      [true, 7, 1000],
      [true, 1012, 2000],
    ])
  })

  test('ends with its last block, and what follows is let pass', () => {
    const end = concatBytes(HEAD, stored(data.subarray(0, 9), true))
    expect(inflated(concatBytes(end, stored(data.subarray(0, 9))), 3)).toEqual(data.subarray(0, 9))
  })

  test.each<[string, readonly number[]]>([
    ['another compression', [0x79, 0x9c]],
    ['a larger window than there is', [0x88, 0x1c]],
    ['a header that is no multiple of 31', [0x78, 0x9d]],
    ['a dictionary that nobody has', [0x78, 0xbb]],
    ['a block of no kind', [0x78, 1, 7, 0, 0, 0, 0, 0, 0, 0]],
    ['a block of no kind behind a stored one', [0x78, 1, 0, 1, 0, 254, 255, 9, 7, 0, 0, 0, 0, 0, 0, 0]],
  ])('with %s is none', (_, bytes) => {
    expect(() => inflated(Uint8Array.from(bytes))).toThrow(/invalid/)
  })

  test('with a length whose complement is wrong is read all the same: whoever wrote it meant the bytes', () => {
    const stream = concatBytes(HEAD, stored(data.subarray(0, 500), true))
    stream[5]! ^= 1
    expect(inflated(stream)).toEqual(data.subarray(0, 500))
  })

  test('that inflates to far more than it has comes in parts that can be given up', () => {
    const stream = deflateSync(new Uint8Array(64 << 20))
    const [first] = new Inflater().push(stream)
    expect(first!.length).toBeLessThan(2 * stream.length * 1032)
    expect(stream.length).toBeLessThan(1 << 17)
    let [steps, most] = [0, 0]
    for (const part of new Inflater().push(deflateSync(new Uint8Array(256 << 20)))) {
      steps++
      most = Math.max(most, part.length)
    }
    expect(steps).toBeGreaterThan(3)
    expect(most).toBeLessThan(80 << 20)
  })
})
