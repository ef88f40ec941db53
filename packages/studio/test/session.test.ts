import { effect } from '@preact/signals-core'
import { toHex } from '@latent/core'
import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { createAlbum, inspectSealed, Keyring, streamOf } from '@latent/vault'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine, Job } from '../src/vault/engine.ts'
import { partsOf } from '../src/vault/bytes.ts'
import { type KeyChoice, newKey, readKeyFile } from '../src/vault/keys.ts'
import { LocalEngine } from '../src/vault/local-engine.ts'
import type { Place } from '../src/vault/place.ts'
import { RecyclingEngine } from '../src/vault/recycling-engine.ts'
import { sealFile } from '../src/vault/seal-file.ts'
import { type Places, VaultSession } from '../src/vault/session.ts'
import { MemoryFolder } from './folder.ts'

const { flows, close } = openFlows(weights => openExactFlow({ weights }))
afterAll(close)

const bytesOf = (n: number, size = 3000) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + n * 31 + (i >> 5)) % 251)
const fileOf = (name: string, bytes: Uint8Array) => ({
  file: new File([bytes.slice()], name, { lastModified: 1_700_000_000_000 }),
  path: name,
})
const contentOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer())
const inMemory: Places = { sealed: { kind: 'memory' }, opened: { kind: 'memory' } }
const into = (folder: MemoryFolder): Places => {
  const place = { kind: 'folder', id: folder.name, folder: folder.handle } as const
  return { sealed: place, opened: place }
}

const made = await newKey()
const key: KeyChoice = { kind: 'file', identities: [made.identity], recipients: '' }
const stages = (session: VaultSession) => session.entries.value.map(({ stage: { value } }) => value.is)
const faults = (session: VaultSession) =>
  session.entries.value.flatMap(({ stage: { value } }) => (value.is === 'failed' ? [value.fault] : []))

async function sealed(name: string, bytes: Uint8Array): Promise<Blob> {
  const session = new VaultSession(new LocalEngine(flows))
  await session.add([fileOf(name, bytes)])
  await session.start(key, inMemory)
  return session.results.value[0]!.output
}

describe('the queue of the vault view', () => {
  let session: VaultSession
  beforeEach(() => {
    session = new VaultSession(new LocalEngine(flows))
  })

  test('seals what is plain and opens what is sealed, in one go and exactly', async () => {
    await session.add([fileOf('trip/a.jpg', bytesOf(1)), { ...fileOf('b.png', bytesOf(2)), path: 'b.png' }])
    const other = await sealed('c.heic', bytesOf(3))
    await session.add([{ file: new File([other], 'renamed.png'), path: 'x/renamed.png' }])
    expect(session.entries.value.map(({ intent }) => intent.value)).toEqual(['seal', 'seal', 'open'])
    await session.start(key, inMemory)
    expect(stages(session)).toEqual(['done', 'done', 'done'])
    const [a, b, c] = session.results.value
    expect([a!.path, b!.path, c!.path]).toEqual(['trip/a.jpg.png', 'b.png.png', 'x/c.heic'])
    expect(await contentOf(c!.output)).toEqual(bytesOf(3))
    const again = new VaultSession(new LocalEngine(flows))
    await again.add([{ file: new File([a!.output], 'a.jpg.png'), path: 'a.jpg.png' }])
    await again.start(key, inMemory)
    expect(await contentOf(again.results.value[0]!.output)).toEqual(bytesOf(1))
    expect(again.results.value[0]!.sha256).toBe(a!.sha256)
  })

  test('says what is wrong beside the file, in the words of the command line, and goes on', async () => {
    const whole = await contentOf(await sealed('a.jpg', bytesOf(1, 200_000)))
    const damaged = whole.slice()
    damaged[150_000]! ^= 1
    const cut = whole.subarray(0, 90_000).slice()
    await session.add(
      [damaged, cut, whole].map((bytes, i) => ({ file: new File([bytes], `${i}.jpg.png`), path: `${i}.jpg.png` })),
    )
    await session.start(key, inMemory)
    expect(stages(session)).toEqual(['failed', 'failed', 'done'])
    expect(faults(session).map(({ code }) => code)).toEqual(['E_CHUNK', 'E_TRUNCATED'])
    expect(faults(session)[0]!.hint).toBeDefined()
  })

  test('a wrong key opens nothing, and the right one on a second try does', async () => {
    const other = await newKey()
    await session.add([{ file: new File([await sealed('a.jpg', bytesOf(1))], 'a.jpg.png'), path: 'a.jpg.png' }])
    await session.start({ kind: 'file', identities: [other.identity], recipients: '' }, inMemory)
    expect(faults(session).map(({ code }) => code)).toEqual(['E_NO_MATCH'])
    session.retry()
    await session.start(key, inMemory)
    expect(stages(session)).toEqual(['done'])
  })

  test('without a usable key nothing is begun, and the key is to blame', async () => {
    await session.add([fileOf('a.jpg', bytesOf(1))])
    const tries: readonly [KeyChoice, string][] = [
      [{ kind: 'passphrase', passphrase: '' }, 'the passphrase is empty'],
      [{ kind: 'passphrase', passphrase: 'password' }, 'too weak'],
      [{ kind: 'file', identities: [], recipients: '' }, 'no key was given'],
      [{ kind: 'public', recipients: 'age1nothing' }, 'line 1'],
    ]
    for (const [choice, message] of tries) {
      await session.start(choice, inMemory)
      expect(session.keyFault.value).toMatchObject({ code: 'E_KEY' })
      expect(session.keyFault.value!.message).toContain(message)
      expect(stages(session)).toEqual(['waiting'])
    }
  })

  test('public keys seal, and whoever has the other half opens', async () => {
    await session.add([fileOf('a.jpg', bytesOf(1))])
    await session.start({ kind: 'public', recipients: `# mine\n${made.recipient}\n` }, inMemory)
    const { output } = session.results.value[0]!
    await session.add([{ file: new File([output], 'a.jpg.png'), path: 'a.jpg.png' }])
    await session.start({ kind: 'public', recipients: made.recipient }, inMemory)
    expect(session.keyFault.value?.message).toBe('public keys open nothing')
    await session.start(key, inMemory)
    expect(stages(session)).toEqual(['done', 'done'])
  })

  test('in a folder nothing is replaced, nothing half written stays, and what is there already is left', async () => {
    const folder = new MemoryFolder()
    const run = async (bytes: Uint8Array) => {
      const session = new VaultSession(new LocalEngine(flows))
      await session.add([fileOf('trip/a.jpg', bytes)])
      await session.start(key, into(folder))
      return session.results.value[0]!
    }
    expect(await run(bytesOf(1))).toMatchObject({ path: 'trip/a.jpg.png', wasThere: false })
    expect(await run(bytesOf(1))).toMatchObject({ path: 'trip/a.jpg.png', wasThere: true })
    expect(await run(bytesOf(2))).toMatchObject({ path: 'trip/a.jpg (2).png', wasThere: false })
    expect(folder.paths()).toEqual(['trip/a.jpg.png', 'trip/a.jpg (2).png'])

    const full = new MemoryFolder('full', 1000)
    await session.add([fileOf('a.jpg', bytesOf(1))])
    await session.start(key, into(full))
    expect(faults(session)).toMatchObject([{ code: 'E_IO', message: 'there is no room left for the result' }])
    expect(full.paths()).toEqual([])
  })

  test('an empty file of the user is no leftover: it stays, sealing and opening', async () => {
    const folder = new MemoryFolder()
    for (const name of ['a.jpg.png', 'b.jpg', 'c.txt']) await folder.getFileHandle(name, { create: true })
    const [b, c] = [await sealed('b.jpg', bytesOf(1)), await sealed('c.txt', new Uint8Array(0))]
    await session.add([
      fileOf('a.jpg', bytesOf(1)),
      { file: new File([b], 'b.png'), path: 'b.png' },
      { file: new File([c], 'c.png'), path: 'c.png' },
    ])
    await session.start(key, into(folder))
    expect(session.results.value.map(({ path, wasThere }) => [path, wasThere])).toEqual([
      ['a.jpg (2).png', false],
      ['b (2).jpg', false],
      ['c.txt', true],
    ])
    for (const name of ['a.jpg.png', 'b.jpg', 'c.txt'])
      expect((await (await folder.getFileHandle(name)).getFile()).size).toBe(0)
  })

  test('two files of one name get two names', async () => {
    const folder = new MemoryFolder()
    const [one, two] = [await sealed('a.jpg', bytesOf(1)), await sealed('a.jpg', bytesOf(2))]
    await session.add([
      { file: new File([one], '1.png'), path: '1.png' },
      { file: new File([two], '2.png'), path: '2.png' },
    ])
    await session.start(key, into(folder))
    expect(folder.paths().sort()).toEqual(['a (2).jpg', 'a.jpg'])
  })

  test('a name from a sealed file leads nowhere else', async () => {
    const folder = new MemoryFolder()
    const file = new File([await sealed('..\\..\\evil\u202egpj.exe', bytesOf(1))], 's.png')
    await session.add([{ file, path: 's.png' }])
    await session.start(key, into(folder))
    expect(folder.paths()).toEqual(['.._.._evil_gpj.exe'])
  })

  test('stopping gives up what is under way and keeps the rest for later', async () => {
    // With the first job, whatever is shown by then and however quick the machine is.
    class Stopped extends LocalEngine {
      override run(...job: Parameters<LocalEngine['run']>): ReturnType<LocalEngine['run']> {
        const outcome = super.run(...job)
        if (job[0].id === session.entries.value[0]!.id && folder.paths().length === 0) session.stop()
        return outcome
      }
    }
    session = new VaultSession(new Stopped(flows))
    const folder = new MemoryFolder()
    await session.add(Array.from({ length: 8 }, (_, i) => fileOf(`${i}.jpg`, bytesOf(i, 100_000))))
    await session.start(key, into(folder))
    expect(new Set(stages(session))).toEqual(new Set(['stopped', 'waiting']))
    expect(folder.paths()).toEqual([])
    const stopping = vi.spyOn(session, 'stop').mockImplementation(() => undefined)
    await session.start(key, into(folder))
    expect(stopping).toHaveBeenCalledOnce()
    expect(new Set(stages(session))).toEqual(new Set(['done']))
  })

  test('six small files are worked on at once, or three of which some may be large', async () => {
    let most = 0
    const underWay = new Set<number>()
    class Watched extends LocalEngine {
      override run(job: Job, report: (bytes: number) => void): ReturnType<LocalEngine['run']> {
        underWay.add(job.id)
        most = Math.max(most, underWay.size)
        return super.run(job, report).finally(() => underWay.delete(job.id))
      }
    }
    for (const [size, expected] of [
      [1000, 6],
      [4_000_001, 3],
    ] as const) {
      const busy = new VaultSession(new Watched(flows))
      await busy.add(Array.from({ length: 8 }, (_, i) => fileOf(`${size} ${i}.jpg`, new Uint8Array(size))))
      most = 0
      await busy.start(key, inMemory)
      expect([most, busy.results.value.length]).toEqual([expected, 8])
    }
  })

  test('what is worked on is not turned round before it is shown so', async () => {
    await session.add([fileOf('a.jpg', bytesOf(1))])
    const [entry] = session.entries.value
    const run = session.start(key, inMemory)
    const turned = vi.fn(() => session.turn(entry!))
    const engineRuns = vi.spyOn(LocalEngine.prototype, 'run').mockImplementation(function (this: LocalEngine, ...args) {
      turned()
      engineRuns.mockRestore()
      return this.run(...args)
    })
    await run
    expect(turned).toHaveBeenCalledOnce()
    expect(entry).toMatchObject({ intent: { value: 'seal' }, stage: { value: { is: 'done' } } })
  })

  test('what was saved has to be what was sealed: another sealed file in its place is noticed', async () => {
    const { file, path } = fileOf('a.jpg', bytesOf(1))
    const other = await sealed('a.jpg', bytesOf(1))
    const album = await createAlbum({ recipients: [made.recipient] })
    let discarded = 0
    const place = {
      existing: async () => undefined,
      create: async () => ({
        write: async () => undefined,
        readBack: () => partsOf(other),
        finish: async () => other,
        discard: async () => void discarded++,
      }),
    } as unknown as Place
    const { id: weights } = await sealingWeights()
    const tools = { flows, place, keyring: new Keyring({ identities: [made.identity] }), report: () => undefined }
    await expect(
      sealFile(file, path, { album, weights }, { ...tools, signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'E_HASH' })
    expect(discarded).toBe(1)
  })

  test('progress counts two passes over every file, and time left follows from it', async () => {
    let now = 0
    let rate: number | undefined
    const engine = new LocalEngine(flows)
    const watched: VaultSession = new VaultSession(
      Object.assign(Object.create(engine) as Engine, {
        unlock: engine.unlock.bind(engine),
        async run(job: Job, report: (bytes: number) => void) {
          const outcome = await engine.run(job, bytes => {
            now += 1000
            report(bytes)
          })
          await vi.waitUntil(() => watched.totals.value.share === 1)
          rate = watched.totals.value.rate
          return outcome
        },
      }),
      () => now,
    )
    await watched.add([fileOf('a.jpg', bytesOf(1, 150_000))])
    const shares: number[] = []
    const end = effect(() => void shares.push(watched.totals.value.share))
    await watched.start(key, inMemory)
    end()
    expect(shares.toSorted((a, b) => a - b)).toEqual(shares)
    // Bytes of the file a second, half of what both passes go over.
    expect(rate).toBeCloseTo(150_000 / (now / 1000))
    expect(watched.totals.value).toMatchObject({ done: 1, failed: 0, rate: undefined })
  })
})

test('an engine is let go of when it has done enough, and not before its files are finished', async () => {
  const log: string[] = []
  let started = 0
  const engine = new RecyclingEngine(
    () => {
      const name = `engine ${++started}`
      const local = new LocalEngine(flows)
      const run = local.run.bind(local)
      local.run = (job, report) => {
        log.push(`${name} runs ${job.path}`)
        return run(job, report)
      }
      return { engine: local, stop: () => log.push(`${name} stops`) }
    },
    { files: 2, bytes: 1e9 },
  )
  const session = new VaultSession(engine)
  await session.add(Array.from({ length: 5 }, (_, i) => fileOf(`${i}.jpg`, bytesOf(i))))
  await session.start(key, inMemory)
  expect(stages(session)).toEqual(Array.from({ length: 5 }, () => 'done'))
  // All start at once: the engine that takes the key first runs first.
  const ran = log.filter(line => line.includes('runs')).map(line => line.split(' ')[1]!)
  expect(ran.toSorted((a, b) => a.localeCompare(b))).toEqual(['1', '1', '2', '2', '3'])
  expect(log.filter(line => line.includes('stops'))).toEqual(['engine 1 stops', 'engine 2 stops'])
  // One album a run: nobody is asked again for a passkey.
  const envelopes = await Promise.all(
    session.results.value.map(async ({ output }) =>
      toHex((await inspectSealed(streamOf(await contentOf(output)))).header.envelope),
    ),
  )
  expect(new Set(envelopes).size).toBe(1)
})

test('key files are read as the command line reads them', async () => {
  const text = (content: string) => new TextEncoder().encode(content)
  expect(await readKeyFile(text(made.file))).toEqual({
    identities: [made.identity],
    recipients: [made.recipient],
    locked: false,
  })
  await expect(readKeyFile(text('hello'))).rejects.toMatchObject({ code: 'E_KEY' })
  await expect(readKeyFile(text(made.recipient))).rejects.toThrow(/public recipient/)
  expect(made.sheet).toContain(made.words.split(' ')[23]!)
})
