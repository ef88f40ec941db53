import { expect, test } from 'vitest'
import { fromHalves, toHalves } from '../src/half.ts'

const every = Uint16Array.from({ length: 65_536 }, (_, i) => i)

test('every half is read the same with and without an array type of the platform', () => {
  const bytes = new Uint8Array(every.buffer)
  const [native, ours] = [fromHalves(bytes), fromHalves(bytes, undefined)]
  expect(ours.length).toBe(65_536)
  expect(ours.every((value, i) => Object.is(value, native[i]))).toBe(true)
  // One, the smallest and the largest number, from the definition of the format.
  expect([ours[0x3c00], ours[1], ours[0x7bff], ours[0xfc00]]).toEqual([1, 2 ** -24, 65_504, -Infinity])
})

test.each([
  ['halves', [1, -2, 0.5, 65_504]],
  ['ties', [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2049, 2051]],
  ['below the smallest', [2 ** -24, 2 ** -25, 2 ** -25 + 2 ** -40, -(2 ** -26)]],
  ['above the largest', [65_519, 65_520, 1e30, -Infinity]],
  ['numbers between', Array.from({ length: 5000 }, (_, i) => Math.sin(i) * 10 ** ((i % 12) - 7))],
])('%s are rounded the same with and without it', (_, values) => {
  const floats = Float32Array.from(values)
  expect(toHalves(floats, undefined)).toEqual(toHalves(floats))
})
