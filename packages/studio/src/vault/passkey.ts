import { LatentError } from '@latent/core'
import type { Identity, Recipient } from 'age-encryption'
import { Stanza } from 'age-encryption'

/** A passkey of this place: one by name, or whichever the person chooses. */
export interface PasskeyChoice {
  readonly identity?: string
}

/** A stanza of an age file, as it crosses to a worker. */
export interface PlainStanza {
  readonly args: readonly string[]
  readonly body: Uint8Array
}

/** Whoever can ask a person for a passkey: pages can, workers cannot. Faults cross as values. */
export interface Passkeys {
  wrap(choice: PasskeyChoice, fileKey: Uint8Array): Promise<readonly PlainStanza[] | undefined>
  /** @returns nothing where this passkey does not fit; undefined where it was not given */
  unwrap(choice: PasskeyChoice, stanzas: readonly PlainStanza[]): Promise<Uint8Array | 'other' | undefined>
}

const refused = () =>
  new LatentError('E_KEY', 'the passkey was not given, or cannot encrypt', {
    hint: 'try again, or leave it out: the key file opens the same files',
  })

/** What age seals for. */
export const passkeyRecipient = (passkeys: Passkeys, choice: PasskeyChoice): Recipient => ({
  async wrapFileKey(fileKey) {
    const made = await passkeys.wrap(choice, fileKey)
    if (!made) throw refused()
    return made.map(({ args, body }) => new Stanza([...args], body))
  },
})

/** What age opens with. */
export const passkeyIdentity = (passkeys: Passkeys, choice: PasskeyChoice): Identity => ({
  async unwrapFileKey(stanzas) {
    const plain = stanzas.flatMap(({ args, body }) => (args[0] === LABEL ? [{ args, body }] : []))
    if (plain.length === 0) return null
    const found = await passkeys.unwrap(choice, plain)
    if (!found) throw refused()
    return found === 'other' ? null : found
  },
})

/** What stanzas of passkeys are called. */
const LABEL = 'age-encryption.org/fido2prf'
