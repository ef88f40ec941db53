import { describe, expect, test } from 'vitest'
import { bytesToFill, release } from '../src/index.ts'

const SIZE = 100_000
/** Asks for so many bytes that no other test does, once: of what is asked for again, memory is kept. */
let odd = 200_000
const sizeAskedForOnce = () => {
  bytesToFill(++odd)
  return odd
}
const sizeAskedForTwice = () => {
  const size = sizeAskedForOnce()
  bytesToFill(size)
  return size
}

describe('memory that is used again', () => {
  test('is that of the last array of the size that was released, which is empty', () => {
    const size = sizeAskedForTwice()
    const [first, second] = [bytesToFill(size).fill(1), bytesToFill(size).fill(2)]
    release(first)
    release(second)
    expect([first.length, second.length]).toEqual([0, 0])
    expect([bytesToFill(size)[0], bytesToFill(size)[0], bytesToFill(size)[0]]).toEqual([2, 1, 0])
  })

  test('is not kept of a size that was asked for once', () => {
    const size = sizeAskedForOnce()
    const bytes = new Uint8Array(size).fill(7)
    release(bytes)
    expect(bytes.length).toBe(0)
    expect(bytesToFill(size)[0]).toBe(0)
  })

  test('is forgotten where a dozen other sizes were asked for since', () => {
    const size = sizeAskedForTwice()
    release(new Uint8Array(size).fill(7))
    for (let i = 0; i < 12; i++) sizeAskedForOnce()
    expect(bytesToFill(size)[0]).toBe(0)
  })

  test('is of some megabytes at most', () => {
    const size = sizeAskedForTwice()
    const most = Math.ceil((24 << 20) / size)
    for (let i = 0; i < most + 10; i++) release(new Uint8Array(size).fill(1))
    const again = Array.from({ length: most + 10 }, () => bytesToFill(size)[0])
    expect(again.filter(byte => byte === 1).length).toBeGreaterThan(most - 10)
    expect(again.filter(byte => byte === 1).length).toBeLessThanOrEqual(most)
  })

  test('is never that of a view, of small arrays, or shared', () => {
    const whole = new Uint8Array(SIZE).fill(3)
    release(whole.subarray(1))
    release(whole.subarray(0, SIZE - 1))
    const small = new Uint8Array(65_535).fill(3)
    release(small)
    const shared = new Uint8Array(new SharedArrayBuffer(SIZE))
    release(shared)
    expect([whole.length, small.length, shared.length]).toEqual([SIZE, 65_535, SIZE])
  })
})
