import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  openSealed,
  PathSelection,
  placeInNote,
  readSealedNote,
  rewrapSealed,
  streamOf,
  collect,
  noteOfPlace,
} from '../src/index.ts'
import { listFiles, openFiles } from '../src/node/index.ts'
import { flows, noise } from './fixtures.ts'
import { album, all, keyring, opened, plain, put, seal, sealed, tree } from './folders.ts'

const NAMES = ['holiday/beach.jpg', 'holiday/night/stars.heic', 'work/plan.pdf', 'note.txt']

const putAll = async () => {
  for (const [i, name] of NAMES.entries()) await put(join(plain, name), await noise(500 + i, name))
}
const open = (only?: string[]) =>
  all(
    openFiles({
      inputs: [sealed],
      output: opened,
      keyring: keyring(),
      flows,
      ...(only ? { only: new PathSelection(only) } : {}),
    }),
  )
const sealedNames = async () =>
  (await readdir(sealed, { recursive: true })).filter(name => name.endsWith('.png')).toSorted()

test('names of files and folders tell nothing, and everything comes back where it was', async () => {
  await putAll()
  const results = await seal({ hideNames: true })
  expect(results.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done'])
  for (const name of await sealedNames()) expect(name).toMatch(/^[0-9a-f]{2}\/[0-9a-f]{30}\.png$/)
  const entries = await readdir(sealed, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter(each => each.isFile())) {
    const bytes = await readFile(join(entry.parentPath, entry.name))
    for (const word of ['holiday', 'beach', 'night', 'stars', 'plan', 'note.txt'])
      expect([entry.name, word, bytes.includes(word)]).toEqual([entry.name, word, false])
  }
  expect((await open()).map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done'])
  expect(await tree(opened)).toEqual(await tree(plain))
})

test('a second run skips all of it; what is gone is told, and pruned if that is asked for', async () => {
  await putAll()
  await seal({ hideNames: true })
  const names = await sealedNames()
  expect((await seal({ hideNames: true })).map(({ reason }) => reason)).toEqual(NAMES.map(() => 'sealed and unchanged'))
  expect(await sealedNames()).toEqual(names)
  await rm(join(plain, 'work/plan.pdf'))
  await seal({ hideNames: true, prune: async stale => stale.length === 1 })
  expect(await sealedNames()).toHaveLength(3)
})

test('a run that hides names again, or no more, finds what one like it sealed before', async () => {
  await putAll()
  for (const hideNames of [false, true]) await seal({ hideNames })
  const names = await sealedNames()
  expect(names).toHaveLength(2 * NAMES.length)
  for (const hideNames of [false, true]) {
    const results = await seal({ hideNames })
    expect(results.filter(({ reason }) => reason === 'sealed and unchanged')).toHaveLength(NAMES.length)
    expect(await sealedNames()).toEqual(names)
  }
})

test.each([
  [true, true, []],
  [true, false, ['note.txt.png']],
  // It was sealed under its own name before, and is under a hidden one now.
  [false, true, ['work/plan.pdf.png']],
])('what was left out is not told as gone: hidden names %s, then %s', async (before, now, gone) => {
  await putAll()
  await seal({ hideNames: before })
  const names = await sealedNames()
  const notices: string[] = []
  const pruned: string[] = []
  const run = (exclude: readonly string[]) =>
    seal({
      hideNames: now,
      exclude,
      prune: async stale => pruned.push(...stale.map(path => path.slice(sealed.length + 1))) > 0,
      watcher: { notice: text => notices.push(text) },
    })
  await run(['*.pdf'])
  // What was sealed anew under a name of the other kind is left over; what was left out is there, and stays.
  expect(pruned.length).toBe(before === now ? 0 : 3)
  expect((await open()).map(({ code }) => code)).toEqual([undefined, undefined, undefined, undefined])
  expect(await tree(opened)).toEqual(await tree(plain))
  expect(names.filter(name => !pruned.includes(name)).every(name => existsSync(join(sealed, name)))).toBe(true)
  await rm(join(plain, 'note.txt'))
  pruned.length = 0
  await run(['holiday'])
  // A name that tells nothing may be of what was not looked into.
  expect(pruned).toEqual(gone)
  expect(notices.filter(text => text.includes('and stay'))).toHaveLength(1)
  await run([])
  expect((await open()).filter(({ status }) => status === 'failed')).toEqual([])
})

test('a list says which is which, and a pattern opens what it fits', async () => {
  await putAll()
  await seal({ hideNames: true })
  const listed: string[] = []
  for await (const found of listFiles({ inputs: [sealed], keyring: keyring(), flows }))
    if ('path' in found) listed.push(`${found.path} ${found.metadata.size}`)
  expect(listed.toSorted()).toEqual(NAMES.map((name, i) => `${name} ${500 + i}`).toSorted())
  const results = await open(['holiday/*.jpg', '*.pdf'])
  expect(results.map(({ status, reason }) => reason ?? status).toSorted()).toEqual([
    'done',
    'done',
    'not asked for',
    'not asked for',
  ])
  expect(Object.keys(await tree(opened)).toSorted()).toEqual(['holiday/beach.jpg', 'work/plan.pdf'])
})

test('a pattern opens what it fits of a folder with plain names too', async () => {
  await putAll()
  await seal()
  await open(['holiday'])
  expect(Object.keys(await tree(opened)).toSorted()).toEqual(['holiday/beach.jpg', 'holiday/night/stars.heic'])
})

test('what was sealed under its own name is sealed anew under a hidden one, and told as left over', async () => {
  await putAll()
  await seal()
  const results = await seal({ hideNames: true })
  expect(results.filter(({ status }) => status === 'done')).toHaveLength(4)
  const left = results.filter(({ reason = '' }) => reason.startsWith('sealed files whose sources are gone'))
  expect(left).toHaveLength(4)
  await seal({ hideNames: true, prune: async () => true })
  for (const name of await sealedNames()) expect(name).toMatch(/^[0-9a-f]{2}\/[0-9a-f]{30}\.png$/)
})

test('a note stays when the envelope changes, and earlier ways to open pass it over', async () => {
  await putAll()
  await seal({ hideNames: true })
  const [name] = await sealedNames()
  const png = new Uint8Array(await readFile(join(sealed, name!)))
  const { note } = await readSealedNote(streamOf(png), keyring())
  expect(NAMES).toContain(placeInNote(note))
  const rewrapping = await rewrapSealed(streamOf(png), keyring(), async key => ({ ...album, key }))
  const again = await collect(rewrapping.png)
  expect((await readSealedNote(streamOf(again), keyring())).note).toEqual(note)
  const { bytes, note: found } = await openSealed(streamOf(again), keyring(), flows)
  expect(found).toEqual(note)
  expect((await collect(bytes)).length).toBeGreaterThan(499)
})

test.each(['../a', '/a', 'a//b', 'a/../../b', 'a/\0', '', 'x'.repeat(5000)])('the place %j is none', path => {
  expect(placeInNote(noteOfPlace(path))).toBeUndefined()
})

test('notes that are no JSON, or say something else, say nothing of a place', async () => {
  for (const note of ['', '{', '[]', 'null', '{"path":1}', '{"other":"a"}'])
    expect(placeInNote(new TextEncoder().encode(note))).toBeUndefined()
  expect(placeInNote(undefined)).toBeUndefined()
  await expect(stat(opened)).rejects.toMatchObject({ code: 'ENOENT' })
})
