import puppeteer, { type Browser } from 'puppeteer-core'
import { chromium } from '../test/browser/page.ts'

/** A headless Chromium. */
export async function startBrowser(): Promise<Browser> {
  if (chromium === undefined) throw new Error('there is no Chromium here: name one in the variable CHROMIUM')
  return puppeteer.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    protocolTimeout: 600_000,
  })
}
