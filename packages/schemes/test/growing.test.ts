import { describe, expect, test } from 'vitest'
import type { ExactFlow } from '../src/exact-flow/engine.ts'
import { openGrowing } from '../src/exact-flow/growing.ts'

const MIB = 1 << 20
const key = new Uint8Array(32)
const tweak = new Uint8Array(1)
const mebibyte = new Uint8Array(MIB)

/** A flow that says who did it, and whether it was closed. */
function named(name: string, done: string[]): ExactFlow {
  const note = async (what: string, bytes: Uint8Array) => {
    done.push(`${name} ${what}`)
    return bytes
  }
  return {
    weightsId: 'w',
    backend: name,
    lanes: 1,
    encrypt: (_, __, bytes) => note('encrypts', bytes),
    decrypt: (_, __, bytes) => note('decrypts', bytes),
    close: async () => void done.push(`${name} closes`),
  }
}

async function growing(pool: (done: string[]) => Promise<ExactFlow>, expected?: number) {
  const done: string[] = []
  let started = 0
  const flow = await openGrowing(
    async () => named('here', done),
    () => (started++, pool(done)),
    3,
    expected,
  )
  return { flow, done, started: () => started }
}
const tiles = async (flow: ExactFlow, count: number) => {
  for (let i = 0; i < count; i++) await flow[i % 2 === 0 ? 'encrypt' : 'decrypt'](key, tweak, mebibyte)
}

describe('a flow that grows', () => {
  test('stays in this thread for eight mebibytes, and starts no other', async () => {
    const { flow, done, started } = await growing(async done => named('pool', done))
    expect(flow).toMatchObject({ weightsId: 'w', lanes: 3 })
    await tiles(flow, 8)
    expect([started(), new Set(done)]).toEqual([0, new Set(['here encrypts', 'here decrypts'])])
    await flow.close()
    expect(done.at(-1)).toBe('here closes')
  })

  test('goes on here until the pool is ready, then there, and what is here is closed', async () => {
    let ready: (flow: ExactFlow) => void = () => undefined
    const { flow, done, started } = await growing(() => new Promise(resolve => (ready = resolve)))
    await tiles(flow, 12)
    expect([started(), done.length, done.some(each => each.startsWith('pool'))]).toEqual([1, 12, false])
    ready(named('pool', done))
    await Promise.resolve()
    await tiles(flow, 4)
    expect(done.slice(12)).toEqual(['here closes', 'pool encrypts', 'pool decrypts', 'pool encrypts', 'pool decrypts'])
    await flow.close()
    expect([started(), done.slice(17)]).toEqual([1, ['pool closes']])
  })

  test('closed while the pool is still starting, it waits for it and closes it', async () => {
    const { flow, done } = await growing(async done => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return named('pool', done)
    })
    await tiles(flow, 9)
    await flow.close()
    expect(done.slice(-2)).toEqual(['here closes', 'pool closes'])
  })

  test('a pool that does not start fails every further tile, and closing still ends', async () => {
    const { flow } = await growing(() => Promise.reject(new Error('no threads')))
    await tiles(flow, 9)
    await expect(flow.encrypt(key, tweak, mebibyte)).rejects.toThrow('no threads')
    await flow.close()
  })

  test('starts the pool at once where there is known to be much to do, and not where there is little', async () => {
    const pooled = async (done: string[]) => named('pool', done)
    const [little, much] = [await growing(pooled, 8 * MIB), await growing(pooled, 8 * MIB + 1)]
    expect([little.started(), much.started()]).toEqual([0, 1])
    await tiles(much.flow, 20)
    expect(much.started()).toBe(1)
    await much.flow.close()
    expect(much.done.filter(each => each.endsWith('closes'))).toEqual(['here closes', 'pool closes'])
  })

  test('closes the pool where nothing opens here', async () => {
    const done: string[] = []
    const opening = openGrowing(
      () => Promise.reject(new Error('no backend')),
      async () => named('pool', done),
      3,
      9 * MIB,
    )
    await expect(opening).rejects.toThrow('no backend')
    expect(done).toEqual(['pool closes'])
  })
})
