import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { carriersOf } from './carriers.ts'
import { choose, expectAccessible, giveKey, offered, press, runQueue, states, type Studio } from './studio.ts'

/** The decoders that were asked for: the service worker keeps what was. */
const decodersKept = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const requests = await Promise.all((await caches.keys()).map(async name => (await caches.open(name)).keys()))
    return requests
      .flatMap(kept => kept.flatMap(({ url }) => /(\w+)_dec-[\w-]+\.wasm$/.exec(url)?.[1] ?? []))
      .toSorted()
  })

/** Tests of robust carriers that are dropped into the vault view. */
export function robustTests(studio: () => Studio, identity: string, recipient: string): void {
  describe('robust carriers', () => {
    const photo = Uint8Array.from({ length: 90_000 }, (_, i) => (i * i + (i >> 7)) & 255)
    let page: Page
    beforeAll(async () => {
      page = await studio().open()
      await page.waitForFunction(`document.querySelector('footer').textContent.includes('Works offline')`)
      await page.reload()
    })
    afterAll(() => page.close())

    test('open as JPEG, WebP and AVIF; decoders are loaded when they are needed, and not before', async () => {
      const [one, two] = [
        await carriersOf({ 'one.jpg': photo }, recipient, ['jpeg']),
        await carriersOf({ 'two.jpg': photo }, recipient, ['webp', 'avif']),
      ]
      await choose(studio(), page, '#choose-files', one)
      await page.waitForSelector('.queue:not(:has(li:not(.waiting)))')
      expect(await decodersKept(page)).toEqual([])
      await giveKey(studio(), page, identity)
      await runQueue(page)
      expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo)
      expect(await decodersKept(page)).toEqual([])
      await page.reload()
      await choose(studio(), page, '#choose-files', two)
      await page.waitForSelector('.queue:not(:has(li:not(.waiting)))')
      expect(await decodersKept(page)).toEqual(['avif', 'webp'])
      await giveKey(studio(), page, identity)
      await runQueue(page)
      await expectAccessible(page)
      expect((await states(page)).map(([state]) => state)).toEqual(['gathered', 'gathered', 'done'])
      expect((await states(page)).at(-1)![1]).toMatch(/^two\.jpg/)
      expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo)
      await press(page, '.summary .quiet')
      await page.waitForFunction(`!document.querySelector('.queue')`)
    })
  })
}
