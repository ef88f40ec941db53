import { LatentError } from '@latent/core'
import {
  type AlbumView,
  CountingStore,
  type Keyring,
  RetryingStore,
  type Selection,
  type Store,
  Vault,
} from '@latent/vault'
import { isStoreAddress, openStore } from '@latent/vault/node'
import type { Command } from 'commander'
import { chooseKeyring, type IdentityOptions, repeated, withIdentityOptions } from '../../keys/index.ts'
import { checkPath } from '../../local-paths.ts'
import { progressBar } from '../../progress.ts'

/** What every command takes that reads a vault. */
export interface VaultOptions extends IdentityOptions {
  readonly album?: string[]
  readonly asOf?: string
  readonly alone?: boolean
}

/** A vault's address, and the options for keys. */
export const vaultCommand = (parent: Command, name: string, description: string): Command =>
  withIdentityOptions(
    parent
      .command(name)
      .description(description)
      .argument('<vault>', 'a folder, s3://bucket/prefix, dav://host/path or davs://host/path'),
    'an age identity file, as latent keygen writes it, or an SSH private key',
  ).option('--json', 'lines of JSON on standard output')

/** Options that say which photos are meant, of those that are there now. */
export const withSelectionOfNow = (command: Command): Command =>
  command
    .option('--album <name>', 'of this album; may be repeated', repeated)
    .option('--alone', 'not the film and sidecars that belong to a photo')

/** The same, of any time. */
export const withSelection = (command: Command): Command =>
  withSelectionOfNow(command).option('--as-of <date>', 'as it was then: 2024-07-01, or with a time')

/** Where everything was asked for. */
export const NO_PHOTOS = 'there is no photo in this vault that this key opens'

/** What such options say. @throws E_ARGUMENT */
export function selectionOf({ album, alone, asOf }: VaultOptions, patterns: readonly string[]): Selection {
  const moment = parseMoment(asOf)
  return {
    ...(album ? { albums: album } : {}),
    ...(moment === undefined ? {} : { asOf: moment }),
    alone: alone ?? false,
    patterns,
  }
}

/** Opens a store that a person named, with attempts and counts. @throws E_ARGUMENT; E_STORE */
export async function storeAt(address: string): Promise<CountingStore> {
  if (!isStoreAddress(address)) checkPath(address, 'vault')
  const store: Store = await openStore(address)
  return new CountingStore(new RetryingStore(store))
}

/** A vault that is open, and the keys that opened it. */
export interface Access {
  readonly vault: Vault
  readonly keyring: Keyring
  readonly store: CountingStore
}

/** Opens the vault at an address, works with it, and lets go of it. */
export async function withVault(
  address: string,
  options: IdentityOptions,
  work: (access: Access) => Promise<void>,
): Promise<void> {
  const store = await storeAt(address)
  try {
    const keyring = await chooseKeyring(options)
    const waiting = progressBar('reading the index', options.json !== true)
    const vault = await Vault.open(store, { keyring })
    waiting.end()
    for (const { name, error } of vault.damaged)
      process.stderr.write(`note: ${name} cannot be read: ${error.message} [${error.code}]; latent vault rebuild\n`)
    await work({ vault, keyring, store })
  } finally {
    await store.close()
  }
}

/** The one album that is meant; the main one if none is named. @throws E_ARGUMENT */
export function oneAlbum(vault: Vault, names: readonly string[] | undefined): AlbumView {
  if (names !== undefined && names.length > 1)
    throw new LatentError('E_ARGUMENT', 'one album is expected here', { hint: 'give --album once' })
  return names === undefined ? vault.main() : vault.album(names[0]!)
}

/** A moment that a person wrote. @throws E_ARGUMENT */
function parseMoment(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  // A day, a minute and a second mean their ends, where the reader is.
  const [, day, minute, second] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d)?)?$/.exec(text) ?? []
  const time = Date.parse(day === undefined ? text : `${day}T${minute ?? '23:59'}${second ?? ':59'}.999`)
  if (Number.isNaN(time))
    throw new LatentError('E_ARGUMENT', `${JSON.stringify(text)} is no date`, { hint: 'for example 2024-07-01' })
  return time
}
