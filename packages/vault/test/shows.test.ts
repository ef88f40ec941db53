import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Album,
  collect,
  createAlbum,
  inspectSealed,
  Keyring,
  openSealed,
  prepareSeal,
  streamOf,
} from '../src/index.ts'
import { type FileResult, openFiles, sealFiles, verifyFiles } from '../src/node/index.ts'
import { flows, text } from './fixtures.ts'

/** What is said not to be protected in docs/security.md: that it shows, or is not noticed. */

let root = ''
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-shows-'))))
afterEach(() => rm(root, { recursive: true, force: true }))
const at = (...names: string[]) => join(root, ...names)

async function createIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

const drained = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list
}
const body = { type: 'aes-256-gcm' } as const
const seal = (album: Album, inputs: string[]) =>
  drained(sealFiles({ inputs, output: at('sealed'), album, lockName: 'test', flows, body }))

async function envelope(album: Album): Promise<string> {
  const metadata = { name: 'a', type: 'text/plain', size: 1, modified: 0 }
  const png = await collect((await prepareSeal({ album, metadata, flows, body })).png(streamOf(text('a'))))
  return Buffer.from((await inspectSealed(streamOf(png))).header.envelope).toString('latin1')
}

test('an envelope shows how many recipients it has and of what kind, and not who they are', async () => {
  const [a, b] = [await createIdentity(), await createIdentity()]
  const both = await envelope(await createAlbum({ recipients: [a.recipient, b.recipient] }))
  expect(both.match(/-> X25519/g)).toHaveLength(2)
  expect(both.match(/-> \S+/g)!.length).toBeLessThanOrEqual(3)
  for (const { recipient } of [a, b]) expect(both).not.toContain(recipient.slice(4, 30))
  expect(await envelope(await createAlbum({ passphrase: 'six words of a long passphrase here' }))).toContain(
    '-> scrypt',
  )
})

test('two whole files that change places open under their own names', async () => {
  const { identity, recipient } = await createIdentity()
  const album = await createAlbum({ recipients: [recipient] })
  await mkdir(at('plain'))
  for (const name of ['a.txt', 'b.txt']) await writeFile(at('plain', name), name)
  await seal(album, [at('plain')])
  await rename(at('sealed/a.txt.png'), at('sealed/x'))
  await rename(at('sealed/b.txt.png'), at('sealed/a.txt.png'))
  await rename(at('sealed/x'), at('sealed/b.txt.png'))
  await drained(
    openFiles({
      inputs: [at('sealed')],
      output: at('opened'),
      keyring: new Keyring({ identities: [identity] }),
      flows,
    }),
  )
  for (const name of ['a.txt', 'b.txt']) expect(await readFile(at('opened', name), 'utf8')).toBe(name)
})

test('a folder that is put back whole, with its journal, is as good as it was then', async () => {
  const { identity, recipient } = await createIdentity()
  const album = await createAlbum({ recipients: [recipient] })
  await mkdir(at('plain'))
  await writeFile(at('plain/a.txt'), 'first')
  await seal(album, [at('plain')])
  await cp(at('sealed'), at('older'), { recursive: true })
  await writeFile(at('plain/a.txt'), 'second, and longer')
  await writeFile(at('plain/b.txt'), 'b')
  await seal(album, [at('plain')])
  await rm(at('sealed'), { recursive: true })
  await rename(at('older'), at('sealed'))
  const keyring = new Keyring({ identities: [identity] })
  const results = await drained(verifyFiles({ inputs: [at('sealed')], keyring, flows }))
  expect(results.map(({ status, note }) => [status, note])).toEqual([['done', undefined]])
})

test('who is added can open what the run before left in a service', async () => {
  const [me, friend] = [await createIdentity(), await createIdentity()]
  const album = await createAlbum({ recipients: [me.recipient] })
  await mkdir(at('plain'))
  await writeFile(at('plain/a.txt'), 'first')
  await seal(album, [at('plain')])
  await cp(at('sealed'), at('older'), { recursive: true })
  const lock = { recipients: [me.recipient, friend.recipient] }
  await drained(
    sealFiles({
      inputs: [at('plain')],
      output: at('sealed'),
      album: await createAlbum(lock),
      lockName: 'both',
      lock,
      keyring: new Keyring({ identities: [me.identity] }),
      flows,
      body,
    }),
  )
  // The envelope of today holds the key of the run before, which opens what that run made.
  const envelopeIn = async (path: string) => (await inspectSealed(streamOf(await readFile(path)))).header.envelope
  const friends = new Keyring({ identities: [friend.identity] })
  const older = at('older/a.txt.png')
  await expect(friends.albumKey(await envelopeIn(older))).rejects.toMatchObject({ code: 'E_NO_MATCH' })
  const key = await friends.albumKey(await envelopeIn(at('sealed/a.txt.png')))
  const keyring = new Keyring().remember({ key, envelope: await envelopeIn(older) })
  const opened = await openSealed(streamOf(await readFile(older)), keyring, flows)
  expect(Buffer.from(await collect(opened.bytes)).toString()).toBe('first')
})
