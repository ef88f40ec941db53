import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { createAlbum, Keyring, type Keys, recipientKinds } from '../src/index.ts'
import { folderRecipients, lockNameOf, openFiles, rewrapFiles, sealFiles } from '../src/node/index.ts'
import { flows, noise } from './fixtures.ts'
import { all, opened, plain, put, sealed, tree } from './folders.ts'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'

interface Someone {
  readonly recipient: string
  readonly keys: Keys
}

let [me, friend, stranger]: Someone[] = []
const someone = async (): Promise<Someone> => {
  const identity = await generateX25519Identity()
  return { recipient: await identityToRecipient(identity), keys: { identities: [identity] } }
}

beforeEach(async () => {
  ;[me, friend, stranger] = [await someone(), await someone(), await someone()]
  for (let i = 0; i < 8; i++) await put(join(plain, `${i % 2}/${i}.jpg`), await noise(900 + i, `${i}`))
})

async function seal(recipients: readonly string[]): Promise<Record<string, number>> {
  const lock = { recipients }
  const [album, keyring] = [await createAlbum(lock), new Keyring(me!.keys)]
  const body = { type: 'aes-256-gcm' } as const
  const lockName = lockNameOf(recipients)
  const run = { inputs: [plain], output: sealed, album, lock, lockName, keyring, flows, body }
  return tally(await all(sealFiles(run)))
}

const tally = (results: readonly { readonly status: string; readonly code?: string }[]) => {
  const counts: Record<string, number> = {}
  for (const { status, code } of results) counts[code ?? status] = (counts[code ?? status] ?? 0) + 1
  return counts
}

const opens = async ({ keys }: Someone): Promise<Record<string, number>> => {
  await rm(opened, { recursive: true, force: true })
  return tally(await all(openFiles({ inputs: [sealed], output: opened, keyring: new Keyring(keys), flows })))
}

const rewrap = (who: Someone, change: (before: readonly string[] | undefined) => readonly string[], options = {}) =>
  all(rewrapFiles({ folder: sealed, keys: who.keys, change, ...options }))
const adding = (recipient: string) => (before: readonly string[] | undefined) => [...before!, recipient]

test('somebody who is added opens everything; nothing is sealed anew, and the next run of seal knows it', async () => {
  expect(await seal([me!.recipient])).toEqual({ done: 8 })
  expect(await opens(friend!)).toEqual({ E_NO_MATCH: 8 })
  expect(tally(await rewrap(me!, adding(friend!.recipient)))).toEqual({ done: 8 })
  for (const who of [me!, friend!]) {
    expect(await opens(who)).toEqual({ done: 8 })
    expect(await tree(opened)).toEqual(await tree(plain))
  }
  expect(await seal([me!.recipient, friend!.recipient])).toEqual({ skipped: 8 })
  const { groups } = await folderRecipients(sealed, friend!.keys)
  expect(groups.map(({ kinds, recipients, files }) => [kinds, recipients, files.length])).toEqual([
    [['X25519', 'X25519'], [me!.recipient, friend!.recipient], 8],
  ])
})

test('somebody who is left out opens nothing; a second run finds nothing to do', async () => {
  await seal([me!.recipient])
  await rewrap(me!, adding(friend!.recipient))
  const without = () => [me!.recipient]
  expect(tally(await rewrap(me!, without))).toEqual({ done: 8 })
  expect([await opens(friend!), await opens(me!)]).toEqual([{ E_NO_MATCH: 8 }, { done: 8 }])
  expect(tally(await rewrap(me!, without))).toEqual({ skipped: 8 })
})

test('a run that is stopped has changed whole files, and the same run goes on', async () => {
  await seal([me!.recipient])
  const stop = new AbortController()
  const watcher = { progress: () => stop.abort() }
  const first = tally(await rewrap(me!, adding(friend!.recipient), { watcher, signal: stop.signal, jobs: 2 }))
  expect(first['E_INTERRUPTED']).toBeGreaterThan(0)
  expect(await opens(me!)).toEqual({ done: 8 })
  const done = (await opens(friend!))['done'] ?? 0
  // What was not done is told as such: nobody is said to be left out, or let in, who is not.
  const { groups } = await folderRecipients(sealed, me!.keys)
  expect(groups.filter(({ pending }) => pending).flatMap(({ files }) => files)).toHaveLength(8 - done)
  // Who is known is known of both kinds of files: those that were done, and those that were not.
  const known: unknown[] = []
  const again = await rewrap(me!, before => (known.push(before), before!))
  expect(known).toEqual([[me!.recipient, friend!.recipient]])
  expect(tally(again)).toEqual({ done: 8 - done, ...(done > 0 ? { skipped: done } : {}) })
  expect(await opens(friend!)).toEqual({ done: 8 })
  expect((await folderRecipients(sealed, me!.keys)).groups).toHaveLength(1)
})

test('where it cannot be known who can open them, that is said, and nothing changes', async () => {
  await seal([me!.recipient, friend!.recipient])
  const before = await tree(sealed)
  const asked: unknown[] = []
  const refuse = (known: readonly string[] | undefined) => {
    asked.push(known)
    throw new Error('refused')
  }
  await expect(rewrap(me!, refuse)).rejects.toThrow('refused')
  expect(asked).toEqual([undefined])
  expect(await tree(sealed)).toEqual(before)
  expect(tally(await rewrap(stranger!, () => [stranger!.recipient]))).toEqual({ E_NO_MATCH: 8 })
  expect(await tree(sealed)).toEqual(before)
})

test('foreign files are passed over, damaged ones named', async () => {
  await seal([me!.recipient])
  await writeFile(join(sealed, 'notes.txt'), 'not sealed')
  await writeFile(join(sealed, 'other.png'), 'no picture')
  const results = await rewrap(me!, adding(friend!.recipient))
  expect(tally(results)).toEqual({ done: 8, E_NOT_SEALED: 1 })
  expect(await opens(friend!)).toMatchObject({ done: 8 })
})

test('kinds of recipients, without their grease', () => {
  const text = 'age-encryption.org/v1\n-> X25519 abc\nAAAA\n-> x-grease y\n\n-> ssh-rsa q\nBB\n--- mac\n-> not one'
  expect(recipientKinds(new TextEncoder().encode(text))).toEqual(['X25519', 'ssh-rsa'])
})
