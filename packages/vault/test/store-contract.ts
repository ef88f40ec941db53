import { toHex } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { bodyOfBytes, type ObjectInfo, readObject, type Store, StoreFault } from '../src/store/store.ts'

/** Fixed bytes without a pattern: the same for one seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

/**
 * What every store must do: call it where tests are defined.
 * @param open an empty store, a new one each time
 * @param page how many objects a page of its listing holds at most
 */
export function storeContract(name: string, open: () => Promise<Store>, page = 1000): void {
  describe(`the store contract: ${name}`, { timeout: 60_000 }, () => {
    const LIMIT = 1 << 28
    const listed = async (store: Store, folder: string): Promise<ObjectInfo[]> => {
      const found: ObjectInfo[] = []
      for await (const info of store.list(folder)) found.push(info)
      return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    }
    const withStore = async (work: (store: Store) => Promise<void>) => {
      const store = await open()
      try {
        await work(store)
      } finally {
        await store.close()
      }
    }
    const fails = async (work: () => Promise<unknown>) => {
      const error = await work().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(StoreFault)
      return (error as StoreFault).kind
    }

    test.each([0, 1, 1000, 300_000])('%i bytes come back as they were, and are said to be so many', size =>
      withStore(async store => {
        const bytes = noise(size, 7)
        expect(await store.create('objects/ab/one.png', bodyOfBytes(bytes))).toBe('created')
        expect(Buffer.from(await readObject(store, 'objects/ab/one.png', LIMIT)).equals(bytes)).toBe(true)
        expect(await store.stat('objects/ab/one.png')).toMatchObject({ name: 'objects/ab/one.png', size })
        await store.sync()
      }),
    )

    test('a body that comes in many parts, and is larger than a part of an upload', () =>
      withStore(async store => {
        const part = noise(1 << 20, 3)
        async function* parts() {
          for (let i = 0; i < 13; i++) yield part
        }
        const size = 13 * part.length
        expect(await store.create('large', { size, parts })).toBe('created')
        const back = await readObject(store, 'large', LIMIT)
        expect(back.length).toBe(size)
        for (let i = 0; i < 13; i++)
          expect(Buffer.compare(back.subarray(i * part.length, (i + 1) * part.length), part)).toBe(0)
      }))

    test('ranges are exact, and end where the object does', () =>
      withStore(async store => {
        const bytes = noise(10_000, 5)
        await store.create('ranges', bodyOfBytes(bytes))
        for (const [from, to] of [
          [0, 1],
          [0, 10_000],
          [17, 4711],
          [9_999, 10_000],
          [9_000, 20_000],
          [5, 5],
          [10_000, 10_001],
        ] as const)
          expect([from, to, toHex(await readObject(store, 'ranges', LIMIT, { from, to }))]).toEqual([
            from,
            to,
            toHex(bytes.subarray(from, to)),
          ])
      }))

    test('what is there is never replaced', () =>
      withStore(async store => {
        await store.create('a/b/c', bodyOfBytes(noise(100, 1)))
        expect(await store.create('a/b/c', bodyOfBytes(noise(100, 2)))).toBe('exists')
        expect(await store.create('a/b/c', bodyOfBytes(noise(5, 2)))).toBe('exists')
        expect(Buffer.compare(await readObject(store, 'a/b/c', LIMIT), noise(100, 1))).toBe(0)
      }))

    test('of many writers of one name, one is first and the object is whole', () =>
      withStore(async store => {
        if (!(await store.createsOnly())) return
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, i) => store.create('race/one', bodyOfBytes(noise(50_000, i)))),
        )
        expect(outcomes.filter(outcome => outcome === 'created')).toHaveLength(1)
        const winner = noise(50_000, outcomes.indexOf('created'))
        expect(Buffer.compare(await readObject(store, 'race/one', LIMIT), winner)).toBe(0)
      }))

    test('a body that ends early, late or with an error leaves nothing', () =>
      withStore(async store => {
        const short = { size: 100, parts: () => bodyOfBytes(noise(99, 1)).parts() }
        const long = { size: 100, parts: () => bodyOfBytes(noise(101, 1)).parts() }
        expect(await fails(() => store.create('x/short', short))).toBe('broken')
        expect(await fails(() => store.create('x/long', long))).toBe('broken')
        async function* failing() {
          yield noise(10, 1)
          throw new StoreFault('refused', 'the source failed')
        }
        expect(await fails(() => store.create('x/failing', { size: 100, parts: failing }))).toBe('refused')
        expect(await listed(store, '')).toEqual([])
      }))

    test('lists what lies below a folder, all of it and nothing else', () =>
      withStore(async store => {
        const names = ['index', 'objects/00/a', 'objects/01/b', 'objects/01/c/d', 'objects-too/x']
        for (const [i, each] of names.entries()) await store.create(each, bodyOfBytes(noise(i + 1, i)))
        expect((await listed(store, '')).map(({ name, size }) => [name, size])).toEqual(
          names.map((each, i) => [each, i + 1]).toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
        )
        expect((await listed(store, 'objects/')).map(({ name }) => name)).toEqual(names.slice(1, 4))
        expect(await listed(store, 'nothing/')).toEqual([])
      }))

    test('more objects than a page of a listing holds', () =>
      withStore(async store => {
        const names = Array.from({ length: page + 50 }, (_, i) => `many/${String(i % 7)}/${String(i).padStart(5, '0')}`)
        for (let at = 0; at < names.length; at += 50)
          await Promise.all(names.slice(at, at + 50).map(each => store.create(each, bodyOfBytes(noise(1, 1)))))
        expect((await listed(store, 'many/')).map(({ name }) => name)).toEqual(names.toSorted())
      }))

    test('what is not there is absent, and may be removed', () =>
      withStore(async store => {
        expect(await store.stat('no/such')).toBeUndefined()
        expect(await fails(() => readObject(store, 'no/such', LIMIT))).toBe('absent')
        await store.remove('no/such')
        await store.create('gone', bodyOfBytes(noise(9, 9)))
        await store.remove('gone')
        expect(await store.stat('gone')).toBeUndefined()
        expect(await store.create('gone', bodyOfBytes(noise(8, 8)))).toBe('created')
      }))

    test.each(['', '/a', 'a/', '../a', 'a/../b', 'A', 'a b', 'a//b', '.a', 'a/.b', 'é', 'a\0b', 'x'.repeat(201)])(
      'the name %j is refused',
      bad =>
        withStore(async store => {
          await expect(store.create(bad, bodyOfBytes(noise(1, 1)))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
          await expect((async () => store.stat(bad))()).rejects.toMatchObject({ code: 'E_ARGUMENT' })
        }),
    )

    test('its address names no secret', () =>
      withStore(async store => {
        expect(store.address).toMatch(/^[a-z0-9]+:/)
        expect(store.address).not.toMatch(/@|S3RVER|secret/)
      }))
  })
}
