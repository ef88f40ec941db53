import { randomBytes } from '@latent/core'
import { openFlows } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { folder } from '@latent/studio'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, ElementHandle, Page } from 'puppeteer-core'
import { serveStudio } from '../packages/cli/src/studio-server.ts'
import type { Found } from '../packages/studio/src/vault/intake.ts'
import { newKey, type NewKey } from '../packages/studio/src/vault/keys.ts'
import { LocalEngine } from '../packages/studio/src/vault/local-engine.ts'
import type { PlaceChoice } from '../packages/studio/src/vault/place.ts'
import { VaultSession } from '../packages/studio/src/vault/session.ts'
import { startBrowser } from './studio-browser.ts'
import { DiskFile, DiskFolder, writeLikeWorkers } from './studio-disk.ts'

const FILE_BYTES = 1e6
const THREADS = Math.min(8, availableParallelism())

/** The same code in Node: what computes, and whether files are read from the disk and written to it as in the page. */
const PEERS = [
  { name: 'the kernel, all in memory', backend: ['kernel', 'ort-wasm'], onDisk: false },
  { name: 'the kernel, on the disk as in the page', backend: ['kernel', 'ort-wasm'], onDisk: true },
  { name: "ONNX Runtime's WebAssembly, all in memory", backend: 'ort-wasm', onDisk: false },
] as const

/**
 * Latent Studio in Chromium beside the same code in Node, on our WebAssembly kernel and, as the studio computed before
 * there was one, on ONNX Runtime in WebAssembly, on as many threads: sealing files and opening each again, megabytes of
 * files a second and their ratios within each pass; then the memory of all of the browser's processes over many photos.
 * The page reads its files from the disk, writes what it seals there, and reads that again. One of the peers does so,
 * too; the others have everything in memory.
 * Needs `npm run studio` first. `--files N --passes N --photos N`; `--large GiB` does nothing but seal one file of that
 * size and open it again.
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      files: { type: 'string', default: '12' },
      passes: { type: 'string', default: '3' },
      photos: { type: 'string', default: '200' },
      large: { type: 'string' },
    },
  })
  const scratch = mkdtempSync(join(tmpdir(), 'latent-bench-studio-'))
  const key = await newKey()
  writeLikeWorkers()
  writeFileSync(join(scratch, 'me.key'), key.file)
  const server = await serveStudio({ folder }, 0)
  const browser = await startBrowser()
  try {
    if (values.large !== undefined)
      return await largeFile(browser, server.address, scratch, Number(values.large) * 2 ** 30)
    console.log(`load ${loadavg()[0]!.toFixed(1)}, ${THREADS} threads, ${values.files} files of ${FILE_BYTES / 1e6} MB`)
    const page = await openPage(browser, server.address, scratch)
    const peers = PEERS.map(peer => ({
      ...peer,
      ...openFlows(weights => openExactFlowPool({ weights, workers: THREADS, backend: peer.backend })),
    }))
    const ratios: number[][] = []
    // The first pass starts runtimes, and is not counted.
    for (let pass = 0; pass <= Number(values.passes); pass++) {
      const files = Array.from({ length: pass === 0 ? 2 : Number(values.files) }, () => randomBytes(FILE_BYTES))
      const paths = written(files, scratch)
      const seconds = [await sealInPage(page, paths)]
      for (const { flows, onDisk } of peers)
        seconds.push(await (onDisk ? sealOnDisk(paths, key, flows, scratch) : sealInMemory(files, key, flows)))
      if (pass === 0) continue
      const [inPage, ...inNode] = seconds.map(each => (files.length * FILE_BYTES) / 1e6 / each) as [number, ...number[]]
      ratios.push(inNode.map(rate => inPage / rate))
      console.log(`page ${inPage.toFixed(2)} MB/s`)
      for (const [i, { name }] of peers.entries())
        console.log(`  Node on ${name}: ${inNode[i]!.toFixed(2)} MB/s, ratio ${ratios.at(-1)![i]!.toFixed(2)}`)
    }
    const median = (peer: number) => ratios.map(pass => pass[peer]!).toSorted((a, b) => a - b)[ratios.length >> 1]!
    for (const [i, { name }] of peers.entries()) console.log(`median ratio to Node on ${name}: ${median(i).toFixed(2)}`)
    for (const { close } of peers) await close()
    await page.close()
    await manyPhotos(browser, server.address, scratch, Number(values.photos))
  } finally {
    await browser.close()
    await server.close()
    rmSync(scratch, { recursive: true })
  }
}

async function openPage(browser: Browser, address: string, scratch: string): Promise<Page> {
  const page = await browser.newPage()
  page.setDefaultTimeout(600_000)
  await page.goto(address)
  await page.waitForSelector('.drop')
  await page.$eval('input[name=key-kind][value=file]', radio => (radio as HTMLElement).click())
  const input = (await page.waitForSelector('#key-file')) as ElementHandle<HTMLInputElement>
  await input.uploadFile(join(scratch, 'me.key'))
  await page.waitForSelector('.called')
  return page
}

type Flows = ConstructorParameters<typeof LocalEngine>[0]

function sealInMemory(files: readonly Uint8Array[], key: NewKey, flows: Flows): Promise<number> {
  const found = files.map((bytes, i) => ({ file: new File([bytes.slice()], `${i}.jpg`), path: `${i}.jpg` }))
  return sealInNode(found, key, flows, { kind: 'memory' })
}

async function sealOnDisk(paths: readonly string[], key: NewKey, flows: Flows, scratch: string): Promise<number> {
  const folder = join(scratch, 'sealed')
  const found = await Promise.all(
    paths.map(async path => ({ file: await new DiskFile(path).getFile(), path: basename(path) })),
  )
  const choice = { kind: 'storage', id: folder, folder: new DiskFolder(folder).handle } as const
  const seconds = await sealInNode(found, key, flows, choice)
  rmSync(folder, { recursive: true })
  return seconds
}

/** Seconds. */
async function sealInNode(found: readonly Found[], key: NewKey, flows: Flows, sealed: PlaceChoice): Promise<number> {
  const session = new VaultSession(new LocalEngine(flows))
  await session.add(found)
  const started = performance.now()
  const choice = { kind: 'file', identities: [key.identity], recipients: '' } as const
  await session.start(choice, { sealed, opened: { kind: 'memory' } })
  if (session.results.value.length !== found.length) throw new Error('not everything was sealed in Node')
  return (performance.now() - started) / 1000
}

/** Seconds from the press of the button to the last file's being checked. */
async function sealInPage(page: Page, paths: readonly string[]): Promise<number> {
  await choose(page, paths)
  const seconds = await page.evaluate(async count => {
    const started = performance.now()
    document.querySelector<HTMLButtonElement>('.start button')!.click()
    while (document.querySelectorAll('.queue li.done').length < count)
      await new Promise(resolve => setTimeout(resolve, 20))
    return (performance.now() - started) / 1000
  }, paths.length)
  await page.evaluate(() => {
    for (const each of document.querySelectorAll('button')) if (each.textContent === 'Clear what is done') each.click()
  })
  await page.waitForFunction(`!document.querySelector('.queue')`)
  return seconds
}

const written = (files: readonly Uint8Array[], scratch: string): string[] =>
  files.map((bytes, i) => {
    const path = join(scratch, `${i}.jpg`)
    writeFileSync(path, bytes)
    return path
  })

async function choose(page: Page, paths: readonly string[]): Promise<void> {
  const input = (await page.waitForSelector('#choose-files')) as ElementHandle<HTMLInputElement>
  await input.uploadFile(...paths)
  await page.waitForFunction(`document.querySelectorAll('.queue li.waiting').length === ${paths.length}`)
}

/** Megabytes of memory that all processes of the browser have for themselves (PSS), while photos are sealed. */
async function manyPhotos(browser: Browser, address: string, scratch: string, count: number): Promise<void> {
  const page = await openPage(browser, address, scratch)
  const photos = Array.from({ length: count }, () => randomBytes(FILE_BYTES / 2))
  await choose(page, written(photos, scratch))
  const seen = [{ done: 0, memory: memoryOf(browser.process()!.pid!) }]
  await page.$eval('.start button', start => (start as HTMLElement).click())
  for (let done = 0; done < count;) {
    await new Promise(resolve => setTimeout(resolve, 1000))
    done = (await page.$$('.queue li.done')).length
    seen.push({ done, memory: memoryOf(browser.process()!.pid!) })
    if ((await page.$('.queue li.failed')) !== null) throw new Error('a photo failed')
  }
  const most = (from: number, to: number) =>
    Math.max(...seen.flatMap(({ done, memory }) => (done >= from && done <= to ? [memory] : []))).toFixed(0)
  console.log(
    `${count} photos of ${FILE_BYTES / 2e6} MB in one go: all of Chromium holds at most ${most(0, count / 4)} MB in ` +
      `the first quarter and ${most((3 * count) / 4, count)} MB in the last`,
  )
  await page.close()
}

/** One file of a size beyond what pages hold in memory: sealed into the browser's private storage, read again there. */
async function largeFile(browser: Browser, address: string, scratch: string, size: number): Promise<void> {
  const path = join(scratch, 'large.mov')
  writeFileSync(path, '')
  truncateSync(path, Math.round(size))
  const page = await openPage(browser, address, scratch)
  const input = (await page.waitForSelector('#choose-files')) as ElementHandle<HTMLInputElement>
  await input.uploadFile(path)
  await page.waitForSelector('.queue li.waiting')
  const before = memoryOf(browser.process()!.pid!)
  const started = performance.now()
  await page.$eval('.start button', start => (start as HTMLElement).click())
  const seen: { readonly share: number; readonly memory: number }[] = []
  while ((await page.$('.queue li.done')) === null) {
    await new Promise(resolve => setTimeout(resolve, 1000))
    if ((await page.$('.queue li.failed')) !== null)
      throw new Error(await page.$eval('.queue li.failed', row => row.textContent))
    const share = await page.evaluate(() => {
      const progress = document.querySelector<HTMLProgressElement>('.queue li progress')
      return progress ? progress.value / progress.max : 1
    })
    const memory = memoryOf(browser.process()!.pid!)
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    if (Math.floor(10 * share) > Math.floor(10 * (seen.at(-1)?.share ?? 0)))
      console.log(`${Math.floor(10 * share)}0 % after ${seconds} s, ${memory.toFixed(0)} MB`)
    seen.push({ share, memory })
  }
  const seconds = (performance.now() - started) / 1000
  const most = (from: number, to: number) =>
    Math.max(...seen.flatMap(({ share, memory }) => (share >= from && share <= to ? [memory] : []))).toFixed(0)
  console.log(
    `one file of ${(size / 2 ** 30).toFixed(2)} GiB: sealed and opened again in ${seconds.toFixed(0)} s ` +
      `(${(size / 1e6 / seconds).toFixed(2)} MB/s, load ${loadavg()[0]!.toFixed(1)}); all of Chromium held ` +
      `${before.toFixed(0)} MB before, at most ${most(0, 0.25)} MB in the first quarter and ${most(0.75, 1)} MB ` +
      'in the last',
  )
}

/** Of a process and all below it, in megabytes. */
function memoryOf(root: number): number {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter(name => /^\d+$/.test(name)))
    try {
      parents.set(Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))![1]))
    } catch {
      // It has ended meanwhile.
    }
  const below = (pid: number): boolean => pid === root || (parents.has(pid) && below(parents.get(pid)!))
  let kilobytes = 0
  for (const pid of parents.keys()) {
    if (!below(pid)) continue
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It has ended meanwhile.
    }
  }
  return kilobytes / 1024
}
