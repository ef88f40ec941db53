import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readModel } from '../src/models/index.ts'
import { packedLimit, unpackWeights } from '../src/models/unpack.ts'

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 7)
const card = { id: 'toy', scheme: 'toy', sha256: '', bytes: bytes.length }
const HINT = 'the file was altered or damaged; install Latent again'

test('what gzip packed comes out as it went in, at every level', async () => {
  for (const level of [0, 1, 9]) expect(await unpackWeights(gzipSync(bytes, { level }), card)).toEqual(bytes)
})

test.each([[Uint8Array.of()], [Uint8Array.of(0x1f)], [Uint8Array.of(0x1f, 0x8a, 8)], [Uint8Array.of(0, 0x8b, 8)]])(
  'what does not begin as gzip does is left as it is: %s',
  async file => expect(await unpackWeights(file, card)).toBe(file),
)

test.each([
  ['a byte more', gzipSync(Buffer.concat([bytes, Uint8Array.of(1)])), 'hold more than 300000 bytes'],
  ['many more', gzipSync(new Uint8Array(5_000_000)), 'hold more than 300000 bytes'],
  ['a byte less', gzipSync(bytes.subarray(1)), 'hold 299999 bytes, not 300000'],
  ['nothing', gzipSync(Uint8Array.of()), 'hold 0 bytes, not 300000'],
  ['a cut', gzipSync(bytes).subarray(0, -20), 'are no whole gzip file'],
  ['another sum', gzipSync(bytes).map((byte, i, all) => (i === all.length - 6 ? byte ^ 1 : byte)), 'are no whole gzip'],
])('%s is refused, and what is wrong is said', async (_, file, what) => {
  await expect(unpackWeights(file, card)).rejects.toMatchObject({
    code: 'E_WEIGHTS',
    message: expect.stringContaining(`the packed weights toy ${what}`),
    hint: HINT,
  })
})

test('gzip never makes more of anything than is read of a file', () => {
  expect([0, 1, 1000, 1001].map(packedLimit)).toEqual([100, 102, 1101, 1103])
  for (const size of [0, 1, 70_000, 3_000_000])
    for (const level of [0, 9]) {
      const noise = crypto.getRandomValues(Buffer.alloc(Math.min(size, 65_536)))
      const packed = gzipSync(Buffer.alloc(size, noise.length > 0 ? noise : 0), { level })
      expect(packed.length).toBeLessThanOrEqual(packedLimit(size))
    }
})

test('weights that a user gives packed are refused, and what to do is said', () => {
  expect(() => readModel(gzipSync(bytes), { scheme: 'toy', profile: 'small' })).toThrow(
    expect.objectContaining({ code: 'E_WEIGHTS', hint: 'unpack the file: gunzip -k FILE' }),
  )
})
