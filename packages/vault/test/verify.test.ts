import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Album, type Keyring } from '../src/index.ts'
import { type FileResult, openFiles, sealFiles, verifyFiles } from '../src/node/index.ts'
import { flows, testAlbum } from './fixtures.ts'

let album: Album
let keyring: () => Keyring
let root: string
let [plain, sealed] = ['', '']
const NAMES = ['a.jpg', 'b.jpg', 'trip/c.jpg', 'trip/deep/d.jpg', 'other/e.jpg']
beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
  root = await mkdtemp(join(tmpdir(), 'latent-verify-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
beforeEach(async () => {
  await rm(root, { recursive: true, force: true })
  ;[plain, sealed] = [join(root, 'plain'), join(root, 'sealed')]
  for (const name of NAMES) {
    await mkdir(dirname(join(plain, name)), { recursive: true })
    await writeFile(join(plain, name), name)
  }
  await seal()
})

const drained = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list
}
const seal = (output = sealed) =>
  drained(sealFiles({ inputs: [plain], output, album, lockName: 'test', flows, body: { type: 'aes-256-gcm' } }))

interface Verified {
  readonly intact: number
  readonly missing: string[]
  readonly failed: number
  readonly notes: number
  /** `undefined` until it was told. */
  readonly expected: number | null | undefined
  readonly notices: string[]
}

async function verify(...inputs: string[]): Promise<Verified> {
  let expected: number | null | undefined
  const notices: string[] = []
  const watcher = {
    expected: (listed: number | undefined) => void (expected = listed ?? null),
    notice: (text: string) => void notices.push(text),
  }
  const results = await drained(verifyFiles({ inputs, keyring: keyring(), flows, watcher }))
  const of = (status: FileResult['status']) => results.filter(result => result.status === status)
  for (const result of of('missing'))
    expect(result).toMatchObject({ code: 'E_IO', hint: expect.stringContaining('another copy') as string })
  return {
    intact: of('done').length,
    missing: of('missing')
      .map(({ source }) => source.slice(sealed.length + 1))
      .toSorted(),
    failed: of('failed').length,
    notes: results.filter(({ note }) => note !== undefined).length,
    expected,
    notices,
  }
}
const nothing = { missing: [], failed: 0, notes: 0, notices: [] }

test('all there', async () => {
  expect(await verify(sealed)).toEqual({ ...nothing, intact: 5, expected: 5 })
})

test.each<[string, () => Promise<unknown>, string[]]>([
  ['a deleted file', () => rm(join(sealed, 'b.jpg.png')), ['b.jpg.png']],
  ['a deleted folder', () => rm(join(sealed, 'trip'), { recursive: true }), ['trip/c.jpg.png', 'trip/deep/d.jpg.png']],
  ['a renamed file', () => rename(join(sealed, 'a.jpg.png'), join(sealed, 'a (1).jpg.png')), ['a.jpg.png']],
  ['a moved file', () => rename(join(sealed, 'a.jpg.png'), join(sealed, 'trip', 'a.jpg.png')), ['a.jpg.png']],
  [
    'everything but the journal',
    async () => {
      for (const name of NAMES) await rm(join(sealed, `${name}.png`))
    },
    NAMES.map(name => `${name}.png`),
  ],
  [
    'a file that became a link to nowhere',
    async () => {
      await rm(join(sealed, 'a.jpg.png'))
      await symlink('nowhere', join(sealed, 'a.jpg.png'))
    },
    ['a.jpg.png'],
  ],
  [
    'a file that became a folder',
    async () => {
      await rm(join(sealed, 'b.jpg.png'))
      await mkdir(join(sealed, 'b.jpg.png'))
    },
    ['b.jpg.png'],
  ],
  [
    'a folder that became a link, where nobody looks',
    async () => {
      await rename(join(sealed, 'trip'), join(root, 'moved'))
      await symlink(join(root, 'moved'), join(sealed, 'trip'))
    },
    ['trip/c.jpg.png', 'trip/deep/d.jpg.png'],
  ],
  [
    'a folder that became a file',
    async () => {
      await rm(join(sealed, 'other'), { recursive: true })
      await cp(join(sealed, 'a.jpg.png'), join(sealed, 'other'))
    },
    ['other/e.jpg.png'],
  ],
  [
    'what a cloud left a placeholder of',
    () => rename(join(sealed, 'a.jpg.png'), join(sealed, '.a.jpg.png.icloud')),
    ['a.jpg.png'],
  ],
])('%s is missed', async (_, lose, missing) => {
  await lose()
  const found = await verify(sealed)
  expect(found).toMatchObject({ missing: missing.toSorted(), failed: 0, expected: 5 })
  expect(found.intact).toBeGreaterThanOrEqual(5 - missing.length)
})

test('a file that became a link to its own bytes elsewhere is there', async () => {
  await rename(join(sealed, 'a.jpg.png'), join(root, 'a.png'))
  await symlink(join(root, 'a.png'), join(sealed, 'a.jpg.png'))
  expect(await verify(sealed)).toEqual({ ...nothing, intact: 5, expected: 5 })
})

test('opening a folder of which something is gone says so', async () => {
  const notices: string[] = []
  const open = (output: string) =>
    drained(
      openFiles({
        inputs: [sealed],
        output: join(root, output),
        keyring: keyring(),
        flows,
        watcher: { notice: text => void notices.push(text) },
      }),
    )
  await open('whole')
  expect(notices).toEqual([])
  await rm(join(sealed, 'trip'), { recursive: true })
  expect(await open('part')).toHaveLength(3)
  expect(notices).toEqual([expect.stringMatching(/journal lists, 2 are not here: latent verify/)])
})

test('a file in which something else lies is not intact, whatever it is called', async () => {
  await writeFile(join(sealed, 'a.jpg.png'), new Uint8Array(700))
  await writeFile(join(sealed, 'b.jpg.png'), '')
  expect(await verify(sealed)).toMatchObject({ intact: 3, failed: 2, missing: [] })
})

test('an older copy of a file is noticed', async () => {
  const old = await readFile(join(sealed, 'a.jpg.png'))
  await writeFile(join(plain, 'a.jpg'), 'newer than before')
  await seal()
  expect(await verify(sealed)).toMatchObject({ intact: 5, notes: 0 })
  await writeFile(join(sealed, 'a.jpg.png'), old)
  expect(await verify(sealed)).toMatchObject({ intact: 5, notes: 1 })
})

test('a part of a sealed folder is held against the journal above it', async () => {
  await rm(join(sealed, 'trip', 'c.jpg.png'))
  expect(await verify(join(sealed, 'trip'))).toEqual({
    ...nothing,
    intact: 1,
    missing: ['trip/c.jpg.png'],
    expected: 2,
  })
  expect(await verify(join(sealed, 'other'))).toEqual({ ...nothing, intact: 1, expected: 1 })
})

test('several sealed folders below one that is verified each have their journal', async () => {
  await seal(join(root, 'all', 'first'))
  await seal(join(root, 'all', 'second'))
  await rm(join(root, 'all', 'second', 'b.jpg.png'))
  const found = await verify(join(root, 'all'))
  expect(found).toMatchObject({ intact: 9, expected: 10, notices: [] })
  expect(found.missing.length).toBe(1)
})

test('a folder without a journal: what is gone from it cannot be known, and that is said', async () => {
  await mkdir(join(root, 'copy'))
  for (const name of ['a.jpg.png', 'b.jpg.png']) await cp(join(sealed, name), join(root, 'copy', name))
  const found = await verify(join(root, 'copy'))
  expect(found).toMatchObject({ intact: 2, missing: [], expected: null })
  expect(found.notices).toEqual([expect.stringContaining('cannot be known')])
})

test('single files are verified as such: nothing else is expected', async () => {
  await rm(join(sealed, 'b.jpg.png'))
  expect(await verify(join(sealed, 'a.jpg.png'))).toEqual({ ...nothing, intact: 1, expected: undefined })
})

test('a journal whose last line was cut short counts as far as it goes', async () => {
  const journal = join(sealed, '.latent-journal.jsonl')
  const text = await readFile(journal, 'utf8')
  await writeFile(journal, `${text}{"target":"never.jpg.png","non`)
  expect(await verify(sealed)).toMatchObject({ intact: 5, missing: [], expected: 5 })
})
