import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { firefox } from '../../../../test/browser/page.ts'
import { atLength, LONG } from '../../../../test/long.ts'
import { latentHere } from '../../../cli/test/command.ts'
import {
  choose,
  giveKey,
  lookWith,
  offered,
  press,
  pressButton,
  runQueue,
  type Served,
  states,
  type Studio,
} from './studio.ts'

/** What the page does in Firefox, which has another engine, other workers and other file systems than Chromium. */
export function firefoxTests(served: () => Served, identity: string): void {
  // Tried again on a page of its own: about once in some dozens of whole suites a file stood still at its first try,
  // and nothing has shown it again. Twice in a row is a fault of ours; the first message says where the queue stood.
  const again = { timeout: 180_000, retry: 1 }
  describe.skipIf(firefox === undefined || !LONG)(`Latent Studio in Firefox${atLength}`, again, () => {
    const photo = Uint8Array.from({ length: 60_000 }, (_, i) => (i * i + (i >> 6)) & 255)
    let studio: Studio
    let page: Page
    let key: string
    beforeAll(async () => {
      studio = await lookWith('firefox', served())
      key = join(studio.folder, 'firefox.key')
      await writeFile(key, `${identity}\n`)
    }, 180_000)
    beforeEach(async () => {
      page = await studio.open()
    })
    afterAll(() => studio?.close())

    test('what the page seals, the command opens exactly', async () => {
      expect(await page.evaluate('crossOriginIsolated')).toBe(true)
      await choose(studio, page, '#choose-files', { 'fox.jpg': photo })
      await giveKey(studio, page, identity)
      await runQueue(page)
      await writeFile(join(studio.folder, 'fox.jpg.png'), await offered(page, '.queue li.done', 'Download'))
      const output = join(studio.folder, 'opened')
      const { code, err } = await latentHere(['open', join(studio.folder, 'fox.jpg.png'), '-i', key, '-o', output])
      expect([code, err]).toEqual([0, expect.anything()])
      expect(new Uint8Array(await readFile(join(output, 'fox.jpg')))).toEqual(photo)
    })

    test('what the command seals, the page opens exactly, and another key does not', async () => {
      const output = join(studio.folder, 'sealed')
      await writeFile(join(studio.folder, 'vixen.jpg'), photo)
      const { code } = await latentHere(['seal', join(studio.folder, 'vixen.jpg'), '-i', key, '-o', output])
      expect(code).toBe(0)
      const made = new Uint8Array(await readFile(join(output, 'vixen.jpg.png')))
      await choose(studio, page, '#choose-files', { 'vixen.jpg.png': made })
      await page.waitForSelector('.queue li.waiting')
      await page.type('#passphrase', 'not the right one')
      await runQueue(page)
      expect((await states(page))[0]![1]).toContain('[E_NO_MATCH]')
      await giveKey(studio, page, identity)
      await pressButton(page, 'Try 1 file again')
      await page.waitForSelector('.queue li.done').catch(async (cause: unknown) => {
        throw new Error(`the queue stands at ${JSON.stringify(await states(page))}`, { cause })
      })
      expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo)
    })

    test('the other views work there, too', async () => {
      await page.goto(`${studio.server.address}#explore`)
      await page.waitForSelector('.pictures figure:nth-child(5) canvas')
      await page.goto(`${studio.server.address}#attack`)
      await page.waitForSelector('.attacks')
      await press(page, 'input[value=coordinate-map]')
      await pressButton(page, 'Attack')
      await page.waitForSelector('.row:nth-child(3)')
      expect(await page.$eval('.verdict', verdict => verdict.textContent)).toBe('Opened')
    })

    test('nothing left the origin, and no policy was broken', () => {
      expect(studio.strays).toEqual([])
      expect(studio.complaints).toEqual([])
    })
  })
}
