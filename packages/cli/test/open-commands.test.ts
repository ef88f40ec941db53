import { latentHere } from './command.ts'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

let root: string
const at = (...parts: string[]) => join(root, ...parts)

const latent = (...args: readonly string[]) => latentHere(args, { cwd: root })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-open-cli-'))
  await mkdir(at('in'))
  for (let i = 0; i < 30; i++)
    await writeFile(at('in', `IMG_${i}.jpg`), `picture ${i}`, { mode: i === 0 ? 0o640 : 0o600 })
  for (const key of ['me.key', 'other.key']) await latent('keygen', '-o', key)
  await latent('seal', 'in', '-o', 'sealed', '-i', 'me.key', '--cipher', 'aes-256-gcm')
})
afterAll(() => rm(root, { recursive: true, force: true }))

test('a wrong key for 30 files is a few lines, with one hint that helps, and nothing is written', async () => {
  const { code, err } = await latent('open', 'sealed', '-o', 'wrong', '-i', 'other.key')
  expect(code).toBe(1)
  expect(err.trim().split('\n').length).toBe(7)
  // Of files that are opened side by side, any may be the first to fail.
  expect(err).toMatch(/^failed: 27 more like IMG_\d+\.jpg\.png \[E_NO_MATCH\]; --json names every one$/m)
  expect(err).toContain(
    'latent: error: 30 of 30 files failed [E_PARTIAL]\nhint: give the key that they were sealed for',
  )
  expect(await readdir(at('wrong')).catch(() => [])).toEqual([])
})

test('private files come back private, and a second run finds them all', async () => {
  expect((await latent('open', 'sealed', '-o', 'back', '-i', 'me.key')).code).toBe(0)
  expect((await stat(at('back', 'IMG_7.jpg'))).mode & 0o777).toBe(0o600)
  expect(await readFile(at('back', 'IMG_7.jpg'), 'utf8')).toBe('picture 7')
  expect((await latent('open', 'sealed', '-o', 'back', '-i', 'me.key')).out).toContain(
    'skipped  30 (30 opened before and unchanged)',
  )
})

test('what is kept of an earlier opening lies in the cache, and --reread does without it', async () => {
  const open = (key: string, ...options: readonly string[]) =>
    latentHere(['open', 'sealed', '-o', 'kept', '-i', key, ...options], {
      cwd: root,
      env: { XDG_CACHE_HOME: at('cache') },
    })
  // What was sealed a moment ago is not kept.
  await vi.waitUntil(async () => Date.now() - (await stat(at('sealed', 'IMG_9.jpg.png'))).ctimeMs > 2600, 10_000)
  await open('me.key')
  expect(await readdir(at('cache'))).toEqual(['latent'])
  expect(await readdir(at('cache', 'latent'))).toEqual(['opened'])
  expect((await readdir(at('kept'))).toSorted()).toEqual((await readdir(at('in'))).toSorted())
  expect((await open('me.key')).out).toContain('skipped  30 (30 opened before and unchanged)')
  // Whoever tries another key is not told that all is there.
  for (const options of [[], ['--reread']])
    expect((await open('other.key', ...options)).err).toContain('30 of 30 files failed')
  expect((await open('me.key', '--reread')).out).toContain('skipped  30 (30 opened before and unchanged)')
})

test('verify tells what is missing, in words and in numbers, and what it cannot know', async () => {
  await mkdir(at('copy'))
  for (const name of await readdir(at('sealed')))
    if (name.endsWith('.png')) await writeFile(at('copy', name), await readFile(at('sealed', name)))
  await rm(at('sealed', 'IMG_3.jpg.png'))
  const words = await latent('verify', 'sealed', '-i', 'me.key')
  expect(words.code).toBe(1)
  expect(words.out).toContain('missing  1 of 30 that were sealed here\n')
  expect(words.err).toContain('IMG_3.jpg.png: an earlier run sealed it here, and it is gone [E_IO]')
  const numbers = await latent('verify', 'sealed', '-i', 'me.key', '--json')
  expect(JSON.parse(numbers.out.trim().split('\n').at(-1)!)).toMatchObject({
    summary: { intact: 29, missing: 1, expected: 30 },
  })
  const unlisted = await latent('verify', 'copy', '-i', 'me.key')
  expect(unlisted.code).toBe(0)
  expect(unlisted.out).toContain('missing  unknown (no journal)\n')
  expect(unlisted.err).toContain('cannot be known')
  const unknown = await latent('verify', 'copy', '-i', 'me.key', '--json')
  expect(JSON.parse(unknown.out.trim().split('\n').at(-1)!)).toMatchObject({
    summary: { intact: 30, missing: null, expected: null },
  })
})

describe('--only', () => {
  test('of open and list: what fits, and nothing else', async () => {
    const opened = await latent(
      'open',
      'sealed',
      '-o',
      'few',
      '-i',
      'me.key',
      '--only',
      'IMG_1?.jpg',
      '--only',
      '*_5.*',
    )
    expect(opened.code).toBe(0)
    expect((await readdir(at('few'))).length).toBe(11)
    const listed = await latent('list', 'sealed', '-i', 'me.key', '--only', 'IMG_2?.jpg', '--json')
    expect([listed.code, listed.out.trim().split('\n').length]).toEqual([0, 10])
  })

  test.each([
    ['open', ['-o', 'none'], ['holiday/*.jpg']],
    ['open', ['-o', 'none'], ['*.HEIC', '*_x.jpg']],
    ['list', [], ['nothing']],
    ['list', [], ['IMG_1.jpg.png']],
    ['list', ['--json'], ['img_1.jpg']],
  ])('a pattern that fits nothing: %s %j %j', async (command, options, patterns) => {
    const only = patterns.flatMap(pattern => ['--only', pattern])
    const { code, err } = await latent(command, 'sealed', '-i', 'me.key', ...options, ...only)
    expect(code).toBe(2)
    expect(err).toContain(
      `latent: error: nothing that is sealed here fits --only ${patterns.join(', ')} [E_ARGUMENT]\n`,
    )
    expect(err).toContain('hint: latent list shows what there is; patterns go in quotes')
    expect(await readdir(at('none')).catch(() => [])).toEqual([])
  })

  test('beside one that fits, the one that does not is named alone; what fits is opened', async () => {
    const { code, err } = await latent(...'open sealed -o half -i me.key --only IMG_4.jpg --only gone.jpg'.split(' '))
    expect([code, err.includes('fits --only gone.jpg [E_ARGUMENT]')]).toEqual([2, true])
    expect(await readdir(at('half'))).toEqual(['IMG_4.jpg'])
  })
})

test('list shows what robust carriers hold, beside PNGs of noise, and writes nothing', async () => {
  await latent('seal', 'in/IMG_1.jpg', 'in/IMG_2.jpg', '-o', 'carriers', '-i', 'me.key', '--carrier', 'robust')
  const [album] = (await readdir(at('carriers'))).filter(name => name.endsWith('.png'))
  await mkdir(at('mixed'))
  for (const [from, to] of [
    [at('carriers', album!), 'album.png'],
    [at('sealed', 'IMG_7.jpg.png'), 'IMG_7.jpg.png'],
  ] as const)
    await copyFile(from, at('mixed', to))
  const { code, out, err } = await latent('list', 'mixed', '-i', 'me.key', '--json')
  const lines = out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { path: string; sealed: string })
  expect([code, err]).toEqual([0, ''])
  expect(lines.map(({ path, sealed }) => `${path} in ${sealed}`).toSorted()).toEqual([
    `IMG_1.jpg in ${at('mixed/album.png')}`,
    `IMG_2.jpg in ${at('mixed/album.png')}`,
    `IMG_7.jpg in ${at('mixed/IMG_7.jpg.png')}`,
  ])
  expect((await readdir(at('mixed'))).length).toBe(2)
  expect((await latent('list', 'mixed', '-i', 'other.key')).err).toContain('[E_NO_MATCH]')
})

test('inspect gives figures as numbers', async () => {
  const { out } = await latent('inspect', 'sealed/IMG_1.jpg.png', '--json')
  const facts = JSON.parse(out) as Record<string, unknown>
  for (const name of ['widthPixels', 'heightPixels', 'chunks', 'chunkBytes', 'metadataBytes', 'atMostBytes'])
    expect([name, Number.isInteger(facts[name])]).toEqual([name, true])
  expect(
    Object.values(facts).filter(value => typeof value === 'string' && /^\D*\d+(\.\d+)? (B|kB|MB|x \d+)/.test(value)),
  ).toEqual([])
})

test('names on the command line and in folders drive no terminal', async () => {
  const nasty = 'x\u001b[2J\u202e.png'
  await writeFile(at(nasty), 'no picture')
  for (const args of [
    ['open', nasty, '-o', 'nasty', '-i', 'me.key'],
    ['verify', nasty, '-i', 'me.key'],
    ['inspect', nasty],
    ['inspect', nasty, '--json'],
    ['open', 'sealed', '-o', nasty, '-i', 'me.key'],
    ['open', 'sealed', '-o', 'b', '-i', nasty],
    [nasty],
    ['open', `--${nasty}`],
  ]) {
    const { code, out, err } = await latent(...args)
    expect(code).not.toBe(0)
    // oxlint-disable-next-line no-control-regex
    expect([args, /[\u001b\u202e]/.test(out + err)]).toEqual([args, false])
  }
})
