import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from './bundle.ts'
import { type BrowserPage, chromium, openPage } from './page.ts'
import type * as Script from './page-page.ts'
import { pack, unpack } from './transport.ts'

test('typed arrays of every kind survive transport', () => {
  const sent = {
    bytes: Uint8Array.of(0, 255),
    nested: [Float32Array.of(-0.5, 1e-40)],
    big: BigInt64Array.of(-1n),
    none: new Int32Array(0),
    text: 'é',
    nothing: null,
  }
  expect(unpack(pack(sent))).toEqual(sent)
  expect(unpack(pack(Uint8Array.of(9, 8, 7).subarray(1, 2)))).toEqual(Uint8Array.of(8))
  expect(() => pack(new DataView(new ArrayBuffer(1)))).toThrow(TypeError)
})

test('a script that imports a Node module is refused', async () => {
  await expect(bundle(new URL('bundle.ts', import.meta.url))).rejects.toThrow(
    /bundle\.ts imports node:\w+, which no browser has/,
  )
})

describe.skipIf(!chromium)('a page', () => {
  let page: BrowserPage<typeof Script>
  beforeAll(async () => {
    page = await openPage<typeof Script>(new URL('page-page.ts', import.meta.url))
  })
  afterAll(() => page.close())

  test('is cross-origin isolated, so that WASM has threads', async () => {
    expect(await page.call.isolated()).toBe(true)
  })

  test('takes and returns typed arrays', async () => {
    expect(await page.call.doubled(Float32Array.of(1, 2.5))).toEqual(Float32Array.of(2, 5))
  })

  test('passes errors on, with their hints', async () => {
    await expect(page.call.refuses()).rejects.toThrow(/refuses in the browser: .*no answer.*\(ask again\)/s)
  })
})
