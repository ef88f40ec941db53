import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileResult, sealFiles, verifyFiles } from '../src/node/index.ts'
import { JournalState } from '../src/node/journal-state.ts'
import { flows, testAlbum } from './fixtures.ts'

/** Whoever can write to the sealed folder can write lines into its journal: they must not reach out of it. */

const { album, keyring } = await testAlbum()
let root = ''
const at = (...names: string[]) => join(root, ...names)
const drained = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list
}
const asked: string[] = []
const seal = () =>
  drained(
    sealFiles({
      inputs: [at('plain')],
      output: at('deep/sealed'),
      album,
      lockName: 'test',
      flows,
      body: { type: 'aes-256-gcm' },
      prune: async paths => {
        asked.push(...paths)
        return true
      },
    }),
  )
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-forged-'))
  asked.length = 0
  await mkdir(at('plain'))
  await writeFile(at('plain/a.jpg'), 'a')
  await seal()
})
afterEach(() => rm(root, { recursive: true, force: true }))

const OUTSIDE = ['../victim.png', '../../victim.png', 'sub/../../victim.png', '..', '.', '', 'a\0b', 'sub//x.png']

async function forge(change: (line: Record<string, unknown>, target: string) => object): Promise<void> {
  const journal = at('deep/sealed/.latent-journal.jsonl')
  const lines = (await readFile(journal, 'utf8')).split('\n').filter(Boolean)
  const line = lines
    .map(text => JSON.parse(text) as Record<string, unknown>)
    .findLast(({ file }) => file !== undefined)!
  for (const target of [...OUTSIDE, at('victim.png')])
    await appendFile(journal, `${JSON.stringify(change(line, target))}\n`)
}

test('a line that names another folder is no line: nothing is removed there', async () => {
  // Empty files and sealed ones are what a run would take for its own.
  for (const place of ['victim.png', 'deep/victim.png']) await writeFile(at(place), '')
  await forge((line, target) => ({ ...line, target, name: 'of no source' }))
  const state = await JournalState.read(at('deep/sealed'))
  expect(state.expected().map(({ target }) => target)).toEqual(['a.jpg.png'])
  expect((await seal()).map(({ status }) => status)).toEqual(['skipped'])
  expect(asked).toEqual([])
  expect(await readdir(root)).toContain('victim.png')
  expect(await readdir(at('deep'))).toEqual(['sealed', 'victim.png'])
})

test('nor is a source sealed to a place that a line names', async () => {
  await writeFile(at('plain/a.jpg'), 'changed')
  await forge((line, target) => ({ ...line, target }))
  expect((await seal()).map(({ status }) => status)).toEqual(['done'])
  expect([await readdir(root), await readdir(at('deep'))]).toEqual([['deep', 'plain'], ['sealed']])
})

test('nor is one missed that was never there', async () => {
  await forge((line, target) => ({ ...line, target }))
  const results = await drained(verifyFiles({ inputs: [at('deep/sealed')], keyring: keyring(), flows }))
  expect(results.map(({ status }) => status)).toEqual(['done'])
})
