import { randomBytes, toHex } from '@latent/core'
import { machine } from '@latent/core/node'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteStore } from '../../../examples/own-store/store.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CountingStore } from '../src/store/counting.ts'
import { DavStore } from '../src/store/dav.ts'
import { FolderStore } from '../src/store/folder.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { isStoreAddress, openStore } from '../src/store/open-store.ts'
import { RetryingStore } from '../src/store/retrying.ts'
import { openS3 } from '../src/store/s3.ts'
import { bodyOfBytes, readObject, type StoreFault } from '../src/store/store.ts'
import { noise, storeContract } from './store-contract.ts'
import { RCLONE, type Server, serveDav, serveS3 } from './store-servers.ts'

const fresh = () => toHex(randomBytes(8))
let scratch: string
let [dav, s3]: (Server | undefined)[] = []
const before = { ...process.env }

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-stores-'))
  if (RCLONE) dav = await serveDav('photos', 'a secret')
  s3 = await serveS3('photos')
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${s3.port}`,
  })
}, 60_000)
afterAll(async () => {
  for (const key of Object.keys(process.env)) if (!(key in before)) delete process.env[key]
  Object.assign(process.env, before)
  await dav?.stop()
  await s3?.stop()
  rmSync(scratch, { recursive: true, force: true })
})

const openDav = (folder: string, password = 'a secret') =>
  new DavStore({ url: `http://127.0.0.1:${dav!.port}/${folder}`, username: 'photos', password })

/** WebDAV servers make no folders on the way to one. */
async function newDav(): Promise<DavStore> {
  const folder = fresh()
  await fetch(`http://127.0.0.1:${dav!.port}/${folder}/`, {
    method: 'MKCOL',
    headers: { authorization: `Basic ${Buffer.from('photos:a secret').toString('base64')}` },
  })
  return openDav(folder)
}

storeContract('memory', async () => new MemoryStore())
storeContract('folder', async () => new FolderStore(join(scratch, fresh())))
storeContract(
  'through retries and counts',
  async () => new CountingStore(new RetryingStore(new MemoryStore(), { firstWaitMs: 1 })),
)
// A page of 20, for its objects are slow to make: the listing takes four.
storeContract(
  'S3 (s3rver)',
  () => openS3({ bucket: 'photos', prefix: fresh(), partBytes: 5 * 1024 * 1024, pageObjects: 20 }),
  20,
)
// It lists without pages, and each object is a transaction that waits for the disk.
storeContract("a stranger's store", async () => new SqliteStore(join(scratch, `${fresh()}.sqlite`)), 20)
describe.skipIf(!RCLONE)('with rclone', () => {
  storeContract('WebDAV (rclone)', newDav)
})

describe('S3', () => {
  test('a service without conditions is found out, and told', async () => {
    const store = await openS3({ bucket: 'photos', prefix: fresh() })
    expect(await store.createsOnly()).toBe(false)
  })

  test('a bucket that is not there, and credentials that are refused or missing', async () => {
    const missing = await openS3({ bucket: 'nobody', prefix: '' })
    await expect(readObject(missing, 'a', 10)).rejects.toMatchObject({
      code: 'E_STORE',
      message: 'cannot read a: there is no such bucket',
    })
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'somebody', AWS_SECRET_ACCESS_KEY: 'wrong-secret' })
    try {
      const denied = await openS3({ bucket: 'photos', prefix: fresh() })
      const error = await denied.create('a', bodyOfBytes(noise(3, 3))).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'E_CREDENTIALS', kind: 'denied' })
      expect(JSON.stringify([error, (error as Error).message, String((error as Error).stack)])).not.toContain(
        'wrong-secret',
      )
    } finally {
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' })
    }
  })

  test('nobody who answers is told as busy', async () => {
    const gone = await openS3({ bucket: 'photos', prefix: '', endpoint: 'http://127.0.0.1:9' })
    await expect(gone.stat('a')).rejects.toMatchObject({ code: 'E_STORE', kind: 'busy' })
  })
})

describe.skipIf(!RCLONE)('WebDAV', () => {
  test('a wrong password is refused without being told, and a server that is gone is busy', async () => {
    const error = await openDav('', 'not the password')
      .stat('a')
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'E_CREDENTIALS', kind: 'denied' })
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('not the password')
    await expect(new DavStore({ url: 'http://127.0.0.1:9/' }).stat('a')).rejects.toMatchObject({ kind: 'busy' })
  })
})

test.each([
  [2, 'created', 3],
  [Infinity, 'busy', 6],
] as const)('WebDAV: a place that is locked %d times', async (times, outcome, attempts) => {
  let moves = 0
  const server = createServer((asked, answer) => {
    asked.resume().on('end', () => {
      answer.statusCode = asked.method === 'MOVE' && ++moves <= times ? 423 : asked.method === 'DELETE' ? 204 : 201
      answer.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const store = new DavStore({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })
    const found = await store
      .create('a/b', bodyOfBytes(noise(100, 1)))
      .catch((error: unknown) => (error as StoreFault).kind)
    expect([found, moves]).toEqual([outcome, attempts])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a folder: what a killed writer left goes with a later writer, and readers leave it', async () => {
  const root = join(scratch, fresh())
  const folder = join(root, 'objects/ab')
  mkdirSync(folder, { recursive: true })
  // No process has a number that high.
  const left = join(folder, `.latent-${machine()}-4194309-0123456789abcdef.tmp`)
  writeFileSync(left, 'half')
  const reader = new FolderStore(root)
  expect(await reader.stat('objects/ab/x.png')).toBeUndefined()
  await reader.close()
  expect(existsSync(left)).toBe(true)
  const writer = new FolderStore(root)
  await writer.create('objects/ab/x.png', bodyOfBytes(noise(3, 3)))
  await writer.close()
  expect(readdirSync(folder)).toEqual(['x.png'])
})

describe('addresses', () => {
  test.each([
    ['s3://photos/a/b', 's3://photos/a/b'],
    ['s3://photos', 's3://photos'],
    ['dav://127.0.0.1:8/x', 'dav://127.0.0.1:8/x'],
    ['davs://example.org/x/', 'davs://example.org/x'],
    ['folder:/tmp/x', 'folder:/tmp/x'],
    ['folder:///tmp/x', 'folder:/tmp/x'],
    ['/tmp/x', 'folder:/tmp/x'],
  ])('%s', async (given, address) => {
    const store = await openStore(given)
    expect(store.address).toBe(address)
    await store.close()
  })

  test.each([
    's3://user:secret@bucket/x',
    'davs://user:secret@example.org/',
    'ftp://example.org/x',
    's3://',
    'folder:',
  ])('%s is refused, and its secret is not repeated', async given => {
    const error = await openStore(given).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'E_ARGUMENT' })
    expect((error as Error).message).not.toContain('secret')
  })

  test('a password does not travel in the clear', async () => {
    process.env['LATENT_DAV_USERNAME'] = 'me'
    await expect(openStore('dav://example.org/x')).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    expect((await openStore('dav://127.0.0.1:8/x')).address).toBe('dav://127.0.0.1:8/x')
    delete process.env['LATENT_DAV_USERNAME']
    expect(isStoreAddress('s3://x/y')).toBe(true)
    expect(isStoreAddress('photos/s3')).toBe(false)
  })
})
