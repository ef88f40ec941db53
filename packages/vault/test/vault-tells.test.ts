import { sha256Of, toHex } from '@latent/core'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { MemoryStore, readObject, removePhotos, select, share, Vault } from '../src/index.ts'
import { plain } from './folders.ts'
import { add, openVault, person, putFiles } from './vault-fixtures.ts'

test('nothing but sizes, counts and times can be read from a vault without a key', async () => {
  const [me, friend] = [await person(), await person()]
  const store = new MemoryStore()
  const vault = await Vault.init(store, [me.recipient], { album: 'Weißwurst and friends' })
  await putFiles(plain, { 'Lisbon trip/IMG_20190304.HEIC': 900, 'Lisbon trip/IMG_20190304.MOV': 700 })
  const photo = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#123456' } })
    .withExif({ IFD0: { Make: 'Grenzblick', Model: 'Quasar 7' }, IFD2: { DateTimeOriginal: '2019:03:04 05:06:07' } })
    .jpeg()
    .toBuffer()
  await writeFile(join(plain, 'Lisbon trip/beach.jpg'), photo)
  const thumbnailer = async (bytes: Uint8Array) => bytes.slice(0, 400)
  await add(vault, plain, { thumbnailer, into: 'Summer of nineteen' })
  await share(vault, vault.main(), [friend.recipient])
  await vault.addAlbum('second album', [me.recipient])
  await removePhotos(vault, select(vault, { patterns: ['*.MOV'], alone: true }))

  const seen = select(await openVault(store, me), {})
  // The index has what is looked for below: the search could find it.
  expect(seen.map(({ path, camera, taken }) => [path, camera, taken])).toContainEqual([
    'Summer of nineteen/Lisbon trip/beach.jpg',
    'Grenzblick Quasar 7',
    '2019-03-04T05:06:07',
  ])

  const words =
    'Weißwurst,friends,second album,Lisbon,n trip,IMG_20190304,.HEIC,4.MOV,beach,Summer,nineteen,Grenzblick,Quasar,' +
    '2019-03-04,2019:03:04,05:06:07,image/,image/jpeg,latent-index,thumbnails'
  const secrets = [
    ...words.split(','),
    me.recipient,
    friend.recipient,
    me.recipient.slice(4, 20),
    String(seen[0]!.modified),
    seen[0]!.sha256,
    toHex(sha256Of(photo)),
    ...vault.albums().map(({ id }) => id),
    ...Array.from(vault.keys.values(), ({ key }) => toHex(key)),
  ]
  // None so short that it stands in noise, base64 or a drawn name by chance: four digits do in one run of fifty.
  expect(secrets.filter(secret => secret.length < 5)).toEqual([])
  const looked: string[] = []
  for await (const { name } of store.list('')) {
    looked.push(name.split('/')[0]!)
    const bytes = Buffer.concat([Buffer.from(`${name}\n`), await readObject(store, name, 1 << 24)])
    for (const secret of secrets) {
      expect([name, secret, bytes.includes(secret)]).toEqual([name, secret, false])
      expect([name, secret, bytes.includes(Buffer.from(secret, 'utf16le'))]).toEqual([name, secret, false])
    }
    for (const key of vault.keys.values()) expect(bytes.includes(Buffer.from(key.key))).toBe(false)
    expect(bytes.includes(await readFile(join(plain, 'Lisbon trip/IMG_20190304.MOV')))).toBe(false)
  }
  expect(new Set(looked)).toEqual(new Set(['index', 'keys', 'latent-vault', 'objects', 'thumbs']))
})
