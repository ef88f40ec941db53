import { LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import { Decrypter, Encrypter } from 'age-encryption'
import { MAX_ENVELOPE } from './header.ts'

/**
 * An album: one random key for a run, and its age envelope. Every file key is derived from the album
 * key, so age wraps once a run and not once a file.
 */
export interface Album {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** A binary age file (age-encryption.org/v1) whose plaintext is the key. */
  readonly envelope: Uint8Array
}

export type Lock =
  /** age recipients: `age1...` (X25519) or `age1pq1...` (post-quantum hybrid). */
  | { readonly recipients: readonly string[] }
  /** scrypt with work factor 2^`workFactor`, default 18 (about a second). */
  | { readonly passphrase: string; readonly workFactor?: number }

/**
 * Draws an album key and wraps it.
 * @throws E_KEY for malformed recipients or an empty passphrase; E_LIMIT for more recipients than a header holds
 */
export async function createAlbum(lock: Lock): Promise<Album> {
  return wrapAlbum(randomBytes(32), lock)
}

/** Wraps an existing album key, for other recipients. @throws E_KEY; E_LIMIT for more recipients than a header holds */
export async function wrapAlbum(key: Uint8Array, lock: Lock): Promise<Album> {
  const encrypter = new Encrypter()
  if ('passphrase' in lock) {
    if (lock.passphrase === '') throw new LatentError('E_KEY', 'the passphrase is empty')
    encrypter.setPassphrase(lock.passphrase)
    if (lock.workFactor !== undefined) encrypter.setScryptWorkFactor(lock.workFactor)
  } else {
    if (lock.recipients.length === 0) throw new LatentError('E_KEY', 'there is no recipient', { hint: 'make a key pair with latent keygen and give its recipient with -r' })
    for (const recipient of lock.recipients) {
      // Checked first, so that no message can quote it.
      if (/^AGE-SECRET-KEY-/i.test(recipient)) throw new LatentError('E_KEY', 'a secret identity was given in place of a recipient', { hint: 'that is the secret identity; give the public recipient, age1...' })
      try {
        encrypter.addRecipient(recipient)
      } catch (cause) {
        throw new LatentError('E_KEY', `${JSON.stringify(recipient.slice(0, 24))} is not an age recipient`, { hint: 'recipients start with age1', cause })
      }
    }
  }
  const envelope = await encrypter.encrypt(key)
  if (envelope.length > MAX_ENVELOPE) throw new LatentError('E_LIMIT', `the age envelope for so many recipients has ${envelope.length} bytes, more than the limit of ${MAX_ENVELOPE}`, { hint: 'seal for fewer recipients' })
  return { key, envelope }
}

export interface Keys {
  /** age identities: `AGE-SECRET-KEY-1...` or `AGE-SECRET-KEY-PQ-1...`. */
  readonly identities?: readonly string[]
  readonly passphrases?: readonly string[]
}

/**
 * What an age file holds: age itself, with our errors. Sealed files hold 32 bytes in theirs, see {@link Keyring}.
 * @throws E_KEY (malformed identities); E_NO_MATCH; E_LIMIT (a passphrase that would cost too much to
 *   try); E_HEADER (malformed or altered)
 */
export async function decryptEnvelope(envelope: Uint8Array, keys: Keys): Promise<Uint8Array> {
  return decryptWith(decrypterFor(keys), envelope)
}

function decrypterFor({ identities = [], passphrases = [] }: Keys): Decrypter {
  const decrypter = new Decrypter()
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity)
    } catch {
      // The cause could quote the identity.
      throw new LatentError('E_KEY', 'an age identity is malformed', { hint: 'identities start with AGE-SECRET-KEY-' })
    }
  }
  for (const passphrase of passphrases) decrypter.addPassphrase(passphrase)
  return decrypter
}

async function decryptWith(decrypter: Decrypter, envelope: Uint8Array): Promise<Uint8Array> {
  try {
    return await decrypter.decrypt(envelope)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : ''
    if (/no identity matched/i.test(reason)) {
      throw new LatentError('E_NO_MATCH', 'none of the given keys or passphrases opens this file', { hint: 'it was sealed for another recipient, or the passphrase is wrong' })
    }
    if (/work factor/i.test(reason)) {
      throw new LatentError('E_LIMIT', 'trying a passphrase on this file would take more than 1 GiB of memory', { hint: 'it was not made by latent seal; do not trust it' })
    }
    throw new LatentError('E_HEADER', 'the age envelope in the header is malformed or altered', { hint: 'download or copy the file again', cause })
  }
}

/** Opens envelopes, each distinct one once: a folder sealed in one run costs one unwrapping. */
export class Keyring {
  readonly #decrypter: Decrypter
  readonly #opened = new Map<string, Promise<Uint8Array>>()

  /** @throws E_KEY for malformed identities */
  constructor(keys: Keys = {}) {
    this.#decrypter = decrypterFor(keys)
  }

  /** Makes an album's key known without unwrapping: for checking what was just sealed. */
  remember({ key, envelope }: Album): this {
    this.#opened.set(toHex(sha256Of(envelope)), Promise.resolve(key))
    return this
  }

  /** @throws as {@link decryptEnvelope}; E_HEADER too if the envelope does not hold 32 bytes */
  albumKey(envelope: Uint8Array): Promise<Uint8Array> {
    const name = toHex(sha256Of(envelope))
    const opened = this.#opened.get(name) ?? this.#open(envelope)
    this.#opened.set(name, opened)
    return opened
  }

  async #open(envelope: Uint8Array): Promise<Uint8Array> {
    const key = await decryptWith(this.#decrypter, envelope)
    if (key.length !== 32) throw new LatentError('E_HEADER', 'the age envelope in the header does not hold an album key')
    return key
  }
}
