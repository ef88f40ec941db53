import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserPage, chromium, openPage } from '../../../test/browser/page.ts'
import type * as Script from './exact-flow-page.ts'
import { publishedVectors } from './exact-flow-vector-files.ts'
import { atLength, LONG } from '../../../test/long.ts'

const script = new URL('exact-flow-page.ts', import.meta.url)
const published = await publishedVectors('constant')

describe.skipIf(!chromium || !LONG)(`published vectors in Chromium${atLength}`, () => {
  let page: BrowserPage<typeof Script>
  beforeAll(async () => {
    page = await openPage<typeof Script>(script)
  })
  afterAll(() => page.close())

  test.each(['int8', 'float'] as const)('WASM %s, two threads', async arithmetic => {
    expect(
      await page.call.vectors('constant', { backend: 'ort-wasm', arithmetic, threads: 2 }, published.vectors),
    ).toEqual({ ...published, backend: `ort-wasm ${arithmetic}` })
  })

  test('WASM int8, the trained weights, which the page carries in itself', async () => {
    const trained = await publishedVectors('trained')
    expect(
      await page.call.vectors('trained', { backend: 'ort-wasm', arithmetic: 'int8', threads: 2 }, trained.vectors),
    ).toEqual({ ...trained, backend: 'ort-wasm int8' })
    expect(await page.call.vectorsOfPool('trained', 2, trained.vectors)).toEqual({
      ...trained,
      backend: 'ort-wasm int8',
    })
  })

  test('WASM int8, a pool of two web workers', async () => {
    expect(await page.call.vectorsOfPool('constant', 2, published.vectors)).toEqual({
      ...published,
      backend: 'ort-wasm int8',
    })
  })

  test('what new files are sealed with, on the kernel: no runtime is fetched', async () => {
    const second = await publishedVectors('second')
    expect(await page.call.vectorsOfPool('second', 2, second.vectors)).toEqual({ ...second, backend: 'kernel int8' })
    const fresh = await openPage<typeof Script>(script)
    try {
      expect(await fresh.call.vectors('second', {}, second.vectors)).toEqual({ ...second, backend: 'kernel int8' })
      expect(await fresh.call.runtimes()).toEqual([])
      await fresh.call.vectors('constant', { threads: 1 }, published.vectors.slice(0, 1))
      expect(await fresh.call.runtimes()).not.toEqual([])
    } finally {
      await fresh.close()
    }
  })

  test('an error in a web worker arrives', async () => {
    const tooShort = { ...published.vectors[0]!, length: 31 }
    await expect(page.call.vectorsOfPool('constant', 1, [tooShort])).rejects.toThrow(
      /expected at least 32 bytes for tile/,
    )
  })
})

describe.skipIf(!chromium || !LONG)(`published vectors on WebGPU in Chromium, software adapter${atLength}`, () => {
  let page: BrowserPage<typeof Script>
  beforeAll(async () => {
    page = await openPage<typeof Script>(script, { gpu: 'software' })
  })
  afterAll(() => page.close())

  // The software adapter computes about 0.1 MB/s, so the two longest vectors are left out.
  const vectors = published.vectors.filter(({ length }) => length <= 98_309)

  test('WebGPU float, every node on the adapter, vectors up to 98,309 bytes', async context => {
    if (!(await page.call.hasAdapter())) context.skip('this Chromium has no WebGPU adapter')
    expect(await page.call.vectors('constant', { backend: 'ort-webgpu', arithmetic: 'float' }, vectors)).toEqual({
      weights: published.weights,
      backend: 'ort-webgpu float',
      vectors,
    })
  })

  test('WebGPU int8 is refused: ONNX Runtime has no WebGPU kernel for QLinearConv', async context => {
    if (!(await page.call.hasAdapter())) context.skip('this Chromium has no WebGPU adapter')
    await expect(page.call.vectors('constant', { backend: 'ort-webgpu', arithmetic: 'int8' }, vectors)).rejects.toThrow(
      /graph nodes that are assigned to the default CPU EP/,
    )
  })

  test('a chain goes on to WASM int8', async () => {
    const short = vectors.slice(0, 3)
    expect(
      await page.call.vectors('constant', { backend: ['ort-webgpu', 'ort-wasm'], arithmetic: 'int8' }, short),
    ).toEqual({ weights: published.weights, backend: 'ort-wasm int8', vectors: short })
  })
})
