import { rm } from 'node:fs/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { identityToRecipient } from 'age-encryption'
import { Keyring, rekey, removePhotos, select, Vault } from '../../src/index.ts'
import { addFiles, FolderStore } from '../../src/node/index.ts'
import { noFlows } from '../../src/vault/segment.ts'
import { putFiles } from '../vault-fixtures.ts'
import { readKeys } from './keys.ts'

/** A vault of format version 1, as this release writes it: kept, so that every later release reads it. */
export const FROZEN_VAULT = fileURLToPath(new URL('vault-1/', import.meta.url))

/** What is in it: paths in its one album, and bytes of noise by the rule of `putFiles`. */
export const FROZEN_FILES = { 'holiday/IMG_1.jpg': 700, 'holiday/IMG_1.jpg.xmp': 80, 'Zürich/see.jpg': 900 } as const

// node freeze-vault.ts: draws another, with what a reader must get right: an album of two keys, and a removed photo.
if (import.meta.main) {
  const { identities } = await readKeys()
  const keyring = new Keyring({ identities: [identities.first] })
  await rm(FROZEN_VAULT, { recursive: true, force: true })
  const store = new FolderStore(FROZEN_VAULT)
  await Vault.init(store, [await identityToRecipient(identities.first)])
  const scratch = mkdtempSync(join(tmpdir(), 'latent-freeze-'))
  const add = async (files: Readonly<Record<string, number>>) => {
    await putFiles(scratch, files)
    const vault = await Vault.open(store, { keyring })
    const run = {
      inputs: [scratch],
      vault,
      album: vault.main(),
      flows: noFlows,
      body: { type: 'aes-256-gcm' } as const,
    }
    for await (const { status } of addFiles(run)) if (status === 'failed') process.exitCode = 1
    return vault
  }
  const vault = await add({ 'gone.txt': 5, 'holiday/IMG_1.jpg': 700 })
  await removePhotos(vault, select(vault, { patterns: ['gone.txt'] }))
  await rekey(vault, vault.main())
  rmSync(join(scratch, 'gone.txt'))
  await add(FROZEN_FILES)
  rmSync(scratch, { recursive: true })
}
