import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import puppeteer, { type Browser, type ElementHandle, type Page } from 'puppeteer-core'
import { expect } from 'vitest'
import { chromium, firefox } from '../../../../test/browser/page.ts'
import { serveStudio, type StudioServer } from '../../../cli/src/studio-server.ts'
import { buildStudio } from '../../build/run.ts'

/** The built page, served. */
export interface Served {
  /** Of the build, and of files that are chosen. */
  readonly folder: string
  readonly server: StudioServer
  close(): Promise<void>
}

/** The built page, and a browser that looks at it. */
export interface Studio extends Served {
  readonly browser: Browser
  /** Requests that left the origin, and whatever the browser complained of: policies above all. */
  readonly strays: string[]
  readonly complaints: string[]
  /** A page of the site, or of an address. */
  open(address?: string): Promise<Page>
  /** Ends the browser alone. */
  close(): Promise<void>
}

/**
 * Training on a graphics card is tested where `LATENT_WEBGPU` asks for it: `card` for the machine's own, `software` for
 * one that Chromium computes, which takes minutes.
 */
const WEBGPU: Readonly<Record<string, readonly string[]>> = {
  card: ['--enable-unsafe-webgpu'],
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
}
const ARGUMENTS = ['--no-sandbox', ...(WEBGPU[process.env['LATENT_WEBGPU'] ?? ''] ?? ['--disable-gpu'])]

/** Builds and serves the page. */
export async function serveBuilt(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'latent-studio-'))
  await buildStudio(folder)
  const server = await serveStudio({ folder: pathToFileURL(`${folder}/`) }, 0)
  return {
    folder,
    server,
    async close() {
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Starts a browser that looks at the page. */
export async function lookWith(name: 'chrome' | 'firefox', { folder, server }: Served): Promise<Studio> {
  const browser = await puppeteer.launch(
    name === 'chrome'
      ? { executablePath: chromium!, args: ARGUMENTS }
      : { browser: 'firefox', executablePath: firefox! },
  )
  const [strays, complaints]: [string[], string[]] = [[], []]
  return {
    folder,
    server,
    browser,
    strays,
    complaints,
    async open(address = server.address) {
      const page = await browser.newPage()
      page.setDefaultTimeout(90_000)
      page.on('request', request => {
        const url = request.url()
        if (!url.startsWith(new URL(address).origin) && !/^(?:blob|data|file):/.test(url)) strays.push(url)
      })
      page.on(
        'console',
        message => message.type() === 'error' && complaints.push(`${message.text()} ${message.location().url ?? ''}`),
      )
      page.on('pageerror', error => complaints.push(String(error)))
      await page.goto(address)
      await page.waitForSelector('main h1')
      return page
    },
    close: () => browser.close(),
  }
}

/** Presses what a selector finds. Not by coordinates: what is added above moves what is below. */
export const press = (page: Page, selector: string): Promise<void> =>
  page.$eval(selector, found => (found as HTMLElement).click())

/** Presses the button that says so. */
export async function pressButton(page: Page, text: string): Promise<void> {
  const found = await page.waitForSelector(`button ::-p-text(${text}), button::-p-text(${text})`)
  await found!.evaluate(each => (each as HTMLElement).click())
}

/** State and text of every file of the queue. */
export const states = (page: Page): Promise<(readonly [string, string])[]> =>
  page.$$eval('.queue li', rows => rows.map(row => [row.className, (row as HTMLElement).innerText] as const))

/** Chooses files as a person does in the browser's dialogue. */
export async function choose(
  { folder }: Pick<Studio, 'folder'>,
  page: Page,
  selector: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
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
export async function runQueue(page: Page): Promise<void> {
  await page.waitForSelector('.start button:not(:disabled)')
  await press(page, '.start button')
  // Not by a function, which puppeteer compiles within the page: in Firefox its policy forbids that.
  await page
    .waitForSelector('.queue:not(:has(li:not(.done, .failed, .gathered)))')
    .catch(async (cause: unknown) => Promise.reject(new Error(`it stands at ${await standing(page)}`, { cause })))
}

/** What the page says of its queue, for whoever waits for it in vain. */
const standing = async (page: Page): Promise<string> =>
  JSON.stringify([await states(page), await page.$$eval('.fault', all => all.map(each => each.textContent))])

/** The file that is offered as a download when something is done. */
export async function offeredBy(page: Page, act: () => Promise<void>): Promise<Uint8Array> {
  await page.evaluate(() => {
    const make = URL.createObjectURL.bind(URL)
    const caught = new Promise<Blob>(resolve => {
      URL.createObjectURL = file => {
        URL.createObjectURL = make
        resolve(file as Blob)
        return make(file)
      }
    })
    Object.assign(globalThis, { caught })
  })
  await act()
  const bytes = await page.evaluate(async () => {
    const file = await (globalThis as unknown as { caught: Promise<Blob> }).caught
    return Array.from(new Uint8Array(await file.arrayBuffer()))
  })
  return Uint8Array.from(bytes)
}

/** The file that a press of a button offers as a download. */
export const offered = (page: Page, inside: string, text: string): Promise<Uint8Array> =>
  offeredBy(page, () =>
    page.evaluate(
      (inside, text) => {
        const buttons = Array.from(document.querySelectorAll<HTMLButtonElement>(`${inside} button`))
        buttons.find(({ textContent }) => textContent === text)!.click()
      },
      inside,
      text,
    ),
  )

/** Gives the page a key file. */
export async function giveKey(studio: Studio, page: Page, identity: string): Promise<void> {
  await press(page, 'input[name=key-kind][value=file]')
  await choose(studio, page, '#key-file', { 'me.key': `# mine\n${identity}\n` })
  await page.waitForSelector('.called')
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Expects nothing that axe finds, in light and dark, and nothing wider than a phone. */
export async function expectAccessible(page: Page): Promise<void> {
  const before = page.viewport()
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ])
    if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe)
    const found = await page.evaluate(
      '(async () => (await axe.run()).violations.map(({ id, nodes }) => id + " " + nodes[0].html))()',
    )
    expect(found).toEqual([])
  }
  await page.setViewport({ width: 390, height: 844 })
  const wide = await page.evaluate(() =>
    Array.from(document.querySelectorAll('main *'))
      .filter(each => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('.visually-hidden, svg'))
      .map(each => each.outerHTML.slice(0, 120)),
  )
  await page.setViewport(before)
  expect(wide).toEqual([])
}
