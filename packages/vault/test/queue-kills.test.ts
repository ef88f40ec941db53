import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkPresence, Keyring, removePhotos, select, Vault } from '../src/index.ts'
import { FolderStore, verifyVault } from '../src/node/index.ts'
import { flows } from './fixtures.ts'
import { plain, root } from './folders.ts'
import { REDIS, RedisServer } from './redis-server.ts'
import { all, putFiles, tally } from './vault-fixtures.ts'

const PROCESS = fileURLToPath(new URL('queue-process.ts', import.meta.url))
/** `LATENT_KILLS=50` for as many as were promised. */
const KILLS = Number(process.env['LATENT_KILLS'] ?? 4)
const FILES = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`${i % 5}/${i}.jpg`, 400 + 31 * i]))

let identity: string
let folder: string
let running: Set<ChildProcess>

beforeEach(async () => {
  identity = await generateX25519Identity()
  folder = join(root, 'vault')
  running = new Set()
  await mkdir(folder)
  await Vault.init(new FolderStore(folder), [await identityToRecipient(identity)])
  await putFiles(plain, FILES)
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

function start(role: string, source = plain, url = ''): ChildProcess {
  const child = spawn(process.execPath, [PROCESS, role, folder, source, identity, url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

const begun = (child: ChildProcess) => new Promise(resolve => child.stdout!.once('data', resolve))
const ended = (child: ChildProcess) =>
  new Promise<number | string | null>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal)))
const wait = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
const open = () => Vault.open(new FolderStore(folder), { keyring: new Keyring({ identities: [identity] }) })

/** Everything is there, each photo to its last byte, and nothing is missing or unknown. */
async function expectWhole(paths: readonly string[], strays = 0): Promise<void> {
  const vault = await open()
  const photos = select(vault, {})
  expect(photos.map(({ path }) => path)).toEqual(paths.toSorted())
  expect(tally(await all(verifyVault({ vault, photos, flows })))).toEqual({ done: paths.length })
  const { missing, wrongSize, unknown, lostSegments } = await checkPresence(vault, photos)
  expect([missing, wrongSize, lostSegments]).toEqual([[], [], []])
  expect(unknown.length).toBeLessThanOrEqual(strays)
}

describe.skipIf(!REDIS)('kill -9', () => {
  let redis: RedisServer
  beforeEach(async () => {
    redis = await RedisServer.start()
  })
  afterEach(() => redis.stop())

  test(
    `of workers, the planner and Redis at ${KILLS} moments: what is left completes it, nothing is lost or wrong`,
    { timeout: 600_000 },
    async () => {
      const victims = ['worker', 'planner', 'redis'] as const
      const workers = [start('worker', plain, redis.url), start('worker', plain, redis.url)]
      let planner = start('planner', plain, redis.url)
      let done = ended(planner)
      await begun(planner)
      let round = 0
      for (let kill = 0; kill < KILLS; kill++) {
        // Moments spread over a run, the same in every run of this test.
        await wait(((kill * 0.618034) % 1) * 400)
        const victim = victims[kill % 3]!
        if (victim === 'redis') {
          await redis.kill()
          await redis.restart()
        } else if (victim === 'worker') {
          workers[kill % 2]!.kill('SIGKILL')
          workers[kill % 2] = start('worker', plain, redis.url)
        } else {
          planner.kill('SIGKILL')
          await done
        }
        if (planner.exitCode === null && planner.signalCode === null) continue
        // More to do, so that later kills meet work.
        if (planner.exitCode === 0) await putFiles(plain, { [`more/${++round}.jpg`]: 5000 + round })
        planner = start('planner', plain, redis.url)
        done = ended(planner)
        await begun(planner)
      }
      expect(await done).toBe(0)
      const last = start('planner', plain, redis.url)
      expect(await ended(last)).toBe(0)
      const more = Array.from({ length: round }, (_, i) => `more/${i + 1}.jpg`)
      await expectWhole([...Object.keys(FILES), ...more])
    },
  )
})

test('two machines add the same and different photos at once, while a third prunes', { timeout: 300_000 }, async () => {
  const before = await open()
  await putFiles(join(root, 'old'), { 'old/a.jpg': 900, 'old/b.jpg': 901 })
  expect(await ended(start('add', join(root, 'old')))).toBe(0)
  await before.refresh()
  await removePhotos(before, select(before, { patterns: ['old/a.jpg'] }))
  await putFiles(join(root, 'other'), { ...FILES, 'only/here.jpg': 700 })
  const adding = [start('add'), start('add', join(root, 'other'))]
  const ends = adding.map(ended)
  await Promise.all(adding.map(begun))
  const pruned = new Set<unknown>()
  while (adding.some(({ exitCode }) => exitCode === null)) pruned.add(await ended(start('prune')))
  expect(await Promise.all(ends)).toEqual([0, 0])
  // It marks or deletes when nobody is there, says E_EXISTS otherwise, and never fails.
  expect(Array.from(pruned).filter(code => code !== 0 && code !== 9)).toEqual([])
  for (let i = 0; i < 2; i++) expect(await ended(start('prune'))).toBe(0)
  await expectWhole([...Object.keys(FILES), 'old/b.jpg', 'only/here.jpg'])
})
