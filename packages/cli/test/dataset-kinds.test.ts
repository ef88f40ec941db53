import { image, sha256Of, toHex } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { drawPicture } from '@latent/data'
import { readImage } from '@latent/data/node'
import { decryptDataSet, encryptDataSet, type Failure } from '@latent/data/encrypted'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere } from './command.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-dataset-kinds-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const at = (...parts: string[]) => join(root, ...parts)
const key = sha256Of(Uint8Array.of(1))
const options = { key, workers: 1 }
const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )
const everything = async (folder: string) => (await readdir(folder, { recursive: true })).sort()

async function put(path: string | Buffer, bytes: Uint8Array | string): Promise<void> {
  if (typeof path === 'string') await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}

let variant = 0
const picture = async () => encodePng(await drawPicture('shapes', 16, 12, variant++))
/**
 * A folder with these files: pictures where the name ends in .png, folders where it ends in a slash, text otherwise.
 */
async function folderOf(name: string, places: readonly string[]): Promise<string> {
  for (const place of places) {
    if (place.endsWith('/')) await mkdir(at(name, place), { recursive: true })
    else
      await put(
        at(name, place),
        place.endsWith('.png') && !/(^|\/)\._/.test(place) ? await picture() : `text of ${place}`,
      )
  }
  return at(name)
}

const manifestOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'latent-dataset.json'), 'utf8')) as {
    complete: boolean
    labels: Record<string, number>
    emptyFolders?: string[]
    files: { file: string; images: number; pixels?: string; exact?: boolean }[]
  }

const latent = (...args: string[]) => latentHere(['dataset', ...args])

/** There and back: what came back must be what was there. */
async function thereAndBack(name: string, source: string, scheme = 'etc') {
  const there = await encryptDataSet(source, at(`${name}-cipher`), { ...options, scheme })
  const back = await decryptDataSet(at(`${name}-cipher`), at(`${name}-plain`), options)
  return { there, back }
}

describe('classes without pictures keep their place, so that labels are numbered alike', () => {
  const classes = async (folder: string) =>
    (await readdir(folder, { withFileTypes: true }))
      .filter(entry => entry.isDirectory())
      .map(({ name }) => name)
      .sort()

  test.each<[string, readonly string[], Record<string, number>]>([
    [
      'the first class of one split',
      ['train/ant/0.png', 'train/bee/0.png', 'val/ant/', 'val/bee/0.png'],
      { 'train/ant': 1, 'train/bee': 1, 'val/ant': 0, 'val/bee': 1 },
    ],
    [
      'every class of a split',
      ['train/a/0.png', 'train/b/0.png', 'test/a/', 'test/b/'],
      { 'train/a': 1, 'train/b': 1, 'test/a': 0, 'test/b': 0 },
    ],
    ['a class in the middle, without splits', ['x/0.png', 'y/', 'z/0.png'], { x: 1, y: 0, z: 1 }],
    ['a class with a caption and no picture', ['x/0.png', 'y/caption.txt'], { x: 1, y: 0 }],
    ['a class of leavings', ['x/0.png', 'y/.DS_Store', 'y/Thumbs.db'], { x: 1, y: 0 }],
    ['a class with empty folders below it', ['s/x/0.png', 's/y/deep/deeper/'], { 's/x': 1, 's/y': 0 }],
  ])('%s', async (name, places, labels) => {
    const source = await folderOf(`empty ${name}`, places)
    const { there, back } = await thereAndBack(`empty ${name}`, source)
    const empty = Object.values(labels).filter(count => count === 0).length
    expect([there.emptyClasses, back.emptyClasses]).toEqual([empty, empty])
    for (const made of ['cipher', 'plain']) {
      expect((await manifestOf(at(`empty ${name}-${made}`))).labels).toEqual(labels)
      for (const folder of new Set(Object.keys(labels).map(place => dirname(place))))
        expect(await classes(at(`empty ${name}-${made}`, folder))).toEqual(await classes(join(source, folder)))
    }
  })

  test('an empty class that an archive dropped on the way is there again after decryption', async () => {
    const source = await folderOf('dropped', ['train/a/0.png', 'train/b/', 'val/a/0.png', 'val/b/0.png', 'later/'])
    await encryptDataSet(source, at('dropped-cipher'), { ...options, scheme: 'etc' })
    expect((await manifestOf(at('dropped-cipher'))).emptyFolders).toEqual(['later', 'train/b'])
    await rm(at('dropped-cipher/train/b'), { recursive: true })
    await rm(at('dropped-cipher/later'), { recursive: true })
    await decryptDataSet(at('dropped-cipher'), at('dropped-plain'), options)
    expect((await everything(at('dropped-plain'))).filter(name => !/\.\w+$/.test(name))).toEqual([
      'later',
      'train',
      'train/a',
      'train/b',
      'val',
      'val/a',
      'val/b',
    ])
  })

  test.each(['../outside', '/tmp/outside', 'a/../../outside', '', 'a//b', 'a/./b'])(
    'a manifest that names the folder %j is refused',
    async place => {
      const source = await folderOf(`hostile ${place.length}`, ['x/0.png', 'y/'])
      const cipher = at(`hostile-cipher-${place.length}`)
      await encryptDataSet(source, cipher, { ...options, scheme: 'etc' })
      const manifest = await readFile(join(cipher, 'latent-dataset.json'), 'utf8')
      await writeFile(
        join(cipher, 'latent-dataset.json'),
        manifest.replace(/"emptyFolders": \[\s*"y"/, `"emptyFolders": [${JSON.stringify(place)}`),
      )
      await expect(decryptDataSet(cipher, at('hostile-plain'), options)).rejects.toMatchObject({ code: 'E_DATA' })
      expect([await exists(at('hostile-plain')), await exists(at('outside'))]).toEqual([false, false])
    },
  )
})

describe('files beside the pictures are listed, or copied if asked for', () => {
  const others = [
    'classes.txt',
    'train/metadata.csv',
    'train/x/0.txt',
    'train/x/0.json',
    'annotations/boxes.xml',
    'README',
    'train/x/features.npy.gz',
  ]

  test('listed by default, in the result and by the command', async () => {
    const source = await folderOf('captions', ['train/x/0.png', ...others])
    const { leftOut, copied, files } = await encryptDataSet(source, at('captions-out'), { ...options, scheme: 'etc' })
    expect({ leftOut: [...leftOut].sort(), copied, files }).toEqual({
      leftOut: [...others].sort(),
      copied: 0,
      files: 1,
    })
    await writeFile(at('captions.key'), toHex(key))
    const { out } = await latent(
      'encrypt',
      source,
      at('captions-out2'),
      '--scheme',
      'etc',
      '--key-file',
      at('captions.key'),
    )
    expect(out).toMatch(/left out: 7 files .*: README, .* and 2 more/)
    const lines = (
      await latent(
        'encrypt',
        source,
        at('captions-out3'),
        '--scheme',
        'etc',
        '--key-file',
        at('captions.key'),
        '--json',
      )
    ).out
      .trimEnd()
      .split('\n')
      .map(
        line =>
          JSON.parse(line) as { leftOut?: string; summary?: { leftOut: number; images: number; seconds: number } },
      )
    expect(lines.flatMap(line => line.leftOut ?? []).sort()).toEqual([...others].sort())
    expect(lines.at(-1)!.summary).toMatchObject({ leftOut: 7, images: 1, seconds: expect.any(Number) })
  })

  test('copied as they are, packed ones too, and back again; a later run without the option keeps them', async () => {
    const source = await folderOf('copied', ['train/x/0.png', ...others])
    const cipher = at('copied-cipher')
    expect(await encryptDataSet(source, cipher, { ...options, scheme: 'etc', copyOthers: true })).toMatchObject({
      copied: 7,
      leftOut: [],
      images: 1,
      files: 8,
    })
    expect(await encryptDataSet(source, cipher, { ...options, scheme: 'etc' })).toMatchObject({
      copied: 7,
      leftOut: [],
      made: 0,
    })
    expect(await decryptDataSet(cipher, at('copied-plain'), options)).toMatchObject({
      copied: 7,
      leftOut: [],
      files: 8,
    })
    for (const place of others)
      for (const folder of [cipher, at('copied-plain')])
        expect(await readFile(join(folder, place), 'utf8')).toBe(`text of ${place}`)
    await writeFile(join(cipher, 'classes.txt'), 'altered')
    const failures: Failure[] = []
    await expect(
      decryptDataSet(cipher, at('copied-again'), { ...options, onFailure: failure => failures.push(failure) }),
    ).rejects.toMatchObject({ code: 'E_HASH' })
    expect(failures.map(({ file, code }) => [file.endsWith('classes.txt'), code])).toEqual([[true, 'E_HASH']])
    expect(await exists(at('copied-again/train/x/0.png'))).toBe(true)
  })

  test('asked for later, they join what is there; foreign files in the encrypted folder are listed alone', async () => {
    const source = await folderOf('joins', ['x/0.png', 'x/0.txt'])
    await encryptDataSet(source, at('joins-cipher'), { ...options, scheme: 'etc' })
    expect(
      await encryptDataSet(source, at('joins-cipher'), { ...options, scheme: 'etc', copyOthers: true }),
    ).toMatchObject({ copied: 1, leftOut: [] })
    await writeFile(at('joins-cipher/notes.md'), 'later')
    expect(await decryptDataSet(at('joins-cipher'), at('joins-plain'), options)).toMatchObject({
      copied: 1,
      leftOut: ['notes.md'],
    })
    expect(await exists(at('joins-plain/notes.md'))).toBe(false)
  })

  test('beside batches and idx files too; pictures beside them are never copied readable', async () => {
    const record = new Uint8Array(3073).map((_, i) => (i === 0 ? 4 : i))
    const places = ['batches.meta.txt', 'readme.html', 'preview/cat/0.png', 'preview/scan.bmp', 'preview/captions.txt']
    const source = await folderOf('beside-batches', places)
    await put(join(source, 'data_batch_1.bin'), record)
    const kept = await encryptDataSet(source, at('beside-cipher'), { ...options, scheme: 'etc', copyOthers: true })
    expect(kept).toMatchObject({ layout: 'cifar', copied: 3, leftOut: ['preview/cat/0.png', 'preview/scan.bmp'] })
    expect((await everything(at('beside-cipher'))).filter(name => /png|bmp/.test(name))).toEqual([])
    expect(await decryptDataSet(at('beside-cipher'), at('beside-plain'), options)).toMatchObject({
      copied: 3,
      leftOut: [],
      compared: 1,
      equal: 1,
    })
    expect(new Uint8Array(await readFile(at('beside-plain/data_batch_1.bin')))).toEqual(record)
  })
})

describe('what no person put there does not count as a picture', () => {
  const leavings = [
    'cat/._0.png',
    'cat/.DS_Store',
    'cat/Thumbs.db',
    'dog/desktop.ini',
    'dog/.ipynb_checkpoints',
    'dog/@eaDir',
    '__MACOSX',
    '.git',
    'cat/._unreadable.bmp',
    'dog/~$list.docx',
    'cat/.nfs0000000000c0ffee',
    '.Trash-1000',
    'Icon\r',
    'dog/ehThumbs_vista.db',
    'lost+found',
  ]
  const inside: Readonly<Record<string, string>> = {
    'dog/.ipynb_checkpoints': '0-checkpoint.png',
    'dog/@eaDir': '0.png/SYNOPHOTO_THUMB_M.png',
    __MACOSX: 'cat/._0.png',
    '.git': 'objects/pack/x.png',
    '.Trash-1000': 'files/old.png',
    'lost+found': '#12.png',
  }

  test('all of them at once: listed, and the set completes and comes back', async () => {
    const source = await folderOf('leavings', [
      'cat/0.png',
      'dog/0.png',
      ...leavings.map(place => (place in inside ? `${place}/${inside[place]}` : place)),
    ])
    await put(join(source, 'cat/._0.png'), Uint8Array.of(0, 5, 22, 7, 0, 2, 0, 0))
    const { there, back } = await thereAndBack('leavings', source)
    expect([...there.leavings].sort()).toEqual([...leavings].sort())
    expect(there).toMatchObject({ images: 2, leftOut: [], emptyClasses: 0 })
    expect(back).toMatchObject({ images: 2, compared: 2, equal: 2, leavings: [] })
    expect((await readdir(at('leavings-cipher'))).sort()).toEqual(['cat', 'dog', 'latent-dataset.json'])
  })

  test('left in the encrypted folder and in the output, they block neither decryption nor a new run', async () => {
    const source = await folderOf('left', ['a/0.png'])
    await put(at('left-cipher/.DS_Store'), 'x')
    await encryptDataSet(source, at('left-cipher'), { ...options, scheme: 'etc' })
    await put(at('left-cipher/a/._0.png'), 'x')
    await put(at('left-cipher/a/.ipynb_checkpoints/0.png'), await picture())
    expect(await decryptDataSet(at('left-cipher'), at('left-plain'), options)).toMatchObject({
      images: 1,
      leavings: ['.DS_Store', 'a/._0.png', 'a/.ipynb_checkpoints'],
    })
  })

  test('a hidden picture that is none of these is a picture', async () => {
    const source = await folderOf('hidden', ['a/.mine.png', 'a/._not.txt', 'a/_under.png'])
    expect(await encryptDataSet(source, at('hidden-out'), { ...options, scheme: 'etc' })).toMatchObject({
      images: 2,
      leavings: ['a/._not.txt'],
    })
  })
})

describe('names', () => {
  test('classes called as parts of every object, names that only look harmless: all are counted right', async () => {
    const classes = [
      'constructor',
      '__proto__',
      'hasOwnProperty',
      'toString',
      'valueOf',
      'CON',
      'nul ',
      'aux.',
      'a:b',
      'x\\y',
      '\u202egnp',
      'naïve',
      'nai\u0308ve',
      '日本',
      '1e3',
      ' ',
      '-rf',
      '$HOME',
      '%2e%2e',
      'a\nb',
    ]
    const source = await folderOf(
      'names',
      classes.flatMap(name => [`${name}/0.png`, `${name}/${name}.png`]),
    )
    const { there, back } = await thereAndBack('names', source)
    expect(there).toMatchObject({ images: 2 * classes.length, failed: 0 })
    expect(back).toMatchObject({ images: 2 * classes.length, equal: 2 * classes.length })
    const { labels } = await manifestOf(at('names-cipher'))
    expect(new Map(Object.entries(labels))).toEqual(new Map(classes.map(name => [name, 2])))
    for (const name of classes)
      expect(await readImage(at('names-plain', name, `${name}.png`))).toEqual(
        await readImage(join(source, name, `${name}.png`)),
      )
  })

  // Other systems do not hold such names.
  test.skipIf(process.platform !== 'linux')('that are no UTF-8: each its own nonce, and back to the byte', async () => {
    const source = at('bytes')
    await mkdir(join(source, 'a'), { recursive: true })
    const strange = Buffer.concat([Buffer.from(join(source, 'b')), Buffer.of(0xe9)])
    await mkdir(strange)
    const files = [0xe9, 0xe8, 0xff].map(byte =>
      Buffer.concat([Buffer.from(join(source, 'a/')), Buffer.of(byte), Buffer.from('.png')]),
    )
    const plain = await picture()
    for (const file of [...files, Buffer.concat([strange, Buffer.from('/0.png')])]) await put(file, plain)
    const { there, back } = await thereAndBack('bytes', source, 'aes-256-ctr')
    expect([there.images, there.failed, back.equal]).toEqual([4, 0, 4])
    const raw = (folder: string) =>
      readdir(folder, { encoding: 'buffer' }).then(names => names.map(name => name.toString('latin1')).sort())
    for (const made of ['cipher', 'plain']) {
      expect(await raw(at(`bytes-${made}`, 'a'))).toEqual(await raw(join(source, 'a')))
      expect((await raw(at(`bytes-${made}`))).filter(name => name.length < 3)).toEqual(['a', 'b\xe9'])
    }
    // One picture under three names: under one nonce, the ciphers would be equal.
    const ciphers = await Promise.all(
      files.map(async file =>
        toHex(
          sha256Of(await readFile(Buffer.from(file.toString('latin1').replace(source, at('bytes-cipher')), 'latin1'))),
        ),
      ),
    )
    expect(new Set(ciphers).size).toBe(3)
  })

  test('escapes in a name do not reach a terminal, and JSON keeps the name', async () => {
    const name = 'a/\u001b[31mred\u001b[0m.png'
    const source = await folderOf('escapes', ['a/0.png', name])
    await writeFile(join(source, name), 'no picture')
    await put(join(source, 'a/\u001b]0;title\u0007.txt'), 'x')
    await writeFile(at('escapes.key'), toHex(key))
    const command = ['encrypt', source, at('escapes-out'), '--scheme', 'etc', '--key-file', at('escapes.key')]
    const { code, out, err } = await latent(...command)
    expect(code).toBe(1)
    // oxlint-disable-next-line no-control-regex
    expect(out + err).not.toMatch(/[\u001b\u0007]/)
    expect(err).toContain('\\x1b[31mred')
    expect(out).toContain('failed: 1 file')
    const lines = (await latent(...command, '--json')).out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { failed?: string; code?: string; summary?: { failed: number } })
    expect(lines.find(line => line.failed !== undefined)).toMatchObject({
      failed: expect.stringContaining('\u001b[31mred'),
      code: 'E_IMAGE',
    })
    expect(lines.at(-1)!.summary).toMatchObject({ failed: 1, images: 2, made: 0 })
  })
})

describe('what is in the way at the output', () => {
  test.each<[string, string, (out: string) => Promise<unknown>]>([
    ['a file of another kind', 'E_EXISTS', out => put(join(out, 'thesis.txt'), 'mine')],
    ['a file instead of the folder', 'E_EXISTS', out => put(out, 'mine')],
    [
      'a manifest that is a link',
      'E_EXISTS',
      async out => (await mkdir(out), symlink(at('elsewhere.json'), join(out, 'latent-dataset.json'))),
    ],
    [
      'a journal that is a link',
      'E_EXISTS',
      async out => (await mkdir(out), symlink(at('elsewhere.jsonl'), join(out, 'latent-dataset.jsonl'))),
    ],
    ['a manifest that is a folder', 'E_EXISTS', out => mkdir(join(out, 'latent-dataset.json'), { recursive: true })],
  ])('%s', async (name, code, spoil) => {
    const source = await folderOf(`way ${name}`, ['a/0.png'])
    const out = at(`way ${name}-out`)
    await spoil(out)
    const seen = async () => ((await lstat(out)).isDirectory() ? everything(out) : readFile(out, 'utf8'))
    const before = await seen()
    await expect(encryptDataSet(source, out, { ...options, scheme: 'etc' })).rejects.toMatchObject({
      name: 'LatentError',
      code,
    })
    expect(await seen()).toEqual(before)
    expect((await exists(at('elsewhere.json'))) || (await exists(at('elsewhere.jsonl')))).toBe(false)
  })

  test('a class folder of the output that became a link is not followed', async () => {
    const source = await folderOf('linked', ['a/0.png', 'b/0.png'])
    await encryptDataSet(source, at('linked-out'), { ...options, scheme: 'etc' })
    await rm(at('linked-out/a'), { recursive: true })
    await mkdir(at('linked-target'))
    await symlink(at('linked-target'), at('linked-out/a'))
    await expect(encryptDataSet(source, at('linked-out'), { ...options, scheme: 'etc' })).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('link'),
    })
    expect(await readdir(at('linked-target'))).toEqual([])
  })

  test("a file of the user's at the place of a picture stays, the others are done", async () => {
    const source = await folderOf('mine', ['a/0.png', 'a/1.png'])
    const out = at('mine-out')
    await put(join(out, 'latent-dataset.json'), '')
    await rm(join(out, 'latent-dataset.json'))
    // As after a run that was killed early, when the user put a file of his own there.
    const broken = await readFile(join(source, 'a/1.png'))
    await writeFile(join(source, 'a/1.png'), 'cut')
    await expect(encryptDataSet(source, out, { ...options, scheme: 'etc' })).rejects.toMatchObject({ code: 'E_IMAGE' })
    await writeFile(join(source, 'a/1.png'), broken)
    await writeFile(join(out, 'a/1.png'), 'mine')
    await expect(encryptDataSet(source, out, { ...options, scheme: 'etc' })).rejects.toMatchObject({ code: 'E_EXISTS' })
    expect(await readFile(join(out, 'a/1.png'), 'utf8')).toBe('mine')
    await rm(join(out, 'a/1.png'))
    expect(await encryptDataSet(source, out, { ...options, scheme: 'etc' })).toMatchObject({ made: 1, failed: 0 })
  })

  test('a picture that a killed run wrote and could not note down is taken over, and the run completes', async () => {
    const source = await folderOf('unnoted', ['a/0.png', 'b/0.png'])
    const out = at('unnoted-out')
    await encryptDataSet(source, out, { ...options, scheme: 'aes-256-ctr' })
    const [manifest, cipher] = [
      JSON.parse(await readFile(join(out, 'latent-dataset.json'), 'utf8')) as Record<string, unknown>,
      await readFile(join(out, 'b/0.png')),
    ]
    const { files, images: _images, labels: _labels, ...header } = manifest
    await writeFile(join(out, 'latent-dataset.json'), JSON.stringify({ ...header, complete: false }))
    await writeFile(join(out, 'latent-dataset.jsonl'), `${JSON.stringify((files as unknown[])[0])}\n{"file":"b/0.p`)
    expect(await encryptDataSet(source, out, { ...options, scheme: 'aes-256-ctr' })).toMatchObject({
      images: 2,
      made: 1,
      failed: 0,
    })
    expect(await readFile(join(out, 'b/0.png'))).toEqual(cipher)
    expect(await manifestOf(out)).toMatchObject({ complete: true })
  })

  test('folders that lie in each other by way of a link', async () => {
    const source = await folderOf('real', ['a/0.png'])
    await symlink(source, at('alias'))
    for (const out of ['alias', 'alias/out', 'alias/new/deep'])
      await expect(encryptDataSet(source, at(out), { ...options, scheme: 'etc' })).rejects.toMatchObject({
        code: 'E_ARGUMENT',
      })
    await expect(encryptDataSet(at('alias'), join(source, 'out'), { ...options, scheme: 'etc' })).rejects.toMatchObject(
      { code: 'E_ARGUMENT' },
    )
    expect(await everything(source)).toEqual(['a', 'a/0.png'])
  })

  test('two runs at once into one folder: one of them works, and nothing is lost', async () => {
    const source = await folderOf(
      'twice',
      Array.from({ length: 30 }, (_, i) => `c${i % 3}/${i}.png`),
    )
    const runs = await Promise.allSettled(
      [0, 1, 2].map(() => encryptDataSet(source, at('twice-out'), { ...options, scheme: 'aes-256-ctr' })),
    )
    const refused = runs.flatMap(run => (run.status === 'rejected' ? [run.reason as unknown] : []))
    expect(refused).toEqual(
      Array.from({ length: 2 }, () =>
        expect.objectContaining({ code: 'E_EXISTS', message: expect.stringContaining('is writing to') }),
      ),
    )
    expect(await decryptDataSet(at('twice-out'), at('twice-plain'), options)).toMatchObject({ images: 30, equal: 30 })
    expect(existsSync(at('twice-out/latent-dataset.lock'))).toBe(false)
  })

  test.skipIf(process.getuid?.() === 0)('an output that cannot be written is refused by code', async () => {
    const source = await folderOf('locked', ['a/0.png'])
    await mkdir(at('locked-parent'))
    chmodSync(at('locked-parent'), 0o500)
    await expect(encryptDataSet(source, at('locked-parent/out'), { ...options, scheme: 'etc' })).rejects.toMatchObject({
      code: 'E_IO',
    })
  })
})

// A mount needs root and the file system's own program.
const CAN_MOUNT =
  process.getuid?.() === 0 &&
  process.platform === 'linux' &&
  ['lowntfs-3g', 'mkfs.ntfs', 'umount'].every(command => spawnSync('which', [command]).status === 0)

describe.skipIf(!CAN_MOUNT)('an output that ignores case', () => {
  /** The folder where it is mounted, or nothing where this machine does not let it be. */
  async function mounted(work: (folder: string) => Promise<void>): Promise<boolean> {
    const [image, folder] = [at('ntfs.img'), at('ntfs')]
    await mkdir(folder, { recursive: true })
    await writeFile(image, '')
    await truncate(image, 48 << 20)
    if (
      spawnSync('mkfs.ntfs', ['-q', '-F', image]).status !== 0 ||
      spawnSync('lowntfs-3g', ['-o', 'ignore_case', image, folder]).status !== 0
    )
      return false
    try {
      await work(folder)
    } finally {
      spawnSync('umount', [folder])
    }
    return true
  }

  test('two classes do not become one, and of two pictures none is lost without a word', async context => {
    const classes = await folderOf('twin-classes', ['Ant/0.png', 'ant/1.png'])
    const pictures = await folderOf('twin-pictures', ['a/x.png', 'a/X.png', 'a/y.png'])
    const able = await mounted(async folder => {
      await expect(
        encryptDataSet(classes, join(folder, 'classes'), { ...options, scheme: 'etc' }),
      ).rejects.toMatchObject({ code: 'E_DATA', message: expect.stringMatching(/ant and Ant|Ant and ant/) })
      expect((await everything(join(folder, 'classes'))).filter(name => name.endsWith('.png'))).toEqual([])
      const failures: Failure[] = []
      await expect(
        encryptDataSet(pictures, join(folder, 'pictures'), {
          ...options,
          scheme: 'aes-256-ctr',
          onFailure: failure => failures.push(failure),
        }),
      ).rejects.toMatchObject({ code: 'E_EXISTS', message: expect.stringContaining('1 of 3') })
      expect(failures.length).toBe(1)
      expect((await readdir(join(folder, 'pictures/a'))).length).toBe(2)
      const plain = await folderOf('no-twins', ['a/x.png', 'b/x.png', 'c/'])
      await encryptDataSet(plain, join(folder, 'plain'), { ...options, scheme: 'etc' })
      expect(await decryptDataSet(join(folder, 'plain'), join(folder, 'back'), options)).toMatchObject({
        equal: 2,
        emptyClasses: 1,
      })
    })
    context.skip(!able, 'this machine does not let NTFS be mounted')
  })
})

test('data draw: the same again changes nothing, and another picture of the name stays', async () => {
  const draw = () => latentHere(['data', 'draw', at('drawn'), '--count', '3', '--width', '32', '--height', '24'])
  expect(await draw()).toMatchObject({ code: 0 })
  const [first] = await everything(at('drawn'))
  expect(await draw()).toMatchObject({ code: 0 })
  await writeFile(at('drawn', first!), 'mine')
  expect(await draw()).toMatchObject({ code: 1, err: expect.stringContaining('E_EXISTS') })
  expect(await readFile(at('drawn', first!), 'utf8')).toBe('mine')
})

describe('whether a picture came back exactly is measured, not taken from the name of the cipher', () => {
  /** Of one value each, which turning in whole or half pixels leaves alone. */
  const flat = (value: number) =>
    encodePng(image({ width: 32, height: 32, channels: 3, format: 'u8', data: new Uint8Array(3072).fill(value) }))
  const vortexKey = JSON.stringify({
    imageSide: 32,
    profileDivisor: 10,
    vortices: [{ centre: [16, 16], radius: 12, profile: Array.from({ length: 13 }, (_, i) => i / 10) }],
  })

  test('a lossy cipher that lost nothing of these is not called lossy; of others it is said how many', async () => {
    await writeFile(at('vortex.json'), vortexKey)
    for (let i = 0; i < 3; i++) await put(at('flat/a', `${i}.png`), flat(40 * i))
    await put(at('mixed/a/0.png'), flat(9))
    await put(at('mixed/a/1.png'), encodePng(await drawPicture('shapes', 32, 32, 5)))
    for (const name of ['flat', 'mixed'])
      expect(
        (
          await latent(
            'encrypt',
            at(name),
            at(`${name}-cipher`),
            '--scheme',
            'vortex-2024',
            '--key-file',
            at('vortex.json'),
          )
        ).code,
      ).toBe(0)
    const exact = await latent('decrypt', at('flat-cipher'), at('flat-plain'), '--key-file', at('vortex.json'))
    expect(exact.code).toBe(0)
    expect(exact.out).not.toContain('lossy')
    expect(
      (await latent('decrypt', at('mixed-cipher'), at('mixed-plain'), '--key-file', at('vortex.json'))).out,
    ).toContain('note: this cipher is lossy; 1 of 2 images came back exactly')
    const [summary] = (
      await latent('decrypt', at('mixed-cipher'), at('mixed-plain'), '--key-file', at('vortex.json'), '--json')
    ).out
      .trimEnd()
      .split('\n')
      .slice(-1)
      .map(line => (JSON.parse(line) as { summary: object }).summary)
    expect(summary).toMatchObject({ images: 2, made: 0, compared: 2, equal: 1, exact: false })
  })

  test('without the tags of this release nothing is claimed', async () => {
    await encryptDataSet(at('flat'), at('untagged'), {
      key: new TextEncoder().encode(vortexKey),
      workers: 1,
      scheme: 'vortex-2024',
    })
    const manifest = await readFile(at('untagged/latent-dataset.json'), 'utf8')
    await writeFile(at('untagged/latent-dataset.json'), manifest.replaceAll(/,\s*"pixels": "[0-9a-f]{64}"/g, ''))
    const { out } = await latent('decrypt', at('untagged'), at('untagged-plain'), '--key-file', at('vortex.json'))
    expect(out).toContain('note: this cipher is lossy; what was decrypted may differ')
  })

  test('an exact cipher that gives something else is an error, not a result', async () => {
    const source = await folderOf('tagged', ['a/0.png', 'a/1.png'])
    await encryptDataSet(source, at('tagged-cipher'), { ...options, scheme: 'etc' })
    const { files, ...manifest } = await manifestOf(at('tagged-cipher'))
    await writeFile(
      at('tagged-cipher/latent-dataset.json'),
      JSON.stringify({
        ...manifest,
        files: files.map((entry, i) => (i === 0 ? { ...entry, pixels: '00'.repeat(32) } : entry)),
      }),
    )
    await expect(decryptDataSet(at('tagged-cipher'), at('tagged-plain'), options)).rejects.toMatchObject({
      code: 'E_HASH',
      message: expect.stringContaining('1 of 2'),
    })
    expect(await readdir(at('tagged-plain/a'))).toEqual(['1.png'])
  })
})

test('a batch that cannot be read again does not end the run; the others are done', async () => {
  const source = at('batches')
  for (const [i, name] of ['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'].entries())
    await put(
      join(source, name),
      new Uint8Array(2 * 3073).map((_, j) => (j % 3073 === 0 ? i : j * (i + 1))),
    )
  await encryptDataSet(source, at('batches-cipher'), { ...options, scheme: 'etc' })
  const bytes = await readFile(at('batches-cipher/data_batch_1.bin'))
  await writeFile(
    at('batches-cipher/data_batch_1.bin'),
    bytes.map((byte, i) => (i === 99 ? byte ^ 1 : byte)),
  )
  const ended: number[] = []
  await expect(
    decryptDataSet(at('batches-cipher'), at('batches-plain'), {
      ...options,
      onEnd: ({ made, failed }) => ended.push(made, failed),
    }),
  ).rejects.toMatchObject({ code: 'E_HASH', message: expect.stringContaining('data_batch_1.bin') })
  expect(ended).toEqual([4, 1])
  expect((await readdir(at('batches-plain'))).filter(name => name.endsWith('.bin')).sort()).toEqual([
    'data_batch_2.bin',
    'test_batch.bin',
  ])
  await writeFile(at('batches-cipher/data_batch_1.bin'), bytes)
  expect(await decryptDataSet(at('batches-cipher'), at('batches-plain'), options)).toMatchObject({
    made: 2,
    images: 6,
    equal: 6,
  })
})

describe('files of an encrypted set that got lost', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['one picture', ['ant/1.png'], []],
    ['the first of all', ['ant/0.png'], []],
    ['a whole class', ['bee/0.png', 'bee/1.png'], ['bee']],
    ['some of each', ['ant/0.png', 'bee/1.png', 'cow/0.png'], []],
    ['a class whose name objects have', ['constructor/0.png'], ['constructor']],
  ])(
    '%s: the others come back, the lost are named, and the run completes when they are there again',
    async (name, lost, folders) => {
      const kept = ['ant/0.png', 'ant/1.png', 'bee/0.png', 'bee/1.png', 'cow/0.png', 'cow/1.png', 'constructor/0.png']
      const plain = await folderOf(`lost ${name}`, kept)
      const [cipher, out] = [at(`lost ${name} cipher`), at(`lost ${name} back`)]
      await encryptDataSet(plain, cipher, { ...options, scheme: 'etc' })
      const copies = new Map<string, Buffer>()
      for (const file of lost) {
        copies.set(file, await readFile(join(cipher, file)))
        await rm(join(cipher, file))
      }
      for (const folder of folders) await rm(join(cipher, folder), { recursive: true })
      const failures: Failure[] = []
      for (const _ of ['first', 'again']) {
        failures.length = 0
        await expect(
          decryptDataSet(cipher, out, { ...options, onFailure: failure => failures.push(failure) }),
        ).rejects.toMatchObject({
          code: 'E_DATA',
          message: expect.stringMatching(new RegExp(`^${lost.length} of 7 files .*manifest lists it`)),
        })
        expect(failures.map(({ file }) => lost.find(one => file.endsWith(one)))).toEqual(lost)
      }
      const same = async (file: string) =>
        expect(await readImage(join(out, file))).toEqual(await readImage(join(plain, file)))
      for (const file of lost) expect(await exists(join(out, file))).toBe(false)
      for (const file of kept.filter(file => !lost.includes(file))) await same(file)
      expect((await manifestOf(out).catch(() => undefined))?.complete ?? false).toBe(false)
      for (const [file, bytes] of copies) await put(join(cipher, file), bytes)
      expect(await decryptDataSet(cipher, out, options)).toMatchObject({ made: lost.length, failed: 0, images: 7 })
      for (const file of kept) await same(file)
    },
  )
})
