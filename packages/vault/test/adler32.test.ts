import { randomBytes, sha256Of, toHex } from '@latent/core'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openAdler32, plainAdler32 } from '../src/carrier/adler32.ts'
import { KERNEL_SOURCE_SHA256 } from '../src/carrier/kernel-module.ts'

test('the kernel is the one that was built from its source', () => {
  const source = readFileSync(new URL('../kernel/adler.ts', import.meta.url))
  expect(toHex(sha256Of(source))).toBe(KERNEL_SOURCE_SHA256)
})

test('known answers', () => {
  const text = (text: string) => new TextEncoder().encode(text)
  for (const adler32 of [plainAdler32, openAdler32()]) {
    expect(adler32(new Uint8Array(0), 1)).toBe(1)
    expect(adler32(text('Wikipedia'), 1)).toBe(0x11e60398)
    expect(adler32(text('pedia'), adler32(text('Wiki'), 1))).toBe(0x11e60398)
  }
})

test('the kernel sums as the plain loop does, whatever the length, and where sums are largest', () => {
  const adler32 = openAdler32()
  expect(adler32).not.toBe(plainAdler32)
  const lengths = [
    ...Array.from({ length: 70 }, (_, i) => i),
    5551,
    5552,
    5553,
    11_104,
    65_535,
    65_536,
    65_537,
    200_003,
  ]
  for (const length of lengths)
    for (const bytes of [randomBytes(length), new Uint8Array(length).fill(255), new Uint8Array(length)])
      for (const previous of [1, 0, 0xfff0fff0, 0x1234abcd])
        expect([length, previous, adler32(bytes, previous)]).toEqual([length, previous, plainAdler32(bytes, previous)])
})
