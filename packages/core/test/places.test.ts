import * as fs from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { homedir, hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { joinBytes, sha256Of, toHex } from '../src/index.ts'
import {
  cacheFolder,
  Destination,
  holdLock,
  isOwnFolder,
  isRunning,
  isTemporary,
  machine,
  makeOwnFolder,
  onDisk,
  openSteady,
  publish,
  publishNow,
  readFileParts,
  removeOwnTemporaries,
  removeStale,
} from '../src/node/index.ts'
import { newTemporary, releaseTemporary } from '../src/node/temporaries.ts'

/*
 * What no file system does on request: calls that fail, write less than they are given, or find that something
 * else happened meanwhile. Each hook runs in the place of a call, and may throw, or do the work itself.
 */
type Hook = (...args: never[]) => unknown
const hooks = vi.hoisted((): Record<string, Hook | undefined> => ({}))
const calls = vi.hoisted((): string[] => [])

vi.mock(import('node:fs'), async original => {
  const real = (await original()) as unknown as Record<string, Hook>
  const hooked = Object.fromEntries(
    ['linkSync', 'unlinkSync', 'renameSync', 'mkdirSync', 'futimesSync'].map(name => [
      name,
      (...args: never[]) => (hooks[name] ?? real[name]!)(...args),
    ]),
  )
  return { ...real, ...hooked, default: { ...real, ...hooked } } as never
})
vi.mock(import('node:fs/promises'), async original => {
  const real = await original()
  const open = async (...args: Parameters<typeof real.open>) => {
    hooks['open']?.(...(args as unknown as never[]))
    const handle = await real.open(...args)
    for (const name of ['sync', 'writev', 'write', 'stat', 'close'] as const) {
      const method = handle[name].bind(handle) as unknown as Hook
      Object.assign(handle, {
        [name]: (...given: never[]) => (
          calls.push(name),
          hooks[name] ? hooks[name](...([method, ...given] as never[])) : method(...given)
        ),
      })
    }
    return handle
  }
  const hooked =
    (name: 'rename' | 'mkdir') =>
    async (...args: never[]) =>
      (hooks[name] ?? real[name])(...args)
  const replaced = { open, rename: hooked('rename'), mkdir: hooked('mkdir') }
  return { ...real, ...replaced, default: { ...real, ...replaced } } as never
})

const failing = (code: string) => () => {
  throw Object.assign(new Error(code), { code })
}

const root = fs.mkdtempSync(join(tmpdir(), 'latent-places-'))
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'x'))
  calls.length = 0
})
afterEach(() => {
  for (const name of Object.keys(hooks)) delete hooks[name]
  vi.restoreAllMocks()
  vi.useRealTimers()
})
afterAll(() => rm(root, { recursive: true, force: true }))

const at = (...names: string[]) => join(folder, ...names)
const bytes = (text: string) => [new TextEncoder().encode(text)]
const read = (path: string) => readFile(path, 'utf8')
const collected = async (parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const found: Uint8Array[] = []
  for await (const part of parts) found.push(part)
  return found
}
const count = (name: string) => calls.filter(call => call === name).length
const refused = (code: string, message: string) => ({
  name: 'LatentError',
  code,
  message: expect.stringContaining(message),
  hint: expect.any(String),
})

/** What this process has open below the folder of the test. */
async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter(path => path.startsWith(folder))
}

describe('reading', () => {
  const READ = 2 ** 18
  test.each([0, 1, 2, 1000, READ - 1, READ, READ + 1, 2 * READ + 5])(
    '%i bytes come in parts that are not empty and not larger than a buffer',
    async size => {
      const content = Uint8Array.from({ length: size }, (_, i) => (i * 7) >> 3)
      await writeFile(at('a'), content)
      const parts = await collected(readFileParts(at('a')))
      expect(Buffer.compare(joinBytes(parts), content)).toBe(0)
      expect(parts.every(({ length }) => length > 0 && length <= READ)).toBe(true)
      expect(parts.length).toBe(Math.ceil(size / READ))
      const steady = await openSteady(at('a'))
      expect([steady.info.size, Buffer.compare(joinBytes(await collected(steady.parts)), content)]).toEqual([
        BigInt(size),
        0,
      ])
      await steady.close()
    },
  )

  test('a file of which nothing can be learned is closed again', async () => {
    await writeFile(at('a'), 'x')
    hooks['stat'] = failing('EIO')
    await expect(openSteady(at('a'))).rejects.toMatchObject({ code: 'E_IO' })
    expect(calls).toEqual(['stat', 'close'])
  })

  test('what cannot be read is named, with the reason', async () => {
    await mkdir(at('folder'))
    for (const [name, reason] of [
      ['gone', 'there is no such file'],
      ['folder', 'it is a folder'],
    ] as const) {
      await expect(collected(readFileParts(at(name)))).rejects.toMatchObject({
        code: 'E_IO',
        message: expect.stringMatching(new RegExp(`cannot read ${name}: ${reason}`)),
      })
    }
    await expect(openSteady(at('gone'))).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot read gone'),
    })
    const steady = await openSteady(at('folder'))
    await expect(collected(steady.parts)).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot read folder'),
    })
    await steady.close()
  })

  test.runIf(process.platform === 'linux')(
    'files are closed at their end, after a fault, and where somebody stops early',
    async () => {
      await writeFile(at('a'), new Uint8Array(3 * READ))
      await collected(readFileParts(at('a')))
      for await (const part of readFileParts(at('a'))) {
        expect((await openFiles()).length).toBe(part.length > 0 ? 1 : 0)
        break
      }
      hooks['stat'] = failing('EIO')
      await expect(collected(readFileParts(at('a')))).rejects.toMatchObject({ code: 'E_IO' })
      delete hooks['stat']
      const steady = await openSteady(at('a'))
      expect((await openFiles()).length).toBe(1)
      await steady.close()
      expect(await openFiles()).toEqual([])
    },
  )

  // Some file systems keep no time of changes to the inode, some times are coarse: each sign counts by itself.
  test.each(['size', 'mtimeNs', 'ctimeNs'] as const)(
    'another %s at the end means that the file changed',
    async field => {
      await writeFile(at('a'), 'content')
      const steady = await openSteady(at('a'))
      hooks['stat'] = async (real: (options: object) => Promise<fs.BigIntStats>, options: object) => {
        const { size, mtimeNs, ctimeNs, ino } = await real(options)
        const info = { size, mtimeNs, ctimeNs, ino }
        return { ...info, [field]: info[field] + 1n }
      }
      await expect(collected(steady.parts)).rejects.toMatchObject(
        refused('E_CHANGED', 'a changed while it was being read'),
      )
      await steady.close()
    },
  )

  test('a file that is written to meanwhile has changed; one that is read has not', async () => {
    await writeFile(at('a'), 'content')
    const before = await stat(at('a'))
    const steady = await openSteady(at('a'))
    // The same size, and the time set back.
    await writeFile(at('a'), 'CONTENT')
    await utimes(at('a'), before.atime, before.mtime)
    await expect(collected(steady.parts)).rejects.toMatchObject({ code: 'E_CHANGED' })
    await steady.close()
    const again = await openSteady(at('a'))
    await read(at('a'))
    expect(joinBytes(await collected(again.parts))).toEqual(bytes('CONTENT')[0])
    await again.close()
  })
})

describe('writing', () => {
  test('what a system call leaves over is written after it', async () => {
    // Five bytes of the first call, then two at a time.
    let text = ''
    const taken = (part: Uint8Array) => {
      text += new TextDecoder().decode(part)
      return { bytesWritten: part.length }
    }
    hooks['writev'] = async (_: Hook, parts: Uint8Array[]) => taken(joinBytes(parts).subarray(0, 5))
    hooks['write'] = async (_: Hook, part: Uint8Array) => taken(part.subarray(0, 2))
    await publish(
      at('a'),
      ['abc', 'defg', '', 'hijklm', 'n'].map(part => bytes(part)[0]!),
    )
    expect(text).toBe('abcdefghijklmn')
    expect(count('write')).toBe(1 + 3 + 1)
  })

  test('small parts go out together, large ones when there is a mebibyte of them', async () => {
    const small = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i))
    expect((await publish(at('small'), small)).bytes).toBe(200)
    expect(count('writev')).toBe(1)
    expect([...(await readFile(at('small')))]).toEqual(small.map(([value]) => value))
    const large = Array.from({ length: 5 }, (_, i) => new Uint8Array(2 ** 19).fill(i))
    expect(await publish(at('large'), large)).toMatchObject({ bytes: 5 * 2 ** 19, info: { size: BigInt(5 * 2 ** 19) } })
    expect(count('writev')).toBe(1 + 3)
    expect(Buffer.compare(await readFile(at('large')), joinBytes(large))).toBe(0)
    expect((await publish(at('none'), [])).bytes).toBe(0)
    expect(count('writev')).toBe(1 + 3)
  })

  test('a file is flushed with its folders, unless the caller does that for many at once, or not at all', async () => {
    await publish(at('sub/a'), bytes('x'))
    expect(count('sync')).toBe(2)
    const destination = new Destination()
    for (const name of ['b', 'c']) await publish(at('sub', name), bytes('x'), { destination })
    expect(count('sync')).toBe(2 + 2)
    await destination.flush()
    expect(count('sync')).toBe(4 + 1)
    await publish(at('other/d'), bytes('x'), { durable: false })
    publishNow(at('other/e'), bytes('x')[0]!)
    expect(count('sync')).toBe(5)
    expect(count('close')).toBe(4 + 2)
  })

  test('hints say what to do', async () => {
    await writeFile(at('there'), 'old')
    await mkdir(at('folder'))
    await expect(publish(at('there'), bytes('x'))).rejects.toMatchObject({
      ...refused('E_EXISTS', 'there already exists'),
      hint: 'choose another name or folder',
    })
    await expect(publish(at('there'), bytes('x'), { replace: () => false })).rejects.toMatchObject(
      refused('E_EXISTS', 'not made by an earlier run'),
    )
    await expect(publish(at('folder'), bytes('x'))).rejects.toMatchObject(refused('E_EXISTS', 'not a regular file'))
    await expect(
      publish(at('there'), bytes('x'), { destination: new Destination().protect(at('there')) }),
    ).rejects.toMatchObject(refused('E_EXISTS', 'one of the inputs'))
  })

  test.each<[string, () => Promise<void>]>([
    [
      'longer',
      async () => {
        await writeFile(at('old'), 'longer')
        await utimes(at('old'), 1000, 1000)
      },
    ],
    ['of another time', () => utimes(at('old'), 1, 1)],
    [
      'another file of the same size and time',
      async () => {
        const { atime, mtime } = await stat(at('old'))
        await writeFile(at('new'), 'new')
        await utimes(at('new'), atime, mtime)
        await rename(at('new'), at('old'))
      },
    ],
  ])('what is to be replaced and becomes %s meanwhile stays', async (_, change) => {
    await writeFile(at('old'), 'old')
    await utimes(at('old'), 1000, 1000)
    await expect(
      publish(at('old'), bytes('replacement'), { replace: () => true, beforePublish: change }),
    ).rejects.toMatchObject(refused('E_EXISTS', 'changed while its replacement'))
    expect(await readdir(folder)).toEqual(['old'])
    expect(await read(at('old'))).not.toBe('replacement')
  })

  test('what is to be replaced and goes meanwhile leaves its name free', async () => {
    await writeFile(at('old'), 'old')
    await publish(at('old'), bytes('new'), { replace: () => true, beforePublish: () => rm(at('old')) })
    expect(await read(at('old'))).toBe('new')
    expect(await readdir(folder)).toEqual(['old'])
  })

  test.each([
    ['linkSync', 'EIO'],
    ['linkSync', 'ENOSPC'],
    ['linkSync', 'ENOENT'],
  ])('%s gives %s: a failure, which leaves nothing', async (name, code) => {
    hooks[name] = failing(code)
    await expect(publish(at('a'), bytes('x'))).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot write a'),
    })
    expect(() => publishNow(at('b'), bytes('x')[0]!)).toThrow(expect.objectContaining({ code: 'E_IO' }))
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['EXDEV', 'EINVAL', 'EOPNOTSUPP', 'UNKNOWN'])(
    'a system that answers a link with %s gets the file in another way',
    async code => {
      hooks['linkSync'] = failing(code)
      await publish(at('a'), bytes('x'))
      expect([await read(at('a')), await readdir(folder)]).toEqual(['x', ['a']])
    },
  )

  test('without links, a file that cannot be moved to its name gives it back, if nobody wrote there', async () => {
    hooks['linkSync'] = failing('EPERM')
    hooks['renameSync'] = failing('EIO')
    await expect(publish(at('a'), bytes('x'))).rejects.toMatchObject({ code: 'E_IO' })
    expect(await readdir(folder)).toEqual([])
    hooks['renameSync'] = (_: string, to: string) => {
      fs.writeFileSync(to, 'theirs')
      failing('EIO')()
    }
    await expect(publish(at('a'), bytes('x'))).rejects.toMatchObject({ code: 'E_IO' })
    expect(await read(at('a'))).toBe('theirs')
    hooks['renameSync'] = (_: string, to: string) => {
      fs.rmSync(to)
      failing('EIO')()
    }
    await expect(publish(at('b'), bytes('x'))).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('the device reports an error'),
    })
    expect(await readdir(folder)).toEqual(['a'])
  })

  test('a second name that cannot be removed is left to a later run', async () => {
    hooks['unlinkSync'] = failing('EIO')
    expect((await publish(at('a'), bytes('x'))).bytes).toBe(1)
    expect((await readdir(folder)).filter(name => !isTemporary(name))).toEqual(['a'])
    expect((await stat(at('a'))).nlink).toBe(2)
  })

  test.each([
    [0, true],
    [2000, true],
    [-2000, true],
    [2001, false],
    [-2001, false],
  ])('a time that is %i ms off is kept: %s', async (off, kept) => {
    const set = 1_600_000_000_000
    const { timeKept } = await publish(at('a'), bytes('x'), {
      modified: set,
      beforePublish: temporary => utimes(temporary, set / 1000, (set + off) / 1000),
    })
    expect(timeKept).toBe(kept)
  })

  test('times before 1970 are those that were asked for', async () => {
    for (const modified of [-1500, -86_400_000]) {
      await publish(at(`${modified}`), bytes('x'), { modified })
      publishNow(at(`${modified} now`), bytes('x')[0]!, { modified })
      expect([(await stat(at(`${modified}`))).mtimeMs, (await stat(at(`${modified} now`))).mtimeMs]).toEqual([
        modified,
        modified,
      ])
    }
    publishNow(at('fraction'), bytes('x')[0]!, { modified: 1_000_000.5 })
    const { mtimeMs, atimeMs } = await stat(at('fraction'))
    expect([mtimeMs, Math.abs(Date.now() - atimeMs) < 60_000]).toEqual([expect.closeTo(1_000_000.5, 2), true])
    expect([publishNow(at('c'), bytes('x')[0]!).timeKept, (await publish(at('d'), bytes('x'))).timeKept]).toEqual([
      true,
      true,
    ])
    expect(publishNow(at('b'), bytes('xyz')[0]!, { modified: 1_000_000 })).toMatchObject({
      bytes: 3,
      timeKept: true,
      info: { mtimeNs: 1_000_000n * 1_000_000n },
    })
  })
})

describe('folders', () => {
  test('a file that has the name of a folder is in the way', async () => {
    await writeFile(at('file'), 'x')
    await expect(publish(at('file/a'), bytes('x'))).rejects.toMatchObject(refused('E_IO', 'file is in the way'))
    expect(() => publishNow(at('file/a'), bytes('x')[0]!)).toThrow(
      expect.objectContaining(refused('E_IO', 'file is in the way')),
    )
    await expect(publish(at('file/a'), bytes('x'), { destination: new Destination(folder) })).rejects.toMatchObject(
      refused('E_IO', 'file is in the way'),
    )
    expect(await read(at('file'))).toBe('x')
  })

  test('links in the output are named, with what to do', async () => {
    await mkdir(at('real'))
    await symlink('real', at('link'))
    await expect(publish(at('link/a'), bytes('x'), { destination: new Destination(folder) })).rejects.toMatchObject(
      refused('E_IO', 'link is a link'),
    )
    // Outside the folder that was named they are taken as they are.
    await publish(at('link/a'), bytes('x'), { destination: new Destination(at('out')) })
    await publish(at('out/deep/er/a'), bytes('x'), { destination: new Destination(at('out')) })
    expect(await readdir(at('real'))).toEqual(['a'])
    expect(await readdir(at('out/deep/er'))).toEqual(['a'])
  })

  test('several that make the same folders at once do not disturb each other', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => publish(at('a/b/c', `${i}`), bytes('x'))))
    await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        publish(at('d/e/f', `${i}`), bytes('x'), { destination: new Destination(folder) }),
      ),
    )
    expect([(await readdir(at('a/b/c'))).length, (await readdir(at('d/e/f'))).length]).toEqual([6, 6])
    hooks['mkdirSync'] = (path: string) => {
      fs.renameSync(fs.mkdtempSync(join(root, 'made-by-another-')), path)
      failing('EEXIST')()
    }
    publishNow(at('g/h'), bytes('x')[0]!)
    expect(await readdir(at('g'))).toEqual(['h'])
  })

  test.each(['ENOSPC', 'EROFS'])('%s while a folder is made is told as it is', async code => {
    hooks['mkdirSync'] = failing(code)
    hooks['mkdir'] = failing(code)
    for (const destination of [new Destination(), new Destination(folder)]) {
      await expect(publish(at('g/h'), bytes('x'), { destination })).rejects.toMatchObject({
        code: 'E_IO',
        cause: { code },
      })
    }
    expect(() => publishNow(at('g/h'), bytes('x')[0]!)).toThrow(
      expect.objectContaining({ code: 'E_IO', cause: expect.objectContaining({ code }) }),
    )
  })

  test('folders that a waiting thread makes are flushed with the others, whatever their depth', async () => {
    const destination = new Destination()
    publishNow(at('p/q/r/s'), bytes('x')[0]!, { destination })
    publishNow(at('p/q/r/t'), bytes('x')[0]!, { destination })
    await publish(at('p/u'), bytes('x'), { destination, durable: false })
    await destination.flush()
    expect(count('sync')).toBe(2)
    expect((await readdir(at('p/q/r'))).toSorted()).toEqual(['s', 't'])
  })

  test('a folder that may be written to and not listed is not flushed, and that is told', async () => {
    const destination = new Destination()
    await publish(at('sub/a'), bytes('x'), { destination })
    hooks['open'] = failing('EACCES')
    await destination.flush()
    expect(destination.unflushed).toBe('EACCES')
    destination.unflushed = 'EINVAL'
    await destination.flush()
    expect(destination.unflushed).toBe('EINVAL')
    hooks['open'] = failing('EIO')
    await expect(destination.flush()).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining(`cannot flush the folder ${at('sub')}`),
    })
    // Where folders cannot be opened, nothing is tried.
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    await destination.flush()
  })

  test('a device that fails while a folder is flushed is a failure, and its handle is closed', async () => {
    const destination = new Destination()
    await publish(at('sub/a'), bytes('x'), { destination })
    const before = count('close')
    hooks['sync'] = failing('EIO')
    await expect(destination.flush()).rejects.toMatchObject({ code: 'E_IO' })
    expect(count('close')).toBe(before + 1)
    hooks['sync'] = () => Promise.reject(Object.assign(new Error('?'), { code: 'ENOTTY' }))
    await destination.flush()
    expect(destination.unflushed).toBe('ENOTTY')
    const handle = { sync: () => Promise.reject(new Error('no code')) } as unknown as FileHandle
    await expect(destination.flushFile(handle)).rejects.toThrow('no code')
  })

  test('an input is known by what it is, and by where it lies', async () => {
    await writeFile(at('one'), '1')
    await mkdir(at('sub'))
    await writeFile(at('sub/one'), '2')
    await link(at('one'), at('sub/other'))
    const destination = new Destination().protect(at('one')).protect(at('gone'))
    const info = (name: string) => fs.lstatSync(at(name), { bigint: true })
    expect(['one', 'sub/other', 'sub/one'].map(name => destination.isInput(at(name), info(name)))).toEqual([
      true,
      true,
      false,
    ])
    // Numbers of another file, as some network folders give them: the path tells.
    const numberless = { dev: 7n, ino: 7n }
    expect(['one', 'sub/one', 'sub/other'].map(name => destination.isInput(at(name), numberless))).toEqual([
      true,
      false,
      false,
    ])
    expect(destination.isInput(at('sub/../one'), numberless)).toBe(true)
    // Two inputs of one name.
    destination.protect(at('sub/one'), numberless)
    expect(['one', 'sub/one'].map(name => destination.isInput(at(name), { dev: 8n, ino: 8n }))).toEqual([true, true])
  })

  test('on Windows names are text, whatever is in them', () => {
    expect(Buffer.isBuffer(onDisk('a\udcff'))).toBe(true)
    expect(onDisk('ä')).toBe('ä')
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    expect(onDisk('a\udcff')).toBe('a\udcff')
  })
})

describe('temporary files of this process', () => {
  const listening = () => process.listeners('exit').includes(removeOwnTemporaries)

  test('are named for the machine and the process, and watched while there are any', () => {
    expect(listening()).toBe(false)
    const [one, other] = [newTemporary('/x'), newTemporary('/x')]
    expect(one).toMatch(new RegExp(`^/x/\\.latent-${machine()}-${process.pid}-[0-9a-f]{16}\\.tmp$`))
    expect(other).not.toBe(one)
    expect([isTemporary(one), machine(), listening()]).toEqual([true, expect.stringMatching(/^[0-9a-f]{8}$/), true])
    expect(process.listeners('exit').filter(listener => listener === removeOwnTemporaries).length).toBe(1)
    releaseTemporary(one)
    expect(listening()).toBe(true)
    releaseTemporary(other)
    expect(listening()).toBe(false)
  })

  test('go at the end, all that can', async () => {
    const [one, stuck, other, kept] = [
      newTemporary(folder),
      newTemporary(folder),
      newTemporary(folder),
      newTemporary(folder),
    ]
    releaseTemporary(kept)
    for (const path of [one, other, kept]) await writeFile(path, 'x')
    await mkdir(stuck)
    removeOwnTemporaries()
    expect((await readdir(folder)).toSorted()).toEqual([stuck, kept].map(path => basename(path)).toSorted())
    expect(listening()).toBe(false)
    await rm(stuck, { recursive: true })
    await writeFile(stuck, 'x')
    removeOwnTemporaries()
    expect((await readdir(folder)).length).toBe(2)
  })

  test('a signal while a file is being written: it never appears', async () => {
    await expect(
      publish(at('a'), bytes('x'), { beforePublish: () => Promise.resolve(removeOwnTemporaries()) }),
    ).rejects.toMatchObject({ code: 'E_IO' })
    expect([await readdir(folder), listening()]).toEqual([[], false])
  })

  test('are forgotten when they are published, and when that fails', async () => {
    await publish(at('a'), bytes('x'))
    expect(listening()).toBe(false)
    publishNow(at('b'), bytes('x')[0]!)
    expect(listening()).toBe(false)
    await expect(
      publish(at('c'), bytes('x'), { beforePublish: () => Promise.reject(new Error('no')) }),
    ).rejects.toThrow('no')
    expect(listening()).toBe(false)
    hooks['linkSync'] = failing('EIO')
    expect(() => publishNow(at('c'), bytes('x')[0]!)).toThrow('the device reports an error')
    expect(listening()).toBe(false)
    // Gone already: no other fault than the first.
    hooks['linkSync'] = () => {
      removeOwnTemporaries()
      failing('EIO')()
    }
    expect(() => publishNow(at('c'), bytes('x')[0]!)).toThrow('the device reports an error')
    await expect(publish(at('c'), bytes('x'))).rejects.toThrow('the device reports an error')
    expect((await readdir(folder)).toSorted()).toEqual(['a', 'b'])
  })

  test.runIf(process.platform === 'linux')('are closed', async () => {
    publishNow(at('a'), bytes('x')[0]!)
    await publish(at('b'), bytes('x'))
    expect(() => publishNow(at('c'), 'no bytes' as never, { mode: -1 })).toThrow('cannot write c')
    expect(await openFiles()).toEqual([])
  })

  test.runIf(process.platform === 'linux')(
    'a machine is known by its name, its id and its numbers of processes',
    () => {
      const quietly = (read: () => string) => {
        try {
          return read()
        } catch {
          return ''
        }
      }
      const facts = [
        hostname(),
        quietly(() => fs.readFileSync('/etc/machine-id', 'utf8')),
        quietly(() => fs.readlinkSync('/proc/self/ns/pid')),
      ]
      expect(machine()).toBe(toHex(sha256Of(new TextEncoder().encode(JSON.stringify(facts)))).slice(0, 8))
    },
  )

  test('of other processes stay for a day, and of this machine as long as the process runs', async () => {
    const [name, gone] = [(owner: string) => `.latent-${owner}-0123456789abcdef.tmp`, 4_194_309]
    for (const owner of [`0badcafe-${gone}`, `${gone}`, `${machine()}-${gone}`]) await writeFile(at(name(owner)), 'x')
    const [before, after] = [new Date(Date.now() - 23.9 * 3_600_000), new Date(Date.now() - 24.1 * 3_600_000)]
    await utimes(at(name(`0badcafe-${gone}`)), before, before)
    await removeStale(folder)
    expect(await readdir(folder)).toEqual([name(`0badcafe-${gone}`)])
    await utimes(at(name(`0badcafe-${gone}`)), after, after)
    await removeStale(folder)
    expect(await readdir(folder)).toEqual([])
  })

  test('processes are there, gone, or somebody else’s', () => {
    expect(isRunning(process.pid)).toBe(true)
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => true)
    expect(isRunning(77)).toBe(true)
    expect(kill).toHaveBeenCalledWith(77, 0)
    kill.mockImplementation(failing('EPERM'))
    expect(isRunning(77)).toBe(true)
    kill.mockImplementation(failing('ESRCH'))
    expect([isRunning(77), isRunning(process.pid)]).toEqual([false, true])
  })

  test('a folder that cannot be listed has no leavings, and links are not followed to some', async () => {
    await removeStale(at('nowhere'))
    const stale = `.latent-${machine()}-4194309-0123456789abcdef.tmp`
    await mkdir(at('elsewhere'))
    await writeFile(at('elsewhere', stale), 'x')
    await mkdir(at('here'))
    await symlink('../elsewhere', at('here/link'))
    await symlink(`../elsewhere/${stale}`, at('here', stale.replace('0123', 'aaaa')))
    await mkdir(at('here', stale.replace('0123', 'bbbb')))
    await removeStale(at('here'))
    expect((await readdir(at('here'))).length).toBe(3)
    await removeStale(folder)
    expect(await readdir(at('elsewhere'))).toEqual([])
  })
})

describe('locks', () => {
  const MINUTE = 60_000
  const lockOf = (fields: object) =>
    `${JSON.stringify({ machine: machine(), process: process.pid, token: 'x', ...fields })}\n`
  const aged = async (minutes: number, content: string) => {
    await writeFile(at('lock'), content)
    const time = new Date(Date.now() - minutes * MINUTE)
    await utimes(at('lock'), time, time)
  }

  test('say who holds them, and are touched every half minute until they are released', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const listeners = process.listenerCount('exit')
    const lock = await holdLock(at('lock'), 'is at work')
    const content = await read(at('lock'))
    expect(JSON.parse(content)).toMatchObject({
      machine: machine(),
      process: process.pid,
      token: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
    expect(typeof (JSON.parse(content) as { born?: string }).born).toBe(
      process.platform === 'linux' ? 'string' : 'undefined',
    )
    expect([content.endsWith('\n'), count('sync')]).toEqual([true, 0])
    expect([process.listenerCount('exit'), vi.getTimerCount()]).toEqual([listeners + 1, 1])
    await utimes(at('lock'), 1, 1)
    vi.advanceTimersByTime(29_000)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect((await stat(at('lock'))).mtimeMs).toBe(1000)
    vi.advanceTimersByTime(1000)
    await vi.waitFor(async () => expect((await stat(at('lock'))).mtimeMs).toBeGreaterThan(Date.now() - MINUTE))
    await lock.release()
    expect([process.listenerCount('exit'), vi.getTimerCount(), await readdir(folder)]).toEqual([listeners, 0, []])
  })

  test('go with the process, and only if they are still its own', async () => {
    for (const own of [true, false]) {
      const lock = await holdLock(at('lock'), 'is at work')
      if (!own) await writeFile(at('lock'), lockOf({ token: 'another' }))
      const ends = process.listeners('exit').at(-1)! as () => void
      ends()
      expect(await readdir(folder)).toEqual(own ? [] : ['lock'])
      await rm(at('lock'), { force: true })
      // Gone already: nothing to do, and no fault.
      ends()
      await lock.release()
    }
  })

  test('of another machine, or cut short, are believed for ten minutes after they were touched', async () => {
    for (const content of [
      lockOf({ machine: 'elsewhere' }),
      lockOf({ machine: 7 }),
      lockOf({ process: 0 }),
      lockOf({ process: 1.5 }),
      lockOf({ process: 'one' }),
      '[]',
      '7',
      '{',
    ]) {
      await aged(9, content)
      await expect(holdLock(at('lock'), 'is at work')).rejects.toMatchObject(
        refused('E_EXISTS', 'a process on another machine is at work'),
      )
      await aged(11, content)
      await (await holdLock(at('lock'), 'is at work')).release()
    }
  })

  test('of this machine are those of living processes, however old', async () => {
    await aged(1000, lockOf({}))
    await expect(holdLock(at('lock'), 'is at work')).rejects.toMatchObject({
      ...refused('E_EXISTS', `process ${process.pid} is at work`),
      hint: expect.stringContaining(at('lock')),
    })
    // A number that only looks like another machine's: one that this one cannot have.
    await aged(0, lockOf({ process: 4_194_309 }))
    await (await holdLock(at('lock'), 'is at work')).release()
  })

  test('what is no lock, or cannot be made one, is a failure', async () => {
    await mkdir(at('folder'))
    await expect(holdLock(at('folder'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot read'),
    })
    await writeFile(at('file'), '')
    await expect(holdLock(at('file/lock'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('file is in the way'),
    })
  })

  test('a dead one that cannot be moved away is a failure; one that somebody else took away is not', async () => {
    await aged(0, lockOf({ process: 4_194_309 }))
    hooks['rename'] = failing('EIO')
    await expect(holdLock(at('lock'), 'x')).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('cannot remove'),
    })
    hooks['rename'] = () => {
      fs.rmSync(at('lock'))
      delete hooks['rename']
      failing('ENOENT')()
    }
    await (await holdLock(at('lock'), 'x')).release()
    expect(await readdir(folder)).toEqual([])
  })

  test('one that was taken between the look and the move is given back', async () => {
    await aged(0, lockOf({ process: 4_194_309 }))
    const living = lockOf({ token: 'living' })
    hooks['rename'] = (from: string, to: string) => {
      delete hooks['rename']
      fs.writeFileSync(from, living)
      fs.renameSync(from, to)
    }
    await expect(holdLock(at('lock'), 'is at work')).rejects.toMatchObject({ code: 'E_EXISTS' })
    expect([await read(at('lock')), await readdir(folder)]).toEqual([living, ['lock']])
  })
})

describe('the cache', () => {
  afterEach(() => void vi.unstubAllEnvs())

  test('lies where the system says, or in the home', () => {
    vi.stubEnv('XDG_CACHE_HOME', '/somewhere')
    expect(cacheFolder()).toBe(join('/somewhere', 'latent'))
    // What is not absolute is to be ignored.
    for (const stated of ['here', '', undefined]) {
      vi.stubEnv('XDG_CACHE_HOME', stated)
      expect(cacheFolder()).toBe(join(homedir(), '.cache/latent'))
    }
  })

  test.skipIf(process.platform === 'win32')('is ours if it is a folder that nobody else may write to', async () => {
    makeOwnFolder(at('deep/cache'))
    expect([isOwnFolder(at('deep/cache')), (await stat(at('deep/cache'))).mode & 0o777]).toEqual([true, 0o700])
    makeOwnFolder(at('deep/cache'))
    await symlink('deep/cache', at('link'))
    await writeFile(at('file'), '')
    expect(['link', 'file', 'nothing'].map(name => isOwnFolder(at(name)))).toEqual([false, false, false])
    for (const [mode, own] of [
      [0o755, true],
      [0o720, false],
      [0o702, false],
      [0o777, false],
      [0o500, true],
    ] as const) {
      fs.chmodSync(at('deep/cache'), mode)
      expect(isOwnFolder(at('deep/cache'))).toBe(own)
    }
    fs.chmodSync(at('deep/cache'), 0o777)
    expect(() => makeOwnFolder(at('deep/cache'))).toThrow(
      expect.objectContaining(refused('E_IO', 'others may write into')),
    )
    expect(() => makeOwnFolder(at('file/cache'))).toThrow(
      expect.objectContaining({ code: 'E_IO', message: expect.stringContaining('cannot make the folder') }),
    )
    vi.spyOn(process, 'getuid').mockReturnValue(4242)
    fs.chmodSync(at('deep/cache'), 0o700)
    expect(isOwnFolder(at('deep/cache'))).toBe(false)
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32')
    expect(isOwnFolder(at('deep/cache'))).toBe(true)
  })
})
