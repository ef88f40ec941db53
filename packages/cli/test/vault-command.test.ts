import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere, startLatent } from './command.ts'
import { RCLONE, type Server, serveDav, serveS3 } from '../../vault/test/store-servers.ts'

const SECRET = 'not to be shown'
let root: string
let [dav, s3]: (Server | undefined)[] = []
let environment: NodeJS.ProcessEnv
const at = (...parts: string[]) => join(root, ...parts)

const latent = (args: readonly string[]) => latentHere(args, { cwd: root, env: environment })

/** Runs a command on a vault with a key, expects success, and gives what it printed. */
async function vault(command: string, address: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await latent(['vault', command, address, '-i', 'me.key', ...args])
  expect([command, code, code === 0 ? '' : err]).toEqual([command, 0, ''])
  expect(out + err).not.toContain(SECRET)
  expect(out + err).not.toContain('AGE-SECRET-KEY')
  return out
}

const FILES = ['holiday/IMG_1.HEIC', 'holiday/IMG_1.MOV', 'holiday/IMG_2.jpg', 'holiday/IMG_2.jpg.xmp', 'notes.txt']
const THEN = new Date('2022-02-03T04:05:06Z')
let friend: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-vault-cli-'))
  s3 = await serveS3('photos')
  if (RCLONE) dav = await serveDav('me', SECRET)
  environment = {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3.port}`,
    LATENT_DAV_USERNAME: 'me',
    LATENT_DAV_PASSWORD: SECRET,
  }
  for (const name of FILES) {
    await mkdir(at('in', name, '..'), { recursive: true })
    await writeFile(at('in', name), `the file ${name}`)
    await utimes(at('in', name), THEN, THEN)
  }
  for (const key of ['me.key', 'friend.key']) await latent(['keygen', '-o', key])
  friend = /age1[0-9a-z]+/.exec(await readFile(at('friend.key'), 'utf8'))![0]
}, 60_000)
afterAll(async () => {
  await dav?.stop()
  await s3?.stop()
  await rm(root, { recursive: true, force: true })
})

/** The whole life of a vault. */
async function expectLife(address: string): Promise<void> {
  expect(await vault('init', address)).toContain('members  1\n')
  expect(await vault('add', address, 'in')).toMatch(/^added {3}5 .*\nskipped {2}0\nfailed {3}0\n/)
  expect(await vault('add', address, 'in')).toMatch(/^added {3}0\nskipped {2}5 \(5 added and unchanged\)\n/)

  const list = await vault('list', address)
  expect(list).toMatch(/^2022-02-03 +\d+ B +photos +holiday\/IMG_1.HEIC \+ MOV$/m)
  expect(list).toMatch(/^2022-02-03 +\d+ B +photos +notes.txt$/m)
  const shown = JSON.parse(await vault('show', address, 'notes.txt', '--json')) as Record<string, unknown>
  expect(shown).toMatchObject({
    album: 'photos',
    path: 'notes.txt',
    size: 18,
    modified: THEN.toISOString(),
    versions: 1,
  })

  const back = at('back', address.replaceAll(/\W/g, '_'))
  expect(await vault('get', address, 'IMG_1.HEIC', '-o', back)).toMatch(/^got {3}2 /)
  expect(await vault('get', address, '-o', back)).toMatch(/^got {3}3 .*\nskipped {2}2 /)
  for (const name of FILES) {
    expect(await readFile(join(back, name))).toEqual(await readFile(at('in', name)))
    expect((await stat(join(back, name))).mtime).toEqual(THEN)
  }
  expect(await vault('verify', address)).toMatch(/^intact {3}5 /)
  expect(await vault('check', address, '--sample', '2/5')).toMatch(/^intact {3}2 [^]*there {5}5 of 5\n$/)

  expect(await vault('add', address, 'in/holiday', '--album', 'family', '--into', '2022')).toMatch(/^added {3}4 /)
  expect(await vault('share', address, '--album', 'family', '-r', friend)).toMatch(/^keys +1$/m)
  const theirs = await latent(['vault', 'list', address, '-i', 'friend.key', '--json'])
  expect(
    theirs.out
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { path: string }).path),
  ).toEqual(FILES.slice(0, 4).map(name => name.replace('holiday', '2022')))
  await vault('unshare', address, '--album', 'family', '-r', friend)
  await vault('rekey', address)
  expect(await vault('remove', address, 'notes.txt')).toBe('would remove  photos: notes.txt\n')
  expect(await vault('remove', address, 'notes.txt', '--yes')).toBe('removed  photos: notes.txt\n')
  expect(await vault('prune', address, '--wait', '0')).toContain('marked   1\n')
  expect(await vault('prune', address, '--wait', '0')).toMatch(/^deleted {2}1 /m)
  expect(await vault('rebuild', address)).toBe('objects  8\nfound    0\nforeign  0\ndamaged  0\n')
  expect(await vault('stats', address)).toMatch(/^family +4 +\d+ B +[\d.]+ kB +0 +0 +0 +1 +2$/m)
  await vault('export', address, '-o', `${back}-export`)
  expect(await readFile(join(`${back}-export`, 'SHA256SUMS'), 'utf8')).toMatch(
    /^# latent vault export\n(?:.*\n)*[0-9a-f]{64} {2}family\/2022\/IMG_1.HEIC$/m,
  )
  // Again at any time; a list of somebody else stays.
  await vault('export', address, '-o', `${back}-export`)
  await writeFile(join(`${back}-export`, 'SHA256SUMS'), 'mine\n')
  const refused = await latent(['vault', 'export', address, '-o', `${back}-export`, '-i', 'me.key'])
  expect([refused.code, refused.err.includes('[E_EXISTS]')]).toEqual([1, true])
  expect(await readFile(join(`${back}-export`, 'SHA256SUMS'), 'utf8')).toBe('mine\n')
}

describe('the whole life of a vault', { timeout: 240_000 }, () => {
  test('in a folder', () => expectLife('./vault'))
  test('in a bucket', () => expectLife('s3://photos/mine'))
  test.skipIf(!RCLONE)('on a WebDAV share', () => expectLife(`dav://127.0.0.1:${dav!.port}`))
})

test('many files are sealed in threads, by the very script of the command', async () => {
  await mkdir(at('plenty'))
  for (let i = 0; i < 130; i++) await writeFile(at(`plenty/${i}.txt`), `number ${i}`)
  await vault('init', 'crowd')
  expect(await vault('add', 'crowd', 'plenty')).toMatch(/^added {3}130 /)
  expect(await vault('add', 'crowd', 'plenty')).toMatch(/^added {3}0\nskipped  130 /)
  expect(await vault('verify', 'crowd')).toMatch(/^intact {3}130 /)
})

test('what a vault does not take is counted, each kind with its reason', async () => {
  for (const folder of ['odd/deep/empty', 'odd/later']) await mkdir(at(folder), { recursive: true })
  for (const name of ['odd/a.jpg', 'odd/b.tmp']) await writeFile(at(name), name)
  await symlink('nowhere', at('odd/link'))
  await vault('init', 'counted')
  const { code, out, err } = await latent(
    'vault add counted odd -i me.key --no-thumbnails --exclude *.tmp --exclude no/such/*'.split(' '),
  )
  expect(code).toBe(0)
  expect(out).toMatch(/^added {3}1 /)
  expect(out).toContain('skipped  4 (')
  for (const reason of ['1 excluded', '1 a link that leads nowhere', '2 empty folders, which vaults cannot hold'])
    expect(out).toContain(reason)
  expect(err).toContain('--exclude no/such/* left nothing out')
})

test('what cannot be done is a coded error with a hint, and makes nothing', async () => {
  const fails = async (...args: string[]) => {
    const { code, err } = await latent(['vault', ...args])
    expect(err).not.toContain(SECRET)
    return [code, /\[(E_[A-Z_]+)\]/.exec(err)?.[1], err.includes('hint: ')]
  }
  expect(await fails('list', 'nowhere', '-i', 'me.key')).toEqual([1, 'E_VAULT', true])
  expect(await fails('init', 'new', '--passphrase-file', 'me.key')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('init', 'new')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('list', 's3://me:secret@photos/x', '-i', 'me.key')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('list', 'ftp://x/y', '-i', 'me.key')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('list', 's3://nobody/x', '-i', 'me.key')).toEqual([1, 'E_STORE', true])
  await expect(stat(at('new'))).rejects.toMatchObject({ code: 'ENOENT' })
  await vault('init', 'small')
  expect(await fails('list', 'small', '-i', 'friend.key')).toEqual([1, 'E_NO_MATCH', true])
  expect(await fails('init', 'small', '-i', 'me.key')).toEqual([1, 'E_EXISTS', true])
  expect(await fails('get', 'small', 'x', '-i', 'me.key', '-o', 'y')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('check', 'small', '-i', 'me.key', '--sample', '3/2')).toEqual([2, 'E_ARGUMENT', true])
  expect(await fails('list', 'small', '-i', 'me.key', '--as-of', 'yesterday')).toEqual([2, 'E_ARGUMENT', true])
})

test('what meets nothing is an error for every command; all of an empty vault is none', async () => {
  const commands = [['list'], ['get', '-o', 'none'], ['export', '-o', 'none'], ['verify'], ['check']]
  const run = ([command, ...rest]: readonly string[], ...selection: string[]) =>
    latent(['vault', command!, 'sparse', '-i', 'me.key', ...rest, ...selection])
  await vault('init', 'sparse')
  for (const command of commands) {
    const { code, err } = await run(command)
    expect([command, code]).toEqual([command, 0])
    expect(err).toMatch(/^(note: there is no photo in this vault that this key opens|0 files, .*)$/m)
  }
  await rm(at('none'), { recursive: true })
  await vault('add', 'sparse', 'in/notes.txt', '--no-thumbnails')
  await mkdir(at('hollow'))
  await vault('add', 'sparse', 'hollow', '--album', 'void')
  for (const [selection, hint] of [
    [['--as-of', '2020-01-01'], 'the first was added at 2'],
    [['--album', 'void'], 'the album "photos" has some'],
  ] as const)
    for (const command of commands) {
      const { code, out, err } = await run(command, ...selection)
      expect([command, code, out]).toEqual([command, 2, ''])
      expect(err).toMatch(/^latent: error: there is no photo in .* \[E_ARGUMENT\]$/m)
      expect(err).toContain(`\nhint: ${hint}`)
    }
  await expect(stat(at('none'))).rejects.toMatchObject({ code: 'ENOENT' })
  // A moment means its end, however exactly it is told.
  const [, added] = /"added":"([^"]+)"/.exec(await vault('show', 'sparse', 'notes.txt', '--json')) ?? []
  const here = new Date(Date.parse(added!) - 60_000 * new Date().getTimezoneOffset()).toISOString()
  for (const moment of [added!, here.slice(0, 10), here.slice(0, 16), here.slice(0, 19)])
    expect([moment, (await run(['list'], '--as-of', moment)).code]).toEqual([moment, 0])
  // Only what is there now can be removed.
  const { code, err } = await run(['remove', 'notes.txt', '--as-of', '2030-01-01'])
  expect([code, err.includes("unknown option '--as-of'")]).toEqual([2, true])
})

test('an album of two keys, whose index is lost, is one again when somebody says so', async () => {
  await vault('init', 'twice')
  await vault('add', 'twice', 'in/holiday', '--no-thumbnails')
  await vault('rekey', 'twice')
  await vault('add', 'twice', 'in/notes.txt', '--no-thumbnails')
  await rm(at('twice/index'), { recursive: true })
  const { out, err } = await latent(['vault', 'rebuild', 'twice', '-i', 'me.key'])
  expect(out).toContain('found    5\n')
  const lost = Array.from(err.matchAll(/"(recovered [0-9a-f]{8})"/g), ([, name]) => name!)
  expect([lost.length, err.includes('latent vault rename')]).toEqual([2, true])
  expect(await vault('rename', 'twice', 'photos', '--album', lost[0]!, '--album', lost[1]!)).toBe(
    'album  photos\nkeys   2\n',
  )
  expect(await vault('add', 'twice', 'in/holiday', '--no-thumbnails')).toMatch(/^added {3}0\nskipped {2}4 /)
  expect(await vault('stats', 'twice')).toMatch(/^photos +5 .* 2$/m)
  await vault('share', 'twice', '-r', friend)
  expect((await latent(['vault', 'list', 'twice', '-i', 'friend.key'])).err).toContain('5 files')
})

test('a key comes back from the words of its sheet, and opens the vault', async () => {
  await vault('init', 'insured')
  await vault('add', 'insured', 'in', '--no-thumbnails')
  const make = await latent(['recovery', 'make', '-i', 'me.key', '-o', 'sheet.svg', '--vault', './insured'])
  expect([make.code, make.out.includes('AGE-SECRET')]).toEqual([0, false])
  expect((await stat(at('sheet.svg'))).mode & 0o777).toBe(0o600)
  const sheet = await readFile(at('sheet.svg'), 'utf8')
  const words = Array.from(sheet.matchAll(/class="word">([a-z]+)</g), ([, word]) => word)
  await writeFile(at('words.txt'), words.join('\n'))
  const drill = await latent(['recovery', 'test', '-i', 'me.key', '--words', 'words.txt', '--vault', './insured'])
  expect(drill.out).toMatch(/^words {4}they give this key back\nvault {4}it opens, and so does /)
  const other = await latent(['recovery', 'test', '-i', 'friend.key', '--words', 'words.txt'])
  expect([other.code, other.err.includes('[E_NO_MATCH]')]).toEqual([1, true])
  await latent(['recovery', 'use', '--words', 'words.txt', '-o', 'recovered.key'])
  const verified = await latent(['vault', 'verify', 'insured', '-i', 'recovered.key'])
  expect(verified.out).toMatch(/^intact {3}5 /)
})

const KILLS = Number(process.env['LATENT_KILLS'] ?? 5)

test(
  `kill -9 at ${KILLS} moments of adding: the next run completes it, nothing is lost`,
  { timeout: 600_000 },
  async () => {
    const many = at('many')
    await mkdir(many)
    for (let i = 0; i < 60; i++) await writeFile(join(many, `${i}.jpg`), `photo ${i} `.repeat(2000))
    await vault('init', 'killed')
    await vault('add', 'killed', 'in', '--no-thumbnails')
    const started = performance.now()
    await cp(at('killed'), at('whole'), { recursive: true })
    const add = ['vault', 'add', 'killed', 'many', '-i', 'me.key', '--no-thumbnails']
    expect((await startLatent(add.with(2, 'whole'), { cwd: root }).done).code).toBe(0)
    const takes = performance.now() - started
    for (let kill = 0; kill < KILLS; kill++) {
      const delay = (takes * (kill + 1)) / (KILLS + 1)
      const run = startLatent(add, { cwd: root })
      setTimeout(() => run.kill('SIGKILL'), delay)
      await run.done
      expect(await vault('verify', 'killed')).toMatch(/^intact +\d+ /)
    }
    expect(await vault('add', 'killed', 'many', '--no-thumbnails')).toContain('failed   0')
    expect(await vault('verify', 'killed')).toMatch(/^intact {3}65 /)
    expect(await vault('rebuild', 'killed')).toBe('objects  65\nfound    0\nforeign  0\ndamaged  0\n')
  },
)
