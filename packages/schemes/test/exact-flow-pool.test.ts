import { LatentError } from '@latent/core'
import { expect, test } from 'vitest'
import { openExactFlow } from '../src/exact-flow/engine.ts'
import { openExactFlowPool } from '../src/exact-flow/pool-node.ts'

const key = new Uint8Array(32).fill(7)
const tile = (size: number) => Uint8Array.from({ length: size }, (_, i) => i)

// A thread that is ended while native code runs on it aborts the process, and this test with it.
test('closing waits for tiles under way, whoever still wants them', async () => {
  for (const [workers, tiles, size] of [
    [1, 3, 200_000],
    [2, 5, 100_000],
    [2, 1, 786_432],
    [3, 8, 32],
    [1, 0, 32],
  ] as const) {
    const pool = await openExactFlowPool({ workers })
    const results = Array.from({ length: tiles }, (_, i) => pool.encrypt(key, Uint8Array.of(i), tile(size)))
    await Promise.all([pool.close(), pool.close()])
    expect((await Promise.all(results)).map(({ length }) => length)).toEqual(Array.from({ length: tiles }, () => size))
    await expect(pool.encrypt(key, Uint8Array.of(0), tile(size))).rejects.toBeInstanceOf(LatentError)
  }
})

test('a tile that is given away is used up, and comes out as one that is not', async () => {
  const here = await openExactFlow({ loop: true })
  const pool = await openExactFlowPool({ workers: 1 })
  try {
    for (const flow of [here, pool]) {
      const kept = tile(70_000)
      const sealed = await flow.encrypt(key, Uint8Array.of(1), kept)
      expect(kept).toEqual(tile(70_000))
      for (let i = 0; i < 3; i++) {
        const given = tile(70_000)
        expect(await flow.encrypt(key, Uint8Array.of(1), given, true)).toEqual(sealed)
        expect(given.length).toBe(0)
        const back = Uint8Array.from(sealed)
        expect(await flow.decrypt(key, Uint8Array.of(1), back, true)).toEqual(kept)
        expect(back.length).toBe(0)
      }
      // Of a view the rest is somebody's.
      const around = tile(70_010)
      await flow.encrypt(key, Uint8Array.of(1), around.subarray(10), true)
      expect(around).toEqual(tile(70_010))
    }
  } finally {
    await pool.close()
  }
})
