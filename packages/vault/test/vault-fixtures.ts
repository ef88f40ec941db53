import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Keyring, select, type Selection, type Store, Vault, type VaultOptions } from '../src/index.ts'
import { addFiles, type AddRun, type FileResult, getFiles, type GetRun } from '../src/node/index.ts'
import { flows } from './fixtures.ts'
import { noise } from './store-contract.ts'

/** Somebody with a key. */
export interface Person {
  readonly recipient: string
  keyring(): Keyring
}

export async function person(): Promise<Person> {
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  return { recipient, keyring: () => new Keyring({ identities: [identity] }) }
}

/** A time that no test runs at. */
export const THEN = new Date('2021-05-06T07:08:09Z')

/** Writes files of noise, of an old time: name to size. */
export async function putFiles(folder: string, files: Readonly<Record<string, number | Uint8Array>>): Promise<void> {
  let seed = 1
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, typeof content === 'number' ? noise(content, seed++) : content)
    await utimes(path, THEN, THEN)
  }
}

export const openVault = (store: Store, who: Person, options: Partial<VaultOptions> = {}): Promise<Vault> =>
  Vault.open(store, { keyring: who.keyring(), ...options })

export async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const list: FileResult[] = []
  for await (const result of results) list.push(result)
  return list.toSorted((a, b) => (a.source < b.source ? -1 : 1))
}

export const add = (vault: Vault, input: string, options: Partial<AddRun> = {}): Promise<FileResult[]> =>
  all(addFiles({ inputs: [input], vault, album: vault.main(), flows, body: { type: 'aes-256-gcm' }, ...options }))

export const get = (
  vault: Vault,
  output: string,
  selection: Selection = {},
  options: Partial<GetRun> = {},
): Promise<FileResult[]> => all(getFiles({ vault, photos: select(vault, selection), output, flows, ...options }))

/** How many results have each status or code. */
export function tally(results: readonly FileResult[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, code } of results) counts[code ?? status] = (counts[code ?? status] ?? 0) + 1
  return counts
}
