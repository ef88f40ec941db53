import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openPlace, UNFINISHED } from '../src/vault/place.ts'
import { MemoryFolder } from './folder.ts'

const signal = new AbortController().signal
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i) >> 4)
const contentOf = async (parts: AsyncIterable<Uint8Array>) => {
  const all: number[] = []
  for await (const part of parts) all.push(...part)
  return Uint8Array.from(all)
}

describe('private storage, where a worker writes by itself', () => {
  let folder: MemoryFolder
  const place = () => openPlace({ kind: 'storage', id: 'scratch', folder: folder.handle })
  const unfinished = () => folder.paths().filter(path => path.endsWith(UNFINISHED))

  beforeEach(() => {
    folder = new MemoryFolder()
    vi.stubGlobal(
      'FileSystemFileHandle',
      class {
        createSyncAccessHandle() {}
        move() {}
      },
    )
  })
  afterEach(() => vi.unstubAllGlobals())

  test('nobody sees half a file, and what is read again is what lies under its name', async () => {
    const draft = await place().create('trip/a.png', 'image/png', 0)
    const bytes = bytesOf(70_000)
    for (let at = 0; at < bytes.length; at += 30_000) await draft.write(bytes.subarray(at, at + 30_000))
    const taken = await place().existing('trip/a.png')
    expect(taken?.size).toBe(0)
    expect(unfinished()).toHaveLength(1)
    const { file, parts } = await draft.finish()
    expect(folder.paths()).toEqual(['trip/a.png'])
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes)
    expect(await contentOf(parts(signal))).toEqual(bytes)
    // What was let go of half way is no longer open.
    for await (const _ of parts(signal)) break
    const lying = await (await folder.getDirectoryHandle('trip')).getFileHandle('a.png')
    lying.content = new Blob(['altered'])
    expect(new TextDecoder().decode(await contentOf(parts(signal)))).toBe('altered')
  })

  test('what is discarded leaves nothing, before and after it was finished', async () => {
    const before = await place().create('a.png', 'image/png', 0)
    await before.write(bytesOf(100))
    await before.discard()
    const after = await place().create('a.png', 'image/png', 0)
    await after.finish()
    await after.discard()
    expect(folder.paths()).toEqual([])
  })

  test('no room left is told as such', async () => {
    folder = new MemoryFolder('full', 1000)
    const draft = await place().create('a.png', 'image/png', 0)
    await expect(draft.write(bytesOf(2000))).rejects.toMatchObject({
      code: 'E_IO',
      message: 'there is no room left for the result',
    })
    await draft.discard()
    expect(folder.paths()).toEqual([])
  })

  test('stopping ends the reading', async () => {
    const draft = await place().create('a.png', 'image/png', 0)
    await draft.write(bytesOf(100))
    const { parts } = await draft.finish()
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await expect(contentOf(parts(stop.signal))).rejects.toThrow('stopped')
    expect(await contentOf(parts(signal))).toEqual(bytesOf(100))
  })
})

test('a browser that cannot rename writes private storage as it writes folders', async () => {
  const folder = new MemoryFolder()
  const place = openPlace({ kind: 'storage', id: 'scratch', folder: folder.handle })
  const draft = await place.create('a.png', 'image/png', 0)
  await draft.write(bytesOf(100))
  expect(folder.paths()).toEqual(['a.png'])
  const { parts } = await draft.finish()
  expect(await contentOf(parts(signal))).toEqual(bytesOf(100))
})
