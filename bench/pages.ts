import { existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import puppeteer, { type Page } from 'puppeteer-core'
import { chromium } from '../test/browser/page.ts'
import { faultsOfPage } from './page-faults.ts'

/**
 * Looks at every page of the documentation and every report of the lab, at the width of a telephone and of a desk,
 * light and dark: `npm run docs && npm run bench -- pages [--only lab] [--out runs/pages]`. Nothing may be wider than
 * the window, no text fainter than 4.5 to 1, no picture without words; a screenshot of each is kept to be looked at.
 */
const WIDTHS = [390, 1280] as const
/** Chromium takes no picture of more; faults are looked for in the whole page. */
const MOST_ROWS = 16_000
const SCHEMES = ['light', 'dark'] as const
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
}

/** A folder over HTTP, on this machine alone. */
async function serve(folder: string): Promise<{ address: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = join(folder, decodeURIComponent(new URL(request.url!, 'http://x').pathname))
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'index.html') : path
    if (!file.startsWith(folder) || !existsSync(file)) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(readFileSync(file))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

async function look(page: Page, address: string, picture: string): Promise<string[]> {
  await page.goto(address, { waitUntil: 'load' })
  // Pages of the site are drawn again once their script runs, and colours fade in.
  await page.addStyleTag({
    content: '*, *::before, *::after { transition: none !important; animation: none !important }',
  })
  await page.evaluate(() => document.fonts.ready)
  const faults = await page.evaluate(faultsOfPage)
  const { width, height } = await page.evaluate(() => ({
    width: window.innerWidth,
    height: document.documentElement.scrollHeight,
  }))
  const clip = { x: 0, y: 0, width, height: Math.min(height, MOST_ROWS) }
  await page.screenshot({ path: picture, clip, captureBeyondViewport: true })
  return faults
}

export default async function pages(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { only: { type: 'string', default: '' }, out: { type: 'string', default: 'runs/pages' } },
  })
  const folder = resolve('site/dist')
  if (chromium === undefined || !existsSync(folder)) throw new Error('this takes Chromium, and npm run docs before it')
  const names = globSync('**/*.html', { cwd: folder }).filter(name => name.includes(values.only) && name !== '404.html')
  mkdirSync(values.out, { recursive: true })
  const site = await serve(folder)
  const browser = await puppeteer.launch({
    executablePath: chromium,
    headless: true,
    pipe: true,
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars'],
  })
  let count = 0
  let faulty = 0
  try {
    const page = await browser.newPage()
    for (const name of names.toSorted())
      for (const width of WIDTHS)
        for (const scheme of SCHEMES) {
          await page.setViewport({ width, height: 900, deviceScaleFactor: 1 })
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
          const picture = join(values.out, `${name.replaceAll('/', '-').replace('.html', '')}-${width}-${scheme}.png`)
          const faults = await look(page, `${site.address}/${name}`, picture)
          count++
          if (faults.length > 0) faulty++
          for (const fault of faults) process.stdout.write(`FAULT: ${name} ${width} ${scheme}: ${fault}\n`)
        }
  } finally {
    await browser.close()
    site.close()
  }
  process.stdout.write(`${names.length} pages, ${count} views, ${faulty} with faults; screenshots in ${values.out}\n`)
  process.exitCode = faulty === 0 ? 0 : 1
}
