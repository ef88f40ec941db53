import { encodePng } from '@latent/core/png'
import { drawPicture } from '@latent/data'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { choose, expectAccessible, giveKey, press, pressButton, runQueue, type Studio } from './studio.ts'

interface Means {
  readonly identity: string
  readonly sealed: (name: string, bytes: Uint8Array) => Promise<Uint8Array>
}

/** Tests of the gallery of opened pictures. */
export function galleryTests(studio: () => Studio, { identity, sealed }: Means): void {
  describe('the gallery', () => {
    let page: Page
    beforeAll(async () => void (page = await studio().open()))
    afterAll(() => page.close())

    test('shows what was opened from memory; its viewer is clean, and closes by the keyboard', async () => {
      const picture = encodePng(await drawPicture('dunes', 640, 480))
      await choose(studio(), page, '#choose-files', {
        'dunes.png.png': await sealed('dunes.png', picture),
        'none.jpg.png': await sealed('none.jpg', picture.subarray(100, 200)),
      })
      await giveKey(studio(), page, identity)
      await runQueue(page)
      // One has a preview: its middle is drawn. The other says that it has none.
      await page.waitForFunction(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('.gallery canvas')!
        return canvas.getContext('2d')!.getImageData(180, 180, 1, 1).data[3] === 255
      })
      await page.waitForSelector('.gallery .no-preview')
      await expectAccessible(page)
      await page.focus('.gallery li:first-child button')
      await page.keyboard.press('Enter')
      await page.waitForFunction(`document.querySelector('dialog.viewer[open] img')?.naturalWidth === 640`)
      await expectAccessible(page)
      await page.keyboard.press('Escape')
      await page.waitForFunction(`!document.querySelector('dialog.viewer[open]')`)
      // What holds the focus afterwards is what opened it.
      expect(await page.evaluate(`document.activeElement.matches('.gallery li:first-child button')`)).toBe(true)
      await press(page, '.gallery li:first-child button')
      await page.waitForSelector('dialog.viewer[open]')
      await pressButton(page, 'Close')
      await page.waitForFunction(`!document.querySelector('dialog.viewer[open]')`)
    })
  })
}
