import { onDisk, pathFromBytes } from '@latent/core/node'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Album, Keyring } from '../src/index.ts'
import { type FileResult, sealFiles, type SealRun } from '../src/node/index.ts'
import { flows, testAlbum } from './fixtures.ts'

// What tests of folder runs begin with: importing it makes the folders, and empties them before each test.
export let album: Album
export let keyring: () => Keyring
export let root = ''
export let [plain, sealed, opened] = ['', '', '']
export let notices: string[] = []

beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
  root = await mkdtemp(join(tmpdir(), 'latent-test-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
beforeEach(async () => {
  await rm(root, { recursive: true, force: true })
  ;[plain, sealed, opened] = [join(root, 'plain'), join(root, 'sealed'), join(root, 'opened')]
  await mkdir(plain, { recursive: true })
})

export async function put(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(onDisk(dirname(path)), { recursive: true })
  await writeFile(onDisk(path), content)
  return path
}

/** All results, by name. */
export async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list.toSorted((a, b) => (a.source < b.source ? -1 : 1))
}

/** Seals `plain` into `sealed`; what it says of the run as a whole is in `notices`. */
export function seal(options: Partial<SealRun> = {}): Promise<FileResult[]> {
  notices = []
  return all(
    sealFiles({
      inputs: [plain],
      output: sealed,
      album,
      lockName: 'test',
      flows,
      body: { type: 'aes-256-gcm' },
      watcher: { notice: notice => void notices.push(notice) },
      ...options,
    }),
  )
}

/** Relative path to hash, of every file but the journal. */
export async function tree(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(onDisk(folder), { withFileTypes: true, encoding: 'buffer' })) {
    const name = pathFromBytes(entry.name)
    if (entry.isDirectory())
      for (const [path, hash] of Object.entries(await tree(join(folder, name)))) found[`${name}/${path}`] = hash
    if (entry.isFile() && name !== '.latent-journal.jsonl')
      found[name] = createHash('sha256')
        .update(await readFile(onDisk(join(folder, name))))
        .digest('hex')
  }
  return found
}
