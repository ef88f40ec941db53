import { sha256Of } from '@latent/core'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { createAlbum, Keyring } from '../src/index.ts'
import { type FileResult, FileThreads, openFiles, type OpenRun, verifyFiles } from '../src/node/index.ts'
import { WHOLE_BYTES } from '../src/node/seal-whole.ts'
import { BODIES, flows, noise } from './fixtures.ts'
import { album, all, keyring, opened, plain, put, root, seal, sealed, tree } from './folders.ts'

/** Two threads, from the first file on. */
async function withThreads<T>(work: (fileThreads: FileThreads) => Promise<T>): Promise<T> {
  const threads = new FileThreads({ threads: 2, fewFiles: 0 })
  try {
    return await work(threads)
  } finally {
    await threads.close()
  }
}

const open = (options: Partial<OpenRun> = {}) =>
  all(openFiles({ inputs: [sealed], output: opened, keyring: keyring(), flows, ...options }))

/** What is said of each file, but for how long it took. */
const said = (results: readonly FileResult[]) => results.map(result => ({ ...result, seconds: 0 }))

/** Seals many small files, and one of each kind that may lie between them. */
async function sealAll(body: string): Promise<void> {
  for (let i = 0; i < 40; i++) await put(join(plain, `${i % 3}/${i}.jpg`), await noise(i === 7 ? 0 : 997 * i, `${i}`))
  await put(join(plain, 'large'), await noise(WHOLE_BYTES + 1, 'large'))
  await put(join(plain, 'two chunks'), await noise(800_000, 'two chunks'))
  await seal({ body: BODIES[body]! })
}

/** Damages some of them, and puts others beside. */
async function damageSome(): Promise<void> {
  const change = async (name: string, work: (bytes: Buffer) => Uint8Array) =>
    writeFile(join(sealed, name), work(await readFile(join(sealed, name))))
  const flipped = (at: number) => (bytes: Buffer) => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1
    return bytes
  }
  await change('0/9.jpg.png', flipped(-1000))
  await change('0/12.jpg.png', flipped(300))
  await change('0/15.jpg.png', flipped(60))
  await change('0/18.jpg.png', bytes => bytes.subarray(0, -2000))
  await change('0/21.jpg.png', bytes => bytes.subarray(0, 20))
  await change('0/24.jpg.png', () => Buffer.from('no picture'))
  await change('0/27.jpg.png', () => Buffer.alloc(0))
  // The checksum of the picture alone: nothing of the file inside is lost.
  await change('0/30.jpg.png', flipped(-13))
  await change('two chunks.png', flipped(-1000))
  await put(join(sealed, 'notes.txt'), 'not sealed')
  await put(join(plain, 'other'), await noise(500, 'other'))
  await seal({ output: join(root, 'others'), album: await createAlbum({ passphrase: 'other', workFactor: 1 }) })
  await cp(join(root, 'others/1'), join(sealed, 'of others'), { recursive: true })
}

test('a thread asks for the key of an album once, and gives back what it does not open whole', async () => {
  await sealAll('exact-flow+aes-256-gcm')
  await damageSome()
  const task = (name: string, wanted = true) => ({ source: join(sealed, `${name}.png`), size: 0, wanted })
  const threads = new FileThreads({ threads: 1, fewFiles: 0 })
  const asked = await threads.open(task('1/1.jpg'))
  expect(asked).toEqual({ locked: album.envelope })
  const bytes = await noise(997, '1')
  const whole = { metadata: { name: '1.jpg', size: 997 }, sha256: sha256Of(bytes), bytes }
  expect(await threads.open({ ...task('1/1.jpg'), album })).toMatchObject(whole)
  expect(await threads.open(task('1/1.jpg'))).toMatchObject(whole)
  expect(await threads.open(task('1/1.jpg', false))).not.toHaveProperty('bytes')
  for (const name of ['large', 'two chunks', '0/9.jpg', '0/18.jpg', '0/24.jpg', '0/27.jpg', 'gone'])
    expect([name, await threads.open(task(name))]).toEqual([name, undefined])
  // Another envelope is another album, for all that a thread knows.
  expect(await threads.open(task('0/12.jpg'))).toEqual({ locked: expect.any(Uint8Array) })
  await threads.close()
  expect(await threads.open(task('1/1.jpg'))).toBeUndefined()
})

test.each(Object.keys(BODIES))('%s: a folder of all sizes comes back, and is skipped the next time', async body => {
  await sealAll(body)
  await withThreads(async fileThreads => {
    const progress = new Map<string, number>()
    const count = (source: string, bytes: number) => void progress.set(source, (progress.get(source) ?? 0) + bytes)
    const results = await open({ fileThreads, watcher: { progress: count } })
    expect(results.map(({ status }) => status)).toEqual(Array(42).fill('done'))
    expect(results.map(({ source }) => progress.get(source))).toEqual(results.map(({ sealedBytes }) => sealedBytes))
    expect(await tree(opened)).toEqual(await tree(plain))
    const again = await open({ fileThreads })
    expect(new Set(again.map(({ status, reason }) => `${status}: ${reason}`))).toEqual(
      new Set(['skipped: opened before and unchanged']),
    )
    // Of one length, and another content: it is neither taken for the file nor replaced.
    const changed = join(opened, '1/10.jpg')
    await writeFile(changed, new Uint8Array(9970))
    const taken = await open({ fileThreads })
    expect(taken.filter(({ status }) => status !== 'skipped').map(({ code }) => code)).toEqual(['E_EXISTS'])
    expect(await readFile(changed)).toEqual(Buffer.alloc(9970))
  })
})

test.each([{}, { salvage: true }, { force: true }])('say of each file what is said without them: %o', async options => {
  await sealAll('exact-flow+aes-256-gcm')
  await damageSome()
  const without = await open(options)
  const files = await tree(opened)
  await rm(opened, { recursive: true })
  await withThreads(async fileThreads => {
    expect(said(await open({ ...options, fileThreads }))).toEqual(said(without))
    expect(await tree(opened)).toEqual(files)
  })
  const codes = new Set(without.map(({ code }) => code))
  expect(codes).toEqual(
    new Set([undefined, 'E_CHUNK', 'E_HEADER', 'E_NO_MATCH', 'E_NOT_SEALED', 'E_REENCODED', 'E_TRUNCATED']),
  )
})

test('verify says what is verified without them, older copies among it', async () => {
  await sealAll('aes-256-gcm')
  await cp(sealed, join(root, 'older'), { recursive: true })
  await put(join(plain, '1/4.jpg'), 'newer')
  await seal()
  await cp(join(root, 'older/1/4.jpg.png'), join(sealed, '1/4.jpg.png'))
  await damageSome()
  const run = { inputs: [sealed], keyring: keyring(), flows }
  const without = said(await all(verifyFiles(run)))
  expect(without.filter(({ note }) => note?.includes('older copy')).map(({ source }) => basename(source))).toEqual([
    '4.jpg.png',
  ])
  await withThreads(async fileThreads => {
    expect(said(await all(verifyFiles({ ...run, fileThreads })))).toEqual(without)
  })
})

test('files of many albums are opened by whoever has the keys', async () => {
  const names = Array.from({ length: 5 }, (_, i) => `run ${i}`)
  const keys = new Keyring({ passphrases: ['p 0', 'p 1', 'p 2', 'p 3'] })
  for (const [i, name] of names.entries()) {
    for (let n = 0; n < 10; n++) await put(join(plain, `${n}.jpg`), await noise(100 + n, name))
    const album = await createAlbum({ passphrase: `p ${i}`, workFactor: 1 })
    await seal({ output: join(sealed, name), album })
  }
  await withThreads(async fileThreads => {
    const results = await open({ keyring: keys, fileThreads })
    expect(results.map(({ code }) => code)).toEqual([
      ...Array<undefined>(40).fill(undefined),
      ...Array(10).fill('E_NO_MATCH'),
    ])
  })
  for (const name of names.slice(0, 4))
    for (let n = 0; n < 10; n++)
      expect(await readFile(join(opened, name, `${n}.jpg`))).toEqual(Buffer.from(await noise(100 + n, name)))
})

test('nothing of a run that was interrupted appears afterwards, and the next one goes on', async () => {
  for (let i = 0; i < 150; i++) await put(join(plain, `${i}`), await noise(3000, `${i}`))
  await seal()
  await mkdir(opened)
  await withThreads(async fileThreads => {
    const stop = new AbortController()
    const results = await open({ fileThreads, signal: stop.signal, watcher: { progress: () => stop.abort() } })
    const count = (status: string) => results.filter(result => result.status === status).length
    expect([count('done') + count('interrupted'), count('interrupted') > 0]).toEqual([150, true])
    expect((await readdir(opened)).length).toBe(count('done'))
    expect((await open({ fileThreads })).filter(({ status }) => status === 'done').length).toBe(count('interrupted'))
    expect(await tree(opened)).toEqual(await tree(plain))
  })
})
