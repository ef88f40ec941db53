import { image } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { decodeImage, openData, readImage, usualMaxPixels } from '../src/node/index.ts'

/** One place says how large a picture may be, for every reader of picture files. */

let root = ''
const png = encodePng(image({ width: 20, height: 10, channels: 3, format: 'u8', data: new Uint8Array(600) }))
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-limit-'))
  await mkdir(join(root, 'set'))
  await writeFile(join(root, 'set/a.png'), png)
  await sharp(png).jpeg().toFile(join(root, 'a.jpg'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

const refused = expect.objectContaining({ code: 'E_LIMIT', hint: expect.stringContaining('LATENT_MAX_PIXELS=200') })

test('the environment lowers and raises it everywhere', async () => {
  const readers = [
    () => decodeImage(png),
    () => readImage(join(root, 'set/a.png')),
    () => readImage(join(root, 'a.jpg')),
    async () => (await openData(join(root, 'set'))).pictures[0]!.load(),
  ]
  for (const read of readers) {
    vi.stubEnv('LATENT_MAX_PIXELS', '199')
    await expect(read()).rejects.toEqual(refused)
    vi.stubEnv('LATENT_MAX_PIXELS', '200')
    await expect(read()).resolves.toMatchObject({ width: 20, height: 10 })
  }
})

test('it is a number of pixels, and has an end', () => {
  for (const [text, most] of [
    ['', 100_000_000],
    ['268435456', 2 ** 28],
    ['1', 1],
  ] as const) {
    vi.stubEnv('LATENT_MAX_PIXELS', text)
    expect(usualMaxPixels()).toBe(most)
  }
  for (const text of ['0', '268435457', 'many', '1e9', '-5', ' 5']) {
    vi.stubEnv('LATENT_MAX_PIXELS', text)
    expect(() => usualMaxPixels()).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  }
})
