import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere } from './command.ts'

// What is wrong with a vault or with its store: a coded error with a hint, a code to exit with, and nothing half done.

const SECRET = 'not-to-be-shown'
let root: string
let environment: NodeJS.ProcessEnv = {}
const at = (...parts: string[]) => join(root, ...parts)
const latent = (...args: string[]) => latentHere(args, { cwd: root, env: environment })
const vault = (command: string, address: string, ...args: string[]) =>
  latent('vault', command, address, '-i', 'me.key', ...args)

/** How a command failed: its exit code, its last code in brackets, and the hint. */
async function refusal(...args: string[]): Promise<{ exit: number | null; code: string; hint: string }> {
  const { code: exit, out, err } = await latent(...args)
  expect(out + err).not.toContain(SECRET)
  return {
    exit,
    code: Array.from(err.matchAll(/\[(E_[A-Z_]+)\]/g), ([, code]) => code!).at(-1) ?? '',
    hint: /^hint: (.*)$/m.exec(err)?.[1] ?? '',
  }
}

/** A copy of the vault, as some tool has left it so far. */
async function copyOf(name: string): Promise<string> {
  await cp(at('vault'), at(name), { recursive: true })
  return name
}

const objectsOf = async (name: string) =>
  (await readdir(at(name, 'objects'), { recursive: true })).filter(each => each.endsWith('.png')).toSorted()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-refusals-'))
  await mkdir(at('in'))
  for (let i = 0; i < 6; i++) await writeFile(at('in', `${i}.jpg`), `photo ${i} `.repeat(100 + i))
  for (const key of ['me.key', 'friend.key']) await latent('keygen', '-o', key)
  await vault('init', 'vault')
  // Two runs, and so two segments of the index.
  await vault('add', 'vault', 'in/0.jpg', '--no-thumbnails')
  await vault('add', 'vault', 'in', '--no-thumbnails')
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('the key of somebody else opens nothing, and writes nothing', async () => {
  const before = await readdir(at('vault'), { recursive: true })
  for (const command of [['list'], ['verify'], ['prune'], ['get', '-o', 'theirs'], ['add', 'in']]) {
    const [name, ...rest] = command as [string, ...string[]]
    expect(await refusal('vault', name, 'vault', '-i', 'friend.key', ...rest)).toMatchObject({
      exit: 1,
      code: 'E_NO_MATCH',
      hint: expect.stringMatching(/./) as string,
    })
  }
  expect(await readdir(at('vault'), { recursive: true })).toEqual(before)
  await expect(readdir(at('theirs'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a format of a later release is told from what is no vault', async () => {
  await copyOf('later')
  await writeFile(at('later/latent-vault'), `latent vault 2\nid ${'0'.repeat(32)}\n`)
  expect(await refusal('vault', 'list', 'later', '-i', 'me.key')).toMatchObject({
    exit: 1,
    code: 'E_UNSUPPORTED',
    hint: expect.stringContaining('update latent') as string,
  })
  await writeFile(at('later/latent-vault'), 'something else, and much of it. '.repeat(100))
  expect((await refusal('vault', 'list', 'later', '-i', 'me.key')).code).toBe('E_LIMIT')
})

describe('a vault that was copied in part', () => {
  test('without its first object: it says so, and what to copy', async () => {
    await copyOf('unmarked')
    await rm(at('unmarked/latent-vault'))
    const { exit, code, hint } = await refusal('vault', 'list', 'unmarked', '-i', 'me.key')
    expect([exit, code]).toEqual([1, 'E_VAULT'])
    expect(hint).toContain('copy latent-vault there again')
    await copyFile(at('vault/latent-vault'), at('unmarked/latent-vault'))
    expect((await vault('verify', 'unmarked')).out).toMatch(/^intact {3}6 /)
  })

  test('without its keys: the hint says how objects open, and they do', async () => {
    await copyOf('keyless')
    await rm(at('keyless/keys'), { recursive: true })
    const { exit, code, hint } = await refusal('vault', 'list', 'keyless', '-i', 'me.key')
    expect([exit, code]).toEqual([1, 'E_VAULT'])
    expect(hint).toContain('latent open objects -o FOLDER -i IDENTITY')
    expect((await latent('open', 'keyless/objects', '-o', 'opened', '-i', 'me.key')).out).toMatch(/^opened {3}6 /)
  })

  test('without some objects, one cut short: each is named, others come back, and it is mended', async () => {
    await copyOf('half')
    const [gone, cut] = (await objectsOf('half')) as [string, string]
    await rm(at('half/objects', gone))
    await truncate(at('half/objects', cut), 400)
    const verified = await vault('verify', 'half')
    expect([verified.code, /^intact +(\d+)/.exec(verified.out)?.[1]]).toEqual([1, '4'])
    expect(verified.err).toContain('[E_VAULT]')
    expect(verified.err).toContain('[E_TRUNCATED]')
    expect(verified.err).toContain('latent vault remove it, and add the photo again')
    const got = await vault('get', 'half', '-o', 'back', '--json')
    expect(got.code).toBe(1)
    expect(await readdir(at('back'))).toHaveLength(4)
    // As the hint says.
    const lost = got.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { status?: string; source?: string })
      .filter(({ status }) => status === 'failed')
      .map(({ source }) => source!)
    expect(lost).toHaveLength(2)
    expect((await vault('remove', 'half', ...lost, '--yes')).code).toBe(0)
    expect((await vault('add', 'half', 'in', '--no-thumbnails')).out).toMatch(/^added {3}2 /)
    expect((await vault('verify', 'half')).out).toMatch(/^intact {3}6 /)
  })

  test('without a part of its index: check and verify fail, and rebuilding brings it back', async () => {
    await copyOf('partial')
    const [key] = await readdir(at('partial/index'))
    const sizes = await Promise.all(
      (await readdir(at('partial/index', key!))).map(async name => ({
        name,
        size: (await readFile(at('partial/index', key!, name))).length,
      })),
    )
    // One in the middle: others name it.
    const middle = sizes.toSorted((a, b) => b.size - a.size)[0]!
    await writeFile(at('partial/index', key!, middle.name), 'half an upload')
    for (const command of ['check', 'verify']) {
      const { exit, code, hint } = await refusal('vault', command, 'partial', '-i', 'me.key')
      expect([exit, code]).toEqual([1, 'E_VAULT'])
      expect(hint).toContain('latent vault rebuild')
    }
    expect((await vault('rebuild', 'partial')).out).toMatch(/^found +[1-9]/m)
    expect((await vault('get', 'partial', '-o', 'all')).out).toMatch(/^got {3}6 /)
  })
})

test('what other programs put among the objects is passed over, counted, and left alone', async () => {
  await copyOf('shared')
  const [key] = await readdir(at('shared/index'))
  const [object] = await objectsOf('shared')
  const strange = [
    'desktop.ini',
    `keys/${key}/My key (conflicted copy).age`,
    'keys/Thumbs.db',
    `index/${key}/copy of a segment.png`,
    `index/${key}/.DS_Store`,
    `objects/${object!.replace('.png', ' (1).png')}`,
    'objects/holiday.jpg',
    'writers/.DS_Store',
    'writers/Thumbs.db',
  ]
  for (const name of strange) await writeFile(at('shared', name), 'of another program')
  expect((await vault('list', 'shared', '--json')).out.trim().split('\n')).toHaveLength(6)
  const checked = await vault('check', 'shared', '--sample', '1/1')
  expect([checked.code, checked.out]).toEqual([0, expect.stringMatching(/^intact {3}6 /)])
  expect(checked.err).toContain('2 things among the objects are none of a vault')
  expect((await vault('rebuild', 'shared')).out).toBe('objects  8\nfound    0\nforeign  2\ndamaged  0\n')
  expect((await vault('remove', 'shared', '0.jpg', '--yes')).code).toBe(0)
  for (const line of ['marked   1', 'deleted  1'])
    expect((await vault('prune', 'shared', '--wait', '0')).out).toContain(line)
  const left = await readdir(at('shared'), { recursive: true })
  for (const name of strange) expect(left).toContain(name)
})

const canMount =
  process.getuid?.() === 0 && process.platform === 'linux' && spawnSync('mount', ['--version']).status === 0
test.skipIf(!canMount)('a full disk ends the run with a hint, and what was added before is whole', async () => {
  await mkdir(at('full'))
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', at('full')]).status).toBe(0)
  try {
    await mkdir(at('large'))
    for (let i = 0; i < 40; i++) await writeFile(at('large', `${i}.jpg`), Buffer.alloc(30_000, i))
    await vault('init', 'full')
    const told = await vault('add', 'full', 'large', '--no-thumbnails')
    expect([told.code, told.err]).toEqual([1, expect.stringContaining('[E_STORE]')])
    expect(told.err).toContain('hint: make room and run it again: what is done is kept')
    const whole = Number(/^intact +(\d+)/.exec((await vault('verify', 'full')).out)?.[1])
    // Every file is counted, as what it is.
    expect(/^added +(\d+)/.exec(told.out)?.[1]).toBe(String(whole))
    expect(/^failed +(\d+)/m.exec(told.out)?.[1]).toBe(String(40 - whole))
    const objects = await objectsOf('full')
    expect(objects.length).toBeGreaterThan(5)
    spawnSync('mount', ['-o', 'remount,size=8m', at('full')])
    const again = (await vault('add', 'full', 'large', '--no-thumbnails')).out
    expect(again).toMatch(new RegExp(`^added +${40 - whole} [^]*\nskipped +${whole}\\b`))
    // What lay there was taken up again, be it in the index before or not.
    expect(await objectsOf('full')).toEqual(expect.arrayContaining(objects))
    expect(await objectsOf('full')).toHaveLength(40)
    expect((await vault('verify', 'full')).out).toMatch(/^intact {3}40 /)
    // Nothing partial is left of what did not fit.
    const names = await readdir(at('full'), { recursive: true })
    expect(names.filter(name => /tmp|partial|~/.test(name))).toEqual([])
  } finally {
    spawnSync('umount', [at('full')])
  }
})

describe('a store that answers', () => {
  test.each([
    [401, 'E_CREDENTIALS', 'credentials are taken from'],
    [403, 'E_CREDENTIALS', 'credentials are taken from'],
    [507, 'E_STORE', 'make room'],
    [400, 'E_STORE', 'check the address'],
  ])('%i: a bucket and a share say so, without the secret', async (status, expected, hint) => {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(status, { 'content-type': 'text/plain' }).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    environment = {
      AWS_ACCESS_KEY_ID: 'someone',
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      LATENT_DAV_USERNAME: 'someone',
      LATENT_DAV_PASSWORD: SECRET,
    }
    try {
      for (const address of ['s3://photos/mine', `dav://127.0.0.1:${port}/mine`])
        for (const command of [['list'], ['add', 'in'], ['init']]) {
          const [name, ...rest] = command as [string, ...string[]]
          const refused = await refusal('vault', name, address, '-i', 'me.key', ...rest)
          expect([address, name, refused.exit, refused.code]).toEqual([address, name, 1, expected])
          expect(refused.hint).toContain(hint)
        }
    } finally {
      environment = {}
      server.close()
      server.closeAllConnections()
    }
  })
})
