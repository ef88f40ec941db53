import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../test/browser/page.ts'
import type * as Script from './browser-page.ts'
import { made } from './browser-page.ts'
import { FOLDER, sha256, type Vector, VECTORS } from './conformance/vectors.ts'

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vector[]
const read = (name: string) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, FOLDER))) })

describe.skipIf(!chromium)('robust carriers in Chromium, without a canvas', () => {
  let page: BrowserPage<typeof Script>
  beforeAll(async () => {
    page = await openPage<typeof Script>(new URL('browser-page.ts', import.meta.url))
  })
  afterAll(() => page.close())

  test('open as the conformance kit says, JPEG and PNG', async () => {
    const tried = vectors.filter(({ pictures }) => pictures.every(name => !name.endsWith('.webp')))
    expect(tried.length).toBeGreaterThan(5)
    for (const { name, pictures, files, errors } of tried) {
      const found = await page.call.collected(pictures.map(read))
      expect([name, found.errors.toSorted()]).toEqual([name, errors])
      expect(found.files.map(({ sha256 }) => sha256).toSorted()).toEqual(files.map(({ sha256 }) => sha256).toSorted())
    }
  })

  test('are made with the bytes that Node makes', async () => {
    expect(sha256((await page.call.made()).png)).toBe(sha256(made().png))
  })
})
