import * as fs from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { joinBytes } from '../src/index.ts'
import { Destination, isTemporary, publish, publishNow } from '../src/node/index.ts'
import { count, failing, hooks } from './places/faults.ts'
import { at, bytes, folder, read, refused } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

describe('writing', () => {
  test('what a system call leaves over is written after it', async () => {
    // Five bytes of the first call, then two at a time.
    let text = ''
    const taken = (parts: readonly Uint8Array[]) => {
      const part = joinBytes(parts).subarray(0, text === '' ? 5 : 2)
      text += new TextDecoder().decode(part)
      return part.length
    }
    hooks['writevSync'] = (_: number, parts: Uint8Array[]) => taken(parts)
    await publish(
      at('a'),
      ['abc', 'defg', '', 'hijklm', 'n'].map(part => bytes(part)[0]!),
    )
    expect(text).toBe('abcdefghijklmn')
    expect(count('writevSync')).toBe(1 + 5)
    let left = 2 ** 20
    hooks['writev'] = (_: number, parts: Uint8Array[], tell: (error: null, bytes: number) => void) => {
      expect(joinBytes(parts).length).toBe(left)
      left -= Math.min(left, 700_000)
      tell(null, 2 ** 20 - left > 700_000 ? 2 ** 20 - 700_000 : 700_000)
    }
    await publish(at('b'), [new Uint8Array(2 ** 19), new Uint8Array(2 ** 19)])
    expect([left, count('writev'), count('writevSync')]).toEqual([0, 2, 6])
  })

  test('small parts go out together, large ones when there is a mebibyte of them', async () => {
    const small = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i))
    expect((await publish(at('small'), small)).bytes).toBe(200)
    expect(count('writevSync')).toBe(1)
    expect([...(await readFile(at('small')))]).toEqual(small.map(([value]) => value))
    const large = Array.from({ length: 5 }, (_, i) => new Uint8Array(2 ** 19).fill(i))
    expect(await publish(at('large'), large)).toMatchObject({ bytes: 5 * 2 ** 19, info: { size: BigInt(5 * 2 ** 19) } })
    expect([count('writev'), count('writevSync')]).toEqual([2, 1 + 1])
    expect(Buffer.compare(await readFile(at('large')), joinBytes(large))).toBe(0)
    expect((await publish(at('none'), [])).bytes).toBe(0)
    expect([count('writev'), count('writevSync')]).toEqual([2, 1 + 1])
  })

  test('a file is flushed with its folders, unless the caller does that for many at once, or not at all', async () => {
    await publish(at('sub/a'), bytes('x'))
    expect(count('fsync')).toBe(2)
    const destination = new Destination()
    for (const name of ['b', 'c']) await publish(at('sub', name), bytes('x'), { destination })
    expect(count('fsync')).toBe(2 + 2)
    await destination.flush()
    expect(count('fsync')).toBe(4 + 1)
    await publish(at('other/d'), bytes('x'), { durable: false })
    publishNow(at('other/e'), bytes('x')[0]!)
    expect(count('fsync')).toBe(5)
    expect([count('closeSync'), count('close')]).toEqual([5, 2])
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
