import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../test/browser/page.ts'
import type * as Script from './browser-page.ts'
import sharp from 'sharp'
import { modeOf } from '../src/channel/modes.ts'
import { makePart } from '../src/make.ts'
import { sharpPixels } from '../src/node/pixels.ts'
import { pictureBytes } from '../src/picture.ts'
import { showsCarrier } from '../src/recognise.ts'
import { made } from './browser-page.ts'
import { FOLDER, sha256, type Vector, VECTORS } from './conformance/vectors.ts'
import { atLength, LONG } from '../../../test/long.ts'

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vector[]
const read = (name: string) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, FOLDER))) })

describe.skipIf(!chromium || !LONG)(`robust carriers in Chromium, without a canvas${atLength}`, () => {
  let page: BrowserPage<typeof Script>
  beforeAll(async () => {
    page = await openPage<typeof Script>(new URL('browser-page.ts', import.meta.url))
  })
  afterAll(() => page.close())

  test('open as the conformance kit says: JPEG, PNG and WebP', async () => {
    expect(vectors.flatMap(({ pictures }) => pictures).filter(name => name.endsWith('.webp')).length).toBeGreaterThan(0)
    for (const { name, pictures, files, errors } of vectors) {
      const found = await page.call.collected(pictures.map(read))
      expect([name, found.errors.toSorted()]).toEqual([name, errors])
      expect(found.files.map(({ sha256 }) => sha256).toSorted()).toEqual(files.map(({ sha256 }) => sha256).toSorted())
    }
  })

  test('come back from WebP and AVIF as sharp decodes them', async () => {
    const carrier = sharp(read('one-1.png').bytes)
    const whole = vectors.find(({ name }) => name === 'progressive')!
    for (const [format, bytes] of [
      ['AVIF', await carrier.clone().avif({ quality: 80, effort: 0 }).toBuffer()],
      ['lossless WebP', await carrier.clone().webp({ lossless: true }).toBuffer()],
      [
        'WebP with metadata',
        await carrier
          .clone()
          .withExif({ IFD0: { Artist: 'a' } })
          .webp({ quality: 90 })
          .toBuffer(),
      ],
    ] as const) {
      const picture = new Uint8Array(bytes)
      const { files } = await page.call.collected([{ name: format, bytes: picture }])
      expect([format, files.map(({ sha256 }) => sha256)]).toEqual([format, whole.files.map(({ sha256 }) => sha256)])
      const [here, there] = [await sharpPixels(picture, { pixels: 1e6 }), await page.call.decoded(picture, 1e6)]
      expect(there).toMatchObject({ width: here.width, height: here.height, channels: 4 })
      if (typeof there === 'string') throw new Error(there)
      const differences = here.data.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - there.data[4 * Math.floor(i / here.channels)]!)),
        0,
      )
      expect([format, differences <= 1]).toEqual([format, true])
    }
  })

  test('what is too large is refused before it is decoded, and what is broken is said to be so', async () => {
    const { data, info } = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#456' } })
      .webp()
      .toBuffer({ resolveWithObject: true })
    expect(info.width).toBe(600)
    const [webp, avif] = [new Uint8Array(data), new Uint8Array(await sharp(data).avif({ effort: 0 }).toBuffer())]
    for (const picture of [webp, avif]) {
      expect(await page.call.decoded(picture, 239_999)).toBe('E_LIMIT')
      expect(await page.call.decoded(picture, 240_000)).toMatchObject({ width: 600, height: 400 })
      expect(await page.call.decoded(picture.subarray(0, picture.length >> 1), 1e6)).toBe('E_IMAGE')
      expect(await page.call.decoded(picture.subarray(0, 20), 1e6)).toBe('E_IMAGE')
    }
    expect(await page.call.decoded(Uint8Array.of(1, 2, 3), 1e6)).toBe('E_IMAGE')
  })

  test('are told from other pictures, in every format', async () => {
    const photo = new Uint8Array(readFileSync(new URL('../../../docs/pictures/plain/lake.png', import.meta.url)))
    const as = async (format: 'jpeg' | 'webp' | 'avif', of: Uint8Array) =>
      new Uint8Array(await sharp(of).toFormat(format, { quality: 75 }).toBuffer())
    for (const format of ['jpeg', 'webp', 'avif'] as const) {
      const carrier = read('two-1.png').bytes
      expect([format, await page.call.recognised(await as(format, carrier))]).toEqual([format, true])
      expect([format, await page.call.recognised(await as(format, photo))]).toEqual([format, false])
    }
    expect(await page.call.recognised(read('two-1.png').bytes)).toBe(true)
    expect(await page.call.recognised(photo)).toBe(false)
    expect(await page.call.recognised(Uint8Array.of(1, 2, 3))).toBe(false)
    // Only the first rows are looked at where there are many.
    const mode = modeOf(2)
    const blocks = { wide: 400, high: 300 }
    const content = new Uint8Array(pictureBytes(blocks, mode)).map((_, i) => (i * i + (i >> 8)) & 255)
    const descriptor = {
      set: content.slice(0, 8),
      group: 0,
      groups: 1,
      size: content.length,
      data: 1,
      spare: 0,
      part: 0,
    }
    const large = await as('jpeg', makePart({ content, descriptor, blocks, mode: mode.id }))
    expect(large.length).toBeGreaterThan(2 ** 20)
    expect(await showsCarrier(new Blob([large.slice()]))).toBe(true)
  })

  test('are made with the bytes that Node makes', async () => {
    for (const id of [2, 5]) expect([id, sha256((await page.call.made(id)).png)]).toEqual([id, sha256(made(id).png)])
  })
})
