import type { LatentError } from '@latent/core'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  checkPresence,
  collect,
  type Keyring,
  MemoryStore,
  nameAlbums,
  openSealed,
  prune,
  readObject,
  rebuild,
  rekey,
  removePhotos,
  select,
  type Selection,
  share,
  type Store,
  StoreFault,
  streamOf,
  thumbnailOf,
  unshare,
  Vault,
  vaultFigures,
} from '../src/index.ts'
import { verifyVault } from '../src/node/index.ts'
import { bodyOfBytes } from '../src/store/store.ts'
import { flows } from './fixtures.ts'
import { opened, plain, tree } from './folders.ts'
import { noise } from './store-contract.ts'
import { add, all, get, openVault, type Person, person, putFiles, tally, THEN } from './vault-fixtures.ts'

const FILES = {
  'holiday/IMG_1.HEIC': 5000,
  'holiday/IMG_1.MOV': 9000,
  'holiday/IMG_1.AAE': 300,
  'holiday/IMG_2.jpg': 4000,
  'holiday/IMG_2.jpg.xmp': 200,
  'work/whiteboard.png': 1200,
  'notes.txt': 10,
  'empty.bin': 0,
}

async function newVault(store: Store = new MemoryStore()): Promise<{ store: Store; me: Person; vault: Vault }> {
  const me = await person()
  const vault = await Vault.init(store, [me.recipient])
  return { store, me, vault }
}

async function namesOf(store: Store, folder = ''): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of store.list(folder)) names.push(name)
  return names.toSorted()
}

const paths = (vault: Vault, selection = {}) => select(vault, selection).map(({ path }) => path)
const code = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  )

describe('adding and getting', () => {
  test('everything comes back bit for bit, with its time and its folders', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, FILES)
    expect(tally(await add(vault, plain))).toEqual({ done: 8 })
    const again = await openVault(store, me)
    expect(tally(await get(again, opened))).toEqual({ done: 8 })
    expect(await tree(opened)).toEqual(await tree(plain))
    expect((await stat(join(opened, 'holiday/IMG_2.jpg'))).mtime).toEqual(THEN)
    expect(tally(await get(again, opened))).toEqual({ skipped: 8 })
  })

  test('a second run skips everything without a reading, and writes nothing but its presence', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, FILES)
    await add(vault, plain)
    const before = await namesOf(store)
    const again = await openVault(store, me)
    expect(tally(await add(again, plain))).toEqual({ skipped: 8 })
    expect(tally(await add(again, plain, { reread: true }))).toEqual({ skipped: 8 })
    expect(await namesOf(store)).toEqual(before)
  })

  test('a changed file becomes a new version, and the earlier one is there as of its time', async () => {
    let clock = 1_000_000
    const { me, store } = await newVault()
    const options = { now: () => clock }
    const vault = await openVault(store, me, options)
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 1000 })
    await add(vault, plain)
    const before = await readFile(join(plain, 'a.jpg'))
    clock = 2_000_000
    await writeFile(join(plain, 'a.jpg'), noise(1000, 99))
    await rm(join(plain, 'b.jpg'))
    expect((await add(vault, plain)).map(({ note }) => note)).toEqual([
      'there was another file at this path, which is kept as an earlier version',
    ])
    const again = await openVault(store, me, options)
    expect(paths(again)).toEqual(['a.jpg', 'b.jpg'])
    await get(again, join(opened, 'now'))
    expect(await readFile(join(opened, 'now/a.jpg'))).toEqual(await readFile(join(plain, 'a.jpg')))
    await get(again, join(opened, 'then'), { asOf: 1_500_000 })
    expect(await readFile(join(opened, 'then/a.jpg'))).toEqual(before)
    expect(vaultFigures(again)).toMatchObject({ files: 2, versions: 1 })
    expect(Object.fromEntries(again.main().versions(['a.jpg', 'b.jpg']))).toEqual({ 'a.jpg': 2, 'b.jpg': 1 })
  })

  test('a clock that goes back does not make an older version the newer', async () => {
    const { store, me } = await newVault()
    await putFiles(plain, { 'a.jpg': 1000 })
    await add(await openVault(store, me, { now: () => 9_000_000 }), plain)
    await writeFile(join(plain, 'a.jpg'), noise(1000, 99))
    await add(await openVault(store, me, { now: () => 9_000_000 - 3_600_000 }), plain)
    await get(await openVault(store, me), opened)
    expect(await readFile(join(opened, 'a.jpg'))).toEqual(Buffer.from(noise(1000, 99)))
  })

  test('one photo brings its film and its sidecars; alone it does not', async () => {
    const { vault } = await newVault()
    await putFiles(plain, FILES)
    await add(vault, plain)
    expect(paths(vault, { patterns: ['IMG_1.HEIC'] })).toEqual([
      'holiday/IMG_1.AAE',
      'holiday/IMG_1.HEIC',
      'holiday/IMG_1.MOV',
    ])
    expect(paths(vault, { patterns: ['holiday/IMG_2.jpg'] })).toEqual(['holiday/IMG_2.jpg', 'holiday/IMG_2.jpg.xmp'])
    expect(paths(vault, { patterns: ['*.HEIC'], alone: true })).toEqual(['holiday/IMG_1.HEIC'])
    expect(paths(vault, { patterns: ['work'] })).toEqual(['work/whiteboard.png'])
    expect(() => select(vault, { patterns: ['nothing*'] })).toThrow('nothing in the vault fits')
    expect(() => select(vault, { albums: ['nothing'] })).toThrow('there is no album')
  })

  test('what meets nothing is refused, and told what is the mistake', async () => {
    let clock = Date.parse('2024-05-06T07:08:09.123Z')
    const { store, me } = await newVault()
    const vault = await openVault(store, me, { now: () => clock })
    const refusal = (selection: Selection) => {
      try {
        return select(vault, selection).length
      } catch (error) {
        const { code, message, hint } = error as LatentError
        return [code, message, hint]
      }
    }
    // Everything was meant, and that is what there is.
    expect(refusal({})).toBe(0)
    await putFiles(plain, { 'a.jpg': 10, 'b.jpg': 20 })
    await add(vault, plain)
    const family = await vault.addAlbum('family', [me.recipient])
    const before = Date.parse('2020-01-01T00:00:00Z')
    expect(refusal({ asOf: before })).toEqual([
      'E_ARGUMENT',
      'there is no photo in the vault at 2020-01-01T00:00:00.000Z',
      'the first was added at 2024-05-06T07:08:09.123Z',
    ])
    expect(refusal({ asOf: clock })).toBe(2)
    expect(refusal({ asOf: before, patterns: ['a.*'] })).toEqual([
      'E_ARGUMENT',
      'nothing in the vault at 2020-01-01T00:00:00.000Z fits "a.*"',
      'the first was added at 2024-05-06T07:08:09.123Z',
    ])
    expect(refusal({ patterns: ['a.jpg', 'c*'] })).toEqual([
      'E_ARGUMENT',
      'nothing in the vault fits "c*"',
      'latent vault list shows what there is; patterns go in quotes',
    ])
    expect(refusal({ albums: ['family'] })).toEqual([
      'E_ARGUMENT',
      'there is no photo in the album "family"',
      'the album "photos" has some',
    ])
    expect(refusal({ albums: ['family'], patterns: ['b*'] })).toEqual([
      'E_ARGUMENT',
      'nothing in the album "family" fits "b*"',
      'the album "photos" has some',
    ])
    clock += 1000
    await removePhotos(vault, select(vault, { patterns: ['b.jpg'] }))
    expect(refusal({ patterns: ['b.jpg'] })).toEqual([
      'E_ARGUMENT',
      'nothing in the vault fits "b.jpg"',
      'it was removed: --as-of DATE gives what was there before',
    ])
    await removePhotos(vault, select(vault, { patterns: ['a.jpg'] }))
    expect(refusal({})).toBe(0)
    expect(refusal({ albums: ['photos', family.name] })).toEqual([
      'E_ARGUMENT',
      'there is no photo in the vault',
      'it was removed: --as-of DATE gives what was there before',
    ])
    expect(refusal({ asOf: clock - 1 })).toBe(2)
  })

  test('objects open without the index, with the identity alone', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, { 'a/one.jpg': 3000 })
    await add(vault, plain)
    const [object] = await namesOf(store, 'objects/')
    const png = await readObject(store, object!, 1 << 20)
    const { bytes, metadata } = await openSealed(streamOf(png), me.keyring(), flows)
    expect(metadata).toMatchObject({ name: 'one.jpg', size: 3000, modified: THEN.getTime() })
    expect(Buffer.compare(await collect(bytes), await readFile(join(plain, 'a/one.jpg')))).toBe(0)
  })

  test('thumbnails lie in packs, one object for many', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 1001, 'c.txt': 5 })
    const thumbnailer = async (bytes: Uint8Array) => (bytes.length < 10 ? undefined : bytes.slice(0, 50))
    await add(vault, plain, { thumbnailer })
    expect(await namesOf(store, 'thumbs/')).toHaveLength(1)
    const again = await openVault(store, me)
    const [a, b, c] = select(again, {})
    expect(await thumbnailOf(again, a!.key, a!)).toEqual(
      new Uint8Array((await readFile(join(plain, 'a.jpg'))).subarray(0, 50)),
    )
    expect(await thumbnailOf(again, b!.key, b!)).toHaveLength(50)
    expect(await thumbnailOf(again, c!.key, c!)).toBeUndefined()
  })
})

describe('members', () => {
  test('somebody who is given an album opens it, and nothing else, without a photo being written', async () => {
    const { store, me, vault } = await newVault()
    await vault.addAlbum('family', [me.recipient])
    await putFiles(plain, FILES)
    await add(vault, plain)
    await add(vault, join(plain, 'holiday'), { album: vault.album('family') })
    const friend = await person()
    expect(await code(openVault(store, friend))).toBe('E_NO_MATCH')
    const objects = await namesOf(store, 'objects/')
    expect(await share(vault, vault.album('family'), [friend.recipient])).toMatchObject({ keys: 1 })
    expect(await namesOf(store, 'objects/')).toEqual(objects)
    const theirs = await openVault(store, friend)
    expect(theirs.albums().map(({ name }) => name)).toEqual(['family'])
    expect(tally(await get(theirs, opened))).toEqual({ done: 5 })
    expect(await share(vault, vault.album('family'), [friend.recipient])).toMatchObject({ keys: 0 })
  })

  test('who is left out keeps what they had, and gets nothing that is new', async () => {
    const { store, me, vault } = await newVault()
    const friend = await person()
    await putFiles(plain, { 'old.jpg': 1000 })
    await add(vault, plain)
    await share(vault, vault.main(), [friend.recipient])
    await unshare(vault, vault.main(), [friend.recipient])
    await putFiles(plain, { 'old.jpg': 1000, 'new.jpg': 2000 })
    expect(tally(await add(vault, plain))).toEqual({ done: 1, skipped: 1 })
    expect(paths(await openVault(store, friend))).toEqual(['old.jpg'])
    const mine = await openVault(store, me)
    expect(paths(mine)).toEqual(['new.jpg', 'old.jpg'])
    expect(mine.main().members).toEqual([me.recipient])
    expect(await code(unshare(mine, mine.main(), [friend.recipient]))).toBe('E_ARGUMENT')
    expect(await code(unshare(mine, mine.main(), [me.recipient]))).toBe('E_ARGUMENT')
    const later = await person()
    await share(mine, mine.main(), [later.recipient])
    expect(paths(await openVault(store, later))).toEqual(['new.jpg', 'old.jpg'])
  })

  test('a new key is for what comes after it', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, { 'a.jpg': 100 })
    await add(vault, plain)
    await rekey(vault, vault.main())
    await putFiles(plain, { 'a.jpg': 100, 'b.jpg': 100 })
    await add(vault, plain)
    const again = await openVault(store, me)
    expect(again.main().keys.map(({ photos }) => photos.size)).toEqual([1, 1])
    expect(tally(await get(again, opened))).toEqual({ done: 2 })
  })
})

describe('removing and pruning', () => {
  const DAY = 24 * 3600_000
  test('what is removed is hidden at once, marked by a first pruning, deleted by a later one', async () => {
    let clock = 1_600_000_000_000
    const { store, me } = await newVault()
    const vault = await openVault(store, me, { now: () => clock })
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 2000 })
    await add(vault, plain)
    await removePhotos(vault, select(vault, { patterns: ['a.jpg'] }))
    expect(paths(vault)).toEqual(['b.jpg'])
    expect(await prune(vault, 7 * DAY)).toMatchObject({ marked: 1, deleted: 0 })
    clock += 6 * DAY
    expect(await prune(await openVault(store, me, { now: () => clock }), 7 * DAY)).toMatchObject({
      marked: 0,
      waiting: 1,
      deleted: 0,
    })
    clock += 2 * DAY
    expect(await prune(await openVault(store, me, { now: () => clock }), 7 * DAY)).toMatchObject({ deleted: 1 })
    expect(await namesOf(store, 'objects/')).toHaveLength(1)
    const again = await openVault(store, me, { now: () => clock })
    expect(paths(again)).toEqual(['b.jpg'])
    // Added again, it is a new object.
    expect(tally(await add(again, plain))).toEqual({ done: 1, skipped: 1 })
    expect(tally(await get(await openVault(store, me), opened))).toEqual({ done: 2 })
  })

  test('added again while it waits, it is not deleted', async () => {
    let clock = 1_600_000_000_000
    const { store, me } = await newVault()
    const vault = await openVault(store, me, { now: () => clock })
    await putFiles(plain, { 'a.jpg': 1000 })
    await add(vault, plain)
    await removePhotos(vault, select(vault, {}))
    await prune(vault, DAY)
    expect(tally(await add(vault, plain))).toEqual({ done: 1 })
    clock += 10 * DAY
    const later = await openVault(store, me, { now: () => clock })
    expect(await prune(later, DAY)).toMatchObject({ deleted: 1 })
    expect(tally(await get(later, opened))).toEqual({ done: 1 })
  })

  test('nothing is pruned while somebody adds; a writer that was killed counts as gone after an hour', async () => {
    const { store, vault } = await newVault()
    await store.create(`writers/${'0'.repeat(32)}`, bodyOfBytes(new Uint8Array(0)))
    expect(await code(prune(vault, 0))).toBe('E_EXISTS')
  })

  test('many segments become one, and what they said is still said', async () => {
    let clock = 1_600_000_000_000
    const { store, me } = await newVault()
    const vault = await openVault(store, me, { now: () => clock })
    await putFiles(plain, Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`${i}.jpg`, 50 + i])))
    await add(vault, plain, { segment: 1, jobs: 1 })
    const before = paths(vault)
    await prune(vault, DAY)
    expect((await namesOf(store, 'index/')).length).toBeGreaterThan(70)
    clock = Date.now() + 2 * DAY
    const later = await openVault(store, me, { now: () => clock })
    expect((await prune(later, DAY)).segments).toBeGreaterThan(69)
    expect((await namesOf(store, 'index/')).length).toBeLessThan(5)
    const again = await openVault(store, me)
    expect(paths(again)).toEqual(before)
    expect((await checkPresence(again, select(again, {}))).lostSegments).toEqual([])
  })
})

describe('an index that is lost', () => {
  test('comes back from the objects, with folders, times and albums', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, FILES)
    await add(vault, plain)
    for (const name of await namesOf(store, 'index/')) await store.remove(name)
    const lost = await openVault(store, me)
    expect(paths(lost)).toEqual([])
    expect(await rebuild(lost, me.keyring())).toEqual({ objects: 8, found: 8, foreign: 0, damaged: [] })
    const again = await openVault(store, me)
    expect(paths(again)).toEqual(Object.keys(FILES).toSorted())
    expect(tally(await get(again, opened))).toEqual({ done: 8 })
    expect(await tree(opened)).toEqual(await tree(plain))
    expect(await rebuild(again, me.keyring())).toMatchObject({ found: 0 })
  })

  test('an album of two keys comes back as two, and is one again when somebody says so', async () => {
    let clock = 1_600_000_000_000
    const { store, me } = await newVault()
    const now = () => clock
    const vault = await openVault(store, me, { now })
    const friend = await person()
    await share(vault, vault.main(), [friend.recipient])
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 2000 })
    await add(vault, plain)
    await unshare(vault, vault.main(), [friend.recipient])
    clock += 1000
    await writeFile(join(plain, 'a.jpg'), noise(1000, 99))
    await add(vault, plain)
    const { newest } = vault.main()
    for (const name of await namesOf(store, 'index/')) await store.remove(name)
    const lost = await openVault(store, me, { now })
    await rebuild(lost, me.keyring())
    expect(lost.albums().map(({ keys, isNameless }) => [keys.length, isNameless])).toEqual([
      [1, true],
      [1, true],
    ])
    // Not the key that the friend has.
    expect(lost.main().newest.id).toBe(newest.id)
    await expect(nameAlbums(lost, lost.albums(), ' ')).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    expect(await nameAlbums(lost, lost.albums(), 'photos')).toEqual({ album: 'photos', keys: 2 })
    for (const found of [lost, await openVault(store, me, { now })]) {
      expect(found.albums().map(({ name, main, isNameless }) => [name, main, isNameless])).toEqual([
        ['photos', true, false],
      ])
      expect(found.main().newest.id).toBe(newest.id)
      expect(paths(found)).toEqual(['a.jpg', 'b.jpg'])
      expect(tally(await add(found, plain))).toEqual({ skipped: 2 })
    }
    await get(lost, opened)
    expect(await tree(opened)).toEqual(await tree(plain))
    // Any album may get another name, but not that of another.
    await lost.addAlbum('family', [me.recipient])
    await expect(nameAlbums(lost, [lost.album('family')], 'photos')).rejects.toMatchObject({ code: 'E_EXISTS' })
    await nameAlbums(lost, [lost.album('family')], 'relatives')
    expect((await openVault(store, me)).albums().map(({ name, main }) => [name, main])).toEqual([
      ['photos', true],
      ['relatives', false],
    ])
  })

  test('in part is noticed: segments name those before them', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, { 'a.jpg': 10 })
    await add(vault, plain)
    await putFiles(plain, { 'b.jpg': 10 })
    await add(vault, plain)
    const [first, second] = Array.from(vault.main().newest.segments.keys())
    await store.remove(`index/${vault.main().newest.id}/${second}.png`)
    const again = await openVault(store, me)
    expect(first).toBeDefined()
    expect((await checkPresence(again, select(again, {}))).lostSegments).toEqual([
      `index/${vault.main().newest.id}/${second}.png`,
    ])
  })

  test('foreign and damaged objects are told apart', async () => {
    const { store, me, vault } = await newVault()
    const other = await newVault()
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 1000 })
    await add(vault, plain)
    await add(other.vault, plain)
    const [theirs] = await namesOf(other.store, 'objects/')
    await store.create(`objects/00/${'1'.repeat(30)}.png`, bodyOfBytes(await readObject(other.store, theirs!, 1 << 20)))
    await store.create(`objects/00/${'2'.repeat(30)}.png`, bodyOfBytes(noise(500, 1)))
    const [mine] = await namesOf(store, 'objects/')
    const png = await readObject(
      store,
      mine!.startsWith('objects/00/1') ? (await namesOf(store, 'objects/'))[2]! : mine!,
      1 << 20,
    )
    png[120]! ^= 1
    await store.create(`objects/00/${'3'.repeat(30)}.png`, bodyOfBytes(png))
    expect(await rebuild(vault, me.keyring())).toMatchObject({
      found: 0,
      foreign: 2,
      damaged: [`objects/00/${'3'.repeat(30)}.png`],
    })
  })
})

describe('verifying', () => {
  const verify = (vault: Vault) => all(verifyVault({ vault, photos: select(vault, {}), flows }))

  test('every object is opened; what is damaged, gone or another file is named', async () => {
    const { store, me, vault } = await newVault()
    await putFiles(plain, { 'a.jpg': 1000, 'b.jpg': 1000, 'c.jpg': 1000, 'd.jpg': 1000 })
    await add(vault, plain)
    expect(tally(await verify(vault))).toEqual({ done: 4 })
    const [, b, c, d] = select(vault, {})
    const png = await readObject(store, b!.object, 1 << 20)
    png[png.length - 200]! ^= 1
    await store.remove(b!.object)
    await store.create(b!.object, bodyOfBytes(png))
    await store.remove(c!.object)
    const another = await readObject(store, select(vault, {})[0]!.object, 1 << 20)
    await store.remove(d!.object)
    await store.create(d!.object, bodyOfBytes(another))
    const again = await openVault(store, me)
    expect((await verify(again)).map(({ source, status, code: found }) => [source, status, found])).toEqual([
      ['a.jpg', 'done', undefined],
      ['b.jpg', 'failed', 'E_CHUNK'],
      ['c.jpg', 'missing', 'E_VAULT'],
      ['d.jpg', 'failed', 'E_HASH'],
    ])
    const presences = await checkPresence(again, select(again, {}))
    expect(presences.missing.map(({ path }) => path)).toEqual(['c.jpg'])
  })
})

describe('bad input', () => {
  test.each([
    ['no vault', () => Promise.resolve(), 'E_VAULT'],
    [
      'another version',
      (store: Store) => store.create('latent-vault', bodyOfBytes(Buffer.from('latent vault 2\n'))),
      'E_UNSUPPORTED',
    ],
    ['something else', (store: Store) => store.create('latent-vault', bodyOfBytes(Buffer.from('hello\n'))), 'E_VAULT'],
    [
      'a vault without its keys',
      (store: Store) =>
        store.create('latent-vault', bodyOfBytes(Buffer.from(`latent vault 1\nid ${'0'.repeat(32)}\n`))),
      'E_VAULT',
    ],
  ])('%s', async (_, prepare, expected) => {
    const store = new MemoryStore()
    await prepare(store)
    expect(await code(openVault(store, await person()))).toBe(expected)
  })

  test('a second vault at one place, a wrong key, a damaged envelope', async () => {
    const { store, me } = await newVault()
    expect(await code(Vault.init(store, [me.recipient]))).toBe('E_EXISTS')
    expect(await code(openVault(store, await person()))).toBe('E_NO_MATCH')
    const [envelope] = await namesOf(store, 'keys/')
    await store.remove(envelope!)
    await store.create(envelope!, bodyOfBytes(noise(200, 1)))
    expect(await code(openVault(store, me))).toBe('E_VAULT')
  })

  test('a store that refuses ends the run, and says so; what was added until then is kept', async () => {
    const { store, me } = await newVault()
    await putFiles(plain, Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.jpg`, 100])))
    let left = 20
    const full = new Proxy(store, {
      get(target, key) {
        if (key === 'create')
          return (name: string, body: never) => {
            if (name.startsWith('objects/') && left-- <= 0) throw new StoreFault('full', 'no space is left')
            return target.create(name, body)
          }
        const value = Reflect.get(target, key) as unknown
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
    expect(await code(add(await openVault(full, me), plain, { segment: 5 }))).toBe('E_STORE')
    expect(paths(await openVault(store, me))).toHaveLength(20)
    left = 100
    expect(tally(await add(await openVault(full, me), plain))).toEqual({ done: 10, skipped: 20 })
  })

  test('a file that changes while it is added is told, and not recorded', async () => {
    const { store, me } = await newVault()
    // Large enough to be read twice: for its hash, and to be sealed.
    await putFiles(plain, { 'a.jpg': new Uint8Array(34_000_000) })
    const changing = new Proxy(store, {
      get(target, key) {
        if (key === 'create')
          return async (name: string, body: never) => {
            if (name.startsWith('objects/')) await writeFile(join(plain, 'a.jpg'), new Uint8Array(34_000_000).fill(1))
            return target.create(name, body)
          }
        const value = Reflect.get(target, key) as unknown
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
    const vault = await openVault(changing, me)
    const [result] = await add(vault, plain)
    expect([result!.code, paths(vault), await namesOf(store, 'objects/')]).toEqual(['E_CHANGED', [], []])
  })
})

test('a keyring is asked once for each envelope', async () => {
  const { store, me, vault } = await newVault()
  await putFiles(plain, FILES)
  await add(vault, plain)
  let asked = 0
  const keyring = me.keyring()
  const counting = {
    albumKey: (envelope: Uint8Array) => {
      asked++
      return keyring.albumKey(envelope)
    },
  } as Keyring
  await get(await Vault.open(store, { keyring: counting }), opened)
  expect(asked).toBe(1)
})
