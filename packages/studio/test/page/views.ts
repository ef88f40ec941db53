import { readModel } from '@latent/schemes/models'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { choose, expectAccessible, offered, press, pressButton, type Studio } from './studio.ts'

const textOf = (page: Page, selector: string): Promise<string> =>
  page.$eval(selector, found => (found as HTMLElement).innerText)

/** Tests of Explore, Attack and Train. */
export function viewTests(studio: () => Studio): void {
  describe('the other views', () => {
    let page: Page
    beforeAll(async () => void (page = await studio().open(`${studio().server.address}#explore`)))
    afterAll(() => page.close())

    test('a cipher is looked at, and another broken', async () => {
      await page.waitForSelector('.pictures figure:nth-child(5) canvas')
      expect(await page.$eval('.pictures', pictures => (pictures as HTMLElement).innerText)).toContain(
        'Nothing was lost',
      )
      await pressButton(page, 'Change the middle pixel')
      await page.waitForSelector('.numbers dt')
      await pressButton(page, 'Through a JPEG')
      await page.waitForSelector('.damage figure:nth-child(2) canvas')
      await expectAccessible(page)
      await page.goto(`${studio().server.address}#attack`)
      await page.waitForSelector('.attacks')
      await press(page, 'input[value=coordinate-map]')
      await pressButton(page, 'Attack')
      await page.waitForFunction(`document.querySelectorAll('.row').length === 3`)
      expect(await page.$$eval('.verdict', found => found.map(each => each.textContent))).toEqual([
        'Opened',
        'Gave up',
        'Gave up',
      ])
      await expectAccessible(page)
    })

    test('a picture that cannot be shown, and weights that are not the ones, are said to be so', async () => {
      await page.goto(`${studio().server.address}#attack`)
      await page.reload()
      await choose(studio(), page, '#own-picture', { 'half.jpg': Uint8Array.of(255, 216, 255, 224, 0, 16) })
      await pressButton(page, 'Attack')
      await page.waitForSelector('.outcome .fault')
      expect(await textOf(page, '.outcome .fault')).toMatch(/cannot show this picture \[E_IMAGE\].*choose a JPEG/s)
      expect(await page.$('.row')).toBeNull()
      await expectAccessible(page)
      await page.evaluate(() => (location.hash = '#explore'))
      await page.waitForSelector('.controls + .fault, .controls ~ .fault')
      expect(await textOf(page, '.fault')).toContain('[E_IMAGE]')
      expect(await page.$('.pictures')).toBeNull()

      const weights = join(studio().folder, 'site/models/ito-transform-2021.safetensors')
      const right = await readFile(weights)
      await writeFile(
        weights,
        right.map((byte, i) => (i === 2000 ? byte ^ 1 : byte)),
      )
      try {
        await page.evaluate(() => (location.hash = '#attack'))
        await page.select('#picture', 'landscape')
        await press(page, 'input[value=squint]')
        await page.waitForSelector('.gate button')
        await expectAccessible(page)
        await press(page, '.gate button')
        await pressButton(page, 'Attack')
        await page.waitForSelector('.row .fault')
        expect(await textOf(page, '.row .fault')).toContain('[E_WEIGHTS]')
        await expectAccessible(page)
      } finally {
        await writeFile(weights, right)
      }
    })

    test('a cipher is trained, said to be on the processor, paused, saved, and looked at', async () => {
      await page.goto(`${studio().server.address}#train`)
      await page.waitForSelector('.gate button')
      await expectAccessible(page)
      const loaded: string[] = []
      page.on('request', request => loaded.push(request.url()))
      await page.waitForSelector('input[name=backend]:not(:disabled)')
      await pressButton(page, 'Processor'.length > 0 ? 'and train' : '')
      await page.waitForSelector('.curve')
      await pressButton(page, 'Pause')
      await page.waitForFunction(`document.querySelector('.status').innerText.includes('Paused')`)
      expect(await page.$eval('.status', status => (status as HTMLElement).innerText)).toMatch(
        /on the processor \(WebAssembly, .*1280 digits, drawn here/s,
      )
      await expectAccessible(page)
      const weights = await offered(page, '.status', 'Save the weights')
      const scheme = 'mask-autoencoder-2025-mnist-conv'
      expect(Object.keys(readModel(weights, { scheme, profile: 'compact' }).tensors)).toContain('decoder.conv1.weight')
      await pressButton(page, 'Look at it in Explore')
      await page.waitForFunction(`document.querySelector('.own-weights')?.innerText.includes('With your weights')`)
      await page.waitForSelector('.pictures figure:nth-child(5) canvas')
      expect(await page.$eval('#scheme', select => (select as HTMLSelectElement).value)).toBe(scheme)
      expect(loaded.filter(url => url.includes('/models/'))).toEqual([])
      await expectAccessible(page)
    })

    test('on a graphics card, where the browser offers one', async context => {
      const offers = await page.evaluate(async () =>
        Boolean(await (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu?.requestAdapter()),
      )
      if (!offers) context.skip('this Chromium offers no adapter; see LATENT_WEBGPU')
      await page.goto(`${studio().server.address}#train`)
      await pressButton(page, 'Stop')
      await page.waitForSelector('input[name=backend]:not(:disabled)')
      await press(page, 'input[name=backend]')
      expect(await page.$eval('.gate', gate => (gate as HTMLElement).innerText)).toContain('Load 41 MB and train')
      await pressButton(page, 'and train')
      await page.waitForSelector('.curve', { timeout: 240_000 })
      expect(await page.$eval('.status', status => (status as HTMLElement).innerText)).toContain('on the graphics card')
      await pressButton(page, 'Stop')
      await page.waitForSelector('.gate button')
    }, 300_000)
  })
}
