import { describe, expect, test } from 'vitest'
import { bytesOfName, nameOfBytes, rawByte, repeatably } from '../src/index.ts'

const latin = (text: string) => Uint8Array.from(text, char => char.charCodeAt(0))

describe('names that are bytes', () => {
  // What follows a byte that belongs to no sequence is read afresh, from the next byte.
  test.each<[string, number[], string]>([
    ['nothing', [], ''],
    ['ASCII', [0x61, 0x7f], 'a\x7f'],
    ['two, three and four bytes a character', [0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x93, 0xb7], 'ä€📷'],
    ['a byte order mark stays', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    ['a bare byte between letters', [0x61, 0xff, 0x62], 'a\udcffb'],
    ['the lowest bare byte, and the highest', [0x80, 0xff], '\udc80\udcff'],
    ['a sequence of two cut off at the end', [0x61, 0xc3], 'a\udcc3'],
    ['a sequence of two, its last possible lead', [0xff, 0xdf, 0xbf], '\udcff\u07ff'],
    ['a sequence of three, its first possible lead', [0xff, 0xe0, 0xa0, 0x80], '\udcff\u0800'],
    ['a sequence of three, its last possible lead', [0xff, 0xef, 0xbf, 0xbd], '\udcff\ufffd'],
    ['a sequence of three cut off by a letter', [0xe2, 0x82, 0x61], '\udce2\udc82a'],
    ['a sequence of four, its first possible lead', [0xff, 0xf0, 0x90, 0x80, 0x80], '\udcff\u{10000}'],
    ['a sequence of four at the very end', [0xff, 0xf0, 0x9f, 0x93, 0xb7], '\udcff📷'],
    ['a sequence of four cut off at the end', [0x62, 0xf0, 0x9f, 0x93], 'b\udcf0\udc9f\udc93'],
    ['a surrogate in three bytes is none', [0xed, 0xb2, 0x80], '\udced\udcb2\udc80'],
    ['an overlong slash is none', [0xc0, 0xaf], '\udcc0\udcaf'],
    ['characters between bare bytes', [0xe4, 0xc3, 0xa4, 0xe4], '\udce4ä\udce4'],
  ])('%s', (_, bytes, name) => {
    expect(nameOfBytes(Uint8Array.from(bytes))).toBe(name)
    expect([...bytesOfName(name)]).toEqual(bytes)
  })

  test('surrogates that stand for no byte become U+FFFD', () => {
    const replaced = [0xef, 0xbf, 0xbd]
    for (const name of ['\ud800', '\udc7f', '\udd00', '\udbff', '\udfff'])
      expect([...bytesOfName(`a${name}b\udcff`)]).toEqual([0x61, ...replaced, 0x62, 0xff])
  })

  test.each<[string, number | undefined]>([
    ['\udc7f', undefined],
    ['\udc80', 0x80],
    ['\udcc8', 0xc8],
    ['\udcff', 0xff],
    ['\udd00', undefined],
    ['a', undefined],
    ['\x80', undefined],
  ])('%j stands for %s', (char, byte) => {
    expect(rawByte(char)).toBe(byte)
  })

  test('Latin-1 names are not taken for UTF-8', () => {
    expect(nameOfBytes(latin('caf\xe9 \xfc.txt'))).toBe('caf\udce9 \udcfc.txt')
  })
})

test('a nonce is for ciphers that would draw one', () => {
  const nonce = Uint8Array.of(1, 2)
  const traits = { exact: true, wire: ['u8'], lengthPreserving: true, secret: 'key', learnable: false } as const
  expect(repeatably({ traits: { ...traits, randomised: true } }, nonce)).toEqual({ nonce })
  expect(repeatably({ traits: { ...traits, randomised: false } }, nonce)).toEqual({})
})
