// Sealing, beside what it is built on and what it is compared with; every pair in one run, alternating.
// With --large the one large file alone, which takes a minute; folders behind it are other checkouts, whose commands
// take turns with this one's.
import { type ExactFlow, sealingWeights, TILE_BYTES, trainedWeights } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { spawnSync } from 'node:child_process'
import { createCipheriv, randomFillSync } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Cost, latentCost, median } from './process-cost.ts'

const LARGE_BYTES = 256e6
const LARGE_TIMES = 3
const line = (what: string, ours: number, peer: string, theirs: number, unit: string) =>
  console.log(
    `${what}: ${ours.toFixed(1)} ${unit}, ${peer} ${theirs.toFixed(1)} ${unit}, ratio ${(ours / theirs).toFixed(3)}`,
  )

/** Measures both in turn, so that other work on the machine meets them alike; medians. */
async function alternate(
  times: number,
  a: () => Promise<number> | number,
  b: () => Promise<number> | number,
): Promise<[number, number]> {
  const [as, bs]: [number[], number[]] = [[], []]
  for (let i = 0; i < times; i++) {
    as.push(await a())
    bs.push(await b())
  }
  return [median(as), median(bs)]
}

async function megabytesPerSecond(bytes: number, work: () => Promise<unknown> | void): Promise<number> {
  const started = performance.now()
  await work()
  return bytes / 1000 / (performance.now() - started)
}

export default async function run([first, ...others]: readonly string[]): Promise<void> {
  if (first !== '--large') await cipherAlone()
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const identity = join(folder, 'key')
    const recipient = latentCost('.', ['keygen', '-o', identity]).output.trim()
    if (spawnSync('age', ['--version']).status !== 0) return console.log('age is not installed (Debian: age); left out')
    largeFile(folder, recipient, ['.', ...others])
    if (first !== '--large')
      await photosOfFolder(folder, recipient, first ?? process.env['LATENT_DATA'] ?? '../shared/data')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Megabytes (10^6) a second of whole tiles, on every core; and processor time, which other work leaves alone. */
async function cipherAlone(): Promise<void> {
  const lanes = availableParallelism()
  const [pool, wide] = await Promise.all(
    [sealingWeights, trainedWeights].map(async weights =>
      openExactFlowPool({ workers: lanes, weights: await weights() }),
    ),
  )
  const key = new Uint8Array(32)
  const tile = randomFillSync(new Uint8Array(TILE_BYTES))
  const tiles = 32 * lanes
  const flowOf = (pool: ExactFlow) => () =>
    megabytesPerSecond(tiles * TILE_BYTES, async () => {
      const underWay: Promise<Uint8Array>[] = []
      for (let i = 0; i < tiles; i++) {
        underWay.push(pool.encrypt(key, Uint8Array.of(i), tile))
        if (underWay.length > lanes + 1) await underWay.shift()
      }
      await Promise.all(underWay)
    })
  const [flow, before] = [flowOf(pool!), flowOf(wide!)]
  const workers = await Promise.all(
    Array.from({ length: lanes }, async () => {
      const worker = new Worker(new URL('networks-worker.ts', import.meta.url), { workerData: 32 })
      await new Promise(resolve => worker.once('message', resolve))
      return worker
    }),
  )
  const networks = () =>
    megabytesPerSecond(tiles * TILE_BYTES, () =>
      Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve).postMessage(0)))),
    )
  const gcm = () =>
    megabytesPerSecond(tiles * TILE_BYTES, () => {
      for (let i = 0; i < tiles; i++) {
        const cipher = createCipheriv('aes-256-gcm', key, new Uint8Array(12))
        cipher.update(tile)
        cipher.final()
      }
    })
  await flow()
  await before()
  const [whole, nets] = await alternate(7, flow, networks)
  line('exact flow, whole cipher', whole, 'the four networks alone', nets, 'MB/s')
  const [quick, usual] = await alternate(3, flow, before)
  line('exact flow, whole cipher', quick, 'its first generation', usual, 'MB/s')
  const [again, aes] = await alternate(3, flow, gcm)
  line('exact flow, whole cipher', again, 'AES-256-GCM on one core', aes, 'MB/s')
  const nanoseconds = (work: () => Promise<number>) => async () => {
    const { user, system } = process.cpuUsage()
    await work()
    const spent = process.cpuUsage()
    return ((spent.user + spent.system - user - system) * 1000) / (tiles * TILE_BYTES)
  }
  const [ours, theirs] = await alternate(3, nanoseconds(flow), nanoseconds(before))
  line('exact flow, processor time of all threads', ours, 'its first generation', theirs, 'ns a byte')
  for (const opened of [pool!, wide!]) await opened.close()
  for (const worker of workers) await worker.terminate()
}

/** Whole commands as a user starts them, start-up included; of other checkouts too. */
function largeFile(folder: string, recipient: string, checkouts: readonly string[]): void {
  const [plain, sealed, opened] = ['large.bin', 'sealed', 'opened'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(plain, randomFillSync(new Uint8Array(LARGE_BYTES)))
  const aged: number[] = []
  const kinds = [
    ['latent seal', ['seal', plain, '-o', sealed, '-r', recipient], sealed],
    ['latent seal --no-check', ['seal', plain, '-o', sealed, '-r', recipient, '--no-check'], sealed],
    ['latent open', ['open', sealed, '-o', opened, '-i', join(folder, 'key')], opened],
  ] as const
  const costs = new Map<string, Cost[]>()
  for (let i = 0; i < LARGE_TIMES; i++) {
    for (const checkout of checkouts) {
      for (const [what, args, output] of kinds) {
        rmSync(output, { recursive: true, force: true })
        const of = `${what}, one file of 256 MB${checkout === '.' ? '' : `, of ${checkout}`}`
        costs.set(of, [...(costs.get(of) ?? []), latentCost(checkout, args)])
      }
      const started = performance.now()
      age(folder, recipient, plain)
      aged.push((performance.now() - started) / 1000)
    }
  }
  const peer = LARGE_BYTES / 1e6 / median(aged)
  for (const [of, each] of costs) {
    const of3 = (what: keyof Omit<Cost, 'output'>) => median(each.map(cost => cost[what]))
    line(of, LARGE_BYTES / 1e6 / of3('seconds'), 'age', peer, 'MB/s')
    console.log(`  ${of3('processor').toFixed(2)} s of the processor, at most ${of3('megabytes').toFixed(0)} MB`)
  }
  for (const path of [plain, sealed, opened]) rmSync(path, { recursive: true, force: true })
}

function age(folder: string, recipient: string, input: string): void {
  const output = join(folder, `${basename(input)}.age`)
  if (spawnSync('age', ['-r', recipient, '-o', output, input]).status !== 0) throw new Error('age failed')
  rmSync(output)
}

async function photosOfFolder(folder: string, recipient: string, data: string): Promise<void> {
  const seal = (input: string, ...rest: string[]) => {
    const output = join(folder, 'sealed')
    rmSync(output, { recursive: true, force: true })
    latentCost('.', ['seal', input, '-o', output, '-r', recipient, ...rest])
  }
  const photos = join(folder, 'photos')
  const source = join(data, 'bsds500')
  const files = photosBelow(source)
  if (files.length === 0) return console.log(`no photos below ${source}; left out`)
  mkdirSync(photos)
  for (const file of files) copyFileSync(file, join(photos, basename(file)))
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  // A shell starts processes faster than Node does: the peer gets the quicker loop.
  const ages = () => {
    const output = join(folder, 'aged')
    rmSync(output, { recursive: true, force: true })
    mkdirSync(output)
    const loop = spawnSync('sh', [
      '-c',
      'for f in "$1"/*; do age -r "$2" -o "$3/${f##*/}.age" "$f" || exit 1; done',
      'sh',
      photos,
      recipient,
      output,
    ])
    if (loop.status !== 0) throw new Error('age failed')
  }
  for (const [label, rest] of [
    ['latent seal', []],
    ['latent seal --no-check', ['--no-check']],
    ['latent seal --cipher aes-256-gcm', ['--cipher', 'aes-256-gcm']],
  ] as const) {
    const [ours, theirs] = await alternate(
      5,
      () => megabytesPerSecond(bytes, () => seal(photos, ...rest)),
      () => megabytesPerSecond(bytes, ages),
    )
    line(`${label}, ${files.length} photos`, ours, 'one age process a file', theirs, 'MB/s')
  }
}

function photosBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.jpg'))
      .map(name => join(folder, name))
  } catch {
    return []
  }
}
