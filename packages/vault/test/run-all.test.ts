import { describe, expect, test } from 'vitest'
import { runAll } from '../src/node/run.ts'

/** The most items that were under way at once, and what came out. */
async function watched(
  sizes: readonly number[],
  jobs?: number,
): Promise<{ most: number; bytes: number; out: number[] }> {
  let [now, most, held, bytes] = [0, 0, 0, 0]
  const out: number[] = []
  const work = async (size: number) => {
    most = Math.max(most, ++now)
    bytes = Math.max(bytes, (held += size))
    await new Promise(resolve => setTimeout(resolve, 1))
    now--
    held -= size
    return size
  }
  for await (const result of runAll(sizes, jobs, work, size => size)) out.push(result)
  return { most, bytes, out: out.toSorted((a, b) => a - b) }
}

describe('files of a run side by side', () => {
  const small = Array.from({ length: 100 }, (_, i) => 1000 + i)

  test('many small ones, few large ones, and as many as were asked for', async () => {
    expect(await watched(small)).toMatchObject({ most: 64, out: small })
    expect(await watched(small, 3)).toMatchObject({ most: 3, out: small })
    const large = Array.from({ length: 20 }, (_, i) => 5_000_000 + i)
    expect(await watched(large)).toMatchObject({ most: 4, out: large })
    expect(await watched(large, 30)).toMatchObject({ most: 20, out: large })
    expect(await watched([])).toMatchObject({ most: 0, out: [] })
  })

  test('more than a few at once never hold more than a large one', async () => {
    const middling = Array.from({ length: 40 }, (_, i) => 800_000 + i)
    const { most, bytes } = await watched(middling)
    expect(most).toBe(5)
    expect(bytes).toBeLessThanOrEqual(1 << 22)
  })

  test('a large one among small ones lets no more than the usual few run beside it', async () => {
    const { most, out } = await watched([9_000_000, ...small])
    expect(most).toBe(64)
    expect(out).toEqual([...small, 9_000_000])
  })

  test('work that waits for nothing is still told to end', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 1)
    let done = 0
    const work = async () => {
      for (const until = performance.now() + 2; performance.now() < until;);
      if (!stop.signal.aborted) done++
    }
    for (const results = runAll(Array.from({ length: 200 }), undefined, work); !(await results.next()).done;);
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(200)
  })
})
