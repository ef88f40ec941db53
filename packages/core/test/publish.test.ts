import * as fs from 'node:fs'
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
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LatentError } from '../src/index.ts'
import {
  Destination,
  isTemporary,
  machine,
  onDisk,
  pathFromBytes,
  publish,
  publishNow,
  removeStale,
} from '../src/node/index.ts'

/** What the file system answers in place of a link, a flush. */
const refused = vi.hoisted((): { link?: string; flush?: string } => ({}))
vi.mock(import('node:fs'), async original => {
  const real = await original()
  const linkSync: typeof real.linkSync = (from, to) => {
    if (refused.link !== undefined) throw Object.assign(new Error(refused.link), { code: refused.link })
    real.linkSync(from, to)
  }
  const fsync = (file: number, tell: fs.NoParamCallback) => {
    const code = refused.flush
    if (code === undefined) real.fsync(file, tell)
    else tell(Object.assign(new Error(code), { code }))
  }
  return { ...real, linkSync, fsync, default: { ...real, linkSync, fsync } } as never
})

const root = fs.mkdtempSync(join(tmpdir(), 'latent-publish-'))
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'x'))
})
afterEach(() => {
  delete refused.link
  delete refused.flush
})
afterAll(() => rm(root, { recursive: true, force: true }))

const at = (...names: string[]) => join(folder, ...names)
const bytes = (text: string) => [new TextEncoder().encode(text)]
const read = (path: string) => readFile(path, 'utf8')

// Linux says EPERM for exFAT, SMB servers ENOTSUP or ENOSYS, a full table of links EMLINK.
describe.each([undefined, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EACCES'])('where a link gives %s', code => {
  beforeEach(() => {
    if (code !== undefined) refused.link = code
  })

  test('a file appears whole, in folders that are made', async () => {
    const {
      bytes: written,
      info,
      timeKept,
    } = await publish(at('a/b/c.txt'), bytes('content'), { modified: 1_234_567_890_000 })
    expect([written, info.size, timeKept]).toEqual([7, 7n, true])
    expect(await read(at('a/b/c.txt'))).toBe('content')
    expect((await stat(at('a/b/c.txt'))).mtimeMs).toBe(1_234_567_890_000)
    expect(await readdir(at('a/b'))).toEqual(['c.txt'])
  })

  test('of many that want one name at once, one gets it and the others say so', async () => {
    const settled = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => publish(at('one'), bytes(`writer ${i}`))),
    )
    const winners = settled.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []))
    expect(winners.length).toBe(1)
    expect(await read(at('one'))).toBe(`writer ${winners[0]}`)
    expect(
      settled.flatMap(outcome => (outcome.status === 'rejected' ? [(outcome.reason as LatentError).code] : [])),
    ).toEqual(Array(11).fill('E_EXISTS'))
    expect(await readdir(folder)).toEqual(['one'])
  })

  test('what takes the name while the file is being written stays', async () => {
    await expect(
      publish(at('late'), bytes('ours'), { beforePublish: () => writeFile(at('late'), 'theirs'), replace: () => true }),
    ).rejects.toMatchObject({ code: 'E_EXISTS' })
    expect(await read(at('late'))).toBe('theirs')
    expect(await readdir(folder)).toEqual(['late'])
  })
})

describe('what has the name already', () => {
  test.skipIf(process.platform === 'win32')(
    'links, folders and devices are never replaced, whatever the caller proves',
    async () => {
      await writeFile(at('photo.jpg'), 'photo')
      await mkdir(at('folder'))
      await symlink('photo.jpg', at('link'))
      await symlink('nowhere', at('dangling'))
      await symlink('folder', at('link to a folder'))
      for (const name of ['folder', 'link', 'dangling', 'link to a folder']) {
        const before = await lstat(at(name))
        await expect(publish(at(name), bytes('x'), { replace: () => true })).rejects.toMatchObject({ code: 'E_EXISTS' })
        expect(() => publishNow(at(name), bytes('x')[0]!, { replace: () => true })).toThrow(
          expect.objectContaining({ code: 'E_EXISTS' }),
        )
        expect((await lstat(at(name))).ino).toBe(before.ino)
      }
      await expect(publish('/dev/null', bytes('x'), { replace: () => true })).rejects.toMatchObject({
        code: 'E_EXISTS',
      })
      expect(fs.lstatSync('/dev/null').isCharacterDevice()).toBe(true)
      expect((await readdir(folder)).toSorted()).toEqual([
        'dangling',
        'folder',
        'link',
        'link to a folder',
        'photo.jpg',
      ])
    },
  )

  test('a regular file is replaced if the caller proves it, and only then', async () => {
    await writeFile(at('old'), 'old')
    await expect(publish(at('old'), bytes('new'), { hint: 'think again' })).rejects.toMatchObject({
      code: 'E_EXISTS',
      hint: 'think again',
    })
    await expect(publish(at('old'), bytes('new'), { replace: () => Promise.resolve(false) })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('earlier run'),
    })
    expect(() => publishNow(at('old'), bytes('new')[0]!, { replace: () => false })).toThrow('earlier run')
    expect(await read(at('old'))).toBe('old')
    await publish(at('old'), bytes('new'), { replace: async path => (await read(path)) === 'old' })
    expect(await read(at('old'))).toBe('new')
    publishNow(at('old'), bytes('newer')[0]!, { replace: path => fs.readFileSync(path, 'utf8') === 'new' })
    expect(await read(at('old'))).toBe('newer')
    expect(await readdir(folder)).toEqual(['old'])
  })

  test('an input is never replaced, under whatever name', async () => {
    await writeFile(at('input'), 'precious')
    await mkdir(at('sub'))
    await link(at('input'), at('sub/hard'))
    await symlink('.', at('here'))
    const destination = new Destination().protect(at('input'))
    for (const name of [at('input'), at('sub/hard'), at('here/input'), `${folder}/sub/../input`]) {
      await expect(publish(name, bytes('x'), { destination, replace: () => true })).rejects.toMatchObject({
        code: 'E_EXISTS',
        message: expect.stringContaining('input'),
      })
      expect(() => publishNow(name, bytes('x')[0]!, { destination, replace: () => true })).toThrow('input')
    }
    // A file system whose file numbers change is told by the path.
    const unlasting = new Destination().protect(at('input'), { dev: -1n, ino: -1n })
    await expect(
      publish(at('here/input'), bytes('x'), { destination: unlasting, replace: () => true }),
    ).rejects.toMatchObject({ code: 'E_EXISTS' })
    expect(await read(at('input'))).toBe('precious')
  })

  test.skipIf(process.platform === 'win32')(
    'below the folder of a run, links to folders are not followed',
    async () => {
      await mkdir(at('out'))
      await mkdir(at('elsewhere'))
      await symlink('../elsewhere', at('out/trip'))
      const destination = new Destination(at('out'))
      await expect(publish(at('out/trip/deep/a'), bytes('x'), { destination })).rejects.toMatchObject({
        code: 'E_IO',
        message: expect.stringContaining('trip'),
      })
      await publish(at('out/other/deep/a'), bytes('x'), { destination })
      expect(await readdir(at('elsewhere'))).toEqual([])
      // The folder that the user named may be a link.
      await symlink('elsewhere', at('named'))
      await publish(at('named/a'), bytes('x'), { destination: new Destination(at('named')) })
      expect(await readdir(at('elsewhere'))).toEqual(['a'])
    },
  )
})

test('what fails on the way leaves nothing', async () => {
  async function* failing() {
    yield new Uint8Array(3_000_000)
    throw new Error('the source broke')
  }
  await expect(publish(at('a'), failing())).rejects.toMatchObject({ code: 'E_INTERNAL' })
  await expect(publish(at('a'), bytes('x'), { beforePublish: () => Promise.reject(new Error('no')) })).rejects.toThrow(
    'no',
  )
  expect(() => publishNow(at('a/\0'), bytes('x')[0]!)).toThrow('cannot write')
  expect((await readdir(folder)).filter(name => name !== 'a')).toEqual([])
})

test.skipIf(process.platform === 'win32')('a secret is private from its first byte on, and stays so', async () => {
  let during = 0
  await publish(at('key'), bytes('secret'), {
    mode: 0o600,
    beforePublish: async temporary => void (during = (await stat(temporary)).mode & 0o777),
  })
  publishNow(at('key 2'), bytes('secret')[0]!, { mode: 0o600 })
  expect([during, (await stat(at('key'))).mode & 0o777, (await stat(at('key 2'))).mode & 0o777]).toEqual([
    0o600, 0o600, 0o600,
  ])
})

test('times that the file system cannot hold are told', async () => {
  for (const modified of [-1_000_000, 0, 1.5, 1_700_000_000_123, 4_102_444_800_000])
    expect((await publish(at(`${modified}`), bytes('x'), { modified })).timeKept).toBe(true)
  for (const modified of [8.6e15 * 1000, -8.6e15 * 1000, Number.NaN])
    expect((await publish(at(`${modified}`), bytes('x'), { modified })).timeKept).toBe(false)
})

describe.skipIf(process.platform === 'win32')('names that are not UTF-8', () => {
  test('come back to the byte, and sort and join as strings', () => {
    for (const [name, ...expected] of [
      ['b\xe4r.jpg'],
      ['\xff\xfe'],
      ['ok\xc3'],
      ['\xf0\x9f\x93'],
      ['\xed\xa0\x80'],
      ['plain'],
    ] as const) {
      const given = Buffer.from(name, 'latin1')
      expect(expected).toEqual([])
      expect(Buffer.from(onDisk(pathFromBytes(given)))).toEqual(given)
      expect(Buffer.from(onDisk(join('/x', pathFromBytes(given)))).subarray(3)).toEqual(given)
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), name =>
        Buffer.from(onDisk(pathFromBytes(Buffer.from(name)))).equals(Buffer.from(name)),
      ),
    )
  })

  test('can be published', async () => {
    const name = pathFromBytes(Buffer.from('caf\xe9 \xfc.txt', 'latin1'))
    await publish(at(name), bytes('x'))
    expect(await readdir(folder, { encoding: 'latin1' })).toEqual(['caf\xe9 \xfc.txt'])
  })
})

describe('leavings of other processes', () => {
  const dead = 4_194_304 + 5
  const own = (name: string) => `.latent-${name}-0123456789abcdef.tmp`

  test('are removed where their process is known to have ended, or after a day', async () => {
    const yesterday = Date.now() / 1000 - 25 * 3600
    const kept = [
      own(`${machine()}-${process.pid}`),
      own(`0badcafe-${dead}`),
      own(`${process.pid}`),
      '.latent-notes.txt',
      '.latent-12-0123.tmp',
      `x${own('12')}`,
      `${own('12')}.bak`,
    ]
    const gone = [own(`${machine()}-${dead}`), own(`0badcafe-${dead + 1}`), own(`${dead}`)]
    if (machine() === '0badcafe') throw new Error('an unlucky machine')
    await mkdir(at('deep/er'), { recursive: true })
    for (const name of [...kept, ...gone]) await writeFile(at('deep/er', name), 'x')
    for (const name of [gone[1]!, gone[2]!, '.latent-notes.txt'])
      await utimes(at('deep/er', name), yesterday, yesterday)
    await removeStale(folder)
    expect((await readdir(at('deep/er'))).toSorted()).toEqual(kept.toSorted())
  })

  test('look like nothing else', () => {
    expect([own('12'), own('0123abcd-12'), `/a/b/${own('12')}`].every(isTemporary)).toBe(true)
    expect(
      [
        '.latent-journal.jsonl',
        '.latent-12.tmp',
        '.latent-x-0123456789abcdef.tmp',
        'latent-12-0123456789abcdef.tmp',
      ].some(isTemporary),
    ).toBe(false)
  })
})

test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
  'a folder that may not be written is named as such',
  async () => {
    await chmod(folder, 0o500)
    await expect(publish(at('a'), bytes('x'))).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('permission denied'),
    })
  },
)

test('a file system that cannot flush is told once, and a device that fails is a failure', async () => {
  for (const code of ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP', 'EPERM']) {
    const destination = new Destination()
    refused.flush = code
    await destination.flushFile(1)
    refused.flush = 'EINVAL'
    await destination.flushFile(1)
    expect(destination.unflushed).toBe(code)
  }
  for (const code of ['EIO', 'ENOSPC', 'EDQUOT']) {
    refused.flush = code
    await expect(new Destination().flushFile(1)).rejects.toMatchObject({ code })
  }
})

test('parts that are given away are used up once they are written, and others are left alone', async () => {
  const parts = () => [1, 2, 3].map(n => new Uint8Array(700_000).fill(n))
  const [kept, given] = [parts(), parts()]
  await publish(at('kept'), kept)
  await publish(at('given'), given, { given: true })
  expect([...kept, ...given].map(({ length }) => length)).toEqual([700_000, 700_000, 700_000, 0, 0, 0])
  expect((await readFile(at('given'))).equals(Buffer.concat(kept))).toBe(true)
})

describe('a large file', () => {
  const part = new Uint8Array(1 << 20)
  function* parts(count: number, between: () => void = () => undefined) {
    for (let i = 0; i < count; i++) {
      between()
      yield part
    }
  }
  class Watched extends Destination {
    flushes = 0
    override async flushFile(file: number): Promise<void> {
      this.flushes++
      await super.flushFile(file)
    }
  }

  test('is flushed while it is written, and at its end; where nothing need be durable, not at all', async () => {
    const destination = new Watched()
    const before: number[] = []
    await publish(
      at('large'),
      parts(70, () => before.push(destination.flushes)),
      { destination },
    )
    expect([before[0], before.at(-1) !== 0, destination.flushes]).toEqual([0, true, 3])
    await publish(at('small'), parts(31), { destination })
    expect(destination.flushes).toBe(4)
    await publish(at('light'), parts(70), { destination, durable: false })
    expect(destination.flushes).toBe(4)
  })

  test('does not appear where a flush on the way has failed', async () => {
    class Broken extends Watched {
      override async flushFile(file: number): Promise<void> {
        await super.flushFile(file)
        if (this.flushes === 1) throw Object.assign(new Error('worn out'), { code: 'EIO' })
      }
    }
    await expect(publish(at('lost'), parts(70), { destination: new Broken() })).rejects.toThrow('reports an error')
    expect(await readdir(folder)).not.toContain('lost')
  })
})
