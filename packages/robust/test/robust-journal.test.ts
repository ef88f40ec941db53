import { LatentError } from '@latent/core'
import { createAlbum, Keyring } from '@latent/vault'
import { type FileResult, ROBUST_JOURNAL } from '@latent/vault/node'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openAll, type RobustSealRun, sealRobust, verifyAll } from '../src/node/index.ts'
import { PRESETS } from '../src/presets.ts'
import { drawn } from './services.ts'

const root = mkdtempSync(join(tmpdir(), 'latent-robust-journal-'))
afterAll(() => rmSync(root, { recursive: true }))
const album = await createAlbum({ passphrase: 'for a test', workFactor: 2 })
const keyring = new Keyring().remember(album)
const flows = () => Promise.reject(new LatentError('E_UNSUPPORTED', 'not needed here'))

/** One file of several pictures, and two that share one. */
const FILES = { 'large.bin': drawn(40_000, 'large'), 'a.jpg': drawn(2000, 'a'), 'b.jpg': drawn(1500, 'b') }
let source: string
let output: string
let runs = 0

async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const found: FileResult[] = []
  for await (const result of results) found.push(result)
  return found
}

const run = (more: Partial<RobustSealRun> = {}) =>
  all(
    sealRobust({
      inputs: [source],
      output,
      album,
      lockName: 'test',
      flows,
      body: { type: 'aes-256-gcm' },
      preset: { ...PRESETS['robust']!, side: 320 },
      threads: 1,
      ...more,
    }),
  )
/** What became of each file, by its name. */
const seal = async (more?: Partial<RobustSealRun>) =>
  Object.fromEntries((await run(more)).map(({ source, status, code }) => [basename(source), code ?? status] as const))
const pictures = () => readdirSync(output).filter(name => name.endsWith('.png'))
const journal = () => join(output, ROBUST_JOURNAL)
const write = (name: string, bytes: Uint8Array) => writeFileSync(join(source, name), bytes)

async function expectOpened(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const to = join(root, `opened-${++runs}`)
  const results = await all(openAll({ inputs: [output], output: to, keyring, flows, threads: 1 }))
  expect(results.map(({ status, reason }) => reason ?? status)).toEqual(Object.keys(files).map(() => 'done'))
  const found = readdirSync(to).map(name => [name, new Uint8Array(readFileSync(join(to, name)))] as const)
  expect(Object.fromEntries(found)).toEqual(files)
}

beforeEach(async () => {
  const folder = join(root, `run-${++runs}`)
  source = join(folder, 'in')
  output = join(folder, 'out')
  mkdirSync(source, { recursive: true })
  for (const [name, bytes] of Object.entries(FILES)) write(name, bytes)
  if (Object.values(await seal()).some(status => status !== 'done')) throw new Error('a file was not sealed')
})

test('a second run skips what is sealed and unchanged, and touches nothing', async () => {
  const times = () => pictures().map(name => [name, statSync(join(output, name)).mtimeMs])
  const before = times()
  expect(before.length).toBeGreaterThan(2)
  const results = await run()
  expect(results.map(({ status, reason }) => [status, reason])).toEqual(
    results.map(() => ['skipped', 'sealed and unchanged']),
  )
  expect(results.map(({ target }) => existsSync(target!))).toEqual([true, true, true])
  expect(times()).toEqual(before)
  expect(await seal({ reread: true })).toEqual({ 'a.jpg': 'skipped', 'b.jpg': 'skipped', 'large.bin': 'skipped' })
})

test('what has changed is sealed anew, with what shares its picture, and nothing old stays', async () => {
  const changed = { ...FILES, 'b.jpg': drawn(1500, 'other'), 'new.jpg': drawn(900, 'new') }
  write('b.jpg', changed['b.jpg'])
  write('new.jpg', changed['new.jpg'])
  expect(await seal()).toEqual({ 'a.jpg': 'done', 'b.jpg': 'done', 'large.bin': 'skipped', 'new.jpg': 'done' })
  await expectOpened(changed)
  // A file of another size has another number of pictures; of those before it none is left.
  const smaller = { ...changed, 'large.bin': drawn(25_000, 'smaller') }
  write('large.bin', smaller['large.bin'])
  expect((await seal())['large.bin']).toBe('done')
  expect(new Set(pictures().flatMap(name => /^large.*-of-(\d+)/.exec(name)?.[1] ?? [])).size).toBe(1)
  await expectOpened(smaller)
})

test('contents decide where the time says nothing: the same again is skipped, another is not', async () => {
  const writeAtOneTime = (bytes: Uint8Array) => {
    write('large.bin', bytes)
    utimesSync(join(source, 'large.bin'), 1_700_000_000, 1_700_000_000)
  }
  writeAtOneTime(FILES['large.bin'])
  expect((await seal())['large.bin']).toBe('done')
  writeAtOneTime(FILES['large.bin'])
  expect((await seal())['large.bin']).toBe('skipped')
  writeAtOneTime(drawn(40_000, 'as large'))
  expect((await seal())['large.bin']).toBe('done')
})

test('other recipients, another preset and --force seal anew; what is gone or hurt is made again', async () => {
  const everything = { 'a.jpg': 'done', 'b.jpg': 'done', 'large.bin': 'done' }
  expect(await seal({ lockName: 'others' })).toEqual(everything)
  expect(await seal({ lockName: 'others', preset: { ...PRESETS['robust']!, side: 256 } })).toEqual(everything)
  expect(await seal({ force: true })).toEqual(everything)
  await expectOpened(FILES)
  rmSync(
    join(
      output,
      pictures().find(name => name.startsWith('large'))!,
    ),
  )
  expect(await seal()).toEqual({ 'a.jpg': 'skipped', 'b.jpg': 'skipped', 'large.bin': 'done' })
  // Somebody else's picture in the place of ours is nothing of ours, and stays.
  const mine = join(
    output,
    pictures().find(name => name.startsWith('large'))!,
  )
  writeFileSync(mine, 'a note')
  expect((await seal())['large.bin']).toBe('E_EXISTS')
  expect(readFileSync(mine, 'utf8')).toBe('a note')
})

test('a run that was killed within a set is gone on with: half a set is removed, and made whole', async () => {
  const lines = readFileSync(journal(), 'utf8').trimEnd().split('\n')
  const last = (JSON.parse(lines.at(-1)!) as { set: string }).set
  // All but the last line of the last set, and a line that is not finished.
  writeFileSync(journal(), `${lines.slice(0, -1).join('\n')}\n{"set":"${last}","wh`)
  rmSync(
    join(
      output,
      pictures().find(name => name.startsWith(last === setOf('large') ? 'large' : 'album'))!,
    ),
  )
  expect(new Set((await run()).map(({ status }) => status))).toEqual(new Set(['done', 'skipped']))
  await expectOpened(FILES)
  expect(await seal()).toEqual({ 'a.jpg': 'skipped', 'b.jpg': 'skipped', 'large.bin': 'skipped' })
})

/** The set that holds pictures of this name. */
function setOf(name: string): string {
  for (const line of readFileSync(journal(), 'utf8').split('\n')) {
    const [, set] = new RegExp(`"set":"(\\w+)","part":"${name}`).exec(line) ?? []
    if (set !== undefined) return set
  }
  throw new Error(`no set of ${name}`)
}

test('one of an album that has changed is not sealed without the others of it', async () => {
  write('b.jpg', drawn(1500, 'other'))
  const inputs = [join(source, 'b.jpg'), join(source, 'large.bin')]
  const before = pictures()
  expect(await seal({ inputs })).toEqual({ 'b.jpg': 'E_EXISTS', 'large.bin': 'skipped' })
  expect(pictures()).toEqual(before)
})

test('lines that somebody else wrote remove nothing, inside of the folder and out of it', async () => {
  const victim = join(output, '../victim.png')
  writeFileSync(victim, 'keep')
  writeFileSync(join(output, 'mine.png'), 'keep')
  const [{ by }] = readFileSync(journal(), 'utf8')
    .split('\n')
    .slice(0, 1)
    .map(line => JSON.parse(line) as { by: string }) as [{ by: string }]
  const [right, wrong] = ['keep', 'other'].map(text => createHash('sha256').update(text).digest('hex'))
  for (const line of [
    { set: 'x', by, sources: [] },
    { set: 'x', part: '../victim.png', sha256: right },
    { set: 'x', part: 'mine.png', sha256: wrong },
    { set: 7, gone: true },
    ['set'],
    null,
  ])
    appendFileSync(journal(), `${JSON.stringify(line)}\n`)
  expect(await seal()).toEqual({ 'a.jpg': 'skipped', 'b.jpg': 'skipped', 'large.bin': 'skipped' })
  expect([readFileSync(victim, 'utf8'), readFileSync(join(output, 'mine.png'), 'utf8')]).toEqual(['keep', 'keep'])
})

const told = (results: readonly FileResult[]) =>
  results.flatMap(({ source, reason = '', status }) =>
    status === 'skipped' && reason !== 'sealed and unchanged' ? [[basename(source), reason.split(':')[0]]] : [],
  )

test('sources that are gone: their pictures are named, and removed when asked to, and not before', async () => {
  const asked: string[][] = []
  const prune = (answer: boolean) => ({
    prune: (paths: readonly string[]) => {
      asked.push(paths.map(path => basename(path)))
      return Promise.resolve(answer)
    },
  })
  await run(prune(true))
  expect(asked).toEqual([])
  rmSync(join(source, 'large.bin'))
  const large = pictures().filter(name => name.startsWith('large'))
  const named = large.map(name => [name, 'sealed files whose sources are gone'])
  expect(told(await run())).toEqual(named)
  expect(told(await run(prune(false)))).toEqual(named)
  await expectOpened(FILES)
  expect(told(await run(prune(true)))).toEqual(large.map(name => [name, 'removed']))
  expect(asked).toEqual([large, large])
  const { 'large.bin': _, ...left } = FILES
  await expectOpened(left)
  expect(told(await run(prune(true)))).toEqual([])

  // One of two that share a picture: the other is sealed anew.
  rmSync(join(source, 'a.jpg'))
  const [picture] = pictures()
  expect(told(await run())).toEqual([[picture, 'pictures that hold files whose sources are gone, beside others']])
  await expectOpened(left)
  write('b.jpg', drawn(1500, 'other'))
  const [bound] = (await run()).filter(({ status }) => status === 'failed')
  expect([bound!.code, bound!.hint]).toEqual(['E_EXISTS', 'latent seal --prune seals it anew without those'])
  const notices: string[] = []
  expect(told(await run({ ...prune(true), watcher: { notice: text => notices.push(text) } }))).toEqual([])
  expect(notices).toEqual(['some of these pictures hold files that are there, too: those are sealed anew first'])
  await expectOpened({ 'b.jpg': drawn(1500, 'other') })
  expect(await seal()).toEqual({ 'b.jpg': 'skipped' })
})

test('what a run did not look for is not gone: other inputs, and what is left out', async () => {
  mkdirSync(join(source, 'deep/er'), { recursive: true })
  write('deep/er/c.bin', drawn(30_000, 'c'))
  await seal()
  const everything = () => readdirSync(output, { recursive: true, encoding: 'utf8' }).toSorted()
  const before = everything()
  const prune = { prune: () => Promise.resolve(true) }
  const other = join(source, '../other')
  mkdirSync(other)
  const moved = join(source, '../moved')
  const empty = async (work: () => Promise<unknown>) => {
    renameSync(source, moved)
    mkdirSync(source)
    await work()
    rmSync(source, { recursive: true })
    renameSync(moved, source)
  }
  const notices: string[] = []
  const watcher = { notice: (text: string) => void notices.push(text) }
  await empty(async () => expect(told(await run({ ...prune, watcher })).map(([name]) => name)).toEqual(['in']))
  expect(notices).toEqual([expect.stringMatching(/in is empty, so nothing of it is said to be gone/)])
  for (const more of [
    { inputs: [other] },
    { inputs: [join(source, 'large.bin')] },
    { exclude: ['*.jpg', '*.bin'] },
    { exclude: ['deep'] },
  ])
    expect(told(await run({ ...prune, ...more })).filter(([, reason]) => /gone|removed/.test(reason!))).toEqual([])
  expect(everything()).toEqual(before)
  // A folder that is gone took its files with it.
  rmSync(join(source, 'deep'), { recursive: true })
  expect(told(await run(prune)).every(([name, reason]) => name!.startsWith('c.bin') && reason === 'removed')).toBe(true)
  await expectOpened(FILES)
})

test('with hidden names, what is left out is not gone, and what is gone is', async () => {
  rmSync(output, { recursive: true })
  mkdirSync(join(source, 'deep'))
  write('deep/c.bin', drawn(30_000, 'c'))
  await seal({ hideNames: true })
  const prune = { prune: () => Promise.resolve(true) }
  expect(told(await run({ hideNames: true, exclude: ['deep'], ...prune }))).toEqual([['deep', 'excluded']])
  rmSync(join(source, 'deep/c.bin'))
  const gone = told(await run({ hideNames: true, ...prune }))
  expect(new Set(gone.map(([, reason]) => reason))).toEqual(
    new Set(['removed', 'empty folders, which sealed files cannot hold']),
  )
  await expectOpened(FILES)
})

test('a picture that is none of ours stays, whatever the name of it', async () => {
  rmSync(join(source, 'large.bin'))
  const [first, ...others] = pictures().filter(name => name.startsWith('large'))
  writeFileSync(join(output, first!), 'a note')
  const results = await run({ prune: () => Promise.resolve(true) })
  expect(
    results.filter(({ status }) => status === 'failed').map(({ code, source }) => [code, basename(source)]),
  ).toEqual([['E_EXISTS', first]])
  expect(told(results)).toEqual(others.map(name => [name, 'removed']))
  expect(readFileSync(join(output, first!), 'utf8')).toBe('a note')
  expect(told(await run({ prune: () => Promise.resolve(true) }))).toEqual([])
})

test('verify names what the journal lists and is gone, and knows a picture in another format', async () => {
  const verify = async (inputs = [output]) => {
    let expected: number | null | undefined
    const results = await all(
      verifyAll({ inputs, keyring, flows, threads: 1, watcher: { expected: listed => (expected = listed) } }),
    )
    const missing = results.filter(({ status }) => status === 'missing').map(({ source }) => basename(source))
    return { expected, missing, intact: results.filter(({ status }) => status === 'done').length }
  }
  const all3 = { expected: pictures().length, missing: [], intact: 3 }
  expect(await verify()).toEqual(all3)
  // A second set in the place of one that was lost, and a set that was begun and not made whole.
  write('large.bin', drawn(40_000, 'second'))
  await seal()
  appendFileSync(journal(), `{"set":"x","by":"y","sources":[]}\n{"set":"x","part":"never.png","sha256":"0"}\n`)
  expect(await verify()).toEqual(all3)
  const [picture] = pictures().filter(name => name.startsWith('album'))
  const png = readFileSync(join(output, picture!))
  rmSync(join(output, picture!))
  expect(await verify()).toEqual({ ...all3, missing: [picture], intact: 1 })
  writeFileSync(join(output, picture!.replace('.png', '.webp')), png)
  expect(await verify()).toEqual(all3)
})
