import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { collect, createAlbum, Keyring, openSealed, prepareSeal, streamOf } from '@latent/vault'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import puppeteer, { type Browser, type ElementHandle, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromium } from '../../../test/browser/page.ts'
import { serveStudio, type StudioServer } from '../../cli/src/studio-server.ts'
import { buildStudio, SINGLE } from '../build/run.ts'

const PASSPHRASE = 'seven grey lighthouses count the tide'
const { flows, close } = openFlows(weights => openExactFlow({ weights }))
const identity = await generateX25519Identity()
const photo = (n: number, size = 40_000) =>
  Uint8Array.from({ length: size }, (_, i) => (i * i + n * 77 + (i >> 7)) & 255)

/** A sealed file as the command line makes it. */
async function sealed(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const album = await createAlbum({ recipients: [await identityToRecipient(identity)] })
  const metadata = { name, type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000 }
  const body = { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const
  return collect((await prepareSeal({ album, metadata, flows, body })).png(streamOf(bytes)))
}

describe.skipIf(chromium === undefined)('Latent Studio in Chromium', { timeout: 120_000 }, () => {
  let [folder, server, browser]: [string, StudioServer, Browser] = ['', undefined!, undefined!]
  let page: Page
  /** Requests that left the origin, and whatever the browser complained of: policies above all. */
  const strays: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latent-studio-'))
    await buildStudio(folder)
    server = await serveStudio(pathToFileURL(`${folder}/`), 0)
    browser = await puppeteer.launch({ executablePath: chromium!, args: ['--no-sandbox', '--disable-gpu'] })
    page = await opened(server.address)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await close()
    await rm(folder, { recursive: true })
  })
  async function opened(address: string): Promise<Page> {
    const page = await browser.newPage()
    page.setDefaultTimeout(90_000)
    page.on('request', request => {
      const url = request.url()
      if (!url.startsWith(server.address) && !/^(?:blob|data|file):/.test(url)) strays.push(url)
    })
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(String(error)))
    await page.goto(address)
    await page.waitForSelector('.drop')
    return page
  }

  // Not by coordinates: what is added above moves what is below.
  const press = (page: Page, selector: string) => page.$eval(selector, found => (found as HTMLElement).click())
  const button = async (page: Page, text: string) => {
    const found = await page.waitForSelector(`button ::-p-text(${text}), button::-p-text(${text})`)
    await found!.evaluate(each => (each as HTMLElement).click())
  }
  const states = (page: Page) =>
    page.$$eval('.queue li', rows => rows.map(row => [row.className, (row as HTMLElement).innerText] as const))

  /** Chooses files as a person does in the browser's dialogue. */
  async function choose(page: Page, selector: string, files: Readonly<Record<string, Uint8Array | string>>) {
    const paths = await Promise.all(
      Object.entries(files).map(async ([name, bytes]) => {
        await writeFile(join(folder, name), bytes)
        return join(folder, name)
      }),
    )
    const input = (await page.waitForSelector(selector)) as ElementHandle<HTMLInputElement>
    await input.uploadFile(...paths)
  }

  /** Presses the button of the page, and waits until every file is done or failed. */
  async function run(page: Page): Promise<void> {
    await page.waitForSelector('.start button:not(:disabled)')
    await press(page, '.start button')
    await page.waitForFunction(
      `document.querySelector('.queue') && !document.querySelector('.queue li:not(.done, .failed)')`,
    )
  }

  /** The file that a press of a button offers as a download. */
  const offered = async (page: Page, inside: string, text: string): Promise<Uint8Array> => {
    const bytes = await page.evaluate(
      async (inside, text) => {
        const make = URL.createObjectURL.bind(URL)
        const caught = new Promise<Blob>(resolve => {
          URL.createObjectURL = file => {
            resolve(file as Blob)
            return make(file)
          }
        })
        const buttons = Array.from(document.querySelectorAll<HTMLButtonElement>(`${inside} button`))
        buttons.find(({ textContent }) => textContent === text)!.click()
        const file = await caught
        URL.createObjectURL = make
        return Array.from(new Uint8Array(await file.arrayBuffer()))
      },
      inside,
      text,
    )
    return Uint8Array.from(bytes)
  }
  const giveKey = async (page: Page) => {
    await press(page, 'input[name=key-kind][value=file]')
    await choose(page, '#key-file', { 'me.key': `# mine\n${identity}\n` })
    await page.waitForSelector('.called')
  }
  const keyring = new Keyring({ identities: [identity] })

  test('is isolated, loads nothing from elsewhere, and is clean for screen readers', async () => {
    expect(await page.evaluate('crossOriginIsolated')).toBe(true)
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMediaFeatures([
        { name: 'prefers-color-scheme', value: scheme },
        { name: 'prefers-reduced-motion', value: 'reduce' },
      ])
      await page.evaluate(axe)
      const found = await page.evaluate(
        '(async () => (await axe.run()).violations.map(({ id, nodes }) => id + " " + nodes[0].html))()',
      )
      expect(found).toEqual([])
    }
  })

  test('seals by the keyboard alone, and the library opens it exactly', async () => {
    await choose(page, '#choose-files', { 'a.jpg': photo(1) })
    await page.waitForSelector('.queue li.waiting')
    await page.focus('#passphrase')
    await page.keyboard.type(PASSPHRASE)
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate(`document.activeElement.matches('.start button')`)) break
    }
    await page.keyboard.press('Enter')
    await page.waitForSelector('.queue li.done')
    const made = await offered(page, '.queue li', 'Download')
    const back = await openSealed(streamOf(made), new Keyring({ passphrases: [PASSPHRASE] }), flows)
    expect(back.metadata).toMatchObject({ name: 'a.jpg', size: 40_000 })
    expect(await collect(back.bytes)).toEqual(photo(1))
  })

  test('opens what the command line sealed, names what is damaged, and refuses a wrong key', async () => {
    const whole = await sealed('b.jpg', photo(2))
    const damaged = whole.slice()
    damaged[20_000]! ^= 255
    await page.reload()
    await choose(page, '#choose-files', { 'b.jpg.png': whole, 'broken.jpg.png': damaged })
    await page.waitForFunction(`document.querySelectorAll('.queue li.waiting').length === 2`)
    await page.type('#passphrase', 'not the right one')
    await run(page)
    expect((await states(page)).map(([, text]) => /\[(E_\w+)\]/.exec(text)?.[1])).toEqual(['E_NO_MATCH', 'E_NO_MATCH'])
    await giveKey(page)
    await button(page, 'Try 2 files again')
    await page.waitForFunction(`document.querySelector('.queue li.done') && document.querySelector('.queue li.failed')`)
    const [first, second] = await states(page)
    expect(first![0]).toBe('done')
    expect(second![1]).toMatch(/chunk 1 of 1 is damaged.*\[E_CHUNK\].*download or copy the file again/s)
    expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo(2))
  })

  test('a new key is offered as file and sheet before it can be used, and is what seals', async () => {
    await page.reload()
    await choose(page, '#choose-files', { 'c.jpg': photo(3) })
    await press(page, 'input[name=key-kind][value=file]')
    await button(page, 'Make a new key')
    await page.waitForSelector('dialog[open] .sheet')
    expect(await page.$eval('dialog .primary', use => (use as HTMLButtonElement).disabled)).toBe(true)
    expect(await page.$eval('dialog .sheet', sheet => (sheet as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
    const key = new TextDecoder().decode(await offered(page, 'dialog', 'Save the key file'))
    await button(page, 'I have kept it')
    await run(page)
    await page.reload()
    await page.waitForSelector('.leftover')
    const left = await page.evaluate(async () => {
      const top = await (await navigator.storage.getDirectory()).getDirectoryHandle('sealed')
      const file = await (await top.getFileHandle('c.jpg.png')).getFile()
      return Array.from(new Uint8Array(await file.arrayBuffer()))
    })
    const fresh = new Keyring({ identities: [/^AGE-SECRET-KEY-\w+$/m.exec(key)![0]] })
    expect(await collect((await openSealed(streamOf(Uint8Array.from(left)), fresh, flows)).bytes)).toEqual(photo(3))
  })

  test('works without a network after the first visit', async () => {
    await page.waitForFunction(`document.querySelector('footer').textContent.includes('Works offline')`)
    await page.setOfflineMode(true)
    await page.reload()
    await choose(page, '#choose-files', { 'd.jpg': photo(4) })
    await giveKey(page)
    await run(page)
    expect((await states(page)).map(([state]) => state)).toEqual(['done'])
    await page.setOfflineMode(false)
  })

  test('many photos in one go take no more memory than few', async () => {
    await page.reload()
    const files = Object.fromEntries(Array.from({ length: 24 }, (_, n) => [`m${n}.jpg`, photo(n)]))
    await choose(page, '#choose-files', files)
    await giveKey(page)
    await run(page)
    expect((await states(page)).filter(([state]) => state === 'done')).toHaveLength(24)
    // The page itself holds none of them; benchmarks look at all processes.
    expect((await page.metrics()).JSHeapUsedSize).toBeLessThan(20e6)
  })

  test('the single file works from disk', async () => {
    const single = await opened(pathToFileURL(join(folder, SINGLE)).href)
    try {
      await choose(single, '#choose-files', { 'e.jpg': photo(5, 5000) })
      await giveKey(single)
      await run(single)
      const back = await openSealed(streamOf(await offered(single, '.queue li', 'Download')), keyring, flows)
      expect(await collect(back.bytes)).toEqual(photo(5, 5000))
      await single.evaluate(() => (location.hash = '#explore'))
      await single.waitForSelector('.pictures figure:nth-child(5) canvas')
    } finally {
      // What lies behind another page is not drawn.
      await single.close()
      await page.bringToFront()
    }
  })

  test('a cipher is looked at, and another broken, without a complaint of the browser', async () => {
    await page.goto(`${server.address}#explore`)
    await page.waitForSelector('.pictures figure:nth-child(5) canvas')
    expect(await page.$eval('.pictures', pictures => (pictures as HTMLElement).innerText)).toContain('Nothing was lost')
    await button(page, 'Change the middle pixel')
    await page.waitForSelector('.numbers dt')
    await button(page, 'Through a JPEG')
    await page.waitForSelector('.damage figure:nth-child(2) canvas')
    await page.goto(`${server.address}#attack`)
    await page.waitForSelector('.attacks')
    await press(page, 'input[value=coordinate-map]')
    await button(page, 'Attack')
    await page.waitForFunction(`document.querySelectorAll('.row').length === 3`)
    expect(await page.$$eval('.verdict', found => found.map(each => each.textContent))).toEqual([
      'Opened',
      'Gave up',
      'Gave up',
    ])
  })

  test('in all of this nothing left the origin, and no policy was broken', () => {
    expect(strays).toEqual([])
    expect(complaints).toEqual([])
  })

  test('the server answers this machine alone, and lists hashes that are right', async () => {
    const { port } = new URL(server.address)
    const { headers } = await fetch(server.address)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await fetch(`${server.address}..%2f..%2fSHA256SUMS`)).status).toBe(404)
    expect((await fetch(`${server.address}models/exact-flow.json`)).status).toBe(200)
    const { request } = await import('node:http')
    const status = await new Promise(resolve =>
      request({ host: '127.0.0.1', port, headers: { host: `evil.example:${port}` } }, ({ statusCode }) =>
        resolve(statusCode),
      ).end(),
    )
    expect(status).toBe(421)
    expect(await readFile(join(folder, 'SHA256SUMS'), 'utf8')).toMatch(/^[0-9a-f]{64} {2}site\/index\.html$/m)
  })
})
