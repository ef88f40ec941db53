import './quick-passphrases.ts'
import { decodePng, encodePng } from '@latent/core/png'
import { image } from '@latent/core'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drawScene } from '@latent/data'
import { latentHere, runLatent } from './command.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-cli-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const latent = (args: readonly string[], input = '') => latentHere(args, { cwd: root, input })

const at = (...parts: string[]) => join(root, ...parts)

describe('seal and open', () => {
  test('a key pair, a folder, and back; a second run skips; JSON lines tell it', async () => {
    // As its users run it; the others are in this process.
    const latent = (args: readonly string[]) => runLatent(args, { cwd: root })
    await mkdir(at('photos/trip'), { recursive: true })
    await writeFile(at('photos/a.jpg'), 'first')
    await writeFile(at('photos/trip/b.jpg'), 'second')
    const made = await latent(['keygen', '-o', 'me.key'])
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^age1[0-9a-z]{58}\n$/)])
    expect((await stat(at('me.key'))).mode & 0o777).toBe(0o600)
    const sealed = await latent(['seal', 'photos', '-o', 'sealed', '-r', made.out.trim(), '--json'])
    expect(sealed.code).toBe(0)
    const lines = sealed.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.length).toBe(3)
    expect(lines.at(-1)).toMatchObject({ summary: { sealed: 2, skipped: 0, failed: 0, plainBytes: 11 } })
    expect(lines[0]).toMatchObject({
      status: 'sealed',
      source: expect.stringContaining('.jpg'),
      target: expect.stringContaining('.png'),
    })
    expect((await latent(['seal', 'photos', '-o', 'sealed', '-i', 'me.key'])).out).toContain(
      'skipped  2 (2 sealed and unchanged)',
    )
    // Options before inputs, as age has them: a key must not swallow what follows.
    const opened = await latent(['open', '-i', 'me.key', 'sealed', '-o', 'opened'])
    expect(opened).toMatchObject({ code: 0, err: '', out: expect.stringContaining('opened   2') })
    expect(await readFile(at('opened/trip/b.jpg'), 'utf8')).toBe('second')
    expect((await latent(['verify', 'sealed', '-i', 'me.key'])).out).toContain('intact   2')
    const inspected = await latent(['inspect', 'sealed/a.jpg.png', '--json'])
    expect(JSON.parse(inspected.out)).toMatchObject({
      format: 'latent sealed 1',
      body: 'exact-flow+aes-256-gcm',
      weightSet: 'second',
      chunks: 1,
      keys: 'X25519',
    })
  })

  test('files of every set of weights open in one run, and inspect tells which is which', async () => {
    const sets = { constant: 'flow-chunks', trained: 'trained-chunks', second: 'second-chunks' }
    for (const name of Object.values(sets)) {
      const vector = await readFile(new URL(`../../vault/test/conformance/vectors/${name}`, import.meta.url))
      await mkdir(at('kit', name), { recursive: true })
      await writeFile(at('kit', name, 'sealed.png'), vector.subarray(vector.indexOf('\n\n') + 2))
      await writeFile(at('kit.key'), `${/identity: (.*)/.exec(vector.toString('latin1', 0, 1000))![1]!}\n`)
    }
    const opened = await latent(['open', '-i', 'kit.key', 'kit', '-o', 'from-kit', '--threads', '1'])
    expect(opened).toMatchObject({ code: 0, out: expect.stringContaining('opened   3') })
    const plain = await Promise.all(Object.values(sets).map(name => readFile(at('from-kit', name, 'photo.jpg'))))
    expect(plain[0]!.length).toBe(13_001)
    for (const other of plain) expect(other).toEqual(plain[0])
    const sealed = Object.values(sets).map(name => `kit/${name}/sealed.png`)
    const inspected = await latent(['inspect', ...sealed, '--json'])
    expect(
      inspected.out
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { weightSet: string }).weightSet),
    ).toEqual(Object.keys(sets))
  })

  test('a passphrase from a file or standard input; the wrong one opens nothing and writes nothing', async () => {
    await writeFile(at('note.txt'), 'words')
    await writeFile(at('phrase'), 'correct horse battery staple\n')
    expect(
      (
        await latent(
          ['seal', 'note.txt', '-o', 'worded', '--passphrase-file', '-', '--cipher', 'aes-256-gcm'],
          'correct horse battery staple\n',
        )
      ).code,
    ).toBe(0)
    const wrong = await latent(['open', 'worded', '-o', 'unworded', '--passphrase-file', '-'], 'wrong')
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('[E_NO_MATCH]')
    expect(await readdir(at('unworded')).catch(() => [])).toEqual([])
    expect((await latent(['open', 'worded', '-o', 'unworded', '--passphrase-file', 'phrase'])).code).toBe(0)
    expect(await readFile(at('unworded/note.txt'), 'utf8')).toBe('words')
  })

  test('damage is named and located, and the exit code is 1', async () => {
    await writeFile(at('c.jpg'), 'third')
    await latent(['keygen', '-o', 'c.key'])
    await latent(['seal', 'c.jpg', '-o', 'damaged', '-i', 'c.key'])
    const png = await readFile(at('damaged/c.jpg.png'))
    png[png.length - 60]! ^= 1
    await writeFile(at('damaged/c.jpg.png'), png)
    const opened = await latent(['open', 'damaged', '-o', 'undamaged', '-i', 'c.key'])
    expect(opened.code).toBe(1)
    expect(opened.err).toMatch(/c\.jpg\.png: chunk 1 of 1 is damaged .* \[E_CHUNK\]\n {2}hint: /)
    expect(opened.err).toContain('latent: error: 1 of 1 files failed [E_PARTIAL]')
    expect(opened.err).not.toContain('    at ')
  })
})

describe('pixel mode', () => {
  test.each([
    [1, 8],
    [2, 8],
    [3, 16],
    [4, 16],
  ])('%i channels of %i bits keep their shape and come back', async (channels, depth) => {
    const [width, height] = [21, 13]
    const n = width * height * channels
    const plain =
      depth === 8
        ? image({ width, height, channels, format: 'u8', data: Uint8Array.from({ length: n }, (_, i) => i) })
        : image({ width, height, channels, format: 'u16', data: Uint16Array.from({ length: n }, (_, i) => i * 97) })
    const name = `${channels}-${depth}`
    await writeFile(at(`${name}.png`), encodePng(plain))
    await latent(['keygen', '--cipher', '-o', `${name}.key`])
    expect(
      (
        await latent([
          'encrypt',
          `${name}.png`,
          `${name}-cipher.png`,
          '--scheme',
          'exact-flow',
          '--key-file',
          `${name}.key`,
          '--nonce',
          '0102',
        ])
      ).code,
    ).toBe(0)
    const cipher = decodePng(new Uint8Array(await readFile(at(`${name}-cipher.png`))))
    expect([cipher.width, cipher.height, cipher.channels, cipher.format]).toEqual([
      width,
      height,
      channels,
      plain.format,
    ])
    expect(
      (await latent(['decrypt', `${name}-cipher.png`, `${name}-back.png`, '--key-file', `${name}.key`])).code,
    ).toBe(0)
    expect(decodePng(new Uint8Array(await readFile(at(`${name}-back.png`))))).toEqual(plain)
  })
})

describe('bad input: a coded sentence, a hint, and nothing written', () => {
  beforeAll(async () => {
    await writeFile(at('x.key'), '00'.repeat(32))
    await writeFile(at('short.key'), '00')
    await writeFile(at('photo.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0))
    await writeFile(at('scene.png'), encodePng(drawScene(64, 48)))
    await writeFile(at('other.png'), encodePng(drawScene(32, 24)))
    await latent(['keygen', '-o', 'id.key'])
  })

  test.each<[string, string[], number, string]>([
    ['no command', [], 2, 'Usage'],
    ['an unknown command', ['unseal'], 2, 'unknown command'],
    ['no output', ['seal', 'photo.jpg'], 2, '--output'],
    ['an unknown cipher', ['seal', 'photo.jpg', '-o', 'bad', '--cipher', 'rot13', '-i', 'id.key'], 2, 'E_ARGUMENT'],
    ['nobody to seal for', ['seal', 'photo.jpg', '-o', 'bad'], 2, 'E_ARGUMENT'],
    ['a malformed recipient', ['seal', 'photo.jpg', '-o', 'bad', '-r', 'age1x'], 2, 'E_KEY'],
    [
      'the secret given as recipient',
      ['seal', 'photo.jpg', '-o', 'bad', '-r', 'AGE-SECRET-KEY-1XYZ'],
      2,
      'that is the secret identity',
    ],
    ['a missing input', ['seal', 'nowhere.jpg', '-o', 'bad', '-i', 'id.key'], 1, 'no such file'],
    ['a missing key file', ['open', 'photo.jpg', '-o', 'bad', '-i', 'nowhere.key'], 1, 'E_IO'],
    [
      'a JPEG in place of the sealed PNG',
      ['open', 'photo.jpg', '-o', 'bad', '-i', 'id.key'],
      1,
      'download the original file',
    ],
    ['an ordinary PNG', ['open', 'scene.png', '-o', 'bad', '-i', 'id.key'], 1, 'E_REENCODED'],
    [
      'an unknown scheme',
      ['encrypt', 'scene.png', 'bad.png', '--scheme', 'nope', '--key-file', 'x.key'],
      2,
      'known schemes',
    ],
    ['a cipher key that is too short', ['encrypt', 'scene.png', 'bad.png', '--key-file', 'short.key'], 2, 'E_KEY'],
    ['a JPEG for pixel mode', ['encrypt', 'photo.jpg', 'bad.png', '--key-file', 'x.key'], 1, 'E_IMAGE'],
    ['output over the input', ['encrypt', 'scene.png', 'scene.png', '--key-file', 'x.key'], 1, 'same file'],
    ['output over another file', ['encrypt', 'scene.png', 'other.png', '--key-file', 'x.key'], 1, 'E_EXISTS'],
    ['a name that says JPEG', ['encrypt', 'scene.png', 'photo.jpg', '--key-file', 'x.key'], 2, 'E_ARGUMENT'],
    [
      'a nonce that is no hexadecimal',
      ['encrypt', 'scene.png', 'bad.png', '--key-file', 'x.key', '--nonce', 'xy'],
      2,
      '--nonce',
    ],
    ['a key pair over an old one', ['keygen', '-o', 'id.key'], 1, 'E_EXISTS'],
    ['a thread count of zero', ['verify', 'scene.png', '-i', 'id.key', '--threads', '0'], 2, '--threads'],
  ])('%s', async (_, args, code, message) => {
    const ended = await latent(args)
    expect(ended.code).toBe(code)
    expect(ended.err).toContain(message)
    expect(ended.err).not.toMatch(/^ {4}at /m)
    expect(ended.err).not.toContain('SECRET-KEY-1XYZ"')
    const written = await readdir(at('bad')).catch(() => [])
    expect(written.filter(name => !name.startsWith('.latent-journal'))).toEqual([])
    expect(await stat(at('bad.png')).catch(() => 'nothing')).toBe('nothing')
  })
})

test('doctor runs every backend right and tells its speed', async () => {
  const { code, out } = await latent(['doctor', '--json'])
  expect(code).toBe(0)
  const facts = JSON.parse(out) as { backends: Record<string, string>; exactFlowMBps: number }
  expect(facts.backends).toEqual({
    'native int8': 'right',
    'native float': 'right',
    'WASM int8': 'right',
    'WASM float': 'right',
    'WASM kernel': 'right',
    'plain loop': 'right',
  })
  expect(facts.exactFlowMBps).toBeGreaterThan(0)
})

test('the demonstration draws, seals, opens and says that it is exact', async () => {
  const { code, out } = await latent(['demo', '-o', 'demo'])
  expect(code).toBe(0)
  expect(out).toContain('exact: yes, bit for bit')
  expect(await readFile(at('demo/opened/lake.png'))).toEqual(await readFile(at('demo/plain/lake.png')))
})
