import type * as fs from 'node:fs'
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { joinBytes } from '../src/index.ts'
import { openSteady, readFileParts, readSteadyNow } from '../src/node/index.ts'
import { calls, failing, hooks } from './places/faults.ts'
import { at, bytes, openFiles, read, refused } from './places/folder.ts'

const { faultyFs, faultyPromises } = await vi.hoisted(() => import('./places/faults.ts'))
vi.mock(import('node:fs'), async original => faultyFs(await original()))
vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))

const collected = async (parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> => {
  const found: Uint8Array[] = []
  for await (const part of parts) found.push(part)
  return found
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

describe('reading a small file at once', () => {
  test('gives what is there, however little a call gives, and nothing of what is too large', async () => {
    const content = Uint8Array.from({ length: 1000 }, (_, i) => i * i)
    await writeFile(at('a'), content)
    expect(readSteadyNow(at('a'), 1000)!.bytes).toEqual(content)
    expect(readSteadyNow(at('a'), 1000)!.info.size).toBe(1000n)
    expect(readSteadyNow(at('a'), 999)).toBeUndefined()
    hooks['readSync'] = (_: number, buffer: Uint8Array, { offset = 1000 }: { offset?: number } = {}) => {
      const part = content.subarray(offset, Math.min(offset + 7, 1000))
      if (part.length > 0) buffer.set(part, offset)
      return part.length
    }
    expect(readSteadyNow(at('a'), 1000)!.bytes).toEqual(content)
    await writeFile(at('empty'), '')
    delete hooks['readSync']
    expect(readSteadyNow(at('empty'), 0)!.bytes).toEqual(new Uint8Array(0))
  })

  test.each(['size', 'mtimeNs', 'ctimeNs'] as const)('another %s at the end means that it changed', async field => {
    await writeFile(at('a'), 'content')
    const { info } = readSteadyNow(at('a'), 100)!
    const times = [info, { ...info, [field]: info[field] + 1n }]
    hooks['fstatSync'] = () => times.shift()
    expect(() => readSteadyNow(at('a'), 100)).toThrow(expect.objectContaining({ code: 'E_CHANGED' }))
    expect(times).toEqual([])
  })

  test.runIf(process.platform === 'linux')('what fails is told as what could not be read, and is closed', async () => {
    await writeFile(at('a'), 'content')
    const failure = { code: 'E_IO', message: expect.stringContaining('cannot read') }
    expect(() => readSteadyNow(at('none'), 100)).toThrow(expect.objectContaining(failure))
    hooks['readSync'] = failing('EIO')
    expect(() => readSteadyNow(at('a'), 100)).toThrow(expect.objectContaining(failure))
    expect(await openFiles()).toEqual([])
  })
})
