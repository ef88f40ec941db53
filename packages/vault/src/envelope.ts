import { LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import { Decrypter, Encrypter } from 'age-encryption'

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
 * @throws E_KEY for malformed recipients or an empty passphrase
 */
export async function createAlbum(lock: Lock): Promise<Album> {
  return wrapAlbum(randomBytes(32), lock)
}

/** Wraps an existing album key, for other recipients. */
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
  return { key, envelope: await encrypter.encrypt(key) }
}

export interface Keys {
  /** age identities: `AGE-SECRET-KEY-1...` or `AGE-SECRET-KEY-PQ-1...`. */
  readonly identities?: readonly string[]
  readonly passphrases?: readonly string[]
}

/** Opens envelopes, each distinct one once: a folder sealed in one run costs one unwrapping. */
export class Keyring {
  readonly #decrypter = new Decrypter()
  readonly #opened = new Map<string, Promise<Uint8Array>>()

  /** @throws E_KEY for malformed identities */
  constructor(keys: Keys = {}) {
    for (const identity of keys.identities ?? []) {
      try {
        this.#decrypter.addIdentity(identity)
      } catch {
        // The cause could quote the identity.
        throw new LatentError('E_KEY', 'an age identity is malformed', { hint: 'identities start with AGE-SECRET-KEY-' })
      }
    }
    for (const passphrase of keys.passphrases ?? []) this.#decrypter.addPassphrase(passphrase)
  }

  /** Makes an album's key known without unwrapping: for checking what was just sealed. */
  remember({ key, envelope }: Album): this {
    this.#opened.set(toHex(sha256Of(envelope)), Promise.resolve(key))
    return this
  }

  /** @throws E_NO_MATCH; E_HEADER if the envelope is malformed or altered */
  albumKey(envelope: Uint8Array): Promise<Uint8Array> {
    const name = toHex(sha256Of(envelope))
    const opened = this.#opened.get(name) ?? this.#open(envelope)
    this.#opened.set(name, opened)
    return opened
  }

  async #open(envelope: Uint8Array): Promise<Uint8Array> {
    let key: Uint8Array
    try {
      key = await this.#decrypter.decrypt(envelope)
    } catch (cause) {
      if (cause instanceof Error && /no identity matched/i.test(cause.message)) {
        throw new LatentError('E_NO_MATCH', 'none of the given keys or passphrases opens this file', { hint: 'it was sealed for another recipient, or the passphrase is wrong' })
      }
      throw new LatentError('E_HEADER', 'the age envelope in the header is malformed or altered', { hint: 'download or copy the file again', cause })
    }
    if (key.length !== 32) throw new LatentError('E_HEADER', 'the age envelope in the header does not hold an album key')
    return key
  }
}
