import { LatentError } from '@latent/core'
import {
  decodeKeyLines,
  decryptEnvelope,
  encryptedFile,
  type Keys,
  type Lock,
  mixesQuantumResistance,
  parseIdentities,
  parseRecipients,
  recipientOf,
  sealingPassphrase,
  strengthOf,
} from '@latent/vault'
import { identityWords, recoverySheet } from '@latent/vault/recovery'
import { generateX25519Identity } from 'age-encryption'
import type { Fault } from './fault.ts'
import { type PasskeyChoice, passkeyIdentity, passkeyRecipient, type Passkeys } from './passkey.ts'

/** What a person gave, as it was typed or chosen. */
export type KeyChoice =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  /** Files of identities, and public recipients beside them, one a line; a passkey opens what is sealed too. */
  | {
      readonly kind: 'file'
      readonly identities: readonly string[]
      readonly recipients: string
      readonly passkey?: PasskeyChoice
    }
  /** Recipients alone: what is sealed then opens elsewhere. */
  | { readonly kind: 'public'; readonly recipients: string }

/** For whom files are sealed, and what a person should know of it. */
export interface ChosenLock {
  readonly lock: Lock
  readonly warnings: readonly Fault[]
}

/** For whom files are sealed. @throws E_KEY */
export async function lockOf(choice: KeyChoice, passkeys: Passkeys): Promise<ChosenLock> {
  if (choice.kind === 'passphrase') {
    const passphrase = sealingPassphrase(choice.passphrase)
    const { guesses, verdict } = await strengthOf(passphrase)
    if (verdict === 'refused')
      throw new LatentError('E_KEY', `the passphrase is too weak: it would be found in about ${guesses} guesses`, {
        hint: 'draw one: ten words at random',
      })
    if (verdict === 'strong') return { lock: { passphrase }, warnings: [] }
    const message =
      `the passphrase is weak: it would be found in about ${guesses} guesses, and whoever has a sealed file can try ` +
      'as many as their machines allow'
    return { lock: { passphrase }, warnings: [{ code: 'W_PASSPHRASE_WEAK', message, hint: 'draw one: ten words' }] }
  }
  const listed =
    choice.recipients.trim() === '' && choice.kind === 'file'
      ? []
      : parseRecipients(choice.recipients, 'the list of public keys')
  const own = choice.kind === 'file' ? await Promise.all(choice.identities.map(recipientOf)) : []
  const recipients = [...new Set([...own, ...listed])]
  if (recipients.length === 0) throw noKey()
  const passkey = choice.kind === 'file' ? choice.passkey : undefined
  const lock: Lock = { recipients, ...(passkey ? { others: [passkeyRecipient(passkeys, passkey)] } : {}) }
  if (!mixesQuantumResistance(recipients)) return { lock, warnings: [] }
  const mixed = {
    code: 'W_MIXED_RECIPIENTS',
    message: 'some recipients are post-quantum and others are not: the weaker kind decides how safe the files are',
    hint: 'seal for post-quantum recipients alone, or leave them out',
  }
  return { lock, warnings: [mixed] }
}

/** What opens files. @throws E_KEY where there is nothing that could */
export function keysOf(choice: KeyChoice, passkeys: Passkeys): Keys {
  if (choice.kind === 'passphrase' && choice.passphrase !== '') return { passphrases: [choice.passphrase] }
  if (choice.kind === 'file' && (choice.identities.length > 0 || choice.passkey))
    return {
      identities: choice.identities,
      ...(choice.passkey ? { others: [passkeyIdentity(passkeys, choice.passkey)] } : {}),
    }
  if (choice.kind === 'public')
    throw new LatentError('E_KEY', 'public keys open nothing', { hint: 'give the key file, or the passphrase' })
  throw noKey()
}

const noKey = () =>
  new LatentError('E_KEY', 'no key was given', { hint: 'type a passphrase, choose a key file, or make a new key' })

/** What a key file holds. */
export interface KeyFile {
  readonly identities: readonly string[]
  /** The public names of the identities. */
  readonly recipients: readonly string[]
  /** A passphrase is needed to read it: `age -p` encrypted it. */
  readonly locked: boolean
}

/**
 * Reads a key file as the command line does.
 * @throws E_KEY for a file without a key that can be used; E_NO_MATCH for a wrong passphrase
 */
export async function readKeyFile(bytes: Uint8Array, passphrase?: string): Promise<KeyFile> {
  const encrypted = encryptedFile(bytes)
  if (encrypted && passphrase === undefined) return { identities: [], recipients: [], locked: true }
  const text = encrypted ? await decryptEnvelope(encrypted, { passphrases: [passphrase!] }) : bytes
  const { identities, problems } = parseIdentities(decodeKeyLines(text))
  const [problem] = problems
  if (identities.length === 0)
    throw new LatentError('E_KEY', problem ? `line ${problem.line}: ${problem.reason}` : 'this file holds no key', {
      hint: problem?.hint ?? 'a key file holds a line that begins with AGE-SECRET-KEY-',
    })
  return { identities, recipients: await Promise.all(identities.map(recipientOf)), locked: false }
}

/** A key that was made here, with everything that a person should keep of it. */
export interface NewKey {
  readonly identity: string
  readonly recipient: string
  /** The text of a key file, as age reads it. */
  readonly file: string
  /** A sheet of paper as SVG. As secret as the key. */
  readonly sheet: string
  readonly words: string
}

/** Draws a key. */
export async function newKey(): Promise<NewKey> {
  const identity = await generateX25519Identity()
  const recipient = await recipientOf(identity)
  return {
    identity,
    recipient,
    file: `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`,
    sheet: recoverySheet(identity, { recipient }),
    words: identityWords(identity),
  }
}
