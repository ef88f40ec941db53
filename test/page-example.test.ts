import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromium } from './browser/page.ts'
import { atLength, LONG } from './long.ts'

const ROOT = fileURLToPath(new URL('../examples/page', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}

describe.skipIf(chromium === undefined || !LONG)(`the page of the examples${atLength}`, { timeout: 300_000 }, () => {
  let [folder, browser, page]: [string, Browser, Page] = ['', undefined!, undefined!]
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : request.url!
    response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' })
    void readFile(join(folder, path)).then(body => response.end(body))
  })
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latent-page-'))
    await build({ root: ROOT, logLevel: 'silent', build: { outDir: folder, emptyOutDir: true } })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    browser = await puppeteer.launch({ executablePath: chromium!, args: ['--no-sandbox'], protocolTimeout: 300_000 })
    page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    server.close()
    await rm(folder, { recursive: true })
  })

  /** Does as a person would, and gives what the page says, with the file that it offers. */
  const submit = async (name: string, content: Uint8Array, passphrase: string, button: string) => {
    await page.evaluate(
      (name, content, passphrase) => {
        const files = new DataTransfer()
        files.items.add(new File([Uint8Array.from(content)], name, { type: 'text/plain' }))
        ;(document.getElementById('file') as HTMLInputElement).files = files.files
        ;(document.getElementById('passphrase') as HTMLInputElement).value = passphrase
      },
      name,
      Array.from(content),
      passphrase,
    )
    await page.click(`button[value=${button}]`)
    await page.waitForFunction("document.querySelector('output').textContent !== 'working ...'", { timeout: 240_000 })
    return page.evaluate(async () => {
      const link = document.querySelector<HTMLAnchorElement>('output a')
      const body = link === null ? [] : Array.from(new Uint8Array(await (await fetch(link.href)).arrayBuffer()))
      return { said: document.querySelector('output')!.textContent, name: link?.download, body }
    })
  }

  test('seals a file into a PNG and opens it again, and says what is wrong', async () => {
    const plain = new Uint8Array(readFileSync(join(ROOT, 'README.md')))
    const sealed = await submit('note.md', plain, 'seventeen damp lanterns', 'seal')
    expect(sealed.name).toBe('note.md.png')
    expect(sealed.body.slice(1, 4)).toEqual(Array.from(Buffer.from('PNG')))
    expect(Buffer.from(sealed.body).includes('Sealing')).toBe(false)
    const png = Uint8Array.from(sealed.body)
    expect((await submit('note.md.png', png, 'another', 'open')).said).toContain('[E_NO_MATCH]')
    const opened = await submit('note.md.png', png, 'seventeen damp lanterns', 'open')
    expect([opened.name, Buffer.from(opened.body).equals(plain)]).toEqual(['note.md', true])
    png[png.length - 40]! ^= 1
    const damaged = await submit('note.md.png', png, 'seventeen damp lanterns', 'open')
    expect([damaged.name, damaged.said]).toEqual([undefined, expect.stringMatching(/\[E_\w+\]/)])
  })
})
