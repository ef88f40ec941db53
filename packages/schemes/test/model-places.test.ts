import { sha256Of, toHex } from '@latent/core'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fetchModel, isHere, modelCards } from '../src/models/fetch.ts'
import { modelFile } from '../src/models/file-node.ts'
import { modelFile as fromPage } from '../src/models/file-web.ts'
import { loadModel, packageOf, useModelsFrom } from '../src/models/index.ts'

const wanted = { scheme: 'toy', profile: 'small' }
/** One array of three floats, as anybody may write it. */
const header = new TextEncoder().encode(
  JSON.stringify({ __metadata__: wanted, 'net.bias': { dtype: 'F32', shape: [3], data_offsets: [0, 12] } }),
)
const weights = Uint8Array.of(
  header.length,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  ...header,
  ...new Uint8Array(Float32Array.of(1, 2, 3).buffer),
)
const card = { id: 'toy-small', ...wanted, sha256: toHex(sha256Of(weights)), bytes: weights.length, storage: 'f32' }
const FILE = 'toy-small.safetensors'

let [folder, mirror, cached] = ['', '', '']
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'models-'))
  mirror = join(folder, 'mirror')
  cached = join(folder, 'cache/latent/models')
  await mkdir(mirror)
  await mkdir(join(folder, 'cards'))
  await writeFile(join(folder, 'cards/toy-small.json'), JSON.stringify(card))
  await writeFile(join(mirror, FILE), weights)
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
  // A card is known, and no package holds its weights.
  useModelsFrom(pathToFileURL(join(folder, 'cards')))
})
afterEach(async () => {
  useModelsFrom(undefined)
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test.each([
  [1, '@latent/models'],
  [1_000_000, '@latent/models'],
  [1_000_001, '@latent/models-toy'],
  [8_000_000, '@latent/models-toy'],
  [8_000_001, undefined],
])('weights of %d bytes are published in %s', (bytes, name) => {
  expect(packageOf({ scheme: 'toy', bytes })).toBe(name)
})

test.each([
  [50_000, /^npm install @latent\/models, or latent model fetch toy-small /],
  [5_000_000, /^npm install @latent\/models-toy, or latent model fetch toy-small /],
  [50_000_000, /^they are too large for a package: latent model fetch toy-small /],
])('weights of %d bytes that are not here: the refusal says where they are', async (bytes, hint) => {
  await expect(modelFile(FILE, { ...card, bytes })).rejects.toMatchObject({
    code: 'E_WEIGHTS',
    message: 'the weights toy-small are not installed',
    hint: expect.stringMatching(hint),
  })
})

test('a scheme passes the refusal on', async () => {
  await expect(loadModel(card.id, wanted)).rejects.toMatchObject({
    code: 'E_WEIGHTS',
    message: 'the weights toy-small are not installed',
  })
})

test.each(['../cards/toy-small.json', '/etc/hostname', 'a/b.json'])('%s is no name of a file', async name => {
  await expect(modelFile(name)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
})

test('a page looks in the folder that it chose, else beside itself', async () => {
  const asked: string[] = []
  vi.stubGlobal('location', { href: 'https://example.org/app/index.html?x' })
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href)
    return new Response(null, { status: 404 })
  })
  for (const address of ['https://cdn.example.org/weights', 'https://cdn.example.org/weights/', undefined]) {
    useModelsFrom(address)
    await expect(fromPage(FILE, card)).rejects.toMatchObject({
      code: 'E_WEIGHTS',
      hint: expect.stringContaining('useModelsFrom'),
    })
  }
  vi.unstubAllGlobals()
  expect(asked).toEqual([
    'https://cdn.example.org/weights/toy-small.safetensors',
    'https://cdn.example.org/weights/toy-small.safetensors',
    'https://example.org/app/models/toy-small.safetensors',
  ])
})

describe('weights too large for any package, packed', () => {
  // As large as the card says, and nothing but zeros behind the header: what gzip packs best.
  const long = 9_000_000
  const start = new TextEncoder().encode(
    JSON.stringify({ __metadata__: wanted, 'net.bias': { dtype: 'F32', shape: [long / 4], data_offsets: [0, long] } }),
  )
  const bytes = new Uint8Array(8 + start.length + long)
  new DataView(bytes.buffer).setUint32(0, start.length, true)
  bytes.set(start, 8)
  const large = { ...card, sha256: toHex(sha256Of(bytes)), bytes: bytes.length }
  const packed = gzipSync(bytes)
  beforeEach(() => writeFile(join(folder, 'cards/toy-small.json'), JSON.stringify(large)))

  test('are read where they lie, whoever unpacks them', async () => {
    for (const file of [packed, bytes]) {
      await writeFile(join(folder, 'cards', `${FILE}.gz`), file)
      expect((await loadModel(card.id, wanted)).sha256).toBe(large.sha256)
    }
  })

  test('are fetched packed, and lie in the cache as their card says', async () => {
    await writeFile(join(mirror, `${FILE}.gz`), packed)
    expect(await fetchModel(card.id, pathToFileURL(mirror))).toMatchObject({ bytes: bytes.length })
    expect(new Uint8Array(await readFile(join(cached, `${large.sha256}.safetensors`)))).toEqual(bytes)
    expect((await loadModel(card.id, wanted)).sha256).toBe(large.sha256)
  })

  test.each<[string, Uint8Array]>([
    ['cut short', packed.subarray(0, -9)],
    ['one bit altered', packed.map((byte, i) => (i === 200 ? byte ^ 1 : byte))],
    ['that hold a byte more', gzipSync(new Uint8Array(bytes.length + 1))],
    ['that hold less', gzipSync(bytes.subarray(0, -1))],
    [
      'that would unpack to a gigabyte',
      Buffer.concat(Array.from({ length: 100 }, () => gzipSync(new Uint8Array(1e7)))),
    ],
  ])('%s: refused where they lie, and not fetched', async (_, file) => {
    await writeFile(join(folder, 'cards', `${FILE}.gz`), file)
    await expect(loadModel(card.id, wanted)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await writeFile(join(mirror, `${FILE}.gz`), file)
    await expect(fetchModel(card.id, pathToFileURL(mirror))).rejects.toMatchObject({ code: 'E_HASH' })
    expect(await readdir(folder)).not.toContain('cache')
  })
})

describe('the cache', () => {
  test('is filled from a folder, once, and schemes read from it', async () => {
    expect(await fetchModel(card.id, pathToFileURL(mirror))).toEqual({
      path: join(cached, `${card.sha256}.safetensors`),
      bytes: weights.length,
    })
    expect(await fetchModel(card.id, pathToFileURL(join(folder, 'nowhere')))).toBe('present')
    expect((await loadModel(card.id, wanted)).sha256).toBe(card.sha256)
    expect((await stat(cached)).mode & 0o077).toBe(0)
  })

  test.runIf(process.platform !== 'win32')('is not believed where others could write, nor filled', async () => {
    await fetchModel(card.id, pathToFileURL(mirror))
    await chmod(cached, 0o777)
    await expect(loadModel(card.id, wanted)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(fetchModel(card.id, pathToFileURL(mirror))).rejects.toMatchObject({
      code: 'E_IO',
      hint: expect.stringContaining('chmod'),
    })
  })

  test.runIf(process.platform !== 'win32')('that is a link is not believed either', async () => {
    await fetchModel(card.id, pathToFileURL(mirror))
    await mkdir(join(folder, 'second/latent'), { recursive: true })
    await symlink(cached, join(folder, 'second/latent/models'))
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'second'))
    await expect(loadModel(card.id, wanted)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })

  test('damaged: refused, and fetched again', async () => {
    await fetchModel(card.id, pathToFileURL(mirror))
    await writeFile(
      join(cached, `${card.sha256}.safetensors`),
      weights.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
    )
    await expect(loadModel(card.id, wanted)).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    expect(await fetchModel(card.id, pathToFileURL(mirror))).toMatchObject({ bytes: weights.length })
    expect((await loadModel(card.id, wanted)).sha256).toBe(card.sha256)
  })

  test.each<[string, Uint8Array]>([
    ['one bit altered', weights.map((byte, i) => (i === weights.length - 1 ? byte ^ 128 : byte))],
    ['cut short', weights.subarray(0, -1)],
    ['a byte too long', Uint8Array.of(...weights, 0)],
    ['empty', new Uint8Array(0)],
    ['a page instead', new TextEncoder().encode('<!doctype html>'.padEnd(weights.length))],
  ])('%s: refused, and nothing is kept', async (_, bytes) => {
    await writeFile(join(mirror, FILE), bytes)
    await expect(fetchModel(card.id, pathToFileURL(mirror))).rejects.toMatchObject({ code: 'E_HASH' })
    expect(await readdir(folder)).not.toContain('cache')
  })

  test('a folder without them, and an id that nobody knows', async () => {
    await rm(join(mirror, FILE))
    await expect(fetchModel(card.id, pathToFileURL(mirror))).rejects.toMatchObject({ code: 'E_IO' })
    await expect(fetchModel('no-such-weights', pathToFileURL(mirror))).rejects.toMatchObject({ code: 'E_WEIGHTS' })
  })
})

describe('over HTTP', () => {
  let body: Uint8Array | number = weights
  const server: Server = createServer((request, response) => {
    if (typeof body === 'number' || request.url !== `/weights/${FILE}`)
      response.writeHead(typeof body === 'number' ? body : 404).end()
    else response.writeHead(200).end(body)
  })
  const address = async () => {
    if (!server.listening) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/weights`)
  }
  afterAll(() => server.close())

  test('the same bytes arrive', async () => {
    body = weights
    await fetchModel(card.id, await address())
    expect(new Uint8Array(await readFile(join(cached, `${card.sha256}.safetensors`)))).toEqual(weights)
  })

  test.each<[string, Uint8Array | number, string]>([
    ['longer', new Uint8Array(weights.length * 1000), 'E_HASH'],
    ['shorter', weights.subarray(1), 'E_HASH'],
    ['other bytes', new Uint8Array(weights.length), 'E_HASH'],
    ['not found', 404, 'E_IO'],
    ['refused', 403, 'E_IO'],
  ])('%s', async (_, served, code) => {
    body = served
    await expect(fetchModel(card.id, await address())).rejects.toMatchObject({ code })
    expect(await readdir(folder)).not.toContain('cache')
  })
})

test('every card that came with Latent is listed, and its weights are here', async () => {
  useModelsFrom(undefined)
  const cards = await modelCards()
  expect(cards.map(({ id }) => id)).toEqual(expect.arrayContaining(['exact-flow', 'flowcrypt-2025-compact']))
  expect(await Promise.all(cards.map(isHere))).toEqual(cards.map(() => true))
})
