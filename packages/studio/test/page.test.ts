import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { collect, createAlbum, Keyring, openSealed, prepareSeal, streamOf } from '@latent/vault'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromium, firefox } from '../../../test/browser/page.ts'
import { SINGLE } from '../build/run.ts'
import {
  choose,
  expectAccessible,
  giveKey,
  lookWith,
  offered,
  press,
  pressButton,
  runQueue,
  type Served,
  serveBuilt,
  states,
  type Studio,
} from './page/studio.ts'
import { carriersOf } from './page/carriers.ts'
import { firefoxTests } from './page/firefox.ts'
import { galleryTests } from './page/gallery.ts'
import { passkeyTests } from './page/passkeys.ts'
import { robustTests } from './page/robust.ts'
import { viewTests } from './page/views.ts'
import { visitorTests } from './page/visitor.ts'
import { atLength, LONG } from '../../../test/long.ts'

const PASSPHRASE = 'seven grey lighthouses count the tide'
const { flows, close } = openFlows(weights => openExactFlow({ weights }))
const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const photo = (n: number, size = 40_000) =>
  Uint8Array.from({ length: size }, (_, i) => (i * i + n * 77 + (i >> 7)) & 255)

/** What the page keeps until it is downloaded, by name. */
async function privateStorage(page: Page): Promise<Record<string, Uint8Array>> {
  const kept = await page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('sealed')
    const found: [name: string, url: string][] = []
    for await (const handle of (folder as unknown as { values(): AsyncIterable<FileSystemFileHandle> }).values()) {
      // Tens of megabytes travel as text: an array of numbers takes minutes.
      const reader = new FileReader()
      const read = new Promise(resolve => reader.addEventListener('load', resolve))
      reader.readAsDataURL(await handle.getFile())
      await read
      found.push([handle.name, reader.result as string])
    }
    return found
  })
  return Object.fromEntries(kept.map(([name, url]) => [name, Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')]))
}

const clearPrivateStorage = async (page: Page): Promise<void> => {
  await page.evaluate(async () => {
    const top = await navigator.storage.getDirectory()
    await top.removeEntry('sealed', { recursive: true }).catch(() => undefined)
  })
  await page.reload()
}

const names = (page: Page, rows: string): Promise<string[]> =>
  page.$$eval(`.queue ${rows} .name`, found => found.map(each => each.textContent))

/** A sealed file as the command line makes it. */
async function sealed(name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const album = await createAlbum({ recipients: [recipient] })
  const metadata = { name, type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000 }
  const body = { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const
  return collect((await prepareSeal({ album, metadata, flows, body })).png(streamOf(bytes)))
}

let served: Served
beforeAll(async () => {
  if (LONG && (chromium !== undefined || firefox !== undefined)) served = await serveBuilt()
})
afterAll(async () => {
  await served?.close()
  await close()
})

describe.skipIf(chromium === undefined || !LONG)(`Latent Studio in Chromium${atLength}`, { timeout: 120_000 }, () => {
  let studio: Studio
  let page: Page

  beforeAll(async () => {
    studio = await lookWith('chrome', served)
    page = await studio.open()
  })
  afterAll(() => studio?.close())
  const keyring = new Keyring({ identities: [identity] })

  test('is isolated, loads nothing from elsewhere, and is clean for screen readers', async () => {
    expect(await page.evaluate('crossOriginIsolated')).toBe(true)
    // The runtime is all that sealing loads, and its size is told.
    expect(await page.$eval('footer', footer => footer.innerText)).toMatch(
      /Getting ready to work offline: 14 MB|Works offline/,
    )
    await expectAccessible(page)
  })

  test('seals by the keyboard alone, and the library opens it exactly', async () => {
    await choose(studio, page, '#choose-files', { 'a.jpg': photo(1) })
    await page.waitForSelector('.queue li.waiting')
    await expectAccessible(page)
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
    await choose(studio, page, '#choose-files', { 'b.jpg.png': whole, 'broken.jpg.png': damaged })
    await page.waitForFunction(`document.querySelectorAll('.queue li.waiting').length === 2`)
    await page.type('#passphrase', 'not the right one')
    await runQueue(page)
    expect((await states(page)).map(([, text]) => /\[(E_\w+)\]/.exec(text)?.[1])).toEqual(['E_NO_MATCH', 'E_NO_MATCH'])
    await giveKey(studio, page, identity)
    await pressButton(page, 'Try 2 files again')
    await page.waitForFunction(`document.querySelector('.queue li.done') && document.querySelector('.queue li.failed')`)
    const [first, second] = await states(page)
    expect(first![0]).toBe('done')
    expect(second![1]).toMatch(/chunk 1 of 1 is damaged.*\[E_CHUNK\].*download or copy the file again/s)
    expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo(2))
    await expectAccessible(page)
  })

  test('a new key is offered as file and sheet before it can be used, and is what seals', async () => {
    await page.reload()
    await choose(studio, page, '#choose-files', { 'c.jpg': photo(3) })
    await press(page, 'input[name=key-kind][value=file]')
    await pressButton(page, 'Make a new key')
    await page.waitForSelector('dialog[open] .sheet')
    expect(await page.$eval('dialog .primary', use => (use as HTMLButtonElement).disabled)).toBe(true)
    await expectAccessible(page)
    expect(await page.$eval('dialog .sheet', sheet => (sheet as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
    const key = new TextDecoder().decode(await offered(page, 'dialog', 'Save the key file'))
    await pressButton(page, 'I have kept it')
    await runQueue(page)
    await page.reload()
    await page.waitForSelector('.leftover')
    const left = (await privateStorage(page))['c.jpg.png']!
    const fresh = new Keyring({ identities: [/^AGE-SECRET-KEY-\w+$/m.exec(key)![0]] })
    expect(await collect((await openSealed(streamOf(left), fresh, flows)).bytes)).toEqual(photo(3))
  })

  test('a page that is closed in the middle leaves nothing half done, and goes on later', async () => {
    const photos = { 'small.jpg': photo(6), 'large.mov': photo(7, 40_000_000), 'last.jpg': photo(8) }
    await clearPrivateStorage(page)
    await choose(studio, page, '#choose-files', photos)
    await giveKey(studio, page, identity)
    await page.waitForSelector('.start button:not(:disabled)')
    await press(page, '.start button')
    // The small ones are done, so that nothing more can be before the page is gone.
    await page.waitForFunction(() => {
      const row = Array.from(document.querySelectorAll('.queue li')).find(each => each.textContent.includes('large'))
      const progress = row?.querySelector('progress')
      return progress && progress.value > 1e6 && document.querySelectorAll('.queue li.done').length === 2
    })
    const before = await names(page, 'li.done')
    await page.close()

    page = await studio.open()
    await page.waitForSelector('.leftover')
    await expectAccessible(page)
    await choose(studio, page, '#choose-files', photos)
    await giveKey(studio, page, identity)
    const running = runQueue(page)
    await page.waitForSelector('.queue progress')
    await expectAccessible(page)
    await running
    const after = await states(page)
    expect(after.map(([state]) => state)).toEqual(['done', 'done', 'done'])
    for (const [, text] of after)
      expect(text).toContain(before.some(name => text.includes(name)) ? 'Was there already' : 'Sealed and checked')
    const kept = await privateStorage(page)
    expect(Object.keys(kept).sort()).toEqual(['large.mov.png', 'last.jpg.png', 'small.jpg.png'])
    for (const [name, bytes] of Object.entries(photos)) {
      const back = await openSealed(streamOf(kept[`${name}.png`]!), keyring, flows)
      expect(Buffer.compare(await collect(back.bytes), bytes)).toBe(0)
    }
  })

  test('works without a network after the first visit', async () => {
    await page.waitForFunction(`document.querySelector('footer').textContent.includes('Works offline')`)
    await page.setOfflineMode(true)
    await page.reload()
    await choose(studio, page, '#choose-files', { 'd.jpg': photo(4) })
    await giveKey(studio, page, identity)
    await runQueue(page)
    expect((await states(page)).map(([state]) => state)).toEqual(['done'])
    await page.setOfflineMode(false)
  })

  test('many photos in one go take no more memory than few', async () => {
    await page.reload()
    const files = Object.fromEntries(Array.from({ length: 24 }, (_, n) => [`m${n}.jpg`, photo(n)]))
    await choose(studio, page, '#choose-files', files)
    await giveKey(studio, page, identity)
    await runQueue(page)
    expect((await states(page)).filter(([state]) => state === 'done')).toHaveLength(24)
    // The page itself holds none of them; benchmarks look at all processes. What earlier tests dropped is not counted.
    await (await page.createCDPSession()).send('HeapProfiler.collectGarbage')
    expect((await page.metrics()).JSHeapUsedSize).toBeLessThan(20e6)
  })

  test('the single file works from disk', async () => {
    const single = await studio.open(pathToFileURL(join(studio.folder, SINGLE)).href)
    try {
      await choose(studio, single, '#choose-files', { 'e.jpg': photo(5, 5000) })
      await giveKey(studio, single, identity)
      await runQueue(single)
      const back = await openSealed(streamOf(await offered(single, '.queue li', 'Download')), keyring, flows)
      expect(await collect(back.bytes)).toEqual(photo(5, 5000))
      // Its decoders are in it: it may load nothing.
      await pressButton(single, 'Clear what is done')
      await choose(
        studio,
        single,
        '#choose-files',
        await carriersOf({ 'f.jpg': photo(6, 90_000) }, recipient, ['webp', 'avif']),
      )
      await single.waitForSelector('.queue:not(:has(li:not(.waiting)))')
      await runQueue(single)
      expect(await offered(single, '.queue li.done', 'Download')).toEqual(photo(6, 90_000))
      await single.evaluate(() => (location.hash = '#explore'))
      await single.waitForSelector('.pictures figure:nth-child(5) canvas')
    } finally {
      // What lies behind another page is not drawn.
      await single.close()
      await page.bringToFront()
    }
  })

  galleryTests(() => studio, { identity, sealed })
  robustTests(() => studio, identity, recipient)
  passkeyTests(() => studio, identity, flows)
  viewTests(() => studio)
  visitorTests(() => studio)

  test('in all of this nothing left the origin, and no policy was broken', () => {
    expect(studio.strays).toEqual([])
    expect(studio.complaints).toEqual([])
  })

  test('the server answers this machine alone, and lists hashes that are right', async () => {
    const { port } = new URL(studio.server.address)
    const { headers } = await fetch(studio.server.address)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await fetch(`${studio.server.address}..%2f..%2fSHA256SUMS`)).status).toBe(404)
    expect((await fetch(`${studio.server.address}models/exact-flow.json`)).status).toBe(200)
    const { request } = await import('node:http')
    const status = await new Promise(resolve =>
      request({ host: '127.0.0.1', port, headers: { host: `evil.example:${port}` } }, ({ statusCode }) =>
        resolve(statusCode),
      ).end(),
    )
    expect(status).toBe(421)
    expect(await readFile(join(studio.folder, 'SHA256SUMS'), 'utf8')).toMatch(/^[0-9a-f]{64} {2}site\/index\.html$/m)
  })
})

firefoxTests(() => served, identity)
