import { LatentError } from '@latent/core'
import { describe, expect, test } from 'vitest'
import type { FileResult } from '../src/node/index.ts'
import type { Batch, Task } from '../src/vault/node/batch.ts'
import { inSpite } from '../src/vault/node/sandbox/in-spite.ts'
import { SandboxEnded } from '../src/vault/node/sandbox/sandbox.ts'

const batchOf = (count: number): Batch => ({
  id: 'b',
  key: 'k',
  body: { type: 'aes-256-gcm' },
  thumbnails: false,
  salt: '',
  parents: [],
  files: Array.from({ length: count }, (_, i): Task => ({ file: `${i}`, path: `${i}`, size: 1, added: 1 })),
})

/** Four files at once, in order; one of `killers` ends whoever has it under way. */
function working(killers: readonly string[]) {
  const asked: string[][] = []
  const work = async ({ files }: Batch) => {
    asked.push(files.map(({ file }) => file))
    const at = files.findIndex(({ file }) => killers.includes(file))
    if (at >= 0) {
      const underWay = files.slice(Math.floor(at / 4) * 4).slice(0, 4)
      throw new SandboxEnded('out of memory', new Set(underWay.map(({ file }) => file)))
    }
    const results = files.map(({ file }): FileResult => ({ source: file, status: 'done' }))
    return { results, segments: [`s${asked.length}`] }
  }
  return { asked, work }
}

const statuses = (results: readonly FileResult[]) =>
  Object.fromEntries(results.map(({ source, status, code }) => [source, code ?? status]))

describe('a batch, in spite of files that end whoever works on them', () => {
  test('one such file fails, by name and with the reason; all others are done, each once', async () => {
    const { asked, work } = working(['5'])
    const { results, segments, error } = await inSpite(batchOf(10), work)
    expect(error).toBeUndefined()
    expect(results).toHaveLength(10)
    expect(results.filter(({ status }) => status !== 'done')).toEqual([
      expect.objectContaining({ source: '5', target: '5', status: 'failed', code: 'E_INTERNAL' }),
    ])
    expect(results.find(({ source }) => source === '5')?.reason).toContain('out of memory')
    // All, the rest, each that was under way; the one that ends them twice.
    expect(asked.map(({ length }) => length)).toEqual([10, 6, 1, 1, 1, 1, 1])
    expect(segments).toHaveLength(4)
  })

  test('where every file is such a one, the tries are counted', async () => {
    const { asked, work } = working(Array.from({ length: 12 }, (_, i) => String(i)))
    const { results } = await inSpite(batchOf(12), work)
    expect(new Set(Object.values(statuses(results)))).toEqual(new Set(['E_INTERNAL']))
    expect(results).toHaveLength(12)
    expect(asked).toHaveLength(3 + 2 * 12)
  })

  test('one that recovers when it is tried alone is done', async () => {
    let deaths = 1
    const { work } = working([])
    const told: unknown[] = []
    const { results } = await inSpite(
      batchOf(3),
      async batch => {
        if (deaths-- > 0) throw new SandboxEnded('it ended by SIGKILL', new Set(['1']))
        return work(batch)
      },
      (...all) => told.push(all),
    )
    expect(statuses(results)).toEqual({ 0: 'done', 1: 'done', 2: 'done' })
    expect(told).toEqual([['it ended by SIGKILL', ['1']]])
  })

  test('whoever ends before a file is under way is begun three times', async () => {
    let begun = 0
    const { results } = await inSpite(batchOf(2), async () => {
      begun++
      throw new SandboxEnded('it ended with code 1', new Set())
    })
    expect(begun).toBe(3)
    expect(statuses(results)).toEqual({ 0: 'E_INTERNAL', 1: 'E_INTERNAL' })
  })

  test('a store that fails ends it, with what was done before; what is no end of a sandbox is thrown', async () => {
    const { work } = working(['0'])
    const store = new LatentError('E_STORE', 'it is full')
    const outcome = await inSpite(batchOf(6), async batch =>
      batch.files.length === 2 ? { ...(await work(batch)), error: store } : work(batch),
    )
    expect(outcome.error).toBe(store)
    expect(statuses(outcome.results)).toEqual({ 4: 'done', 5: 'done' })
    await expect(inSpite(batchOf(1), () => Promise.reject(store))).rejects.toBe(store)
  })
})
