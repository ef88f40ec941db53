import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isUnfinished, openPlace, type Place } from '../src/vault/place.ts'
import { MemoryFolder } from './folder.ts'

const signal = new AbortController().signal
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * i) >> 4)
const contentOf = async (parts: AsyncIterable<Uint8Array>) => {
  const all: number[] = []
  for await (const part of parts) all.push(...part)
  return Uint8Array.from(all)
}

const starting = async (place: Place) => (await place.create('trip/a.png', 'image/png', 0))!

describe('private storage, where a worker writes by itself', () => {
  let folder: MemoryFolder
  /** Of a worker: others have one of their own for the same folder. */
  let place: Place
  const another = () => openPlace({ kind: 'storage', id: 'scratch', folder: folder.handle })

  beforeEach(() => {
    folder = new MemoryFolder()
    vi.stubGlobal(
      'FileSystemFileHandle',
      class {
        createSyncAccessHandle() {}
      },
    )
    place = another()
  })
  afterEach(() => vi.unstubAllGlobals())

  test('nobody takes half a file for one, and what is read again is what lies there', async () => {
    const draft = await starting(place)
    const bytes = bytesOf(70_000).fill(9, 0, 1)
    const lying = await (await folder.getDirectoryHandle('trip')).getFileHandle('a.png')
    expect(await isUnfinished(await lying.getFile())).toBe(true)
    for (let at = 0; at < bytes.length; at += 30_000) {
      await draft.write(bytes.subarray(at, at + 30_000))
      expect(await isUnfinished(await lying.getFile())).toBe(true)
    }
    expect(await contentOf(draft.readBack(signal))).toEqual(bytes)
    lying.alter(50_000)
    expect((await contentOf(draft.readBack(signal)))[50_000]).not.toBe(bytes[50_000])
    lying.alter(50_000)
    const file = await draft.finish()
    expect(folder.paths()).toEqual(['trip/a.png'])
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes)
    expect(await isUnfinished(file)).toBe(false)
  })

  test('a file is whole without being read again, in parts of any size', async () => {
    for (const size of [1, 2, 100]) {
      const draft = (await place.create(`${size}.png`, 'image/png', 0))!
      const bytes = bytesOf(200).fill(9, 0, 1)
      for (let at = 0; at < bytes.length; at += size) await draft.write(bytes.subarray(at, at + size))
      expect(new Uint8Array(await (await draft.finish()).arrayBuffer())).toEqual(bytes)
    }
  })

  test('a name is taken while it is written and after it was, for this worker and for others', async () => {
    const draft = await starting(place)
    await draft.write(bytesOf(100))
    expect((await place.existing('trip/a.png'))?.size).toBe(0)
    expect(await another().create('trip/a.png', 'image/png', 0)).toBeUndefined()
    await draft.finish()
    expect(await another().create('trip/a.png', 'image/png', 0)).toBeUndefined()
    expect((await another().existing('trip/a.png'))?.size).toBe(100)
    // Whoever was refused holds nothing open.
    await (await (await folder.getDirectoryHandle('trip')).getFileHandle('a.png')).createSyncAccessHandle()
  })

  test('what is discarded leaves nothing, before and after it was finished', async () => {
    const before = await starting(place)
    await before.write(bytesOf(100))
    await before.discard()
    const after = await starting(place)
    await after.finish()
    await after.discard()
    expect(folder.paths()).toEqual([])
  })

  test('no room left is told as such', async () => {
    folder = new MemoryFolder('full', 1000)
    const draft = await starting(another())
    await expect(draft.write(bytesOf(2000))).rejects.toMatchObject({
      code: 'E_IO',
      message: 'there is no room left for the result',
    })
    await draft.discard()
    expect(folder.paths()).toEqual([])
  })

  test('stopping ends the reading', async () => {
    const draft = await starting(place)
    await draft.write(bytesOf(100))
    const stop = new AbortController()
    stop.abort(new Error('stopped'))
    await expect(contentOf(draft.readBack(stop.signal))).rejects.toThrow('stopped')
    expect(await contentOf(draft.readBack(signal))).toEqual(bytesOf(100))
  })
})

test('a browser whose workers cannot write by themselves writes private storage as it writes folders', async () => {
  const folder = new MemoryFolder()
  const draft = await starting(openPlace({ kind: 'storage', id: 'scratch', folder: folder.handle }))
  await draft.write(bytesOf(100))
  expect(folder.paths()).toEqual(['trip/a.png'])
  expect(await contentOf(draft.readBack(signal))).toEqual(bytesOf(100))
  expect((await draft.finish()).size).toBe(100)
})

test('memory gives what was written, read again or not', async () => {
  const [read, unread] = [await starting(openPlace({ kind: 'memory' })), await starting(openPlace({ kind: 'memory' }))]
  for (const draft of [read, unread]) for (const part of [bytesOf(10), bytesOf(20)]) await draft.write(part)
  expect(await contentOf(read.readBack(signal))).toEqual(new Uint8Array([...bytesOf(10), ...bytesOf(20)]))
  for (const draft of [read, unread])
    expect(await draft.finish()).toMatchObject({ name: 'a.png', type: 'image/png', size: 30 })
})
