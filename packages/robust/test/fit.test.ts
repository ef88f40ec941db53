import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openFitter, plainFitter } from '../src/channel/fit.ts'
import { KERNEL_SOURCE_SHA256 } from '../src/channel/kernel-module.ts'
import { drawn } from './services.ts'

const carrying = Uint8Array.from({ length: 64 }, (_, place) => (place % 3 === 0 ? 0 : 1))

test('the kernel is what its source was compiled to', async () => {
  const source = await readFile(new URL('../kernel/fit.ts', import.meta.url))
  expect(createHash('sha256').update(source).digest('hex')).toBe(KERNEL_SOURCE_SHA256)
})

test('pixels of the kernel are those of plain JavaScript, to the bit', () => {
  const [kernel, plain] = [openFitter(carrying), plainFitter(carrying)]
  // A view of the kernel's memory, or the test would compare the plain one with itself.
  expect(kernel.values.byteOffset).toBeGreaterThan(0)
  const luck = drawn(128 * 200, 'coefficients')
  for (let pair = 0; pair < 200; pair++) {
    // From blocks that nothing is clipped of to those that cannot be fitted; the two of a pair are unlike.
    for (const { values } of [kernel, plain])
      for (let i = 0; i < 128; i++)
        values[i] = carrying[i >> 1]! * (luck[128 * pair + i]! - 127.5) * (i % 2 === 0 ? pair / 100 : 1.2)
    kernel.fit()
    plain.fit()
    expect(kernel.values.every((value, i) => value === plain.values[i])).toBe(true)
    expect(plain.values.every(value => Number.isInteger(value) && value >= -128 && value <= 127)).toBe(true)
  }
})
