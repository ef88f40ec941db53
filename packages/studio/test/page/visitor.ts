import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import type { ElementHandle, Page } from 'puppeteer-core'
import { expect, test } from 'vitest'
import { offeredBy, type Studio } from './studio.ts'

/** Somebody who knows the page by what it says and shows alone: names of controls, and nothing of its making. */
interface Visitor {
  /** Uses the control of this name. */
  use(name: string): Promise<void>
  /** Types into the field of this name. */
  type(name: string, text: string): Promise<void>
}

/** What says so on the page: a button, a link, or a label. */
async function named(page: Page, name: string): Promise<ElementHandle<HTMLElement>> {
  const found = await page.waitForFunction(
    name =>
      Array.from(document.querySelectorAll<HTMLElement>('button, a, label')).find(
        each => each.checkVisibility() && (each.getAttribute('aria-label') ?? each.innerText).trim() === name,
      ),
    { polling: 100 },
    name,
  )
  return found.asElement() as ElementHandle<HTMLElement>
}

/** What a label is of, or the thing itself. */
const controlOf = async (found: ElementHandle<HTMLElement>): Promise<ElementHandle<HTMLElement>> => {
  const handle = await found.evaluateHandle(each => (each instanceof HTMLLabelElement ? each.control! : each))
  return handle.asElement() as ElementHandle<HTMLElement>
}

const withMouse = (page: Page): Visitor => ({
  use: async name => (await named(page, name)).click(),
  type: async (name, text) => {
    await (await field(page, name)).click()
    await page.keyboard.type(text)
  },
})

/** Never touches the mouse: tabs to what is wanted, and sees where he is. */
const byKeyboard = (page: Page): Visitor => {
  const reach = async (wanted: ElementHandle<HTMLElement>) => {
    for (let presses = 0; presses < 60; presses++) {
      if (await wanted.evaluate(each => each === document.activeElement)) {
        const seen = await page.evaluate(() => {
          const active = document.activeElement!
          const shown = active.closest('.button, .segments label') ?? active
          return [active, shown, ...shown.children].some(each => getComputedStyle(each).outlineStyle !== 'none')
        })
        expect(seen, 'the focus is seen').toBe(true)
        return
      }
      await page.keyboard.press('Tab')
    }
    throw new Error(`no way by keyboard to ${await wanted.evaluate(each => each.outerHTML)}`)
  }
  return {
    async use(name) {
      const wanted = await controlOf(await named(page, name))
      await reach(wanted)
      await page.keyboard.press(await wanted.evaluate(each => (each.matches('input') ? 'Space' : 'Enter')))
    },
    async type(name, text) {
      await reach(await field(page, name))
      await page.keyboard.type(text)
    },
  }
}

/** What is typed into, by its label. */
async function field(page: Page, name: string): Promise<ElementHandle<HTMLInputElement>> {
  const found = await page.waitForFunction(
    name =>
      Array.from(document.querySelectorAll('label')).find(
        ({ innerText, control }) => innerText.trim() === name && control?.matches('[type=password], [type=text]'),
      )?.control,
    { polling: 100 },
    name,
  )
  return found.asElement() as ElementHandle<HTMLInputElement>
}

const says = (page: Page, text: string) =>
  page.waitForFunction(text => document.body.innerText.includes(text), {}, text)

/** Tests of somebody who comes here for the first time. */
export function visitorTests(studio: () => Studio): void {
  test.each([
    ['with the mouse', withMouse],
    ['by the keyboard alone', byKeyboard],
  ] as const)(
    'who was never here seals a photo and opens it again, reading nothing but the page, %s',
    async (_, how) => {
      const photo = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i + (i >> 5)) & 255)
      const { folder } = studio()
      await writeFile(join(folder, 'beach.jpg'), photo)
      const context = await studio().browser.createBrowserContext()
      const page = await context.newPage()
      page.setDefaultTimeout(90_000)
      try {
        await page.goto(studio().server.address)
        // What lies behind another page is not drawn.
        await page.bringToFront()
        const visitor = how(page)
        const use = (name: string) => visitor.use(name)
        const chooseFile = async (path: string) => {
          await named(page, 'Choose files')
          const [chooser] = await Promise.all([page.waitForFileChooser(), use('Choose files')])
          await chooser.accept([path])
        }
        await chooseFile(join(folder, 'beach.jpg'))
        await says(page, 'To seal')
        await use('Draw ten words')
        await says(page, 'Write these words down')
        const words = await (await field(page, 'Passphrase')).evaluate(({ value }) => value)
        expect(words.split(/[ -]/)).toHaveLength(10)
        await use('Seal 1 file')
        await says(page, 'Sealed and checked')
        const sealed = await offeredBy(page, () => use('Download'))
        await writeFile(join(folder, 'beach.jpg.png'), sealed)
        expect(Buffer.from(sealed).includes(Buffer.from(photo.subarray(0, 64)))).toBe(false)

        // Another day.
        await page.reload()
        await chooseFile(join(folder, 'beach.jpg.png'))
        await says(page, 'To open')
        await visitor.type('Passphrase', words)
        await use('Open 1 file')
        await says(page, 'Opened and checked')
        expect(await offeredBy(page, () => use('Download'))).toEqual(photo)
      } finally {
        await context.close()
      }
    },
  )
}
