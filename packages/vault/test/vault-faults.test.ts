import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPresence, MemoryStore, RetryingStore, select, type Store, StoreFault, Vault } from '../src/index.ts'
import { verifyVault } from '../src/node/index.ts'
import type { ByteRange, ObjectBody, ObjectInfo } from '../src/store/store.ts'
import { flows } from './fixtures.ts'
import { opened, plain, tree } from './folders.ts'
import { add, all, get, openVault, person, putFiles, tally } from './vault-fixtures.ts'
import { atLength, LONG } from '../../../test/long.ts'

/** All 200 in `npm run test:long`. */
const RUNS = LONG ? 200 : 20

/** Random numbers of a seed, so that a run that fails can be run again. */
function random(seed: number): () => number {
  let state = seed * 2654435761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** What happened, by kind. */
type Faults = Record<string, number>

/** A store that fails in every way that services do, some of the time. */
class FaultyStore implements Store {
  readonly address = 'faulty:'
  readonly #store: Store
  readonly #random: () => number
  readonly #share: number
  readonly faults: Faults
  readonly #born = new Map<string, number>()
  #clock = 0

  constructor(store: Store, seed: number, share: number, faults: Faults) {
    this.#store = store
    this.#random = random(seed)
    this.#share = share
    this.faults = faults
  }

  /** @param often how many times as often as others: there are few listings */
  #happens(kind: string, often = 1): boolean {
    this.#clock++
    if (this.#random() >= this.#share * often) return false
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
    return true
  }

  #fail(): void {
    for (const kind of ['500', '503', 'time-out'])
      if (this.#happens(kind)) throw new StoreFault('busy', `the service answers ${kind}`)
  }

  createsOnly(): Promise<boolean> {
    return this.#store.createsOnly()
  }

  /** Objects that were written lately are not listed yet, some of the time. */
  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    this.#fail()
    const stale = this.#happens('stale listing', 4)
    for await (const info of this.#store.list(folder)) {
      if (stale && this.#clock - (this.#born.get(info.name) ?? -100) < 60) continue
      if (this.#happens('listing that breaks off')) throw new StoreFault('busy', 'the connection was reset')
      yield info
    }
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    this.#fail()
    const info = await this.#store.stat(name)
    // The clock of the service is an hour off.
    return info && { ...info, modified: (info.modified ?? 0) + 3_600_000 }
  }

  async *read(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    this.#fail()
    const half = this.#happens('half a body')
    for await (const part of this.#store.read(name, range)) {
      if (half) {
        yield part.subarray(0, Math.floor(part.length / 2))
        throw new StoreFault('broken', 'the body ended early')
      }
      yield part
    }
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    this.#fail()
    if (this.#happens('lost write')) return 'created'
    if (this.#happens('half a body sent')) {
      for await (const part of body.parts()) void part
      throw new StoreFault('broken', 'the connection was reset')
    }
    const outcome = await this.#store.create(name, body)
    this.#born.set(name, this.#clock)
    if (this.#happens('duplicated write')) return this.#store.create(name, body)
    if (this.#happens('lost answer')) throw new StoreFault('busy', 'no answer came')
    return outcome
  }

  async remove(name: string): Promise<void> {
    this.#fail()
    await this.#store.remove(name)
  }

  async sync(): Promise<void> {
    this.#fail()
    await this.#store.sync()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

const patient = (store: Store) => new RetryingStore(store, { attempts: 12, firstWaitMs: 0, longestWaitMs: 1 })

test(`${RUNS} runs with faults between client and store: nothing lost, the report exact${atLength}`, async () => {
  const faults: Faults = {}
  const me = await person()
  const files = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${i % 3}/${i}.jpg`, 300 + 100 * i]))
  await putFiles(plain, files)
  const expected = await tree(plain)
  for (let seed = 0; seed < RUNS; seed++) {
    const store = new MemoryStore()
    const faulty = () => patient(new FaultyStore(store, seed, 0.02 + 0.05 * ((seed % 5) / 4), faults))
    // The clock of this machine is an hour behind in every other run, and that of the store an hour ahead in all.
    const now = () => Date.now() - (seed % 2) * 3_600_000
    const vault = await Vault.init(faulty(), [me.recipient], { now })
    const results = await add(vault, plain, { segment: 4, jobs: 3 })
    expect([seed, tally(results)]).toEqual([seed, { done: 9 }])
    // Again, from what a listing that may be stale says.
    const again = await add(await openVault(faulty(), me), plain, { segment: 4 })
    expect([seed, again.every(({ status }) => status === 'skipped' || status === 'done')]).toEqual([seed, true])

    const truth = await openVault(store, me)
    expect([seed, select(truth, {}).map(({ path }) => path)]).toEqual([seed, Object.keys(files).toSorted()])
    const photos = select(truth, {})
    const verified = await all(verifyVault({ vault: truth, photos, flows }))
    expect([seed, tally(verified)]).toEqual([seed, { done: 9 }])
    // What the store lost or took twice has left nothing behind that the index misses or does not know.
    const { missing, wrongSize, lostSegments } = await checkPresence(truth, photos)
    expect([seed, missing, wrongSize, lostSegments]).toEqual([seed, [], [], []])
    if (seed % 10 !== 0) continue
    const through = await openVault(faulty(), me)
    expect([seed, tally(await get(through, opened, {}, { force: false }))]).toEqual([seed, { done: photos.length }])
    expect(await tree(opened)).toEqual(expected)
    await rm(opened, { recursive: true })
  }
  const counts = Object.entries(faults).toSorted(([, a], [, b]) => b - a)
  process.stdout.write(
    `${RUNS} runs met ${counts.reduce((sum, [, count]) => sum + count, 0)} faults: ` +
      `${counts.map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`,
  )
  // The runs met them: each kind of fault five times in 200 runs, and most kinds in a few.
  const kinds = [
    '500',
    '503',
    'time-out',
    'stale listing',
    'half a body',
    'half a body sent',
    'lost write',
    'duplicated write',
    'lost answer',
    'listing that breaks off',
  ]
  const met = kinds.filter(kind => (faults[kind] ?? 0) >= RUNS / 40)
  expect(met.length).toBeGreaterThanOrEqual(RUNS < 200 ? 8 : kinds.length)
}, 600_000)

test('two machines that add at once, the same photos and different ones, lose nothing', async () => {
  const me = await person()
  for (let round = 0; round < 10; round++) {
    const store = new MemoryStore()
    await Vault.init(store, [me.recipient])
    const [one, two] = [await openVault(store, me), await openVault(store, me)]
    await putFiles(join(plain, 'a'), { 'same/x.jpg': 500, 'same/y.jpg': 600, 'only-a.jpg': 700 })
    await putFiles(join(plain, 'b'), { 'same/x.jpg': 500, 'same/y.jpg': 600, 'only-b.jpg': 800 })
    const results = await Promise.all([
      add(one, join(plain, 'a'), { segment: 1 }),
      add(two, join(plain, 'b'), { segment: 1 }),
    ])
    expect(results.map(tally)).toEqual([{ done: 3 }, { done: 3 }])
    const vault = await openVault(store, me)
    expect(select(vault, {}).map(({ path }) => path)).toEqual(['only-a.jpg', 'only-b.jpg', 'same/x.jpg', 'same/y.jpg'])
    let objects = 0
    for await (const { size } of store.list('objects/')) objects += Number(size > 0)
    // What both added is one object: names say what objects hold.
    expect(objects).toBe(4)
    expect(tally(await get(vault, opened))).toEqual({ done: 4 })
    await rm(opened, { recursive: true })
  }
})
