import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { primitives as node } from '../src/primitives-node.ts'
import { primitives as web } from '../src/primitives-web.ts'
import {
  argumentError,
  concatBytes,
  equalConstantTime,
  fromHex,
  image,
  imageFromBytes,
  KeyStream,
  LatentError,
  sampleBytes,
  sha256Of,
  toHex,
} from '../src/index.ts'

const bytes = (options: fc.IntArrayConstraints = {}) => fc.uint8Array(options)
const text = (value: string) => new TextEncoder().encode(value)
const sha256Hex = (value: Uint8Array) => toHex(sha256Of(value))

describe.each([node, web])('$name', primitives => {
  test('SHA-256 of "abc", in two parts', () => {
    const hash = primitives.sha256()
    hash.update(text('a'))
    hash.update(text('bc'))
    expect(toHex(hash.digest())).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('CRC-32 check value', () => {
    expect(primitives.crc32(text('123456789'))).toBe(0xcbf43926)
    expect(primitives.crc32(text('6789'), primitives.crc32(text('12345')))).toBe(0xcbf43926)
  })

  test('zlib: what either platform packs comes back, up to the limit; broken streams are errors', () => {
    const data = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 8)
    for (const packer of [node, web]) {
      for (const level of [0, 1, 9] as const)
        expect(sha256Hex(primitives.zlibUnpack(packer.zlibPack(data, level), data.length))).toBe(sha256Hex(data))
      expect(() => primitives.zlibUnpack(packer.zlibPack(data, 6), data.length - 1)).toThrow(
        expect.objectContaining({ code: 'E_LIMIT' }),
      )
      expect(() => primitives.zlibUnpack(packer.zlibPack(data, 6).fill(255, 0, 40), data.length)).toThrow(/header|zlib/)
    }
  })

  test('a changed tag, text or associated data opens to nothing', async () => {
    const key = new Uint8Array(32).fill(7)
    const nonce = new Uint8Array(12)
    const sealed = await primitives.aes256GcmSeal(key, nonce, text('hello'), text('aad'))
    expect(await primitives.aes256GcmOpen(key, nonce, sealed, text('aad'))).toEqual(text('hello'))
    expect(await primitives.aes256GcmOpen(key, nonce, sealed, text('AAD'))).toBeUndefined()
    expect(await primitives.aes256GcmOpen(key, nonce, sealed.subarray(0, 10), text('aad'))).toBeUndefined()
    sealed[0]! ^= 1
    expect(await primitives.aes256GcmOpen(key, nonce, sealed, text('aad'))).toBeUndefined()
  })
})

test('both implementations agree on every primitive', async () => {
  await fc.assert(
    fc.asyncProperty(
      bytes({ minLength: 32, maxLength: 32 }),
      bytes({ minLength: 12, maxLength: 12 }),
      bytes({ maxLength: 200 }),
      bytes({ maxLength: 50 }),
      async (key, nonce, message, aad) => {
        expect(await web.hmacSha256(key, [aad, message])).toEqual(await node.hmacSha256(key, [aad, message]))
        const infos = [message, aad]
        expect(await web.hkdfSha256(key, aad, infos, 80)).toEqual(await node.hkdfSha256(key, aad, infos, 80))
        const counter = concatBytes(nonce, new Uint8Array(4).fill(255))
        expect(await web.aes256CtrStream(key, counter, message.length)).toEqual(
          await node.aes256CtrStream(key, counter, message.length),
        )
        const sealed = await node.aes256GcmSeal(key, nonce, message, aad)
        expect(await web.aes256GcmSeal(key, nonce, message, aad)).toEqual(sealed)
        expect(await web.aes256GcmOpen(key, nonce, sealed, aad)).toEqual(message)
        expect(web.crc32(message)).toBe(node.crc32(message))
      },
    ),
  )
})

describe('key stream', () => {
  const key = new Uint8Array(32).fill(1)

  test('is the same however it is drawn, and differs by label and nonce', async () => {
    const whole = await (await KeyStream.create(key, 'latent/v1/test')).bytes(10_000)
    const parts = await KeyStream.create(key, 'latent/v1/test')
    let at = 0
    for (const size of [1, 15, 4079, 2, 5903]) {
      expect(await parts.bytes(size)).toEqual(whole.subarray(at, at + size))
      at += size
    }
    expect(await (await KeyStream.create(key, 'latent/v1/test2')).bytes(32)).not.toEqual(whole.subarray(0, 32))
    expect(await (await KeyStream.create(key, 'latent/v1/test', Uint8Array.of(1))).bytes(32)).not.toEqual(
      whole.subarray(0, 32),
    )
  })

  test('integers stay below the bound and are even; permutations are permutations', async () => {
    const stream = await KeyStream.create(key, 'latent/v1/test')
    const counts = [0, 0, 0, 0, 0, 0]
    for (const value of await stream.integers(60_000, 6)) counts[value]!++
    // 5 degrees of freedom; 25.7 is the 0.0001 critical value, and the stream is fixed.
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(25.7)
    expect(Array.from(await stream.permutation(1000)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    )
    await expect(stream.integers(1, 0)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})

describe('image', () => {
  test('16-bit samples travel big-endian and come back', () => {
    const source = image({ width: 2, height: 1, channels: 1, format: 'u16', data: Uint16Array.of(0x1234, 0xabcd) })
    expect(toHex(sampleBytes(source))).toBe('1234abcd')
    expect(imageFromBytes(sampleBytes(source), source)).toEqual(source)
  })

  test.each([
    ['no pixels', { width: 0 }],
    ['a fraction', { height: 1.5 }],
    ['too few samples', { width: 3 }],
    ['too many pixels', { width: 2 ** 28, height: 2 ** 28 }],
    ['the wrong array', { data: new Uint16Array(4) }],
  ])('%s is refused', (_, change) => {
    const good = { width: 2, height: 2, channels: 1, format: 'u8' as const, data: new Uint8Array(4) }
    expect(() => image({ ...good, ...(change as object) })).toThrow(LatentError)
    expect(image(good)).toBe(good)
  })
})

test('hexadecimal and comparison', () => {
  fc.assert(
    fc.property(bytes(), value => {
      expect(fromHex(toHex(value))).toEqual(value)
    }),
  )
  expect(() => fromHex('0G')).toThrow(LatentError)
  expect(equalConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
  expect(equalConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
  expect(equalConstantTime(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false)
})

test('errors never show the bytes they were given', () => {
  const said = (value: unknown, hint?: string) => argumentError('key', '32 bytes', value, hint)
  expect(said(text('secret')).message).toBe('expected 32 bytes for key, received 6 bytes')
  expect(said('x'.repeat(60)).message).toBe(`expected 32 bytes for key, received "${'x'.repeat(60)}"`)
  expect(said('x'.repeat(61)).message).toBe(`expected 32 bytes for key, received "${'x'.repeat(60)}..."`)
  for (const value of [7, -0.5, true, undefined, null])
    expect(said(value).message).toBe(`expected 32 bytes for key, received ${value}`)
  for (const [value, kind] of [
    [{ key: 'secret' }, 'object'],
    [['secret'], 'object'],
    [() => 'secret', 'function'],
    [Symbol('secret'), 'symbol'],
    [7n, 'bigint'],
    [new Uint16Array([7]), 'object'],
  ] as const)
    expect(said(value).message).toBe(`expected 32 bytes for key, received ${kind}`)
  expect([said(1).code, said(1).hint, said(1, 'look').hint, said(1).name]).toEqual([
    'E_ARGUMENT',
    undefined,
    'look',
    'LatentError',
  ])
  expect('cause' in said(1)).toBe(false)
  const cause = new Error('why')
  expect(new LatentError('E_IO', 'x', { cause })).toMatchObject({ cause, hint: undefined })
  expect(() => image({ width: 1, height: 1, channels: 1, format: 'u8', data: 'secret' as never })).toThrow(
    /received "secret"/,
  )
  const error = new LatentError('E_KEY', 'message', { hint: 'hint' })
  expect([error.code, error.message, error.hint]).toEqual(['E_KEY', 'message', 'hint'])
})
