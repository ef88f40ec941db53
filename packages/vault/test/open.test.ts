import { sha256Of, toHex } from '@latent/core'
import { onDisk } from '@latent/core/node'
import { spawnSync } from 'node:child_process'
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { isMainThread } from 'node:worker_threads'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Album,
  carrierSize,
  collect,
  inspectSealed,
  type Keyring,
  type Metadata,
  openSealed,
  pixelBytes,
  readCarrier,
  type SealOptions,
  streamOf,
  writeCarrier,
} from '../src/index.ts'
import { type FileResult, openFiles, type OpenRun } from '../src/node/index.ts'
import { png, pngChunk, rows } from './conformance/craft.ts'
import { BODIES, flows, noise, sealBytes, testAlbum, text } from './fixtures.ts'

let album: Album
let keyring: () => Keyring
let root: string
let [sealed, opened] = ['', '']
// Where tests run in threads (mutants), which have no mask of their own, the process has the usual one.
const umask = isMainThread ? process.umask(0o022) : undefined
beforeAll(async () => {
  ;({ album, keyring } = await testAlbum())
  root = await mkdtemp(join(tmpdir(), 'latent-open-'))
})
afterAll(async () => {
  if (umask !== undefined) process.umask(umask)
  await rm(root, { recursive: true, force: true })
})
beforeEach(async () => {
  await rm(root, { recursive: true, force: true })
  ;[sealed, opened] = [join(root, 'sealed'), join(root, 'opened')]
  await mkdir(sealed, { recursive: true })
})

/** Seals bytes under any metadata and puts the file where a cloud might. */
async function put(
  path: string,
  bytes: Uint8Array,
  metadata: Partial<Metadata> = {},
  options: Partial<SealOptions> = {},
): Promise<string> {
  const target = join(sealed, path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(
    target,
    await sealBytes(bytes, album, {
      metadata: { name: 'photo.jpg', type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000, ...metadata },
      ...options,
    }),
  )
  return target
}

async function open(options: Partial<OpenRun> = {}): Promise<FileResult[]> {
  const list: FileResult[] = []
  for await (const result of openFiles({ inputs: [sealed], output: opened, keyring: keyring(), flows, ...options }))
    list.push(result)
  return list.toSorted((a, b) => (a.source < b.source ? -1 : 1))
}
const states = (results: readonly FileResult[]) => results.map(({ status, code }) => code ?? status)
const names = async (folder = opened) => (await readdir(folder, { recursive: true })).toSorted()
const content = (path: string) => readFile(join(opened, path), 'utf8')

describe('what is there already', () => {
  const bytes = text('the very same bytes')
  beforeEach(async () => {
    await put('a.png', bytes, { modified: 1_714_903_811_600 })
    await open()
  })

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['nothing', async () => undefined],
    ['its time is coarser', path => utimes(path, 1_714_903_810, 1_714_903_810)],
    ['its time is another altogether', path => utimes(path, 1, 1)],
    ['its permissions changed', path => chmod(path, 0o444)],
    ['it has a second name', path => link(path, join(root, 'second'))],
  ])('is skipped where %s happened to it', async (_, change) => {
    await change(join(opened, 'photo.jpg'))
    expect(await open()).toMatchObject([{ status: 'skipped', reason: 'opened before and unchanged' }])
    expect(await names()).toEqual(['photo.jpg'])
  })

  const keepingTime = async (path: string, change: () => Promise<unknown>) => {
    const { atime, mtime } = await stat(path)
    await change()
    await utimes(path, atime, mtime)
  }
  test.each<[string, (path: string) => Promise<unknown>]>([
    ['zeros of the same size and time', path => keepingTime(path, () => writeFile(path, new Uint8Array(bytes.length)))],
    [
      'one other bit, same size and time',
      path =>
        keepingTime(path, () =>
          writeFile(
            path,
            bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
          ),
        ),
    ],
    ['half of it', path => keepingTime(path, () => writeFile(path, bytes.subarray(0, 9)))],
    ['nothing in it', path => keepingTime(path, () => writeFile(path, ''))],
    ['more behind it', path => keepingTime(path, () => writeFile(path, `${new TextDecoder().decode(bytes)}!`))],
  ])('is no opened file with %s: told, kept, and replaced when that is asked for', async (_, change) => {
    const path = join(opened, 'photo.jpg')
    await change(path)
    const before = await readFile(path)
    expect(states(await open())).toEqual(['E_EXISTS'])
    expect(await readFile(path)).toEqual(before)
    expect(states(await open({ force: true }))).toEqual(['done'])
    expect(await readFile(path)).toEqual(Buffer.from(bytes))
  })

  test('a link or a folder in its place is neither followed nor replaced, forced or not', async () => {
    const outside = join(root, 'outside')
    await writeFile(outside, 'mine')
    for (const make of [(path: string) => symlink(outside, path), (path: string) => mkdir(path)]) {
      await rm(opened, { recursive: true })
      await mkdir(opened)
      await make(join(opened, 'photo.jpg'))
      expect(states(await open())).toEqual(['E_EXISTS'])
      expect(states(await open({ force: true }))).toEqual(['E_EXISTS'])
      expect(await readFile(outside, 'utf8')).toBe('mine')
    }
  })
})

test.each(Object.entries(BODIES))(
  '%s: the hash that was sealed is had without opening what comes before it',
  async (_, body) => {
    // Sizes that put the hash into the first chunk, the last, across two, and in front of chunks of padding.
    for (const size of [0, 5, 4096 - 128 - 32, 4096 - 128 - 16, 4096 - 128, 20_000, 40_001]) {
      for (const padding of ['none', 'padme'] as const) {
        const bytes = await noise(size, 'hash')
        const file = await openSealed(
          streamOf(await sealBytes(bytes, album, { body, chunk: 4096, padding }), 1000),
          keyring(),
          flows,
        )
        expect(toHex(await file.sha256())).toBe(toHex(sha256Of(bytes)))
      }
    }
  },
)

test('the hash of a file that is damaged in its last chunk, or cut, is an error', async () => {
  const file = await sealBytes(await noise(60_000, 'hash'), album, { chunk: 4096 })
  const hash = async (bytes: Uint8Array) => (await openSealed(streamOf(bytes, 1000), keyring(), flows)).sha256()
  await expect(hash(file.map((byte, i) => (i === file.length - 60 ? byte ^ 1 : byte)))).rejects.toMatchObject({
    code: 'E_CHUNK',
  })
  await expect(hash(file.subarray(0, 50_000))).rejects.toMatchObject({ code: 'E_TRUNCATED' })
})

describe.skipIf(process.platform === 'win32')('permissions', () => {
  test.each([
    [undefined, 0o600],
    [0o600, 0o600],
    [0o640, 0o640],
    [0o644, 0o644],
    [0o400, 0o400],
    [0o755, 0o755],
    [0o666, 0o644],
    [0o777, 0o755],
  ])('%s comes back, less what the umask takes', async (mode, expected) => {
    await put('a.png', text('x'), mode === undefined ? {} : { mode })
    expect(states(await open())).toEqual(['done'])
    expect((await stat(join(opened, 'photo.jpg'))).mode & 0o7777).toBe(expected)
  })

  test('nobody else can read what is being written, at any moment', async () => {
    await put('a.png', await noise(3_000_000, 'private'), {}, { chunk: 65_536 })
    const seen = new Set<number>()
    let looking = Promise.resolve()
    await open({
      watcher: {
        progress: () => {
          looking = looking.then(async () => {
            for (const name of await readdir(opened).catch(() => []))
              seen.add((await stat(join(opened, name)).catch(() => ({ mode: 0o600 }))).mode & 0o777)
          })
        },
      },
    })
    await looking
    expect([...seen]).toEqual([0o600])
  })
})

describe('places', () => {
  test('a link in the place of a subfolder is not followed out of the output', async () => {
    const outside = join(root, 'outside')
    await mkdir(outside)
    await put('trip/a.png', text('x'))
    await put('deep/er/a.png', text('x'))
    await put('fine/a.png', text('x'))
    await mkdir(join(opened, 'deep'), { recursive: true })
    await symlink(outside, join(opened, 'trip'))
    await symlink('../../outside', join(opened, 'deep', 'er'))
    const results = await open()
    expect(states(results)).toEqual(['E_IO', 'done', 'E_IO'])
    expect(results[0]!.reason).toContain('link')
    expect(await readdir(outside)).toEqual([])
    expect(states(await open({ force: true }))).toEqual(['E_IO', 'done', 'E_IO'])
    expect(await readdir(outside)).toEqual([])
  })

  test('an output that is itself a link was named by the user', async () => {
    await put('a.png', text('x'))
    await mkdir(join(root, 'real'))
    await symlink('real', opened)
    expect(states(await open())).toEqual(['done'])
    expect(await names(join(root, 'real'))).toEqual(['photo.jpg'])
  })

  test('a sealed file that would be opened over itself or another is kept', async () => {
    const path = await put('photo.jpg', text('x'))
    await put('b.png', text('y'), { name: 'photo.jpg' })
    const before = await readFile(path)
    expect(states(await open({ output: sealed, force: true }))).toEqual(['E_EXISTS', 'E_EXISTS'])
    expect(await readFile(path)).toEqual(before)
  })

  const canMount =
    process.getuid?.() === 0 && process.platform === 'linux' && spawnSync('mount', ['--version']).status === 0
  const mounted = async (type: readonly string[], work: () => Promise<void>) => {
    await mkdir(opened, { recursive: true })
    expect(spawnSync('mount', [...type, opened]).status).toBe(0)
    try {
      await work()
    } finally {
      spawnSync('umount', [opened])
    }
  }

  test.skipIf(!canMount)('a read-only target is called read-only', async () => {
    await put('a.png', text('x'))
    await put('sub/b.png', text('x'))
    await mounted(['-t', 'tmpfs', '-o', 'ro', 'tmpfs'], async () => {
      for (const output of [opened, join(opened, 'new'), join(opened, 'new', 'folder')]) {
        const reasons = await open({ output }).then(
          results => results.map(({ reason }) => reason!),
          (error: Error) => [error.message],
        )
        expect(reasons.length).toBeGreaterThan(0)
        for (const reason of reasons) expect(reason).toContain('the file system is read-only')
      }
    })
  })

  test.skipIf(!canMount)('a full disk fails what does not fit and leaves nothing partial', async () => {
    for (const [name, size] of [
      ['a', 100_000],
      ['b', 400_000],
      ['c', 50_000],
    ] as const)
      await put(`${name}.png`, await noise(size, name), { name })
    await mounted(['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs'], async () => {
      const results = await open({ jobs: 1 })
      expect(states(results)).toEqual(['done', 'E_IO', 'done'])
      expect(results[1]!.reason).toContain('no space is left')
      expect(await names()).toEqual(['a', 'c'])
    })
  })

  test.skipIf(!canMount)('times far out of the ordinary come back, or their loss is told', async () => {
    const times = [
      -(2 ** 40),
      -1,
      0,
      253_402_300_800_000,
      8_640_000_000_000_000,
      8_640_000_000_000_001,
      9_000_000_000_000_000,
      Number.MAX_SAFE_INTEGER,
      -8_640_000_000_000_001,
      Number.MIN_SAFE_INTEGER,
    ]
    for (const [i, modified] of times.entries()) await put(`${i}.png`, text('x'), { name: `${i}`, modified })
    await mounted(['-t', 'tmpfs', 'tmpfs'], async () => {
      const results = await open()
      expect(states(results)).toEqual(times.map(() => 'done'))
      for (const [i, modified] of times.entries()) {
        const { mtimeMs } = await stat(join(opened, `${i}`))
        const kept = Math.abs(mtimeMs - modified) <= 2000
        expect([modified, kept]).toEqual([modified, !results[i]!.note?.includes('time')])
      }
      // Times after 1970 are all within what this file system holds.
      expect(results.slice(2, 8).map(({ note }) => note)).toEqual(Array(6).fill(undefined))
    })
  })
})

describe('names', () => {
  test.skipIf(process.platform !== 'linux')('that are no UTF-8 come back to the byte', async () => {
    const raw = [
      'b\udce4r.jpg',
      'f\udcfcr\udcff',
      '\udc8e\udcca\udc90^.jpg',
      'caf\u00e9 caf\udce9',
      '\udcc1'.repeat(100),
    ]
    for (const [i, name] of raw.entries()) await put(`${i}.png`, text(name), { name })
    const results = await open()
    expect(results.map(({ status, note }) => [status, note])).toEqual(raw.map(() => ['done', undefined]))
    for (const name of raw) expect(await readFile(onDisk(join(opened, name)))).toEqual(Buffer.from(text(name)))
    expect(states(await open())).toEqual(raw.map(() => 'skipped'))
  })

  test('of folders that spell out a way to another one lead nowhere', async () => {
    const hostile = ['%2E%2E~bytes', '%2e%2e%2fup~bytes', 'a%2F..%2F..%2Fb~bytes', '%2E~bytes', '%00~bytes', '~bytes']
    for (const [i, folder] of hostile.entries()) await put(join(folder, 'x.png'), text(`${i}`), { name: `${i}` })
    await put(join('f%FCr~bytes', 'x.png'), text('für'))
    const results = await open({ output: join(opened, 'deep', 'er') })
    expect(states(results)).toEqual(results.map(() => 'done'))
    expect(results.length).toBe(7)
    expect(await readdir(root)).toEqual(['opened', 'sealed'])
    expect(await readdir(opened)).toEqual(['deep'])
    expect(await readdir(join(opened, 'deep'))).toEqual(['er'])
    expect(
      await readFile(
        Buffer.concat([Buffer.from(`${opened}/deep/er/f`), Buffer.of(0xfc), Buffer.from('r/photo.jpg')]),
        'utf8',
      ),
    ).toBe('für')
  })

  test('that would mislead are changed, and that is told', async () => {
    await put('a.png', text('x'), { name: 'invoice\u202egpj.exe' })
    await put('b.png', text('x'), { name: 'a\u001b[2J.jpg' })
    await put('c.png', text('x'), { name: '.latent-journal.jsonl' })
    const results = await open()
    expect(await names()).toEqual(['_latent-journal.jsonl', 'a_[2J.jpg', 'invoice_gpj.exe'])
    for (const { note } of results) expect(note).toContain('written as ')
    expect(states(await open())).toEqual(['skipped', 'skipped', 'skipped'])
  })

  test('of one folder that are the same are kept apart, again and again', async () => {
    for (const n of [1, 2, 3]) await put(`${n}.png`, text(`${n}`))
    await open()
    expect(await names()).toEqual(['photo (2).jpg', 'photo (3).jpg', 'photo.jpg'])
    for (let run = 0; run < 5; run++) expect(states(await open())).toEqual(['skipped', 'skipped', 'skipped'])
    expect((await Promise.all((await names()).map(content))).toSorted()).toEqual(['1', '2', '3'])
  })

  test('of 255 bytes are kept apart too', async () => {
    const name = `${'é'.repeat(125)}.jpeg`
    for (const n of [1, 2]) await put(`${n}.png`, text(`${n}`), { name })
    expect(states(await open())).toEqual(['done', 'done'])
    expect((await names()).map(found => Buffer.byteLength(found) <= 255 && found.endsWith('.jpeg'))).toEqual([
      true,
      true,
    ])
  })

  test.each([
    'photo (1).jpg.png',
    'photo.jpg.sync-conflict-20240505-101011-ABCDEFG.png',
    "photo.jpg (Anna's conflicted copy 2024-05-05).png",
    'photo.jpg-DESKTOP-1.png',
    'Copy of photo.jpg.png',
  ])('%s, a copy of the same, is opened once', async copy => {
    const original = await put('photo.jpg.png', text('one picture'))
    await writeFile(join(sealed, copy), await readFile(original))
    expect(states(await open()).toSorted()).toEqual(['done', 'skipped'])
    expect(await names()).toEqual(['photo.jpg'])
    await put(copy, text('another picture'))
    expect(states(await open()).toSorted()).toEqual(['done', 'skipped'])
    expect(await Promise.all((await names()).map(content))).toEqual(['another picture', 'one picture'])
  })

  // File systems that hold names to be one which differ in case, and refuse some characters and all bytes that are no
  // text.
  const mounts = {
    NTFS: [
      ['mkfs.ntfs', '-q', '-F'],
      ['lowntfs-3g', '-o', 'ignore_case,windows_names'],
    ],
    exFAT: [['mkfs.exfat'], ['mount.exfat-fuse']],
  } as const
  const isThere = ([[make], [mount]]: (typeof mounts)[keyof typeof mounts]) =>
    process.getuid?.() === 0 &&
    spawnSync('which', [make, mount, 'losetup']).status === 0 &&
    spawnSync('test', ['-e', '/dev/fuse']).status === 0
  describe.each(Object.entries(mounts))('%s', (_, commands) => {
    test.skipIf(!isThere(commands))('that it takes for one, or cannot hold, lose no file', () =>
      onImage(commands, losesNothing),
    )
  })

  async function onImage(
    [[make, ...makeOptions], [mount, ...mountOptions]]: (typeof mounts)[keyof typeof mounts],
    work: () => Promise<void>,
  ): Promise<void> {
    await mkdir(opened)
    const image = join(root, 'image')
    spawnSync('truncate', ['-s', '24M', image])
    expect(spawnSync(make, [...makeOptions, image]).status).toBe(0)
    const device = spawnSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).stdout.trim()
    try {
      expect(spawnSync(mount, [...mountOptions, device, opened]).status).toBe(0)
      await work()
    } finally {
      spawnSync('umount', [opened])
      spawnSync('losetup', ['-d', device])
    }
  }

  async function losesNothing(): Promise<void> {
    const given = ['IMG.JPG', 'img.jpg', 'Img.jpg', 'what?.jpg', 'a:b.jpg', 'NUL .txt', 'dots..', 'b\udce4r.jpg']
    for (const [i, name] of given.entries()) await put(`${i}.png`, text(`content ${i}`), { name })
    for (const force of [false, true, false]) {
      const results = await open({ force })
      expect(results.filter(({ status }) => status === 'failed')).toEqual([])
      const back = await Promise.all((await names()).map(content))
      expect(back.toSorted()).toEqual(given.map((_, i) => `content ${i}`))
    }
    expect(new Set(states(await open()))).toEqual(new Set(['skipped']))
  }
})

describe('salvage', () => {
  const flip = async (path: string, at: number) => {
    const bytes = await readFile(path)
    bytes[at < 0 ? bytes.length + at : at]! ^= 1
    await writeFile(path, bytes)
  }
  const salvage = () => open({ salvage: true })

  test('names what is whole as it is called, and what is not by its own name', async () => {
    await put('whole.png', text('whole'), { name: 'whole.jpg' })
    await flip(
      await put('renamed by the cloud.png', await noise(20_000, 'a'), { name: 'IMG_1.HEIC' }, { chunk: 4096 }),
      12_000,
    )
    await flip(await put('sub/plain.png', await noise(20_000, 'b'), { name: 'plain' }, { chunk: 4096 }), 12_000)
    const results = await salvage()
    expect(results.map(({ status, code }) => [status, code])).toEqual([
      ['salvaged', 'E_CHUNK'],
      ['salvaged', 'E_CHUNK'],
      ['done', undefined],
    ])
    expect(await names()).toEqual(['IMG_1.salvaged.HEIC', 'sub', 'sub/plain.salvaged', 'whole.jpg'])
    expect(states(await salvage())).toEqual(['E_CHUNK', 'E_CHUNK', 'skipped'])
    expect(await names()).toEqual(['IMG_1.salvaged.HEIC', 'sub', 'sub/plain.salvaged', 'whole.jpg'])
  })

  test('an empty file of which nothing is intact is not made up', async () => {
    for (const [name, options] of [
      ['a.png', {}],
      ['b.png', { chunk: 4096 }],
      ['c.png', { chunk: 128 }],
    ] as const) {
      const path = await put(name, new Uint8Array(0), { name: 'empty.txt' }, options)
      // The first byte behind the header, in a file of one block.
      const { geometry, headerSize } = await inspectSealed(streamOf(await readFile(path)))
      await flip(path, 49 + headerSize + Math.floor(headerSize / (geometry.width * 3)))
    }
    const results = await salvage()
    expect(results[0]).toMatchObject({
      status: 'failed',
      code: 'E_CHUNK',
      reason: 'nothing of the file inside is intact',
    })
    expect(results[1]).toMatchObject({
      status: 'failed',
      code: 'E_CHUNK',
      reason: 'nothing of the file inside is intact',
    })
    expect(results[2]).toMatchObject({ status: 'failed', code: 'E_CHUNK' })
    expect(await names().catch(() => [])).toEqual([])
  })

  test.each([1, 96, 97, 300, 1000])(
    'a file of %i bytes that lost its metadata alone is not said to be whole',
    async size => {
      const bytes = await noise(size, 'metadata')
      const path = await put('name of the cloud.png', bytes, {}, { chunk: 128 })
      const { geometry, headerSize } = await inspectSealed(streamOf(await readFile(path)))
      await flip(path, 49 + headerSize + Math.floor(headerSize / (geometry.width * 3)))
      expect(await salvage()).toMatchObject([
        {
          status: 'salvaged',
          code: 'E_CHUNK',
          reason: 'the first chunk is gone, and with it the name and exact size',
          missingBytes: [],
        },
      ])
      expect(await names()).toEqual(['name of the cloud.salvaged'])
      expect((await readFile(join(opened, 'name of the cloud.salvaged'))).subarray(0, size).equals(bytes)).toBe(true)
    },
  )

  test('takes names of any length', async () => {
    const long = `${'写'.repeat(83)}.jpg`
    expect(Buffer.byteLength(long)).toBe(253)
    await flip(await put('long.png', await noise(20_000, 'a'), { name: long }, { chunk: 4096 }), 12_000)
    expect(states(await salvage())).toEqual(['E_CHUNK'])
    const [name] = await names()
    expect(name).toMatch(/^写+\.salvaged\.jpg$/)
    expect(Buffer.byteLength(name!)).toBeLessThanOrEqual(255)
  })

  test.each<[string, (bytes: Buffer, header: number) => Buffer]>([
    [
      'every chunk is damaged',
      (bytes, header) => Buffer.from(bytes.map((byte, i) => (i > 60 + header && i % 100 === 0 ? byte ^ 1 : byte))),
    ],
    ['it ends behind its header', (bytes, header) => bytes.subarray(0, 60 + header)],
    ['it ends inside its first chunk', (bytes, header) => bytes.subarray(0, 1000 + header)],
    [
      'its body is zeros',
      (bytes, header) => Buffer.concat([bytes.subarray(0, 60 + header), Buffer.alloc(bytes.length - 60 - header)]),
    ],
    ['it ends inside its header', bytes => bytes.subarray(0, 300)],
  ])('writes no file where nothing is intact: %s', async (_, damage) => {
    const path = await put('a.png', await noise(20_000, 'a'), {}, { chunk: 4096 })
    const bytes = await readFile(path)
    const { headerSize } = await inspectSealed(streamOf(bytes))
    await writeFile(path, damage(bytes, headerSize))
    expect(await salvage()).toMatchObject([
      { status: 'failed', code: expect.stringMatching(/^E_(CHUNK|TRUNCATED|HEADER)$/) as string },
    ])
    expect(await names().catch(() => [])).toEqual([])
  })

  test('of a file whose header alone was altered is the whole file, under its name', async () => {
    const path = await put('a.png', text('all of it'))
    const at = (await readFile(path)).indexOf('mac ') + 4
    const bytes = await readFile(path)
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30
    await writeFile(path, bytes)
    expect(states(await open())).toEqual(['E_HEADER'])
    expect(await salvage()).toMatchObject([
      { status: 'done', note: expect.stringContaining('nothing of the file inside is missing') as string },
    ])
    expect(await content('photo.jpg')).toBe('all of it')
  })

  test('of a file whose last chunks were cut off, and whose picture was made anew, says so', async () => {
    const plain = await noise(20_000, 'cut')
    const path = await put('a.png', plain, {}, { chunk: 4096 })
    const carrier = await readCarrier(streamOf(await readFile(path)))
    const pixels = await collect(carrier.pixels)
    const { headerSize } = await inspectSealed(streamOf(await readFile(path)))
    const body = 3 * (4096 + 16)
    const geometry = { width: headerSize + body, height: 1 }
    await writeFile(
      path,
      await collect(
        writeCarrier(
          { ...geometry, width: Math.floor((headerSize + body) / 3) },
          streamOf(pixels.subarray(0, 3 * Math.floor((headerSize + body) / 3))),
        ),
      ),
    )
    const [result] = await salvage()
    expect(result).toMatchObject({ status: 'salvaged' })
    const back = await readFile(join(opened, 'photo.salvaged.jpg'))
    expect(back).toEqual(Buffer.from(plain.subarray(0, back.length)))
    expect(result!.missingBytes).toEqual([[back.length, 20_000]])
  })

  test('reports missing bytes within the file, wherever they are', async () => {
    const plain = await noise(20_000, 'where')
    for (let chunk = 0; chunk < 5; chunk++) {
      const path = await put('a.png', plain, {}, { chunk: 4096 })
      const { headerSize, geometry } = await inspectSealed(streamOf(await readFile(path)))
      const pixel = headerSize + chunk * 4112 + 100
      await flip(path, 49 + pixel + Math.floor(pixel / (geometry.width * 3)))
      const [told] = await open()
      const [from, to] = [Math.max(0, chunk * 4096 - 128), Math.min(20_000, (chunk + 1) * 4096 - 128)]
      expect(told!.reason).toContain(`(bytes ${from} to ${to - 1} of the file inside)`)
      const [result] = await salvage()
      expect(result!.missingBytes).toEqual([[from, to]])
      await rm(opened, { recursive: true })
    }
  })
})

test('damage to padding or hash alone is not placed inside the file', async () => {
  const path = await put('a.png', await noise(4096 - 128, 'padding'), {}, { chunk: 4096 })
  const bytes = await readFile(path)
  bytes[bytes.length - 40]! ^= 1
  await writeFile(path, bytes)
  expect((await open())[0]!.reason).toBe(
    'chunk 2 of 2 is damaged (it holds no bytes of the file inside, but its hash or padding)',
  )
  expect(await open({ salvage: true })).toMatchObject([{ status: 'done', target: join(opened, 'photo.jpg') }])
  expect(await readFile(join(opened, 'photo.jpg'))).toEqual(Buffer.from(await noise(4096 - 128, 'padding')))
})

describe('ordinary PNGs that are broken', () => {
  const raw = rows(
    new Uint8Array(60 * 40 * 3).fill(90).map((_, i) => i % 251),
    60 * 3,
    3,
    y => y % 5,
  )
  const ordinary = () => png({ width: 60, height: 40, raw })
  const header = ordinary().subarray(0, 33)

  test.each<[string, () => Uint8Array]>([
    ['cut behind its header', () => ordinary().subarray(0, 70)],
    ['without image data', () => Buffer.concat([header, pngChunk('IEND')])],
    [
      'with image data that are no deflate',
      () => Buffer.concat([header, pngChunk('IDAT', text('x'.repeat(500))), pngChunk('IEND')]),
    ],
    [
      'with one row of image data cut in the middle',
      () => Buffer.concat([header, pngChunk('IDAT', deflateSync(raw.subarray(0, 100))), pngChunk('IEND')]),
    ],
    [
      'with a chunk longer than the file',
      () => Buffer.concat([header, Uint8Array.of(0x7f, 255, 255, 255), text('tEXt'), new Uint8Array(200)]),
    ],
    ['with filter 77', () => png({ width: 60, height: 40, raw: raw.map((byte, i) => (i === 0 ? 77 : byte)) })],
    ['with an IEND in front', () => Buffer.concat([header, pngChunk('IEND'), ordinary().subarray(33)])],
  ])('%s are not called sealed files', async (_, make) => {
    const path = join(sealed, 'holiday.png')
    await writeFile(path, make())
    for (const salvage of [false, true]) {
      const [result] = await open({ salvage })
      expect(result).toMatchObject({
        status: 'failed',
        code: expect.stringMatching(/^E_(NOT_SEALED|REENCODED)$/) as string,
      })
      expect(`${result!.reason} ${result!.hint}`).not.toMatch(/this sealed file|salvage/)
    }
    expect(await names().catch(() => [])).toEqual([])
  })

  test('and those that end before anyone can tell are not called so either', async () => {
    const ours = await readFile(await put('ours.png', text('x')))
    for (const bytes of [ours.subarray(0, 8), ours.subarray(0, 20), ours.subarray(0, 45), ours.subarray(0, 62)]) {
      await rm(sealed, { recursive: true })
      await mkdir(sealed)
      await writeFile(join(sealed, 'cut.png'), bytes)
      const [result] = await open()
      expect(result).toMatchObject({
        code: 'E_TRUNCATED',
        reason: 'this PNG ends too early to tell whether it was sealed',
      })
    }
  })

  test('a sealed file that another program compressed, and that was cut, is a sealed file', async () => {
    const bytes = await readFile(await put('a.png', await noise(5000, 'x')))
    const carrier = await readCarrier(streamOf(bytes))
    const { width, height } = carrier.geometry
    const again = png({ width, height, raw: rows(await collect(carrier.pixels), width * 3, 3) })
    await writeFile(join(sealed, 'a.png'), again.subarray(0, 4000))
    expect(await open()).toMatchObject([
      {
        code: 'E_TRUNCATED',
        reason: 'this sealed file ends too early',
        hint: expect.stringContaining('--salvage') as string,
      },
    ])
    expect(carrierSize(carrier.geometry)).toBe(bytes.length)
    expect(pixelBytes(carrier.geometry)).toBe(width * height * 3)
  })
})

test('limits come with a hint', async () => {
  const bytes = await readFile(await put('a.png', text('x')))
  for (const [width, height] of [
    [2 ** 24 + 1, 1],
    [2 ** 24, 2 ** 31 - 1],
  ] as const) {
    bytes.writeUInt32BE(width, 16)
    bytes.writeUInt32BE(height, 20)
    await writeFile(join(sealed, 'a.png'), bytes)
    expect(await open()).toMatchObject([
      { code: 'E_LIMIT', hint: expect.stringContaining('nothing in it to open') as string },
    ])
  }
})

test('a file of a folder that is called like a sealed one, and is none, is not passed over in silence', async () => {
  await writeFile(join(sealed, 'zeroed.jpg.png'), new Uint8Array(5000))
  await writeFile(join(sealed, 'notes.txt'), 'hello')
  expect((await open()).map(({ status, code }) => [status, code])).toEqual([
    ['skipped', 'E_NOT_SEALED'],
    ['failed', 'E_NOT_SEALED'],
  ])
  expect((await lstat(join(sealed, 'zeroed.jpg.png'))).size).toBe(5000)
})
