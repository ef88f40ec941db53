import { describe, expect, test, vi } from 'vitest'
import { CountingStore, MemoryStore, rebuild, select, type Store, StoreFault, Vault } from '../src/index.ts'
import { addFiles, type FileResult } from '../src/node/index.ts'
import { bodyOfBytes, type ObjectBody, readObject } from '../src/store/store.ts'
import { flows } from './fixtures.ts'
import { opened, plain, tree } from './folders.ts'
import { add, get, openVault, type Person, person, putFiles, tally } from './vault-fixtures.ts'

const FILES = { 'a.jpg': 1000, 'b/c.jpg': 2000, 'b/d.jpg': 3000, 'e.txt': 40 }

async function filled(store: Store = new MemoryStore()): Promise<{ store: Store; me: Person; vault: Vault }> {
  const me = await person()
  const vault = await Vault.init(store, [me.recipient])
  await putFiles(plain, FILES)
  expect(tally(await add(vault, plain))).toEqual({ done: 4 })
  return { store, me, vault }
}

const objectOf = (vault: Vault, path: string) => select(vault, { patterns: [path], alone: true })[0]!.object

describe('what the store has lost', () => {
  test('is sealed again by --reread, which lists once and after everything else, and by nothing less', async () => {
    const { store, me, vault } = await filled()
    await store.remove(objectOf(vault, 'a.jpg'))
    await store.remove(objectOf(vault, 'b/d.jpg'))
    expect(tally(await add(await openVault(store, me), plain))).toEqual({ skipped: 4 })

    const counted = new CountingStore(store)
    const again = await openVault(counted, me)
    const before = counted.requests.list
    const results = await add(again, plain, { reread: true })
    expect(counted.requests.list - before).toBe(1)
    expect(tally(results)).toEqual({ done: 2, skipped: 2 })
    expect(results.flatMap(({ target, note }) => (note === undefined ? [] : [target]))).toEqual(['a.jpg', 'b/d.jpg'])
    const fresh = await openVault(store, me)
    expect(tally(await get(fresh, opened))).toEqual({ done: 4 })
    expect(await tree(opened)).toEqual(await tree(plain))
    expect(tally(await add(fresh, plain, { reread: true }))).toEqual({ skipped: 4 })
  })

  test('is not what a stale listing lacks', async () => {
    const { store, me } = await filled()
    class Stale extends CountingStore {
      override async *list(folder: string) {
        for await (const info of super.list(folder)) if (!info.name.startsWith('objects/')) yield info
      }
    }
    const again = await openVault(new Stale(store), me)
    expect(tally(await add(again, plain, { reread: true }))).toEqual({ skipped: 4 })
  })

  test('in part: an object that was copied half way is not taken for the photo, and rebuilding names it', async () => {
    const { store, me, vault } = await filled()
    const object = objectOf(vault, 'b/d.jpg')
    const half = (await readObject(store, object, 1 << 20)).subarray(0, 2500)
    // The copy of a vault whose index is not there yet.
    const copy = new MemoryStore()
    for await (const { name } of store.list(''))
      if (name === 'latent-vault' || name.startsWith('keys/'))
        await copy.create(name, bodyOfBytes(await readObject(store, name, 1 << 20)))
    await copy.create(object, bodyOfBytes(half))
    const found = await openVault(copy, me)
    expect(await rebuild(found, me.keyring())).toMatchObject({ objects: 1, found: 0, damaged: [object] })
    expect(tally(await add(found, plain))).toEqual({ done: 4 })
    expect(objectOf(found, 'b/d.jpg')).not.toBe(object)
    expect(tally(await get(found, opened))).toEqual({ done: 4 })
    expect(await tree(opened)).toEqual(await tree(plain))
  })
})

/** What a run of 40 files in batches of 8 tells, over a store that refuses some of what is written. */
async function refusedRun(refuses: (name: string) => boolean | Promise<boolean>) {
  const me = await person()
  const inner = new MemoryStore()
  await Vault.init(inner, [me.recipient])
  await putFiles(plain, Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.jpg`, 500])))
  class Full extends CountingStore {
    override async create(name: string, body: ObjectBody) {
      if (await refuses(name)) throw new StoreFault('full', 'the store is full')
      return super.create(name, body)
    }
  }
  const vault = await openVault(new Full(inner), me)
  const results: FileResult[] = []
  const run = async () => {
    const options = { inputs: [plain], vault, album: vault.main(), flows, body: { type: 'aes-256-gcm' } as const }
    for await (const result of addFiles({ ...options, segment: 8 })) results.push(result)
  }
  await expect(run()).rejects.toMatchObject({ code: 'E_STORE', kind: 'full' })
  expect(results.every(({ status, code }) => status === 'done' || (status === 'failed' && code === 'E_STORE'))).toBe(
    true,
  )
  expect(new Set(results.map(({ source }) => source)).size).toBe(40)
  // What was told to be there is there, and the next run adds the rest.
  const { done = 0 } = tally(results)
  const after = await openVault(inner, me)
  expect(select(after, {})).toHaveLength(done)
  expect(tally(await add(after, plain))).toEqual({ done: 40 - done, ...(done > 0 ? { skipped: done } : {}) })
  return tally(results)
}

describe('a store that refuses for good ends the run, and every file is told once: added, or failed', () => {
  test('where it refuses objects', async () => {
    let room = 15
    expect(await refusedRun(name => name.startsWith('objects/') && room-- <= 0)).toEqual({ done: 15, E_STORE: 25 })
  })

  test.each([0, 2])('where it refuses the index, after %i segments', async segments => {
    let room = segments
    const { done = 0, E_STORE = 0 } = await refusedRun(name => name.startsWith('index/') && room-- <= 0)
    expect([done, E_STORE]).toEqual([8 * segments, 40 - 8 * segments])
  })

  test('where it refuses one object while the index is being written', async () => {
    let time = Date.now()
    // Every look at the clock finds a minute gone, so that what waits is written at once.
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => (time += 60_000))
    let [objects, tell] = [0, () => {}]
    const refused = new Promise<void>(resolve => (tell = resolve))
    const patience = new Promise<void>(resolve => setTimeout(resolve, 1000))
    try {
      const { E_STORE = 0 } = await refusedRun(async name => {
        if (name.startsWith('index/')) await Promise.race([refused, patience])
        if (!name.startsWith('objects/') || ++objects !== 3) return false
        tell()
        return true
      })
      expect(E_STORE).toBeGreaterThan(0)
    } finally {
      clock.mockRestore()
    }
  })
})
