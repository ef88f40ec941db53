import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { machineSecret, ownSecret } from '../src/node/machine-secret.ts'

const home = vi.hoisted(() => ({ path: '' }))
vi.mock('node:os', async original => ({ ...(await original<object>()), homedir: () => home.path }))

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-secret-'))
  home.path = join(root, 'home')
})
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

test('one that others can read is made private, and stays the same', async () => {
  const path = join(root, 'restored')
  const drawn = await ownSecret(path)
  await chmod(path, 0o644)
  expect(await ownSecret(path)).toEqual(drawn)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a file of another content is not taken for it, and stays', async () => {
  for (const content of ['', 'short', 'x'.repeat(31), 'x'.repeat(33)]) {
    const path = join(root, `wrong ${content.length}`)
    await writeFile(path, content)
    await expect(ownSecret(path)).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('is not what Latent wrote there'),
      hint: expect.any(String),
    })
    expect(await readFile(path, 'utf8')).toBe(content)
  }
})

test('one that cannot be read is an error, not a reason to draw another', async () => {
  await mkdir(join(root, 'folder'))
  await symlink('circle', join(root, 'circle'))
  for (const name of ['folder', 'circle'])
    await expect(ownSecret(join(root, name))).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringMatching(`^cannot read ${join(root, name)}: `),
    })
})

test('one that is there and not there is no reason to try for ever', async () => {
  const path = join(root, 'dangling')
  await symlink(join(root, 'nowhere'), path)
  await expect(ownSecret(path)).rejects.toMatchObject({ code: 'E_IO', hint: expect.stringContaining('comes and goes') })
})

test('where nothing can be kept, runs go on without', async () => {
  const path = join(root, 'in the way')
  await writeFile(path, 'a file')
  const [first, second] = [await ownSecret(join(path, 'journal.key')), await ownSecret(join(path, 'journal.key'))]
  expect(first.length).toBe(32)
  expect(first).not.toEqual(second)
})

describe('the secret of a machine', () => {
  afterEach(() => vi.unstubAllEnvs())
  const named = async (name: string) => {
    await writeFile(join(root, 'machine-id'), name)
    return Buffer.from(await machineSecret(join(root, 'machine-id'))).toString('hex')
  }

  test('is a hash of the name that the system gave it', async () => {
    // printf latent/v1/journal/marks | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    const known = '72cc0838dc5e6555bea099f35d9da7c6ae18f0ad884d4b4369ef7e1de74f4201'
    expect(await named('0123456789abcdef0123456789abcdef')).toBe(known)
    expect(await named('0123456789abcdef0123456789abcdef\n')).toBe(known)
    expect(await named('1123456789abcdef0123456789abcdef\n')).not.toBe(known)
  })

  test.each([
    ['', 'nothing'],
    ['uninitialized\n', 'no name yet'],
    ['0'.repeat(32), 'a name that was never drawn'],
    ['01230123012301230123012301230123', 'one that nobody draws'],
    ['0123456789abcdef0123456789abcdef0', 'more than a name'],
    ['x0123456789abcdef0123456789abcdef', 'more than a name'],
    ['0123456789abcdef', 'less than a name'],
    ['0123456789ABCDEF0123456789ABCDEF', 'no such name'],
  ])('is kept in a file of ours where the name is %j, %s', async name => {
    vi.stubEnv('XDG_STATE_HOME', join(root, 'elsewhere'))
    const secret = await named(name)
    expect(await readFile(join(root, 'elsewhere/latent/journal.key'), 'hex')).toBe(secret)
    expect(Buffer.from(await machineSecret(join(root, 'no such file'))).toString('hex')).toBe(secret)
  })

  test('five digits are a name', async () => {
    const known = '49b18d12572095853abe9cc7a45b24594fd082cd612b8084bcdce7d7a3b7bdb1'
    expect(await named('01234012340123401234012340123401')).toBe(known)
  })

  test.each(['', 'relative/path'])('is kept in the home folder where XDG_STATE_HOME is %j', async stated => {
    vi.stubEnv('XDG_STATE_HOME', stated)
    const secret = await machineSecret(join(root, 'no such file'))
    expect(new Uint8Array(await readFile(join(home.path, '.local/state/latent/journal.key')))).toEqual(secret)
  })
})

test('this machine has one, and it lasts', async () => {
  const secret = await machineSecret()
  expect(secret.length).toBe(32)
  expect(await machineSecret()).toEqual(secret)
})
