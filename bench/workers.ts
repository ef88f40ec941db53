// npm run bench -- workers [photos]: two, four and eight workers against one vault in a folder, with a planner and a
// Redis of their own, each with two child processes that do the batches, as `latent worker` has; then two that do the
// batches themselves, whose requests can be counted; then the arithmetic for a hundred machines and ten million photos.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CountingStore, Keyring, type Requests, Vault } from '@latent/vault'
import { addFiles, FolderStore, openQueue, QueueCrew, runWorker } from '@latent/vault/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { SANDBOX } from '../packages/cli/src/commands/vault/sandbox.ts'
import { noFlows } from '../packages/vault/src/vault/segment.ts'
import { RedisServer } from '../packages/vault/test/redis-server.ts'

const PHOTO_BYTES = 262_144
/** Small batches, so that eight workers have some each. */
const BATCH = 8

/** What a worker tells when it has ended. */
interface Told {
  readonly cpuSeconds: number
  readonly jobs: number
  readonly requests: Requests
}

const cpuSeconds = () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return (userCPUTime + systemCPUTime) / 1e6
}

/** Of child processes that have ended; Linux counts them in hundredths of a second. */
function cpuSecondsOfChildren(): number {
  const afterName = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ')
  return (Number(afterName[13]) + Number(afterName[14])) / 100
}

/** Who does a worker's batches. */
type Hands = 'children' | 'itself'

/** A process of its own: works until it is told to stop. */
async function work(folder: string, source: string, identity: string, url: string, hands: Hands): Promise<void> {
  const store = new CountingStore(new FolderStore(folder))
  const keyring = new Keyring({ identities: [identity] })
  const vault = await Vault.open(store, { keyring, index: false })
  const stop = new AbortController()
  process.stdin.once('data', () => stop.abort())
  const connection = await openQueue(url)
  const before = cpuSeconds()
  let jobs = 0
  console.log('ready')
  await runWorker({
    connection,
    vault,
    keyring,
    source,
    flows: noFlows,
    lanes: 2,
    signal: stop.signal,
    done: () => void jobs++,
    ...(hands === 'children' ? { sandbox: SANDBOX } : {}),
  })
  const spent = cpuSeconds() - before + cpuSecondsOfChildren()
  console.log(JSON.stringify({ cpuSeconds: spent, jobs, requests: store.requests } satisfies Told))
  process.exit()
}

/** What one number of workers came to. */
interface Measured {
  readonly seconds: number
  /** Of all workers, and of the planner. */
  readonly workers: number
  readonly planner: number
  readonly jobs: number
  /** The share of all processors that nobody on the machine used. */
  readonly idle: number
  /** What others on the machine, or Redis, took. */
  readonly others: number
  readonly requests: readonly Requests[]
}

/** Processor time of the machine: used, and idle. */
const machine = () => {
  const times = cpus().map(cpu => cpu.times)
  const sum = (list: readonly number[]) => list.reduce((total, each) => total + each, 0) / 1000
  return {
    idle: sum(times.map(({ idle }) => idle)),
    used: sum(times.map(({ user, nice, sys, irq }) => user + nice + sys + irq)),
  }
}

async function measure(count: number, hands: Hands, scratch: string, identity: string, url: string): Promise<Measured> {
  const folder = join(scratch, `vault-${count}-${hands}`)
  const source = join(scratch, 'photos')
  await Vault.init(new FolderStore(folder), [await identityToRecipient(identity)])
  const vault = await Vault.open(new FolderStore(folder), { keyring: new Keyring({ identities: [identity] }) })
  const command = [join(import.meta.dirname, 'run.ts'), 'workers', 'work', folder, source, identity, url, hands]
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const said = children.map(() => '')
  const ready = children.map(
    (child, i) =>
      new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (part: Buffer) => {
          said[i] += part.toString()
          if (said[i]!.includes('ready\n')) resolve()
        })
        child.once('exit', () => reject(new Error('a worker ended before its time')))
      }),
  )
  await Promise.all(ready)
  const crew = new QueueCrew({ connection: await openQueue(url), vault })
  const [started, mine, all] = [performance.now(), cpuSeconds(), machine()]
  const run = { inputs: [source], vault, album: vault.main(), flows: noFlows, body: { type: 'aes-256-gcm' } as const }
  for await (const { status } of addFiles({ ...run, crew, segment: BATCH }))
    if (status !== 'done') throw new Error(`a photo was not added: ${status}`)
  const seconds = (performance.now() - started) / 1000
  const planner = cpuSeconds() - mine
  const now = machine()
  const [idle, used] = [now.idle - all.idle, now.used - all.used]
  await crew.close()
  const told = await Promise.all(
    children.map(async (child, i) => {
      child.stdin.write('stop\n')
      await once(child, 'close')
      return JSON.parse(said[i]!.trim().split('\n').at(-1)!) as Told
    }),
  )
  const workers = told.reduce((total, each) => total + each.cpuSeconds, 0)
  return {
    seconds,
    workers,
    planner,
    idle: idle / (idle + used),
    others: used - workers - planner,
    jobs: told.reduce((total, each) => total + each.jobs, 0),
    requests: told.map(each => each.requests),
  }
}

/** @param options how many photos; default 320 */
export default async function run([count = '320', ...options]: readonly string[]): Promise<void> {
  if (count === 'work') return work(...(options as [string, string, string, string, Hands]))
  if (spawnSync('redis-server', ['--version']).status !== 0) throw new Error('redis-server is not installed')
  const photos = Number(count)
  const scratch = mkdtempSync(join(tmpdir(), 'latent-bench-workers-'))
  const redis = await RedisServer.start()
  try {
    mkdirSync(join(scratch, 'photos'))
    for (let i = 0; i < photos; i++) writeFileSync(join(scratch, `photos/${i}.jpg`), Buffer.alloc(PHOTO_BYTES, `${i} `))
    const identity = await generateX25519Identity()
    console.log(`${photos} photos of ${PHOTO_BYTES} bytes in batches of ${BATCH} at most, a vault in a folder`)
    const measured: Measured[] = []
    const runs = [
      [2, 'children'],
      [4, 'children'],
      [8, 'children'],
      [2, 'itself'],
    ] as const
    for (const [workers, hands] of runs) {
      const found = await measure(workers, hands, scratch, identity, redis.url)
      measured.push(found)
      const { seconds, jobs, idle, planner } = found
      console.log(
        `${workers} workers${hands === 'itself' ? ' without child processes' : ''}: ` +
          `${(jobs / seconds).toFixed(1)} jobs/s, ${(photos / seconds).toFixed(0)} photos/s, ` +
          `${(measured[0]!.seconds / seconds).toFixed(2)} times as fast as 2; a photo takes ` +
          `${((1000 * found.workers) / photos).toFixed(1)} ms of a worker's processor and ` +
          `${((1000 * planner) / photos).toFixed(2)} ms of the planner's; ` +
          `processors ${(100 * idle).toFixed(0)} % idle, others took ` +
          `${((100 * found.others) / (seconds * cpus().length)).toFixed(0)} %`,
      )
    }
    model(measured[0]!, measured.at(-1)!.requests, photos)
  } finally {
    await redis.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** A hundred machines and ten million photos, from what was measured here and a few assumptions that are printed. */
function model(measured: Measured, requests: readonly Requests[], photos: number): void {
  const [MACHINES, PHOTOS, MEGABYTES, LANES, LATENCY_MS] = [100, 1e7, 3, 4, 50]
  const { workers, planner, jobs } = measured
  const each = (kind: keyof Requests) => requests.reduce((total, one) => total + one[kind], 0) / photos
  const asked = each('create') + each('stat') + each('read') + each('list')
  const perPhoto = workers / photos
  const perMegabyte = (perPhoto / PHOTO_BYTES) * 1e6
  const byProcessor = 1 / (perMegabyte * MEGABYTES)
  const byRequests = LANES / ((asked * LATENCY_MS) / 1000)
  const slower = Math.min(byProcessor, byRequests)
  const rate = MACHINES * slower
  const batches = PHOTOS / 128
  const line = (name: string, text: string) => console.log(`  ${name.padEnd(22)} ${text}`)
  console.log(
    `on paper: ${MACHINES} workers of one processor each, ${PHOTOS} photos of ${MEGABYTES} MB, ` +
      `batches of 128, ${LATENCY_MS} ms a request`,
  )
  line('requests a photo', `${asked.toFixed(2)}, ${((asked * PHOTOS) / 1e6).toFixed(1)} million in all`)
  line('bytes a photo', `${(each('bytesWritten') / PHOTO_BYTES).toFixed(4)} of its own`)
  line('a worker, processor', `${(1000 * perMegabyte).toFixed(1)} ms a MB at most: ${byProcessor.toFixed(1)} photos/s`)
  line('a worker, requests', `${LANES} at once, ${asked.toFixed(2)} each: ${byRequests.toFixed(1)} photos/s`)
  line('all workers', `${rate.toFixed(0)} photos/s: ${(PHOTOS / rate / 3600).toFixed(1)} hours`)
  line('network', `${((rate * MEGABYTES * 8) / 1000).toFixed(1)} Gbit/s in all`)
  line('the store', `${(rate * asked).toFixed(0)} requests/s, spread over 256 folders`)
  const here = jobs / measured.seconds
  line('the queue', `${(rate / 128).toFixed(1)} jobs/s, ${batches.toFixed(0)} in all (here ${here.toFixed(1)} jobs/s)`)
  const hours = (seconds: number) => (seconds / 3600).toFixed(1)
  line(
    'the planner',
    `${hours((batches * planner) / jobs)} hours of processor if jobs are what it works for, ` +
      `${hours((PHOTOS * planner) / photos)} if photos are`,
  )
}
