import { describe, expect, test } from 'vitest'
import { FolderStore, Sandboxes } from '../src/node/index.ts'
import { select, thumbnailOf, Vault } from '../src/index.ts'
import { discover } from '../src/node/discover.ts'
import { planBatches } from '../src/vault/node/plan.ts'
import type { SandboxPlace } from '../src/vault/node/sandbox/sandbox.ts'
import { opened, plain, sealed } from './folders.ts'
import { add, get, openVault, person, putFiles, tally } from './vault-fixtures.ts'

const script = new URL('./sandbox-script.ts', import.meta.url)
const ENDING = new TextEncoder().encode('ending whoever reads it')

async function newVault() {
  const me = await person()
  const store = new FolderStore(sealed)
  await Vault.init(store, [me.recipient])
  return { me, store, vault: await openVault(store, me) }
}

test('threads do the batches; a photo that ends each of them fails alone, and is told', async () => {
  const { me, store, vault } = await newVault()
  await putFiles(plain, { ...Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`${i}`, 90])), bad: ENDING })
  const notices: string[] = []
  const watcher = { notice: (text: string) => void notices.push(text) }
  const results = await add(vault, plain, { jobs: 2, threads: script, thumbnails: true, watcher })
  expect(tally(results)).toEqual({ done: 130, E_INTERNAL: 1 })
  expect(results.find(({ status }) => status === 'failed')).toMatchObject({
    target: 'bad',
    reason: expect.stringContaining('code 7') as string,
  })
  expect(notices).toHaveLength(3)
  expect(notices[0]).toMatch(/^a worker ended \(it ended with code 7\) with [12] files under way/)
  // What threads recorded is known here at once, and to whoever opens the vault.
  expect(select(vault, {})).toHaveLength(130)
  const again = await openVault(store, me)
  expect(select(again, {})).toHaveLength(130)
  const [photo] = select(again, { patterns: ['7'] })
  expect(await thumbnailOf(again, photo!.key, photo!)).toHaveLength(4)
  expect(tally(await get(again, opened))).toEqual({ done: 130 })
})

describe('a process', () => {
  test('may be ended by a fault in native code, which ends no other, and is interrupted with the run', async () => {
    const { vault } = await newVault()
    await putFiles(plain, { a: 500, bad: ENDING, c: 700 })
    const stop = new AbortController()
    const found = await discover([plain], '.nowhere')
    const body = { type: 'aes-256-gcm' } as const
    const setup = { address: vault.store.address, vault: vault.id, confirm: true, source: found.base, lanes: 1 }
    const place: SandboxPlace = { script, kind: 'process' }
    const sandboxes = new Sandboxes({ place, setup, signal: stop.signal })
    try {
      for await (const { batch } of planBatches(found.files, { vault, album: vault.main(), body, thumbnails: true })) {
        const key = vault.keys.get(batch!.key)!
        const { results, segments } = await sandboxes.work(batch!, key)
        expect(tally(results)).toEqual({ done: batch!.files.length - 1, E_INTERNAL: 1 })
        expect(results.find(({ status }) => status === 'failed')?.reason).toContain('SIGSEGV')
        expect(segments.length).toBeGreaterThan(0)
        stop.abort()
        expect(tally((await sandboxes.work(batch!, key)).results)).toEqual({ E_INTERRUPTED: 3 })
      }
    } finally {
      await sandboxes.close()
    }
  })
})
