import { encodePng } from '@latent/core/png'
import { drawPicture, type ProceduralKind } from '@latent/data'
import { folder } from '@latent/studio'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ElementHandle, Page } from 'puppeteer-core'
import sharp from 'sharp'
import { serveStudio } from '../packages/cli/src/studio-server.ts'
import { startBrowser } from './studio-browser.ts'

const DRAWN = ['landscape', 'street', 'marble', 'dunes'] as const satisfies readonly ProceduralKind[]
const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } } as const

/** What is done in a view before its picture is taken. */
const SCENES: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async vault(page) {
    const input = (await page.waitForSelector('#choose-files')) as ElementHandle<HTMLInputElement>
    await input.uploadFile(...(await drawnFiles()))
    await page.$eval('input[name=key-kind][value=file]', radio => (radio as HTMLElement).click())
    await press(page, 'Make a new key')
    await page.waitForSelector('dialog[open] .sheet')
    await press(page, 'Save the key file')
    await page.waitForSelector('dialog .primary:not(:disabled)')
    await press(page, 'I have kept it: use this key')
    await page.waitForSelector('.start button:not(:disabled)')
    await page.$eval('.start button', start => start.click())
    await page.waitForFunction(`!document.querySelector('.queue li:not(.done)')`)
  },
  async explore(page) {
    await page.waitForSelector('.pictures figure:nth-child(5) canvas')
    await press(page, 'Change the middle pixel')
    await page.waitForSelector('.numbers dt')
    await press(page, 'Across the middle')
    await page.waitForSelector('.damage figure:nth-child(2) canvas')
  },
  async attack(page) {
    await page.waitForSelector('.attacks')
    await page.$eval('input[value=coordinate-map]', radio => (radio as HTMLElement).click())
    await press(page, 'Attack')
    await page.waitForFunction(`document.querySelectorAll('.row').length === 3`)
  },
  async train(page) {
    await page.waitForSelector('.gate button')
    await page.$eval('.gate button', start => (start as HTMLElement).click())
    await page.waitForFunction(
      steps => Number(/step (\d+)/.exec(document.querySelector('.status')?.textContent ?? '')?.[1]) >= steps,
      { polling: 500 },
      STEPS,
    )
    await press(page, 'Pause')
    await page.waitForFunction(`document.querySelector('.status').textContent.includes('Paused')`)
  },
}

/** Of a training, before its picture is taken. */
const STEPS = 300

const press = (page: Page, text: string): Promise<void> =>
  page.evaluate(text => {
    const buttons = Array.from(document.querySelectorAll('button'))
    buttons.find(({ textContent }) => textContent === text)!.click()
  }, text)

/** Photos to seal, drawn. */
async function drawnFiles(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-pictures-'))
  return Promise.all(
    DRAWN.map(async kind => {
      const path = join(folder, `${kind}.png`)
      writeFileSync(path, encodePng(await drawPicture(kind, 480, 360)))
      return path
    }),
  )
}

/**
 * Pictures of every view, phone and desktop, light and dark, each view used once:
 * `npm run bench -- studio-pictures [FOLDER]`. Needs `npm run studio` first.
 */
export default async function run([out = 'runs/studio-pictures']: readonly string[]): Promise<void> {
  mkdirSync(out, { recursive: true })
  const server = await serveStudio({ folder }, 0)
  const browser = await startBrowser()
  for (const [view, scene] of Object.entries(SCENES)) {
    const context = await browser.createBrowserContext()
    const page = await context.newPage()
    page.setDefaultTimeout(600_000)
    await page.setViewport(SIZES.desktop)
    await page.goto(`${server.address}#${view}`)
    await scene(page)
    for (const [device, viewport] of Object.entries(SIZES))
      for (const scheme of ['light', 'dark']) {
        await page.emulateMediaFeatures([
          { name: 'prefers-color-scheme', value: scheme },
          // A picture is not to show colours on their way to others.
          { name: 'prefers-reduced-motion', value: 'reduce' },
        ])
        await page.setViewport(viewport)
        await page.evaluate(() => scrollTo(0, 0))
        const picture = await page.screenshot({ fullPage: device === 'phone' || view !== 'vault' })
        const path = join(out, `${view}-${device}-${scheme}.png`)
        await sharp(picture).png({ palette: true, quality: 90, effort: 10 }).toFile(path)
        console.log(path)
      }
    await context.close()
  }
  await browser.close()
  await server.close()
}
