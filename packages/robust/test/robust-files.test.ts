import { LatentError } from '@latent/core'
import { createAlbum, Keyring } from '@latent/vault'
import { type FileResult, ROBUST_JOURNAL } from '@latent/vault/node'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAll, sealRobust, verifyAll } from '../src/node/index.ts'
import { parsePreset, type Preset, PRESETS } from '../src/presets.ts'
import { drawn } from './services.ts'

const root = mkdtempSync(join(tmpdir(), 'latent-robust-test-'))
afterAll(() => rmSync(root, { recursive: true }))

const album = await createAlbum({ passphrase: 'for a test', workFactor: 2 })
const keyring = new Keyring().remember(album)
const flows = () => Promise.reject(new LatentError('E_UNSUPPORTED', 'not needed here'))
// Small pictures, many parts.
const preset: Preset = { ...PRESETS['robust']!, side: 512, spare: 0.25 }

const files: Record<string, Uint8Array> = {
  'large.bin': drawn(400_000, 'large'),
  'a.jpg': drawn(5000, 'a'),
  'b.jpg': drawn(9000, 'b'),
  'empty.txt': new Uint8Array(0),
}
const source = join(root, 'in')
const sealed = join(root, 'sealed')

async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const found: FileResult[] = []
  for await (const result of results) found.push(result)
  return found
}

const seal = (output: string, more: Partial<Parameters<typeof sealRobust>[0]> = {}) =>
  all(
    sealRobust({
      inputs: [source],
      output,
      album,
      lockName: 'test',
      flows,
      body: { type: 'aes-256-gcm' },
      preset,
      threads: 2,
      ...more,
    }),
  )

const open = (from: string, to: string) => all(openAll({ inputs: [from], output: to, keyring, flows, threads: 2 }))

/** What a service makes of a folder: every picture encoded anew, under another name. */
async function serve(to: string, leaveOut: (name: string) => boolean = () => false): Promise<void> {
  mkdirSync(to)
  const names = readdirSync(sealed).filter(name => name.endsWith('.png') && !leaveOut(name))
  for (const [i, name] of names.toReversed().entries()) {
    const image = sharp(join(sealed, name)).toColourspace('srgb')
    const bytes = await (i % 2 === 0 ? image.jpeg({ quality: 75 }) : image.webp({ quality: 75 })).toBuffer()
    writeFileSync(join(to, `IMG_${i}.${i % 2 === 0 ? 'jpg' : 'webp'}`), bytes)
  }
}

beforeAll(async () => {
  mkdirSync(source)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(source, name), bytes)
  await seal(sealed)
})

const expectOpened = (folder: string, names = Object.keys(files)) => {
  for (const name of names) expect(new Uint8Array(readFileSync(join(folder, name)))).toEqual(files[name])
}

describe('files sealed into robust carriers', () => {
  test('are numbered pictures, and small ones share one', () => {
    const names = readdirSync(sealed).filter(name => name.endsWith('.png'))
    expect(names.filter(name => name.startsWith('album-'))).toEqual(['album-1.1-of-2.png', 'album-1.2-of-2.png'])
    const large = names.filter(name => name.startsWith('large.bin.'))
    expect(large.length).toBeGreaterThan(6)
    expect(large[0]).toMatch(/^large\.bin\.0?1-of-\d+\.png$/)
  })

  test('open as they are', async () => {
    const output = join(root, 'as-they-are')
    expect((await open(sealed, output)).map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done'])
    expectOpened(output)
  })

  test('open after a service: encoded anew, renamed, in another order, with parts missing', async () => {
    const [from, to] = [join(root, 'served'), join(root, 'opened')]
    await serve(from, name => /^large\.bin\.0?[28]-of/.test(name))
    const results = await open(from, to)
    expect(results.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done'])
    const { note } = results.find(({ target }) => basename(target!) === 'large.bin')!
    expect(note).toMatch(/^part 2 of \d+, part 8 of \d+ are missing; the others made up for it$/)
    expectOpened(to)
    expect((await all(verifyAll({ inputs: [from], keyring, flows }))).map(({ status }) => status)).toEqual([
      'done',
      'done',
      'done',
      'done',
    ])
  })

  test('of which too many parts are missing are an error that names them, and the others open', async () => {
    const [from, to] = [join(root, 'lossy'), join(root, 'some')]
    await serve(from, name => /^large\.bin\.0?[1-4]-of/.test(name))
    const results = await open(from, to)
    const failed = results.filter(({ status }) => status === 'failed')
    expect(failed).toHaveLength(1)
    expect(failed[0]).toMatchObject({ code: expect.stringMatching(/^E_(HEADER|CHUNK|REENCODED)$/) as string })
    expect(failed[0]!.reason).toContain('part 1 of ')
    expect(readdirSync(to).toSorted()).toEqual(['a.jpg', 'b.jpg', 'empty.txt'])
    expectOpened(to, ['a.jpg', 'b.jpg', 'empty.txt'])
  })

  test('are not replaced without being asked for', async () => {
    rmSync(join(sealed, ROBUST_JOURNAL))
    const results = await seal(sealed)
    expect(results.filter(({ status }) => status === 'failed').map(({ code }) => code)).toEqual(['E_EXISTS'])
    expect((await seal(sealed, { force: true })).map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done'])
  })

  test('beside photographs that never were: those are named, for they may be sealed PNGs encoded anew', async () => {
    const [from, to] = [join(root, 'mixed'), join(root, 'mixed-opened')]
    await serve(from)
    const photo = join(from, 'photo.jpg')
    writeFileSync(
      photo,
      await sharp(drawn(3 * 64 * 64, 'photo'), { raw: { width: 64, height: 64, channels: 3 } })
        .resize(320)
        .jpeg()
        .toBuffer(),
    )
    const results = await open(from, to)
    expect(results.filter(({ status }) => status !== 'done')).toMatchObject([
      { source: photo, status: 'failed', code: 'E_REENCODED' },
    ])
    expectOpened(to)
    const [named] = await open(photo, to)
    expect(named).toMatchObject({ status: 'failed', code: 'E_REENCODED' })
  })
})

describe('a preset of one’s own', () => {
  test('is JSON with some fields', () => {
    expect(parsePreset('{"mode":1,"side":1024}')).toEqual({
      mode: 1,
      side: 1024,
      bitsPerPixel: 8,
      spare: 0,
      made: 'a preset of your own',
    })
  })

  test.each([
    ['{', 'no JSON'],
    ['[]', 'no object'],
    ['{"mode":2,"side":10}', 'side'],
    ['{"mode":9,"side":1024}', 'mode 9'],
    ['{"mode":2,"side":1024,"quality":3}', '"quality"'],
    ['{"mode":2,"side":1024,"spare":"much"}', 'spare'],
  ])('%s is refused: %s', (text, what) => {
    expect(() => parsePreset(text)).toThrow(
      expect.objectContaining({ code: 'E_ARGUMENT', message: expect.stringContaining(what) as string }) as Error,
    )
  })
})
