import { createCipheriv, createHash, hkdfSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  concatBytes,
  deriveKey,
  deriveKeys,
  fromHex,
  joinBytes,
  KeyStream,
  release,
  sha256Of,
  toHex,
  u32,
} from '../src/index.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => 3 * i + 1)
const text = (value: string) => new TextEncoder().encode(value)

/**
 * What a key stream gives, from its definition: AES-256-CTR from a counter of zero, under a key derived by HKDF for the
 * label.
 */
function reference(label: string, length: number, nonce = new Uint8Array(0)): Uint8Array {
  const derived = new Uint8Array(hkdfSync('sha256', key, nonce, text(label), 32))
  return new Uint8Array(createCipheriv('aes-256-ctr', derived, new Uint8Array(16)).update(new Uint8Array(length)))
}
const words = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 4 }, (_, i) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * i))

describe('a key stream, against its definition', () => {
  test.each([
    ['one byte at a time', Array.from({ length: 50 }, () => 1)],
    ['up to the end of a first block, and beyond', [4095, 1, 1, 4096, 2]],
    ['less and more than a block', [4096, 4097, 3, 8192]],
    ['a large piece first', [100_001, 15, 17, 5000]],
    ['nothing between', [0, 10, 0, 0, 9000, 0, 7]],
  ])('%s', async (_, sizes) => {
    const stream = await KeyStream.create(key, 'latent/v1/test/stream', Uint8Array.of(9))
    const got: Uint8Array[] = []
    for (const size of sizes) got.push(await stream.bytes(size))
    expect(got.map(({ length }) => length)).toEqual(sizes)
    const whole = joinBytes(got)
    expect(toHex(sha256Of(whole))).toBe(
      toHex(sha256Of(reference('latent/v1/test/stream', whole.length, Uint8Array.of(9)))),
    )
  })

  test('two streams do not disturb each other', async () => {
    const [one, other] = [
      await KeyStream.create(key, 'latent/v1/test/one'),
      await KeyStream.create(key, 'latent/v1/test/other'),
    ]
    await one.bytes(5000)
    expect(await other.bytes(64)).toEqual(reference('latent/v1/test/other', 64))
    expect(await one.bytes(64)).toEqual(reference('latent/v1/test/one', 5064).subarray(5000))
  })

  test('uniforms are the words by 2^32', async () => {
    const uniforms = await (await KeyStream.create(key, 'latent/v1/test/u')).uniforms(200)
    expect(Array.from(uniforms)).toEqual(words(reference('latent/v1/test/u', 800)).map(word => word / 2 ** 32))
  })

  // Where nearly half of all words are rejected, one that is taken by mistake shows at once.
  test.each([1, 2, 6, 255, 2 ** 31, 2 ** 31 + 1, 3 * 2 ** 30 + 5, 2 ** 32 - 1, 2 ** 32])(
    'integers below %i: words below the largest multiple, and no others',
    async bound => {
      const taken = words(reference('latent/v1/test/i', 4000)).filter(
        word => word < Math.floor(2 ** 32 / bound) * bound,
      )
      expect(Array.from(await (await KeyStream.create(key, 'latent/v1/test/i')).integers(100, bound))).toEqual(
        taken.slice(0, 100).map(word => word % bound),
      )
    },
  )

  test('integers take as many words as they need, and leave the rest', async () => {
    const stream = await KeyStream.create(key, 'latent/v1/test/i')
    expect(await stream.integers(0, 5)).toEqual(new Uint32Array(0))
    await stream.integers(10, 2 ** 32)
    expect(await stream.bytes(8)).toEqual(reference('latent/v1/test/i', 48).subarray(40))
  })

  test('where many words are rejected, no more are drawn than are missing', async () => {
    const [bound, count] = [2 ** 31 + 1, 50]
    const drawn = words(reference('latent/v1/test/i', 4000))
    let [taken, at] = [0, 0]
    while (taken < count) {
      const next = drawn.slice(at, at + count - taken)
      at += next.length
      taken += next.filter(word => word < bound).length
    }
    const stream = await KeyStream.create(key, 'latent/v1/test/i')
    await stream.integers(count, bound)
    expect(await stream.bytes(8)).toEqual(reference('latent/v1/test/i', 4 * at + 8).subarray(4 * at))
  })

  test('the first word that no multiple covers is rejected', async () => {
    const drawn = words(reference('latent/v1/test/i', 400))
    const at = drawn.findIndex(word => word > 2 ** 31)
    const stream = await KeyStream.create(key, 'latent/v1/test/i')
    await stream.bytes(4 * at)
    // Of this bound there is one multiple below 2^32: itself.
    const below = drawn.slice(at).find(word => word < drawn[at]!)!
    expect([...(await stream.integers(1, drawn[at]!))]).toEqual([below])
  })

  test.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN, Number.POSITIVE_INFINITY])('no integers below %d', async bound => {
    await expect((await KeyStream.create(key, 'latent/v1/test/i')).integers(1, bound)).rejects.toMatchObject({
      code: 'E_ARGUMENT',
    })
  })

  // At the last size the lowest bits of a draw decide some of the steps.
  test.each([0, 1, 2, 3, 10, 1000, 30_000])('a permutation of %i, as Fisher and Yates have it', async n => {
    const drawn = words(reference('latent/v1/test/p', 8 * Math.max(n, 1)))
    const order = Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      // 53 bits of the pair of words that belongs to the step, as exact integers.
      const bits = (BigInt(drawn[2 * (i - 1)]! >>> 5) << 26n) | BigInt(drawn[2 * (i - 1) + 1]! >>> 6)
      const j = Number((bits * BigInt(i + 1)) >> 53n)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    const stream = await KeyStream.create(key, 'latent/v1/test/p')
    expect((await stream.permutation(n)).join()).toBe(order.join())
    const used = 8 * Math.max(0, n - 1)
    expect(await stream.bytes(4)).toEqual(reference('latent/v1/test/p', used + 4).subarray(used))
  })

  test('every permutation of three comes up about as often', async () => {
    const stream = await KeyStream.create(key, 'latent/v1/test/p3')
    const counts = new Map<string, number>()
    for (let i = 0; i < 1200; i++) {
      const name = (await stream.permutation(3)).join('')
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    expect(counts.size).toBe(6)
    // 5 degrees of freedom, critical value at 0.0001; the stream is fixed.
    expect([...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0)).toBeLessThan(25.7)
  })
})

describe('derived keys', () => {
  test('are HKDF of the label, of the length asked for', async () => {
    const salt = text('salt')
    for (const length of [16, 32, 80])
      expect(await deriveKey(key, 'latent/v1/test/key', salt, length)).toEqual(
        new Uint8Array(hkdfSync('sha256', key, salt, text('latent/v1/test/key'), length)),
      )
    expect(await deriveKey(key, 'latent/v1/test/key')).toEqual(
      new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), text('latent/v1/test/key'), 32)),
    )
  })

  test('of several purposes at once are those of each', async () => {
    const purposes = ['latent/v1/test/key', 'latent/v1/test/other', 'latent/v1/test/key'] as const
    expect(await deriveKeys(key, purposes)).toEqual(await Promise.all(purposes.map(purpose => deriveKey(key, purpose))))
  })

  test('are as long as HKDF can make them, and no longer', async () => {
    const longest = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), text('latent/v1/test/key'), 8160))
    expect(await deriveKey(key, 'latent/v1/test/key', undefined, 8160)).toEqual(longest)
    await expect(deriveKey(key, 'latent/v1/test/key', undefined, 8161)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('of 16 bytes and more, never fewer', async () => {
    expect((await deriveKey(key.subarray(0, 16), 'latent/v1/test/key')).length).toBe(32)
    for (const length of [0, 1, 15])
      await expect(deriveKey(key.subarray(0, length), 'latent/v1/test/key')).rejects.toMatchObject({
        code: 'E_ARGUMENT',
        message: expect.stringContaining(`received ${length} bytes`),
      })
  })
})

describe('bytes', () => {
  test('joined in their order', () => {
    expect(joinBytes([Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3))
    expect(joinBytes([])).toEqual(new Uint8Array(0))
    expect(concatBytes(Uint8Array.of(9), Uint8Array.of(8, 7))).toEqual(Uint8Array.of(9, 8, 7))
  })

  test.each([
    [0, '00000000'],
    [1, '00000001'],
    [0x01020304, '01020304'],
    [2 ** 32 - 1, 'ffffffff'],
  ])('%i as four bytes', (value, hex) => {
    expect(toHex(u32(value))).toBe(hex)
  })

  test('SHA-256 of one array', () => {
    for (const length of [0, 1, 64, 1000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i)
      expect(toHex(sha256Of(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'))
    }
  })

  test.each(['a', 'abc', '0g', 'AB', '0x12', ' 12', '12\n'])('%j is no hexadecimal', hex => {
    expect(() => fromHex(hex)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })

  // Views, small arrays and memory that threads share may be in use elsewhere.
  test.each<[string, () => Uint8Array, number]>([
    ['64 KiB are given back', () => new Uint8Array(65536), 0],
    ['more are given back', () => new Uint8Array(70_000), 0],
    ['less stays', () => new Uint8Array(65535), 65535],
    ['a view of the start stays', () => new Uint8Array(new ArrayBuffer(200_000), 0, 199_999), 199_999],
    ['a view behind the start stays', () => new Uint8Array(new ArrayBuffer(200_000), 1), 199_999],
    ['shared memory stays', () => new Uint8Array(new SharedArrayBuffer(65536)), 65536],
  ])('memory: %s', (_, make, length) => {
    const bytes = make()
    release(bytes)
    expect(bytes.length).toBe(length)
  })
})
