import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { toHex } from '@latent/core'
import { Keyring, PathSelection } from '../src/index.ts'
import { type FileResult, openFiles, type OpenRun } from '../src/node/index.ts'
import { flows, noise, testAlbum } from './fixtures.ts'
import { all, keyring, opened, plain, put, root, seal, sealed, tree } from './folders.ts'

let memory = ''
beforeEach(() => {
  memory = join(root, 'memory')
  // What was written this moment is not noted: here it is a while ago.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
})
afterEach(() => vi.useRealTimers())

const open = (options: Partial<OpenRun> = {}) =>
  all(openFiles({ inputs: [sealed], output: opened, keyring: keyring(), flows, memory, ...options }))

/** With a keyring that opens every envelope, to nothing that opens a file: whatever is read fails. */
const openUnread = (options: Partial<OpenRun> = {}) =>
  open({ keyring: { albumKey: async () => new Uint8Array(32) } as unknown as Keyring, ...options })

const states = (results: readonly FileResult[]) =>
  Object.fromEntries(results.map(({ source, status, code }) => [basename(source, '.png'), code ?? status]))

const journals = async () =>
  (await readdir(memory, { recursive: true })).filter(name => name.endsWith('.jsonl')).map(name => join(memory, name))

/** Two files, opened once. */
async function openTwo(): Promise<FileResult[]> {
  await put(join(plain, 'a.jpg'), await noise(3000, 'a'))
  await put(join(plain, 'sub/b'), await noise(5000, 'b'))
  await seal()
  return open()
}

test('what was opened and has not changed is not read again', async () => {
  expect(states(await openTwo())).toEqual({ 'a.jpg': 'done', b: 'done' })
  const progress = new Map<string, number>()
  const watcher = { progress: (source: string, bytes: number) => void progress.set(source, bytes) }
  const again = await openUnread({ watcher })
  expect(again).toEqual(
    ['a.jpg', 'sub/b'].map((name, i) => ({
      source: join(sealed, `${name}.png`),
      target: join(opened, name),
      status: 'skipped',
      reason: 'opened before and unchanged',
      plainBytes: [3000, 5000][i],
      sealedBytes: progress.get(join(sealed, `${name}.png`)),
    })),
  )
  // The same is said where it is read.
  expect(await open({ reread: true })).toEqual(again)
  expect(await open({ memory: undefined })).toEqual(again)
  expect(states(await openUnread({ reread: true }))).toEqual({ 'a.jpg': 'E_HEADER', b: 'E_HEADER' })
  expect(states(await openUnread({ force: true }))).toEqual({ 'a.jpg': 'E_HEADER', b: 'E_HEADER' })
  expect(await tree(opened)).toEqual(await tree(plain))
})

test('a wrong key opens nothing, whatever was opened before; and reads one header of an album for it', async () => {
  await openTwo()
  for (const keyring of [new Keyring(), new Keyring({ passphrases: ['another one'] })])
    expect(states(await open({ keyring }))).toEqual({ 'a.jpg': 'E_NO_MATCH', b: 'E_NO_MATCH' })
  expect(states(await openUnread())).toEqual({ 'a.jpg': 'skipped', b: 'skipped' })
  // Two albums in one folder, and one header of each.
  const others = await testAlbum()
  const other = await put(join(root, 'c'), 'of another album')
  await seal({ inputs: [other], album: others.album, lockName: 'other' })
  await open({ keyring: keyring().remember(others.album) })
  expect(states(await open())).toEqual({ 'a.jpg': 'skipped', b: 'skipped', c: 'E_NO_MATCH' })
  const asked: string[] = []
  const albumKey = async (envelope: Uint8Array) => {
    asked.push(toHex(envelope))
    return new Uint8Array(32)
  }
  expect(states(await openUnread({ keyring: { albumKey } as unknown as Keyring }))).toEqual({
    'a.jpg': 'skipped',
    b: 'skipped',
    c: 'skipped',
  })
  expect(new Set(asked).size).toBe(2)
  expect(asked.length).toBe(2)
})

describe('is read again', () => {
  const path = () => join(opened, 'a.jpg')
  const sealedPath = () => join(sealed, 'a.jpg.png')

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'what holds zeros now, and says the time that it said before',
      async () => {
        const { atime, mtime } = await stat(path())
        await writeFile(path(), new Uint8Array(3000))
        await utimes(path(), atime, mtime)
      },
      'E_EXISTS',
    ],
    ['what is gone', () => rm(path()), 'done'],
    ['what was touched', () => utimes(path(), 1, 1), 'skipped'],
    [
      'what was replaced by its copy',
      async () => {
        await copyFile(path(), join(root, 'copy'))
        await rename(join(root, 'copy'), path())
      },
      'skipped',
    ],
    ['what is a folder now', () => rm(path()).then(() => mkdir(path())), 'E_EXISTS'],
    [
      'what was sealed anew',
      async () => {
        await put(join(plain, 'a.jpg'), await noise(3000, 'other'))
        await seal()
      },
      'E_EXISTS',
    ],
    [
      'what was sealed, and holds zeros now',
      async () => {
        const { atime, mtime, size } = await stat(sealedPath())
        await writeFile(sealedPath(), new Uint8Array(size))
        await utimes(sealedPath(), atime, mtime)
      },
      'E_NOT_SEALED',
    ],
  ])('%s', async (_, change, state) => {
    await openTwo()
    await change()
    expect(states(await open())).toEqual({ 'a.jpg': state, b: 'skipped' })
  })

  test('once, where it turns out to be the same', async () => {
    await openTwo()
    await utimes(path(), 1, 1)
    expect(states(await openUnread())).toEqual({ 'a.jpg': 'E_HEADER', b: 'skipped' })
    await open()
    expect(states(await openUnread())).toEqual({ 'a.jpg': 'skipped', b: 'skipped' })
  })

  test('what was sealed this moment, and may be written again without another time to show for it', async () => {
    vi.useRealTimers()
    await openTwo()
    expect(states(await openUnread())).toEqual({ 'a.jpg': 'E_HEADER', b: 'E_HEADER' })
  })

  test('what was opened into another folder, or moved with it', async () => {
    await openTwo()
    await rename(opened, join(root, 'moved'))
    expect(states(await openUnread({ output: join(root, 'moved') }))).toEqual({ 'a.jpg': 'E_HEADER', b: 'E_HEADER' })
    expect(states(await open({ output: join(root, 'moved') }))).toEqual({ 'a.jpg': 'skipped', b: 'skipped' })
  })

  test('what has another name than the sealed file says', async () => {
    await put(join(plain, 'a.jpg'), 'of one name')
    await seal({ hideNames: true })
    await seal({ output: join(sealed, 'again') })
    await rename(join(sealed, 'again/a.jpg.png'), join(sealed, 'again/b.jpg.png'))
    await open()
    expect(await readFile(join(opened, 'again/a.jpg'), 'utf8')).toBe('of one name')
    expect(new Set(Object.values(states(await openUnread())))).toEqual(new Set(['E_HEADER']))
    expect(new Set(Object.values(states(await open())))).toEqual(new Set(['skipped']))
  })
})

test('names are given once, whichever of their files are read', async () => {
  for (const name of ['a.jpg', 'z.jpg']) await put(join(plain, name), name)
  await seal()
  // Another file of the name of the first, and a copy of it.
  await seal({ inputs: [await put(join(root, 'a.jpg'), 'other')], output: join(root, 'other') })
  await copyFile(join(root, 'other/a.jpg.png'), join(sealed, 'm.png'))
  await copyFile(join(sealed, 'a.jpg.png'), join(sealed, 'n.png'))
  await open({ jobs: 1 })
  const files = await tree(opened)
  expect(Object.keys(files).toSorted()).toEqual(['a (2).jpg', 'a.jpg', 'z.jpg'])
  for (const options of [{}, { reread: true }]) {
    const again = await open({ jobs: 1, ...options })
    expect(again.map(({ target, reason }) => `${basename(target!)}: ${reason}`)).toEqual([
      'a.jpg: opened before and unchanged',
      'a (2).jpg: opened before and unchanged',
      'a.jpg: copies of other sealed files, of the same content',
      'z.jpg: opened before and unchanged',
    ])
    expect(await tree(opened)).toEqual(files)
  }
})

test('only what is asked for is named', async () => {
  await openTwo()
  const only = new PathSelection(['sub/*'])
  const results = await openUnread({ only })
  expect(results.map(({ reason }) => reason)).toEqual(['not asked for', 'opened before and unchanged'])
  expect(only.unused).toEqual([])
})

describe('the journal', () => {
  test('is private, holds nothing but marks, and lies in no folder of the run', async () => {
    await openTwo()
    const [path, ...others] = await journals()
    expect(others).toEqual([])
    const lines = (await readFile(path!, 'utf8')).trim().split('\n')
    for (const line of lines)
      expect(JSON.parse(line)).toEqual({
        target: expect.stringMatching(/^[0-9a-f]{32}$/),
        nonce: '',
        by: expect.stringMatching(/^[0-9a-f]{8}$/),
        album: expect.stringMatching(/^[0-9a-f]{32}$/),
        file: expect.stringMatching(/^[0-9a-f]{32}$/),
      })
    expect(lines.length).toBe(2)
    expect((await stat(memory)).mode & 0o777).toBe(0o700)
    expect(Object.keys(await tree(opened)).toSorted()).toEqual(['a.jpg', 'sub/b'])
    // Nothing new is nothing written.
    await open()
    expect((await readFile(path!, 'utf8')).trim().split('\n')).toEqual(lines)
  })

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['is gone', path => rm(path)],
    ['holds what nobody wrote', path => writeFile(path, '{"target":"x","nonce":""}\n[]\nnonsense')],
    ['is a folder', path => rm(path).then(() => mkdir(path))],
    ['is in a folder that others may write into', path => chmod(join(path, '..'), 0o777)],
  ])('that %s costs a reading and nothing else', async (_, change) => {
    await openTwo()
    await change((await journals())[0]!)
    expect(states(await open())).toEqual({ 'a.jpg': 'skipped', b: 'skipped' })
    expect(await tree(opened)).toEqual(await tree(plain))
  })

  test('that cannot be made is done without', async () => {
    await put(memory, 'a file')
    expect(states(await openTwo())).toEqual({ 'a.jpg': 'done', b: 'done' })
    expect(states(await open())).toEqual({ 'a.jpg': 'skipped', b: 'skipped' })
  })

  test('of a folder that nothing was opened into for a year is removed', async () => {
    await openTwo()
    const [path] = await journals()
    const days = (count: number) => new Date(Date.now() - count * 24 * 60 * 60 * 1000)
    await utimes(path!, days(364), days(364))
    await open({ output: join(root, 'second') })
    expect((await journals()).length).toBe(2)
    await utimes(path!, days(366), days(366))
    await open({ output: join(root, 'second') })
    expect(await journals()).not.toContain(path)
    expect((await journals()).length).toBe(1)
  })
})
