import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../src/index.ts'
import { primitives as node } from '../src/primitives-node.ts'
import { primitives as web } from '../src/primitives-web.ts'
import { GCM } from './vectors/gcm.ts'

// Known answers from the documents that define the primitives: RFC 4231 (HMAC-SHA-256), RFC 5869
// appendix A (HKDF-SHA-256), NIST SP 800-38A appendix F.5.5 (AES-256-CTR), and the AES-256 cases of
// the GCM specification that McGrew and Viega submitted to NIST (appendix B, cases 13 to 16;
// 17 and 18 have nonces of other lengths than 12 bytes, which both implementations refuse).

const text = (value: string) => new TextEncoder().encode(value)
const repeat = (byte: number, count: number) => new Uint8Array(count).fill(byte)
const range = (from: number, to: number) => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i)

const HMAC: [string, Uint8Array, Uint8Array, string][] = [
  ['1', repeat(0x0b, 20), text('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    '2',
    text('Jefe'),
    text('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  ['3', repeat(0xaa, 20), repeat(0xdd, 50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  ['4', range(1, 25), repeat(0xcd, 50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
  ['5 (128 bits are published)', repeat(0x0c, 20), text('Test With Truncation'), 'a3b6167473100ee06e0c796c2955552b'],
  [
    '6',
    repeat(0xaa, 131),
    text('Test Using Larger Than Block-Size Key - Hash Key First'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
  [
    '7',
    repeat(0xaa, 131),
    text(
      'This is a test using a larger than block-size key and a larger than block-size data. The key needs to ' +
        'be hashed before being used by the HMAC algorithm.',
    ),
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
]

const HKDF: [string, Uint8Array, Uint8Array, Uint8Array, string][] = [
  [
    '1',
    repeat(0x0b, 22),
    range(0, 12),
    range(0xf0, 0xf9),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  ],
  [
    '2',
    range(0, 0x4f),
    range(0x60, 0xaf),
    range(0xb0, 0xff),
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
      'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  ],
  [
    '3',
    repeat(0x0b, 22),
    new Uint8Array(0),
    new Uint8Array(0),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  ],
]

// What is short is hashed in another way than what is long.
test.each([0, 1, 4095, 4096, 4097, 70_000])('HMAC-SHA-256 of %i bytes, keys on both sides of a block', async length => {
  const message = Uint8Array.from({ length }, (_, i) => i * 7)
  for (const size of [0, 1, 32, 63, 64, 65, 200]) {
    const key = range(1, size)
    const tag = createHmac('sha256', key).update(message).digest('hex')
    expect(toHex(await node.hmacSha256(key, [message]))).toBe(tag)
    expect(toHex(await node.hmacSha256(key, [message.subarray(0, 1), message.subarray(1)]))).toBe(tag)
  }
})

describe.each([node, web])('$name', primitives => {
  test.each(HMAC)('HMAC-SHA-256, RFC 4231 case %s', async (_, key, message, tag) => {
    expect(toHex(await primitives.hmacSha256(key, [message])).slice(0, tag.length)).toBe(tag)
    const cut = message.length >>> 1
    expect(
      toHex(
        await primitives.hmacSha256(key, [message.subarray(0, cut), new Uint8Array(0), message.subarray(cut)]),
      ).slice(0, tag.length),
    ).toBe(tag)
  })

  test.each(HKDF)('HKDF-SHA-256, RFC 5869 case %s', async (_, key, salt, info, okm) => {
    const [derived] = await primitives.hkdfSha256(key, salt, [info], okm.length / 2)
    expect(toHex(derived!)).toBe(okm)
    const [short] = await primitives.hkdfSha256(key, salt, [info], 32)
    expect(toHex(short!)).toBe(okm.slice(0, 64))
  })

  // RFC 7914, section 11.
  test.each([
    [
      'passwd',
      'salt',
      1,
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef31' +
        '7c71b845b1e30bd509112041d3a19783',
    ],
    [
      'Password',
      'NaCl',
      80_000,
      '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b317' +
        '6a272bdebba1d078478f62b397f33c8d',
    ],
  ] as const)('PBKDF2-HMAC-SHA-256 of %s, RFC 7914', async (password, salt, iterations, derived) => {
    const utf8 = new TextEncoder()
    expect(
      toHex(await primitives.pbkdf2Sha256(utf8.encode(password), utf8.encode(salt), iterations, derived.length / 2)),
    ).toBe(derived)
  })

  test('AES-256-CTR, SP 800-38A F.5.5, and a counter that runs over', async () => {
    const key = fromHex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4')
    const plaintext = fromHex(
      '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef' +
        'f69f2445df4f9b17ad2b417be66c3710',
    )
    const ciphertext =
      '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988d' +
      'dfc9c58db67aada613c2dd08457941a6'
    const stream = await primitives.aes256CtrStream(key, fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'), plaintext.length)
    expect(toHex(stream.map((byte, i) => byte ^ plaintext[i]!))).toBe(ciphertext)
    // All 128 bits count: behind the counter of all ones comes that of zeros.
    const over = await primitives.aes256CtrStream(key, repeat(0xff, 16), 32)
    expect(over.subarray(16)).toEqual(await primitives.aes256CtrStream(key, new Uint8Array(16), 16))
    // However much is asked for at once, every block has the counter behind the last one's.
    for (const counter of ['00'.repeat(16), 'ff'.repeat(16), '00'.repeat(13) + 'ffc001']) {
      const long = await primitives.aes256CtrStream(key, fromHex(counter), 700_001)
      for (const block of [0, 16_383, 16_384, 32_768, 43_750]) {
        const at = (BigInt(`0x${counter}`) + BigInt(block)) % 2n ** 128n
        const one = await primitives.aes256CtrStream(key, fromHex(at.toString(16).padStart(32, '0')), 16)
        expect([block, long.subarray(16 * block, 16 * block + 16)]).toEqual([
          block,
          one.subarray(0, 700_001 - 16 * block),
        ])
      }
    }
  })

  test.each([0, 1, 64, 65_536, 100_003, 2 ** 23, 2 ** 23 + 1])('SHA-256 of a stream of %d bytes', async size => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * i) >> 3)
    // Fewer than were announced, and others meanwhile.
    for (const announced of [size, size + 1]) {
      const [hash, other] = [primitives.sha256OfSize(announced), primitives.sha256OfSize(announced)]
      for (let at = 0; at < size; at += 70_001) {
        hash.update(bytes.subarray(at, at + 70_001))
        if (at === 0) other.update(bytes.subarray(0, 10))
      }
      const expected = createHash('sha256').update(bytes).digest('hex')
      expect(toHex(await hash.digest())).toBe(expected)
      expect(toHex(await other.digest())).toBe(createHash('sha256').update(bytes.subarray(0, 10)).digest('hex'))
    }
  })

  test.each(GCM)('AES-256-GCM, case $name', async ({ key, iv, plaintext, aad, sealed }) => {
    const [k, n, p, a] = [fromHex(key), fromHex(iv), fromHex(plaintext), fromHex(aad)]
    expect(toHex(await primitives.aes256GcmSeal(k, n, p, a))).toBe(sealed)
    expect(toHex((await primitives.aes256GcmOpen(k, n, fromHex(sealed), a))!)).toBe(plaintext)
  })

  test.each([
    ['a nonce of 8 bytes', 32, 8],
    ['a nonce of 60 bytes', 32, 60],
    ['no nonce', 32, 0],
    ['a key of 16 bytes', 16, 12],
  ])('AES-256-GCM refuses %s', async (_, key, nonce) => {
    const seal = async () =>
      primitives.aes256GcmSeal(new Uint8Array(key), new Uint8Array(nonce), new Uint8Array(1), new Uint8Array(0))
    const open = async () =>
      primitives.aes256GcmOpen(new Uint8Array(key), new Uint8Array(nonce), new Uint8Array(17), new Uint8Array(0))
    await expect(seal()).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(open()).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })
})

const wycheproof = JSON.parse(await readFile(new URL('vectors/wycheproof-aes-gcm.json', import.meta.url), 'utf8')) as {
  source: string
  tests: { tcId: number; key: string; iv: string; aad: string; msg: string; ct: string; tag: string }[]
}
describe.each([node, web])(`$name: ${wycheproof.source}`, primitives => {
  test.each(wycheproof.tests)('$tcId', async ({ key, iv, aad, msg, ct, tag }) => {
    const [k, n, a] = [fromHex(key), fromHex(iv), fromHex(aad)]
    expect(toHex(await primitives.aes256GcmSeal(k, n, fromHex(msg), a))).toBe(ct + tag)
    expect(toHex((await primitives.aes256GcmOpen(k, n, fromHex(ct + tag), a))!)).toBe(msg)
  })
})
