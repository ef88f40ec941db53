import { randomBytes } from '@latent/core'
import { openFlows } from '@latent/schemes/exact-flow'
import { openExactFlowPool } from '@latent/schemes/exact-flow/node'
import { folder } from '@latent/studio'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser, ElementHandle, Page } from 'puppeteer-core'
import { serveStudio } from '../packages/cli/src/studio-server.ts'
import { newKey, type NewKey } from '../packages/studio/src/vault/keys.ts'
import { LocalEngine } from '../packages/studio/src/vault/local-engine.ts'
import { VaultSession } from '../packages/studio/src/vault/session.ts'
import { startBrowser } from './studio-browser.ts'

const FILE_BYTES = 1e6
const THREADS = Math.min(8, availableParallelism())

/**
 * Latent Studio in Chromium beside the same code in Node, on our WebAssembly kernel and, as the studio computed before
 * there was one, on ONNX Runtime in WebAssembly, on as many threads: sealing files and opening each again, megabytes of
 * files a second and their ratios within each pass; then the memory of all of the browser's processes over many photos.
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
  writeFileSync(join(scratch, 'me.key'), key.file)
  const server = await serveStudio({ folder }, 0)
  const browser = await startBrowser()
  try {
    if (values.large !== undefined)
      return await largeFile(browser, server.address, scratch, Number(values.large) * 2 ** 30)
    console.log(`load ${loadavg()[0]!.toFixed(1)}, ${THREADS} threads, ${values.files} files of ${FILE_BYTES / 1e6} MB`)
    const page = await openPage(browser, server.address, scratch)
    const peers = ([['kernel', 'ort-wasm'], 'ort-wasm'] as const).map(backend =>
      openFlows(weights => openExactFlowPool({ weights, workers: THREADS, backend })),
    )
    const ratios: number[][] = []
    // The first pass starts runtimes, and is not counted.
    for (let pass = 0; pass <= Number(values.passes); pass++) {
      const files = Array.from({ length: pass === 0 ? 2 : Number(values.files) }, () => randomBytes(FILE_BYTES))
      const seconds = [await sealInPage(page, files, scratch)]
      for (const { flows } of peers) seconds.push(await sealInNode(files, key, flows))
      if (pass === 0) continue
      const [inPage, ...inNode] = seconds.map(each => (files.length * FILE_BYTES) / 1e6 / each) as [number, ...number[]]
      ratios.push(inNode.map(rate => inPage / rate))
      console.log(
        `page ${inPage.toFixed(2)} MB/s  Node on the kernel ${inNode[0]!.toFixed(2)}, on ONNX Runtime's WebAssembly ` +
          `${inNode[1]!.toFixed(2)} MB/s  ratios ${ratios
            .at(-1)!
            .map(ratio => ratio.toFixed(2))
            .join(' ')}`,
      )
    }
    const median = (peer: number) => ratios.map(pass => pass[peer]!).toSorted((a, b) => a - b)[ratios.length >> 1]!
    console.log(`median ratios ${peers.map((_, peer) => median(peer).toFixed(2)).join(' ')}`)
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

/** Seconds. */
async function sealInNode(
  files: readonly Uint8Array<ArrayBuffer>[] | readonly Uint8Array[],
  key: NewKey,
  flows: ConstructorParameters<typeof LocalEngine>[0],
): Promise<number> {
  const session = new VaultSession(new LocalEngine(flows))
  await session.add(files.map((bytes, i) => ({ file: new File([bytes.slice()], `${i}.jpg`), path: `${i}.jpg` })))
  const started = performance.now()
  const memory = { kind: 'memory' } as const
  const choice = { kind: 'file', identities: [key.identity], recipients: '' } as const
  await session.start(choice, { sealed: memory, opened: memory })
  if (session.results.value.length !== files.length) throw new Error('not everything was sealed in Node')
  return (performance.now() - started) / 1000
}

/** Seconds from the press of the button to the last file's being checked. */
async function sealInPage(page: Page, files: readonly Uint8Array[], scratch: string): Promise<number> {
  await choose(page, files, scratch)
  const seconds = await page.evaluate(async count => {
    const started = performance.now()
    document.querySelector<HTMLButtonElement>('.start button')!.click()
    while (document.querySelectorAll('.queue li.done').length < count)
      await new Promise(resolve => setTimeout(resolve, 20))
    return (performance.now() - started) / 1000
  }, files.length)
  await page.evaluate(() => {
    for (const each of document.querySelectorAll('button')) if (each.textContent === 'Clear what is done') each.click()
  })
  await page.waitForFunction(`!document.querySelector('.queue')`)
  return seconds
}

async function choose(page: Page, files: readonly Uint8Array[], scratch: string): Promise<void> {
  const paths = files.map((bytes, i) => {
    const path = join(scratch, `${i}.jpg`)
    writeFileSync(path, bytes)
    return path
  })
  const input = (await page.waitForSelector('#choose-files')) as ElementHandle<HTMLInputElement>
  await input.uploadFile(...paths)
  await page.waitForFunction(`document.querySelectorAll('.queue li.waiting').length === ${files.length}`)
}

/** Megabytes of memory that all processes of the browser have for themselves (PSS), while photos are sealed. */
async function manyPhotos(browser: Browser, address: string, scratch: string, count: number): Promise<void> {
  const page = await openPage(browser, address, scratch)
  await choose(
    page,
    Array.from({ length: count }, () => randomBytes(FILE_BYTES / 2)),
    scratch,
  )
  await page.$eval('.start button', start => (start as HTMLElement).click())
  const seen: { done: number; memory: number }[] = []
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
