import { LatentError, sha256Of, toHex } from '@latent/core'
import {
  decodeKeyLines,
  Keyring,
  type Keys,
  type Lock,
  mixesQuantumResistance,
  normalRecipient,
  parseRecipients,
  recipientOf,
} from '@latent/vault'
import type { Command } from 'commander'
import { readIdentities } from './identities.ts'
import { readKeyInput, requireOneStandardInput } from './input.ts'
import { ask, knownPassphrases, newPassphrase, onTerminal } from './passphrases.ts'
import { type Warn, warnings } from './warnings.ts'

export { parseNonce, readCipherKey } from './cipher-keys.ts'

/** For options that may be repeated: one value each time, so that inputs may follow. */
export const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value]

/** What opens sealed files, as it was typed. */
export interface IdentityOptions {
  readonly identity?: string[]
  readonly identityPassphraseFile?: string
  readonly passphraseFile?: string
  /** Warnings too become lines of JSON. */
  readonly json?: boolean
}

/** What files are sealed for, as it was typed. */
export interface LockOptions extends IdentityOptions {
  readonly recipient?: string[]
  readonly recipientsFile?: string[]
  readonly weakPassphrase?: boolean
}

/** The options that every command takes which needs a key; `use` says what for. */
export const withIdentityOptions = (command: Command, use: string): Command =>
  command
    .option('-i, --identity <file>', `${use}; may be repeated`, repeated)
    .option(
      '--identity-passphrase-file <file>',
      'the passphrase of identity files that age -p encrypted; otherwise it asks',
    )
    .option('--passphrase-file <file>', 'the first line is the passphrase; - reads standard input')

/** What files of a run are sealed for. */
export interface ChosenLock {
  readonly lock: Lock
  /** Differs when the recipients do. */
  readonly name: string
  /** Opens what was sealed before, if a key was given that can. */
  readonly keyring?: Keyring
}

/** Whom to seal for. Prompts if nothing was given. */
export async function chooseLock(options: LockOptions): Promise<ChosenLock> {
  const { passphraseFile, weakPassphrase: weak = false } = options
  const warn = warnings(options.json)
  requireOneStandardInput([
    ...(options.recipientsFile ?? []),
    ...(options.identity ?? []),
    options.identityPassphraseFile,
    passphraseFile,
  ])
  const { recipients, identities } = await allRecipients(options, warn)
  if (recipients.length > 0 && passphraseFile !== undefined)
    throw new LatentError('E_ARGUMENT', 'recipients and a passphrase cannot be mixed', {
      hint: 'age allows one or the other',
    })
  if (recipients.length > 0) {
    if (mixesQuantumResistance(recipients))
      warn({
        code: 'W_MIXED_RECIPIENTS',
        message: 'some recipients are post-quantum and others are not: the weaker kind decides how safe the files are',
        hint: 'seal for post-quantum recipients alone (latent keygen --post-quantum), or leave them out',
      })
    return {
      lock: { recipients },
      name: toHex(sha256Of(new TextEncoder().encode(recipients.toSorted().join('\n')))),
      ...(identities.length > 0 ? { keyring: new Keyring({ identities }) } : {}),
    }
  }
  if (passphraseFile === undefined && !onTerminal()) {
    throw new LatentError('E_ARGUMENT', 'for whom to seal was not said', {
      hint: 'give -r RECIPIENT, -R FILE, -i IDENTITY or --passphrase-file FILE; latent keygen makes a key pair',
    })
  }
  const passphrase = await newPassphrase(passphraseFile, { weak, warn })
  return { lock: { passphrase }, name: 'passphrase', keyring: new Keyring({ passphrases: [passphrase] }) }
}

async function allRecipients(
  options: LockOptions,
  warn: Warn,
): Promise<{ recipients: string[]; identities: string[] }> {
  const { identity = [], identityPassphraseFile } = options
  const given = await givenRecipients(options)
  const identities = await readIdentities(identity, { identityPassphraseFile, warn })
  const own = await Promise.all(identities.map(recipientOf))
  return { recipients: [...new Set([...given, ...own])], identities }
}

/** Recipients that were named, without those of identities. @throws E_KEY; E_IO */
export async function givenRecipients({ recipient = [], recipientsFile = [] }: LockOptions): Promise<string[]> {
  const listed: string[] = []
  for (const path of recipientsFile) {
    const { name, bytes } = await readKeyInput(path)
    listed.push(...parseRecipients(decodeKeyLines(bytes), name))
  }
  return Array.from(new Set([...recipient.map(normalRecipient), ...listed]))
}

/** The keys to open with, as a keyring. Prompts for a passphrase if nothing was given. */
export const chooseKeyring = async (options: IdentityOptions): Promise<Keyring> =>
  new Keyring(await chooseKeys(options))

/** The keys to open with. Prompts for a passphrase if nothing was given. */
export async function chooseKeys({
  identity = [],
  identityPassphraseFile,
  passphraseFile,
  json,
}: IdentityOptions): Promise<Keys> {
  const warn = warnings(json)
  requireOneStandardInput([...identity, identityPassphraseFile, passphraseFile])
  const identities = await readIdentities(identity, { identityPassphraseFile, warn })
  if (passphraseFile !== undefined) return { identities, ...(await knownPassphrases(passphraseFile, warn)) }
  if (identities.length > 0) return { identities }
  if (!onTerminal())
    throw new LatentError('E_ARGUMENT', 'no key to open with was given', {
      hint: 'give -i IDENTITY or --passphrase-file FILE',
    })
  return { passphrases: [await ask('Passphrase')] }
}
