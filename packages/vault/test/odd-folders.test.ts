import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileResult, sealFiles, verifyFiles } from '../src/node/index.ts'
import { flows, testAlbum } from './fixtures.ts'

/** What stands where Latent has files of its own, and is no file: nobody waits for it, and nothing is done to it. */

const { album, keyring } = await testAlbum()
const canPipe = spawnSync('mkfifo', ['--version']).status === 0
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-odd-'))
  await mkdir(join(root, 'plain'))
  await writeFile(join(root, 'plain/a'), 'a')
  await mkdir(join(root, 'sealed'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const drained = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list
}
const sealed = () => join(root, 'sealed')
const seal = () =>
  drained(
    sealFiles({
      inputs: [join(root, 'plain')],
      output: sealed(),
      album,
      lockName: 'test',
      flows,
      body: { type: 'aes-256-gcm' },
    }),
  )
const verify = () => drained(verifyFiles({ inputs: [sealed()], keyring: keyring(), flows }))

const KINDS: Record<string, (path: string) => Promise<unknown>> = {
  'a folder': path => mkdir(path, { recursive: true }),
  'a pipe': async path => {
    await mkdir(dirname(path), { recursive: true })
    spawnSync('mkfifo', [path])
  },
}

for (const [kind, make] of Object.entries(KINDS)) {
  const able = kind !== 'a pipe' || canPipe
  test.skipIf(!able)(`${kind} in the place of the journal, or of the lock, ends the run with its name`, async () => {
    for (const name of ['.latent-journal.jsonl', '.latent-lock.tmp']) {
      await make(join(sealed(), name))
      const error = expect.objectContaining({
        code: 'E_IO',
        message: expect.stringContaining(name),
        hint: expect.anything(),
      })
      await expect(seal()).rejects.toEqual(error)
      expect(await readdir(sealed())).toEqual([name])
      await rm(join(sealed(), name), { recursive: true })
    }
  })

  test.skipIf(!able)(`${kind} that is called like a copy of a journal is passed over`, async () => {
    await make(join(sealed(), '.latent-journal (conflicted copy).jsonl'))
    expect((await seal()).map(({ status }) => status)).toEqual(['done'])
    // A pipe is told of: it is neither a file nor a folder.
    expect((await verify()).filter(({ status }) => status !== 'skipped').map(({ status }) => status)).toEqual(['done'])
    expect(await readdir(sealed())).toContain('.latent-journal (conflicted copy).jsonl')
  })
}
