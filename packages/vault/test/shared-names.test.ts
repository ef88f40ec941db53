import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MemoryStore, Vault } from '../src/index.ts'
import { safeName } from '../src/node/index.ts'
import { add, get, openVault, person, putFiles } from './vault-fixtures.ts'

// Names that somebody else chose: who shares an album names it, and its folders.
const root = await mkdtemp(join(tmpdir(), 'latent-shared-names-'))
afterAll(() => rm(root, { recursive: true }))

test.each([
  '..',
  '.',
  '../..',
  '/etc',
  '\\..\\..',
  '',
  '...',
  '../home',
  '\0',
  'a/../../b',
  '\u202e..',
  '.latent-lock.tmp',
])('an album called %j is a folder below the output, and nothing lies beside it', async name => {
  const [friend, me] = [await person(), await person()]
  const work = await mkdtemp(join(root, 'work-'))
  await putFiles(join(work, 'in'), { '.ssh/authorized_keys': 20, 'a.jpg': 30 })
  const store = new MemoryStore()
  await Vault.init(store, [friend.recipient])
  const theirs = await openVault(store, friend)
  const album = await theirs.addAlbum(name, [friend.recipient, me.recipient])
  await add(theirs, join(work, 'in'), { album })
  const mine = await openVault(store, me)
  await mkdir(join(work, 'home'))
  const results = await get(mine, join(work, 'home/export'), {}, { byAlbum: true })
  expect(results.map(({ status }) => status)).toEqual(['done', 'done'])
  expect(await readdir(work)).toEqual(['home', 'in'])
  expect(await readdir(join(work, 'home'))).toEqual(['export'])
  const [folder, ...others] = await readdir(join(work, 'home/export'))
  expect(others).toEqual([])
  expect((await readdir(join(work, 'home/export', folder!))).toSorted()).toEqual(['.ssh', 'a.jpg'])
})

test('the names of the folder itself and of the one above are no names', () => {
  expect(['.', '..', '...', '.a'].map(name => safeName(name, 'linux'))).toEqual(['_', '__', '...', '.a'])
})
