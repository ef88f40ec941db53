import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from 'puppeteer-core'
import { build } from 'vite'
import { expect, test } from 'vitest'
import { measureEverywhere } from './fixtures/browser-entry.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

// Engines differ in the last digits of exp and log.
const rounded = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, v: unknown) => (typeof v === 'number' ? Number(v.toPrecision(9)) : v)))

test.skipIf(!CHROMIUM)('a browser measures what Node measures', async () => {
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, target: 'es2024', minify: false, lib: { entry: new URL('fixtures/browser-entry.ts', import.meta.url).pathname, formats: ['es'], fileName: 'entry' }, rollupOptions: { output: { codeSplitting: false } } },
  })
  const [output] = (Array.isArray(bundle) ? bundle : [bundle]) as { output: { code: string }[] }[]
  const script = output!.output[0]!.code
  // WebCrypto exists on a loopback address alone, not on a blank page.
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': request.url === '/entry.js' ? 'text/javascript' : 'text/html' })
    response.end(request.url === '/entry.js' ? script : '<!doctype html><script type="module" src="/entry.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const profile = mkdtempSync(join(tmpdir(), 'latent-chromium-'))
  const browser = await launch({ executablePath: CHROMIUM!, args: FLAGS, userDataDir: profile })
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`)
    await page.waitForFunction('globalThis.measureEverywhere')
    const measured = await page.evaluate('measureEverywhere()')
    expect(rounded(measured)).toEqual(rounded(await measureEverywhere()))
  } finally {
    await browser.close()
    server.close()
    rmSync(profile, { recursive: true, force: true })
  }
})
