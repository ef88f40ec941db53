import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { machineSecret, ownSecret } from '../src/node/machine-secret.ts'

let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-secret-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

test('a machine without a name of its own keeps a secret that is private and lasts, whoever is first', async () => {
  const path = join(root, 'state/latent/journal.key')
  const drawn = await Promise.all(Array.from({ length: 6 }, () => ownSecret(path)))
  expect(new Set(drawn.map(secret => Buffer.from(secret).toString('hex'))).size).toBe(1)
  expect(new Uint8Array(await readFile(path))).toEqual(drawn[0])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await ownSecret(path)).toEqual(drawn[0])
  expect(await ownSecret(join(root, 'another'))).not.toEqual(drawn[0])
})

test('a file of another content is not taken for it', async () => {
  for (const content of ['', 'short', 'x'.repeat(33)]) {
    const path = join(root, `wrong ${content.length}`)
    await writeFile(path, content)
    await expect(ownSecret(path)).rejects.toMatchObject({ code: 'E_IO', hint: expect.any(String) })
  }
})

test('where nothing can be kept, runs go on without', async () => {
  const path = join(root, 'in the way')
  await writeFile(path, 'a file')
  const [first, second] = [await ownSecret(join(path, 'journal.key')), await ownSecret(join(path, 'journal.key'))]
  expect(first.length).toBe(32)
  expect(first).not.toEqual(second)
  expect((await machineSecret()).length).toBe(32)
})
