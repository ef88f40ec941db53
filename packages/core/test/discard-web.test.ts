import { expect, test } from 'vitest'
import { discardBuffer } from '../src/discard-web.ts'

test('a buffer given back in a browser is empty, also when its port has noticed that nobody listens', async () => {
  for (let turn = 0; turn < 5; turn++) {
    for (const size of [1, 100_000]) {
      const buffer = new ArrayBuffer(size)
      discardBuffer(buffer)
      expect(buffer.byteLength).toBe(0)
      // Nothing is left to give back.
      expect(() => discardBuffer(buffer)).not.toThrow()
    }
    await new Promise(resolve => setTimeout(resolve, 5))
  }
})
