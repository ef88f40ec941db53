import { LatentError } from '@latent/core'
import { expect, test } from 'vitest'
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
