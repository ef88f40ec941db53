import { deferred } from '@latent/core'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStore, select, share, type Store, StoreFault, Vault } from '../src/index.ts'
import {
  type Batch,
  type FileResult,
  FolderStore,
  openQueue,
  parseQueueAddress,
  type QueueConnection,
  QueueCrew,
  runWorker,
  type WorkerRun,
  type WorkerTold,
} from '../src/node/index.ts'
import { addBatch } from '../src/vault/node/batch.ts'
import { openMessage, sealMessage } from '../src/vault/node/queue/message.ts'
import { flows } from './fixtures.ts'
import { opened, plain, sealed, tree } from './folders.ts'
import { REDIS, RedisServer } from './redis-server.ts'
import { add, get, openVault, type Person, person, putFiles, tally } from './vault-fixtures.ts'

const FILES = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [`Lisbon trip ${i % 4}/IMG_${i}.jpg`, 100 + 13 * i]),
)
const code = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  )

test('what travels is sealed for members of the album, as what it is and for one job', async () => {
  const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const message = await sealMessage(key, 'batch', 'one', { files: ['holiday.jpg'] })
  expect(Buffer.from(message, 'base64').includes('holiday')).toBe(false)
  expect(await sealMessage(key, 'batch', 'one', { files: ['holiday.jpg'] })).not.toBe(message)
  expect(await openMessage(key, 'batch', 'one', message)).toEqual({ files: ['holiday.jpg'] })
  const altered = Buffer.from(message, 'base64')
  altered[20]! ^= 1
  const refused: [Uint8Array, 'batch' | 'outcome', string, unknown][] = [
    [other, 'batch', 'one', message],
    [key, 'outcome', 'one', message],
    [key, 'batch', 'two', message],
    [key, 'batch', 'one', altered.toString('base64')],
    [key, 'batch', 'one', message.slice(0, 30)],
    [key, 'batch', 'one', ''],
    [key, 'batch', 'one', undefined],
  ]
  for (const [with_, kind, id, what] of refused) expect(await code(openMessage(with_, kind, id, what))).toBe('E_QUEUE')
})

describe('addresses of queues', () => {
  beforeEach(() => {
    delete process.env['LATENT_REDIS_USERNAME']
    delete process.env['LATENT_REDIS_PASSWORD']
  })

  test('are shown without what is secret', () => {
    expect(parseQueueAddress('redis://someone:secret@host.example:6380/2')).toEqual({
      place: { host: 'host.example', port: 6380, db: 2, username: 'someone', password: 'secret' },
      address: 'redis://host.example:6380/2',
    })
    expect(parseQueueAddress('rediss://[::1]')).toEqual({
      place: { host: '::1', port: 6379, db: 0, tls: {} },
      address: 'rediss://[::1]:6379',
    })
    process.env['LATENT_REDIS_PASSWORD'] = 'from outside'
    expect(parseQueueAddress('redis://host').place).toMatchObject({ password: 'from outside' })
    expect(parseQueueAddress('redis://:typed@host').place).toMatchObject({ password: 'typed' })
  })

  test.each([
    '',
    'host',
    'http://x:secret@host',
    'redis://',
    'redis://h/x',
    'redis://h?password=secret',
    'redis://h:x',
  ])('%j is none, and is not quoted', address => {
    const parse = () => parseQueueAddress(address)
    expect(parse).toThrow('this is no address of a queue')
    expect(parse).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  })
})

describe.skipIf(!REDIS)('a queue', { timeout: 60_000 }, () => {
  let redis: RedisServer
  let connection: QueueConnection
  let me: Person
  let store: Store
  const ends: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    redis = await RedisServer.start()
    connection = await openQueue(redis.url)
    me = await person()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    store = new MemoryStore()
    await Vault.init(store, [me.recipient])
    await putFiles(plain, FILES)
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })

  /** A worker of its own vault and identity, which is stopped when the test ends. */
  async function worker(
    options: Partial<WorkerRun> = {},
    who = me,
    of = store,
  ): Promise<{ ended: Promise<string | undefined> }> {
    const stop = new AbortController()
    const keyring = who.keyring()
    const vault = await Vault.open(of, { keyring, index: false })
    const ended = code(
      runWorker({ connection, vault, keyring, source: plain, flows, lanes: 2, signal: stop.signal, ...options }),
    )
    ends.push(async () => {
      stop.abort()
      await ended
    })
    return { ended }
  }

  async function plan(of = store, options: Parameters<typeof add>[2] = {}): Promise<FileResult[]> {
    const vault = await openVault(of, me)
    const crew = new QueueCrew({ connection, vault, sweepMs: 200, signal: options.signal, watcher: options.watcher })
    try {
      return await add(vault, plain, { crew, segment: 7, album: vault.main(), ...options })
    } finally {
      await crew.close()
    }
  }

  const expectAll = async () => {
    const vault = await openVault(store, me)
    expect(select(vault, {}).map(({ path }) => path)).toEqual(Object.keys(FILES).toSorted())
    expect(tally(await get(vault, opened))).toEqual({ done: 40 })
    expect(await tree(opened)).toEqual(await tree(plain))
  }

  test('two workers do what is planned; a second plan finds nothing to do', async () => {
    const told: WorkerTold[] = []
    for (let i = 0; i < 2; i++) await worker({ done: one => void told.push(one) })
    const notices: string[] = []
    const results = await plan(store, { watcher: { notice: text => void notices.push(text) } })
    expect(tally(results)).toEqual({ done: 40 })
    // Failures and successes are named as the planner knows them.
    expect(results.map(({ source }) => source)).toEqual(
      Object.keys(FILES)
        .toSorted()
        .map(name => join(plain, name)),
    )
    expect(told.reduce((sum, { added }) => sum + added, 0)).toBe(40)
    expect(notices[0]).toBe(`workers: latent worker memory: ${plain} --queue ${redis.url} -i IDENTITY`)
    await expectAll()
    expect(tally(await plan())).toEqual({ skipped: 40 })
  })

  test('nothing that the vault hides can be read in Redis, and no key', async () => {
    await worker()
    await plan()
    const seen = redis.dump()
    expect(seen).toContain('"outcome"')
    const vault = await openVault(store, me)
    const [photo] = select(vault, {})
    const secrets = [
      'Lisbon',
      ' trip',
      'IMG_',
      '.jpg',
      plain,
      'memory:',
      photo!.sha256,
      photo!.object,
      'AGE-SECRET',
      'age1',
    ]
    expect(secrets.filter(secret => seen.includes(secret))).toEqual([])
    for (const { key } of vault.keys.values())
      for (const form of ['hex', 'base64'] as const) expect(seen.includes(Buffer.from(key).toString(form))).toBe(false)
  })

  test('a Redis that dies and forgets everything is filled again, and the run completes', async () => {
    // Two batches are done, and the third is held up until Redis is back.
    const [half, back] = [deferred(), deferred()]
    let done = 0
    const held = altered(store, {
      create: async (name, body) => {
        if (name.startsWith('objects/') && done >= 2) {
          half.resolve()
          await back.promise
        }
        return store.create(name, body)
      },
    })
    await worker({ batches: 1, done: () => void done++ }, me, held)
    const running = plan()
    await half.promise
    await redis.kill()
    await redis.restart()
    back.resolve()
    expect(tally(await running)).toEqual({ done: 40 })
    await expectAll()
  })

  test('a planner that left is followed by another: what is in the queue is not planned twice', async () => {
    const stop = new AbortController()
    const left = plan(store, { signal: stop.signal })
    await expect.poll(() => redis.ask('--scan', '--pattern', 'latent:*:wait'), { timeout: 30_000 }).not.toBe('')
    stop.abort()
    expect(tally(await left)).toEqual({ E_INTERRUPTED: 40 })
    const told: WorkerTold[] = []
    await worker({ done: one => void told.push(one) })
    const results = await plan()
    expect((tally(results)['done'] ?? 0) + (tally(results)['skipped'] ?? 0)).toBe(40)
    // The second one named its batches as the first did.
    expect(new Set(told.map(({ job }) => job)).size).toBe((await planned()).length)
    await expectAll()
  })

  /** The batches of these files in an empty vault. */
  async function planned(of: Store = new MemoryStore(), segment = 7): Promise<Batch[]> {
    const batches: Batch[] = []
    const work = async (batch: Batch) => {
      batches.push(batch)
      return { results: [], segments: [] }
    }
    if (!(await of.stat('latent-vault'))) await Vault.init(of, [me.recipient])
    await add(await openVault(of, me), plain, { crew: { ahead: 9, work }, segment })
    return batches
  }

  test('the same batch twice, on two machines at once, is as good as once', async () => {
    const twice = [await openVault(store, me), await openVault(store, me)]
    // Without conditions in the store too: the planner has drawn the names.
    const bare = altered(store, { createsOnly: async () => false })
    const batches = await planned(bare, 20)
    expect(batches.length).toBeGreaterThan(1)
    for (const batch of batches) {
      const outcomes = await Promise.all(twice.map(vault => addBatch(batch, { vault, source: plain, flows, lanes: 3 })))
      for (const { results } of outcomes) expect(tally(results)).toEqual({ done: batch.files.length })
    }
    let objects = 0
    for await (const { size } of store.list('objects/')) objects += Number(size > 0)
    expect(objects).toBe(40)
    await expectAll()
  })

  test('a store that fails is tried again by a later attempt; a file that is gone is named', async () => {
    let left = 2
    const failing = altered(store, {
      create: async (name, body) => {
        if (name.startsWith('objects/') && left-- > 0) throw new StoreFault('refused', 'not now')
        return store.create(name, body)
      },
    })
    const told: WorkerTold[] = []
    await worker({ done: one => void told.push(one) }, me, failing)
    await rm(join(plain, 'Lisbon trip 1/IMG_5.jpg'))
    await mkdir(join(plain, 'x'))
    const results = await plan()
    // The empty folder is told.
    expect(tally(results)).toEqual({ done: 39, skipped: 1 })
    expect(told.filter(one => one.code === 'E_STORE').length).toBeGreaterThan(0)
    const vault = await openVault(store, me)
    const crew = new QueueCrew({ connection, vault, sweepMs: 200 })
    await putFiles(plain, { 'Lisbon trip 1/IMG_5.jpg': 77, 'y.jpg': 99 })
    const begin = async (source: string) => {
      await crew.begin(source)
      await rename(join(plain, 'y.jpg'), join(plain, '../y.jpg'))
    }
    const late = { ahead: 5, begin, work: crew.work.bind(crew), end: crew.end.bind(crew) }
    const [gone] = (await add(vault, plain, { crew: late })).filter(({ status }) => status === 'failed')
    await crew.close()
    expect([gone!.source, gone!.code]).toEqual([join(plain, 'y.jpg'), 'E_IO'])
  })

  test('a photo that ends every process that reads it is named as failed; worker and run go on', async () => {
    const folder = new FolderStore(sealed)
    await Vault.init(folder, [me.recipient])
    await putFiles(plain, { 'y.jpg': new TextEncoder().encode('ending whoever reads it') })
    const notices: string[] = []
    const sandbox = new URL('./sandbox-script.ts', import.meta.url)
    await worker({ sandbox, batches: 1, notice: text => void notices.push(text) }, me, folder)
    const results = await plan(folder, { segment: 100, thumbnails: true })
    expect(tally(results)).toEqual({ done: 40, E_INTERNAL: 1 })
    expect(results.find(({ status }) => status === 'failed')?.source).toBe(join(plain, 'y.jpg'))
    expect(notices).toHaveLength(3)
    expect(select(await openVault(folder, me), {})).toHaveLength(40)
  })

  test('a worker that cannot do it ends, and leaves the work to one that can', async () => {
    const stranger = await person()
    await share(await openVault(store, me), (await openVault(store, me)).main(), [stranger.recipient])
    const late = await openVault(store, me)
    await late.addAlbum('private', [me.recipient])
    const running = plan(store, { album: (await openVault(store, me)).album('private') })
    // One has not the key of this album, one not the files.
    expect(await (await worker({}, stranger)).ended).toBe('E_NO_MATCH')
    expect(await (await worker({ source: opened.replace(/opened$/, '') })).ended).toBe('E_IO')
    await worker()
    expect(tally(await running)).toEqual({ done: 40 })
    expect(await (await worker({ source: join(plain, 'nowhere') })).ended).toBe('E_IO')
  })

  test('somebody who writes to the queue cannot make up work', async () => {
    const vault = await openVault(store, me)
    const { bull } = connection
    const client = connection.connect()
    const queue = new bull.Queue(`latent-${vault.id}`, { connection: client, prefix: 'latent' })
    const told: WorkerTold[] = []
    await queue.add('add', { key: vault.main().newest.id, batch: 'bm90aGluZw==' }, { jobId: 'made-up' })
    const stolen = await sealMessage(vault.main().newest.key, 'batch', 'outside', {
      key: vault.main().newest.id,
      files: [{ file: '../secret.txt', path: 'x', size: 1, added: 1 }],
    })
    await queue.add('add', { key: vault.main().newest.id, batch: stolen }, { jobId: 'outside' })
    expect(await (await worker({ idleMs: 500, done: one => void told.push(one) })).ended).toBeUndefined()
    expect(told.map(({ job, code: found }) => `${job} ${found}`).toSorted()).toEqual([
      'made-up E_QUEUE',
      'outside E_QUEUE',
    ])
    expect((await queue.getJob('made-up'))!.failedReason).toBe('E_QUEUE')
    await queue.close()
    client.disconnect()
  })

  test('a queue that may drop jobs, wants a password, or does not answer is refused with a code', async () => {
    const other = await RedisServer.start('--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru')
    ends.push(() => other.stop())
    expect(await code(openQueue(other.url))).toBe('E_QUEUE')
    other.ask('config', 'set', 'maxmemory-policy', 'noeviction')
    expect(await code(openQueue(other.url))).toBeUndefined()
    other.ask('config', 'set', 'requirepass', 'sesame')
    expect(await code(openQueue(other.url))).toBe('E_CREDENTIALS')
    const wrong = openQueue(other.url.replace('//', '//:not-sesame@'))
    await expect(wrong).rejects.toMatchObject({ code: 'E_CREDENTIALS' })
    await expect(wrong).rejects.not.toThrow('not-sesame')
    expect((await openQueue(other.url.replace('//', '//:sesame@'))).address).toBe(other.url)
    await other.kill()
    expect(await code(openQueue(other.url))).toBe('E_QUEUE')
    await other.restart()
  })
})

/** The store, with some of its methods replaced. */
function altered(store: Store, changed: Partial<Store>): Store {
  const { address } = store
  return {
    address,
    createsOnly: () => store.createsOnly(),
    list: folder => store.list(folder),
    stat: name => store.stat(name),
    read: (name, range) => store.read(name, range),
    create: (name, body) => store.create(name, body),
    remove: name => store.remove(name),
    sync: () => store.sync(),
    close: () => store.close(),
    ...changed,
  }
}
