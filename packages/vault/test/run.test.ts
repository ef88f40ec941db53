import { sha256Of, toHex } from '@latent/core'
import { spawnSync } from 'node:child_process'
import { chmod, link, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type FileResult, openFiles, type OpenRun, safeName, sealedName, verifyFiles } from '../src/node/index.ts'
import { BODIES, flows, noise, text } from './fixtures.ts'
import { album, all, keyring, opened, plain, put, root, seal, sealed, tree } from './folders.ts'
import { atLength, LONG } from '../../../test/long.ts'

const open = (options: Partial<OpenRun> = {}) =>
  all(openFiles({ inputs: [sealed], output: opened, keyring: keyring(), flows, ...options }))
const states = (results: readonly FileResult[]) =>
  results.map(({ source, status, code }) => [basename(source), code ?? status])

describe('a folder run', () => {
  test.each(Object.entries(BODIES))('%s: structure, odd names and odd sizes come back', async (_, body) => {
    const long = `${'é'.repeat(125)}.jpeg`
    for (const [path, size] of [
      ['a.jpg', 5],
      ['sub/a.jpg', 6],
      ['sub/deep er/b c.png', 40_000],
      ['empty', 0],
      ['Фото 写真 📷.heic', 100],
      [`long/${long}`, 9],
      ['no-extension', 31],
      ['-o', 32],
      ["it's.jpg", 33],
      ['.hidden', 7],
    ] as const) {
      await put(join(plain, path), await noise(size, path))
    }
    expect(Buffer.byteLength(long)).toBe(255)
    await utimes(join(plain, 'a.jpg'), 1000, 1_234_567_890)
    const results = await seal({ body: body })
    expect(results.map(result => result.status)).toEqual(Array(10).fill('done'))
    expect(Object.keys(await tree(sealed))).toContain('sub/deep er/b c.png.png')
    expect((await open()).map(result => result.status)).toEqual(Array(10).fill('done'))
    expect(await tree(opened)).toEqual(await tree(plain))
    expect((await stat(join(opened, 'a.jpg'))).mtimeMs).toBe(1_234_567_890_000)
  })

  test('what is sealed and unchanged is skipped; what changed, or is for others, is sealed anew', async () => {
    await put(join(plain, 'a'), text('one'))
    await put(join(plain, 'b'), text('two'))
    await seal()
    const before = await tree(sealed)
    expect(states(await seal())).toEqual([
      ['a', 'skipped'],
      ['b', 'skipped'],
    ])
    expect(await tree(sealed)).toEqual(before)
    await put(join(plain, 'b'), text('three'))
    expect(states(await seal())).toEqual([
      ['a', 'skipped'],
      ['b', 'done'],
    ])
    expect(states(await seal({ lockName: 'others' }))).toEqual([
      ['a', 'done'],
      ['b', 'done'],
    ])
    expect(states(await open())).toEqual([
      ['a.png', 'done'],
      ['b.png', 'done'],
    ])
    expect(await tree(opened)).toEqual(await tree(plain))
    expect(states(await open())).toEqual([
      ['a.png', 'skipped'],
      ['b.png', 'skipped'],
    ])
  })

  test('a file that no earlier run made is never replaced, not even if forced, unless it is a sealed one', async () => {
    await put(join(plain, 'a'), text('mine'))
    await put(join(sealed, 'a.png'), text('a stranger'))
    await put(join(opened, 'b'), text('precious'))
    expect(states(await seal())).toEqual([['a', 'E_EXISTS']])
    expect(await readFile(join(sealed, 'a.png'), 'utf8')).toBe('a stranger')
    expect(states(await seal({ force: true }))).toEqual([['a', 'E_EXISTS']])
    expect(await readFile(join(sealed, 'a.png'), 'utf8')).toBe('a stranger')
    await seal({ output: join(root, 'elsewhere') })
    await rename(join(root, 'elsewhere/a.png'), join(sealed, 'a.png'))
    expect(states(await seal())).toEqual([['a', 'E_EXISTS']])
    expect(states(await seal({ force: true }))).toEqual([['a', 'done']])
    await put(join(opened, 'a'), text('precious'))
    expect(states(await open())).toEqual([['a.png', 'E_EXISTS']])
    expect(await readFile(join(opened, 'a'), 'utf8')).toBe('precious')
  })

  test('two files of one name are kept apart, whichever way they are given', async () => {
    const [a, b] = [
      await put(join(plain, '2023/IMG_1.jpg'), text('first')),
      await put(join(plain, '2024/IMG_1.jpg'), text('second')),
    ]
    await seal({ inputs: [a, b, a] })
    expect(Object.keys(await tree(sealed)).toSorted()).toEqual(['2023/IMG_1.jpg.png', '2024/IMG_1.jpg.png'])
    // Both moved into one folder and renamed: the name inside is still the same.
    await rename(join(sealed, '2024/IMG_1.jpg.png'), join(sealed, '2023/other.png'))
    await open()
    expect(Object.values(await tree(opened)).toSorted()).toEqual(Object.values(await tree(plain)).toSorted())
  })

  test('sealing into the folder itself seals no sealed file and no journal', async () => {
    await put(join(plain, 'a'), text('a'))
    expect(states(await seal({ output: plain }))).toEqual([['a', 'done']])
    expect(states(await seal({ output: plain }))).toEqual([
      ['a', 'skipped'],
      ['a.png', 'skipped'],
    ])
    expect(Object.keys(await tree(plain)).toSorted()).toEqual(['a', 'a.png'])
  })

  test('links to files are followed, links to folders and broken links are reported', async () => {
    await put(join(plain, 'file'), text('content'))
    await symlink('file', join(plain, 'link'))
    await link(join(plain, 'file'), join(plain, 'hard'))
    await symlink('nowhere', join(plain, 'broken'))
    await symlink('.', join(plain, 'loop'))
    expect(states(await seal())).toEqual([
      ['broken', 'E_IO'],
      ['file', 'done'],
      ['hard', 'done'],
      ['link', 'done'],
      ['loop', 'E_IO'],
    ])
    expect((await seal()).find(result => result.source.endsWith('loop'))).toMatchObject({
      status: 'skipped',
      hint: expect.stringContaining(plain),
    })
    await open()
    expect(Object.keys(await tree(opened)).toSorted()).toEqual(['file', 'hard', 'link'])
  })

  test('one bad file does not stop the others', async () => {
    for (const name of ['a', 'b', 'c']) await put(join(plain, name), text(name))
    await seal()
    await writeFile(join(sealed, 'b.png'), (await readFile(join(sealed, 'b.png'))).subarray(0, 300))
    await put(join(sealed, 'photo.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))
    await put(join(sealed, 'notes.txt'), text('hello'))
    const results = await open()
    expect(states(results)).toEqual([
      ['a.png', 'done'],
      ['b.png', 'E_TRUNCATED'],
      ['c.png', 'done'],
      ['notes.txt', 'E_NOT_SEALED'],
      ['photo.jpg', 'E_REENCODED'],
    ])
    expect(results.map(result => result.status)).toEqual(['done', 'failed', 'done', 'skipped', 'failed'])
    expect(Object.keys(await tree(opened)).toSorted()).toEqual(['a', 'c'])
    expect(
      states(
        await all(verifyFiles({ inputs: [join(sealed, 'a.png'), join(sealed, 'b.png')], keyring: keyring(), flows })),
      ),
    ).toEqual([
      ['a.png', 'done'],
      ['b.png', 'E_TRUNCATED'],
    ])
  })

  test('a damaged copy of the sealing is caught before it appears', async () => {
    await put(join(plain, 'a'), text('a'))
    const { openExactFlow, sealingWeights } = await import('@latent/schemes/exact-flow')
    const flow = await openExactFlow({ loop: true, weights: await sealingWeights() })
    // A cipher that goes wrong on the way back: what the self-check is for.
    const broken = {
      ...flow,
      decrypt: async (...args: Parameters<typeof flow.decrypt>) => (await flow.decrypt(...args)).map(byte => byte ^ 1),
    }
    const faulty = { flows: () => Promise.resolve(broken), body: BODIES['exact-flow+aes-256-gcm']! }
    expect(states(await seal(faulty))).toEqual([['a', 'E_HEADER']])
    expect(await tree(sealed)).toEqual({})
    expect(states(await seal({ ...faulty, check: false }))).toEqual([['a', 'done']])
  })

  test('salvage writes what is there, names what is not, and counts as salvaged', async () => {
    const bytes = await noise(2_000_000, 'salvage')
    await put(join(plain, 'big.bin'), bytes)
    await seal()
    const path = join(sealed, 'big.bin.png')
    const png = await readFile(path)
    png[1_000_000]! ^= 1
    await writeFile(path, png)
    expect(states(await open())).toEqual([['big.bin.png', 'E_CHUNK']])
    expect(await readdir(opened)).toEqual([])
    const [result] = await open({ salvage: true })
    expect(result).toMatchObject({
      status: 'salvaged',
      code: 'E_CHUNK',
      reason: expect.stringContaining('bytes 786304-1572735'),
      missingBytes: [[786_304, 1_572_736]],
    })
    const expected = bytes.slice()
    expected.fill(0, 786_304, 1_572_736)
    expect(toHex(sha256Of(new Uint8Array(await readFile(join(opened, 'big.salvaged.bin')))))).toBe(
      toHex(sha256Of(expected)),
    )
  })
})

test('salvage of a cut file ends where the file does, and says what is missing', async () => {
  const bytes = await noise(3_000_000, 'cut')
  await put(join(plain, 'big.bin'), bytes)
  await seal()
  const path = join(sealed, 'big.bin.png')
  await writeFile(path, (await readFile(path)).subarray(0, 2_000_000))
  const [result] = await open({ salvage: true })
  expect(result).toMatchObject({ code: 'E_CHUNK', reason: expect.stringContaining('bytes 1572736-2999999') })
  expect(new Uint8Array(await readFile(join(opened, 'big.salvaged.bin')))).toEqual(bytes.subarray(0, 1_572_736))
})

describe('hostile and full places', () => {
  const isRoot = process.getuid?.() === 0

  test('an output that is a file, or inside a file, is refused', async () => {
    const file = await put(join(plain, 'a'), text('a'))
    await expect(seal({ output: file })).rejects.toMatchObject({ code: 'E_IO' })
    await expect(seal({ output: join(file, 'b') })).rejects.toMatchObject({ code: 'E_IO' })
    await expect(open({ output: file })).rejects.toMatchObject({ code: 'E_IO' })
  })

  test('a missing input is named', async () => {
    expect(await seal({ inputs: [join(plain, 'missing')] })).toMatchObject([
      { status: 'failed', code: 'E_IO', reason: expect.stringContaining('no such file') },
    ])
  })

  // Names that lead out of the folder are refused by the format itself: conformance vectors `name-*`.
  test('names that would drive a terminal, pass for ours or mislead Windows are changed', () => {
    const cases: [string, NodeJS.Platform, string][] = [
      ['..fine', 'linux', '..fine'],
      ['a\\b:c', 'linux', 'a\\b:c'],
      ['line\nfeed\u009b2J', 'linux', 'line_feed_2J'],
      ['.latent-journal.jsonl', 'linux', '_latent-journal.jsonl'],
      ['..\\up?.jpg', 'win32', '.._up_.jpg'],
      ['CON.txt', 'win32', '_CON.txt'],
      ['dots..', 'win32', 'dots._'],
      ['space ', 'win32', 'space_'],
      ['NUL .txt', 'win32', '_NUL .txt'],
      ['nul', 'win32', '_nul'],
      ['Com\u00b9', 'win32', '_Com\u00b9'],
      ['LPT\u00b3.tar.gz', 'win32', '_LPT\u00b3.tar.gz'],
      ['CONIN$', 'win32', '_CONIN$'],
      ['conout$ .log', 'win32', '_conout$ .log'],
      ['COM0', 'win32', '_COM0'],
      ['aux.', 'win32', 'aux_'],
      ['COM10.txt', 'win32', 'COM10.txt'],
      ['nullable.txt', 'win32', 'nullable.txt'],
      ['NUL .txt', 'linux', 'NUL .txt'],
      ['b\udce4r.jpg', 'win32', 'b_r.jpg'],
      ['b\udce4r.jpg', 'linux', 'b\udce4r.jpg'],
      ['photo\u202egpj.exe', 'linux', 'photo_gpj.exe'],
      ['\u2066a\u2069\u202a.jpg', 'darwin', '_a__.jpg'],
      ['\u05e9\u05dc\u05d5\u05dd.jpg', 'linux', '\u05e9\u05dc\u05d5\u05dd.jpg'],
    ]
    for (const [name, platform, expected] of cases) expect(safeName(name, platform)).toBe(expected)
  })

  test.skipIf(process.platform === 'win32')('every name that Unix allows can be sealed and opened', async () => {
    await put(join(plain, 'a\\b\n"c".jpg'), text('odd'))
    expect((await seal()).map(result => result.status)).toEqual(['done'])
    expect((await open()).map(result => result.status)).toEqual(['done'])
    expect(Object.keys(await tree(opened))).toEqual(['a\\b_"c".jpg'])
  })

  test('sealed names stay within 255 bytes and distinct', () => {
    const names = ['x'.repeat(255), `${'x'.repeat(254)}y`, '写'.repeat(85)].map(name => basename(sealedName(name)))
    expect(names.every(name => Buffer.byteLength(name) <= 255)).toBe(true)
    expect(new Set(names).size).toBe(3)
  })

  // Root reads and writes everything: a process of another user is asked instead.
  const asNobody = (script: string, ...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
      encoding: 'utf8',
      ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
    })

  test.skipIf(process.platform === 'win32')(
    'unreadable files fail alone; a read-only target is refused at once',
    async () => {
      await put(join(plain, 'a'), text('a'))
      await put(join(plain, 'secret'), text('b'))
      await chmod(root, 0o755)
      await chmod(join(plain, 'secret'), 0o000)
      await mkdir(sealed)
      await chmod(sealed, 0o777)
      const keys = [toHex(album.key), toHex(album.envelope)]
      const run = asNobody('sealing-process.ts', plain, sealed, ...keys)
      expect([run.status, run.stdout]).toEqual([1, 'begin\nend\n'])
      expect(Object.keys(await tree(sealed))).toEqual(['a.png'])
      await rm(sealed, { recursive: true })
      await mkdir(sealed)
      await chmod(sealed, 0o555)
      const refused = asNobody('sealing-process.ts', plain, sealed, ...keys)
      expect(refused.status).not.toBe(0)
      expect(refused.stderr).toContain('E_IO')
      expect(await readdir(sealed)).toEqual([])
    },
  )

  const canMount = isRoot && process.platform === 'linux' && spawnSync('mount', ['--version']).status === 0
  test.skipIf(!canMount)(
    'a full disk fails what does not fit, keeps what does, and leaves nothing partial',
    async () => {
      await mkdir(sealed)
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', sealed])
      expect(mounted.status).toBe(0)
      try {
        for (const [name, size] of [
          ['a-fits', 100_000],
          ['b-too-big', 400_000],
          ['c-fits', 50_000],
        ] as const)
          await put(join(plain, name), await noise(size, name))
        const results = await seal({ jobs: 1 })
        expect(states(results)).toEqual([
          ['a-fits', 'done'],
          ['b-too-big', 'E_IO'],
          ['c-fits', 'done'],
        ])
        expect(results[1]!.reason).toContain('no space')
        expect(Object.keys(await tree(sealed)).toSorted()).toEqual(['a-fits.png', 'c-fits.png'])
        expect(states(await all(verifyFiles({ inputs: [sealed], keyring: keyring(), flows })))).toContainEqual([
          'a-fits.png',
          'done',
        ])
      } finally {
        spawnSync('umount', [sealed])
      }
    },
  )
})

const data = process.env['LATENT_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const photos = join(data, 'bsds500')
const hasPhotos = await stat(photos).then(
  () => true,
  () => false,
)
const PARTS = LONG ? ['train', 'val', 'test'] : ['train', 'val']
const COUNT = LONG ? 500 : 300
test.skipIf(!hasPhotos)(`${COUNT} photos of BSDS500 come back bit for bit${atLength}`, async () => {
  const { sealingWeights } = await import('@latent/schemes/exact-flow')
  const { openExactFlowPool } = await import('@latent/schemes/exact-flow/node')
  const pool = await openExactFlowPool({ weights: await sealingWeights() })
  const options = { flows: () => Promise.resolve(pool), body: BODIES['exact-flow+aes-256-gcm']! }
  const results = await seal({ ...options, inputs: PARTS.map(name => join(photos, name)), check: false })
  expect(results.length).toBeGreaterThanOrEqual(COUNT)
  await open({ flows: options.flows })
  const [before, after] = [await tree(photos), await tree(opened)]
  const jpegs = Object.keys(before).filter(name => name.endsWith('.jpg') && PARTS.includes(name.split('/')[0]!))
  expect(jpegs.length).toBe(COUNT)
  for (const name of jpegs) expect(after[name]).toBe(before[name])
  await pool.close()
})
