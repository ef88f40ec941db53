import * as fs from 'node:fs'
import { link, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { Destination, onDisk, publish, publishNow } from '../src/node/index.ts'
import { count, failing, failingLater, hooks } from './places/faults.ts'
import { at, bytes, folder, read, refused, root } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

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
    expect(count('fsync')).toBe(2)
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
    hooks['fsync'] = failingLater('EIO')
    await expect(destination.flush()).rejects.toMatchObject({ code: 'E_IO' })
    expect(count('close')).toBe(before + 1)
    hooks['fsync'] = failingLater('ENOTTY')
    await destination.flush()
    expect(destination.unflushed).toBe('ENOTTY')
    hooks['fsync'] = (_: number, tell: (error: Error) => void) => tell(new Error('no code'))
    await expect(destination.flushFile(1)).rejects.toThrow('no code')
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
