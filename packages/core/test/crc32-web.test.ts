import { readFileSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { KERNEL_SOURCE_SHA256 } from '../src/crc32-kernel.ts'
import { openCrc32, plainCrc32 } from '../src/crc32-web.ts'
import { randomBytes, sha256Of, toHex } from '../src/index.ts'

afterEach(() => vi.restoreAllMocks())

test('the kernel is the one that was built from its source', () => {
  const source = readFileSync(new URL('../kernel/crc.ts', import.meta.url))
  expect(toHex(sha256Of(source))).toBe(KERNEL_SOURCE_SHA256)
})

test('known answers', () => {
  const text = (text: string) => new TextEncoder().encode(text)
  for (const crc32 of [plainCrc32, openCrc32()]) {
    expect(crc32(new Uint8Array(0))).toBe(0)
    // The check value of CRC-32/ISO-HDLC, and the checksum of every PNG's IEND.
    expect(crc32(text('123456789'))).toBe(0xcbf43926)
    expect(crc32(text('56789'), crc32(text('1234')))).toBe(0xcbf43926)
    expect(crc32(text('IEND'))).toBe(0xae426082)
  }
})

test('the kernel sums as the plain loop does, whatever the length and what came before', () => {
  const crc32 = openCrc32()
  expect(crc32).not.toBe(plainCrc32)
  for (const length of [...Array.from({ length: 70 }, (_, i) => i), 65_535, 65_536, 65_537, 200_003])
    for (const bytes of [randomBytes(length), new Uint8Array(length).fill(255), new Uint8Array(length)])
      for (const previous of [0, 1, 0xffffffff, 0x92345678])
        expect([length, previous, crc32(bytes, previous)]).toEqual([length, previous, plainCrc32(bytes, previous)])
})

test('where no WebAssembly may be compiled the script sums', () => {
  vi.spyOn(WebAssembly, 'Module').mockImplementation(function () {
    throw new EvalError('the policy forbids it')
  })
  expect(openCrc32()).toBe(plainCrc32)
})
