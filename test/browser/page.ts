import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import puppeteer from 'puppeteer-core'
import { type Bundle, bundle } from './bundle.ts'
import type { Outcome } from './expose.ts'
import { pack, unpack } from './transport.ts'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const FIREFOX_PLACES = ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox']

const named = (variable: string, places: readonly string[]): string | undefined =>
  process.env[variable] === undefined ? places.find(path => existsSync(path)) : process.env[variable] || undefined

/** The browser to test in, or `undefined`. The variable `CHROMIUM` names another one; empty, none. */
export const chromium: string | undefined = named('CHROMIUM', PLACES)

/** Firefox, for what users do, or `undefined`. The variable `FIREFOX` names another one; empty, none. */
export const firefox: string | undefined = named('FIREFOX', FIREFOX_PLACES)

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
// WebGPU computed by the processor: slow, and there on machines without a graphics card.
const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan,WebGPU']

/** A script running in a page of its own browser. */
export interface BrowserPage<Script> {
  /** The functions that the script exports. Arguments and results travel as JSON with typed arrays. */
  readonly call: {
    readonly [Name in keyof Script as Script[Name] extends AnyFunction ? Name : never]: Remote<Script[Name]>
  }
  close(): Promise<void>
}
interface PageOptions {
  readonly gpu?: 'none' | 'software'
  readonly folders?: Readonly<Record<string, URL>>
}
type AnyFunction = (...args: never[]) => unknown
type Remote<F> = F extends (...args: infer Args) => infer Result ? (...args: Args) => Promise<Awaited<Result>> : never

/**
 * Bundles a page script, serves it cross-origin isolated (so that WASM has threads) and loads it in a
 * headless Chromium with a fresh profile.
 *
 * ```
 * import type * as Script from './my-page.ts'
 * const page = await openPage<typeof Script>(new URL('my-page.ts', import.meta.url))
 * await page.call.answer(42)
 * ```
 * @param script what is bundled by Vite, or a page that is built already
 * @param options.gpu `software`: WebGPU on a software adapter. Default: no WebGPU.
 * @param options.folders folders to serve beside the page, by path, such as `/models/`
 */
export async function openPage<Script>(
  script: URL | Bundle,
  { gpu = 'none', folders = {} }: PageOptions = {},
): Promise<BrowserPage<Script>> {
  if (chromium === undefined) throw new Error('there is no Chromium here: name one in the variable CHROMIUM')
  const server = await serve(script instanceof URL ? await bundle(script) : script, folders)
  try {
    const args = [...FLAGS, ...(gpu === 'software' ? SOFTWARE_GPU : ['--disable-gpu'])]
    const browser = await puppeteer.launch({
      executablePath: chromium,
      headless: true,
      pipe: true,
      protocolTimeout: 600_000,
      args,
    })
    const close = async () => {
      await browser.close()
      server.close()
    }
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    try {
      await page.waitForFunction('globalThis.callPageScript !== undefined', { timeout: 30_000 })
    } catch (cause) {
      await close()
      throw new Error(`the page script did not load: ${complaints.join('\n')}`, { cause })
    }
    const call = async (name: string, args: unknown[]): Promise<unknown> => {
      const text = await page.evaluate(
        (name, args) =>
          (globalThis as unknown as { callPageScript: (name: string, args: string) => Promise<string> }).callPageScript(
            name,
            args,
          ),
        name,
        pack(args),
      )
      const outcome = unpack(text) as Outcome
      if ('error' in outcome) throw new Error([`${name} in the browser: ${outcome.error}`, ...complaints].join('\n'))
      return outcome.result
    }
    const calls = new Proxy(
      {},
      {
        get:
          (_, name: string) =>
          (...args: unknown[]) =>
            call(name, args),
      },
    )
    return { call: calls as BrowserPage<Script>['call'], close }
  } catch (error) {
    server.close()
    throw error
  }
}

const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

async function serve(files: Bundle, folders: Readonly<Record<string, URL>>): Promise<Server> {
  const answer = async (path: string, response: ServerResponse) => {
    const file = files.get(path) ?? (await fileOf(folders, path))
    if (file)
      response.writeHead(200, { ...ISOLATION, 'Content-Type': file.type, 'Cache-Control': 'no-store' }).end(file.body)
    else response.writeHead(404, ISOLATION).end()
  }
  const server = createServer((request, response) => void answer(request.url!, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function fileOf(folders: Readonly<Record<string, URL>>, path: string) {
  const [prefix, folder] = Object.entries(folders).find(([prefix]) => path.startsWith(prefix)) ?? []
  if (prefix === undefined) return undefined
  const body = await readFile(new URL(basename(path), folder)).catch(() => undefined)
  return body && { type: 'application/octet-stream', body }
}
