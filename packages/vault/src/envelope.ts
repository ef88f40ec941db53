import { LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import { Decrypter, Encrypter, type Identity, type Recipient } from 'age-encryption'
import { MAX_ENVELOPE } from './header.ts'
import { ageIdentity } from './keys/identities.ts'
import { openingForms, overlooked, sealingPassphrase } from './keys/passphrase.ts'
import { ageRecipient } from './keys/recipients.ts'
import { collect, partsOf, webStreamOf } from './streams.ts'

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

/** Who can open an album: recipients, or whoever knows a passphrase; age mixes the two in no envelope. */
export type Lock =
  /**
   * age recipients: `age1...` (X25519), `age1pq1...` (post-quantum hybrid), or SSH public keys (ssh-ed25519, ssh-
   * rsa). `others` are keys that are no text, such as passkeys: they open the file too, and are never alone, for nobody
   * can keep them on paper.
   */
  | { readonly recipients: readonly string[]; readonly others?: readonly Recipient[] }
  /** scrypt with work factor 2^`workFactor`, default 18 (about a second); the passphrase in its composed form (NFC). */
  | { readonly passphrase: string; readonly workFactor?: number }

/**
 * Draws an album key and wraps it.
 * @throws E_KEY for malformed recipients, or a passphrase that is empty or no text; E_LIMIT for more recipients
 *   than a header holds
 */
export async function createAlbum(lock: Lock): Promise<Album> {
  return wrapAlbum(randomBytes(32), lock)
}

/** Wraps an existing album key, for other recipients. @throws E_KEY; E_LIMIT for more recipients than a header holds */
export async function wrapAlbum(key: Uint8Array, lock: Lock): Promise<Album> {
  const encrypter = new Encrypter()
  if ('passphrase' in lock) {
    encrypter.setPassphrase(sealingPassphrase(lock.passphrase))
    if (lock.workFactor !== undefined) encrypter.setScryptWorkFactor(lock.workFactor)
  } else {
    if (lock.recipients.length === 0)
      throw new LatentError('E_KEY', 'there is no recipient', {
        hint: 'make a key pair with latent keygen and give its recipient with -r',
      })
    for (const recipient of lock.recipients) encrypter.addRecipient(ageRecipient(recipient))
    for (const other of lock.others ?? []) encrypter.addRecipient(other)
  }
  // As streams: see `tryWith`.
  const envelope = await collect(partsOf(await encrypter.encrypt(webStreamOf(key))))
  if (envelope.length > MAX_ENVELOPE)
    throw new LatentError(
      'E_LIMIT',
      `the age envelope for so many recipients has ${envelope.length} bytes, more than the limit of ${MAX_ENVELOPE}`,
      { hint: 'seal for fewer recipients' },
    )
  return { key, envelope }
}

/**
 * The kinds of recipients in an age envelope, one each: `X25519`, `mlkem768x25519`, `ssh-ed25519`, `ssh-rsa`,
 * `scrypt`. Who they are cannot be told from it: age hides that, but for SSH keys, of which four bytes of a hash show.
 */
export function recipientKinds(envelope: Uint8Array): string[] {
  const [header = ''] = new TextDecoder('latin1').decode(envelope).split('\n---')
  return Array.from(header.matchAll(/^-> (\S+)/gm), ([, kind]) => kind!).filter(kind => !kind.endsWith('grease'))
}

/** What envelopes are opened with. */
export interface Keys {
  /**
   * age identities: `AGE-SECRET-KEY-1...`, `AGE-SECRET-KEY-PQ-1...`, or SSH private keys in OpenSSH's form without
   * a passphrase.
   */
  readonly identities?: readonly string[]
  /** Keys that are no text, such as passkeys; tried after the identities. */
  readonly others?: readonly Identity[]
  /** Each is tried as it is given, composed (NFC) and decomposed (NFD). */
  readonly passphrases?: readonly string[]
  /** Tried last, as they are: what release 0.1.0 made of passphrases that are no UTF-8, see `parsePassphraseFile`. */
  readonly formerPassphrases?: readonly string[]
  /** Called when one of those has opened an envelope. */
  readonly onFormer?: () => void
}

/**
 * What an age file holds: age itself, with our errors. Sealed files hold 32 bytes in theirs, see {@link Keyring}.
 * @throws E_KEY (malformed identities); E_NO_MATCH; E_LIMIT (a passphrase that would cost too much to
 *   try); E_HEADER (malformed or altered)
 */
export async function decryptEnvelope(envelope: Uint8Array, keys: Keys): Promise<Uint8Array> {
  return new Unwrapper(keys).unwrap(envelope)
}

class Unwrapper {
  readonly #keys: Keys
  readonly #usual: Decrypter
  readonly #former: Decrypter | undefined

  /** @throws E_KEY for malformed identities */
  constructor(keys: Keys) {
    this.#keys = keys
    this.#usual = decrypterFor(keys.identities ?? [], (keys.passphrases ?? []).flatMap(openingForms))
    for (const other of keys.others ?? []) this.#usual.addIdentity(other)
    if (keys.formerPassphrases?.length) this.#former = decrypterFor([], keys.formerPassphrases)
  }

  async unwrap(envelope: Uint8Array): Promise<Uint8Array> {
    const plain = (await tryWith(this.#usual, envelope)) ?? (await this.#unwrapFormer(envelope))
    if (plain) return plain
    throw new LatentError('E_NO_MATCH', 'none of the given keys or passphrases opens this file', {
      hint: this.#hint(envelope),
    })
  }

  #hint(envelope: Uint8Array): string {
    const { identities = [], others = [], passphrases = [], formerPassphrases = [] } = this.#keys
    const byPassphrase = new TextDecoder('latin1').decode(envelope.subarray(0, 64)).includes('\n-> scrypt ')
    if (byPassphrase && passphrases.length + formerPassphrases.length === 0)
      return 'it was sealed with a passphrase, and none was given'
    if (!byPassphrase && identities.length + others.length === 0)
      return 'it was sealed for recipients: the identity of one of them opens it, a passphrase does not'
    if (!byPassphrase) return 'it was sealed for other recipients'
    return overlooked(passphrases) ?? 'the passphrase is wrong'
  }

  async #unwrapFormer(envelope: Uint8Array): Promise<Uint8Array | undefined> {
    const plain = this.#former && (await tryWith(this.#former, envelope))
    if (plain) this.#keys.onFormer?.()
    return plain
  }
}

function decrypterFor(identities: readonly string[], passphrases: readonly string[]): Decrypter {
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(ageIdentity(identity))
  for (const passphrase of passphrases) decrypter.addPassphrase(passphrase)
  return decrypter
}

/** @returns nothing if no key fits */
async function tryWith(decrypter: Decrypter, envelope: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    // As streams: where bytes are asked for, age lets `Response` join them, and Node loads all of `fetch` for that.
    return await collect(partsOf(await decrypter.decrypt(webStreamOf(envelope))))
  } catch (cause) {
    // A key of a caller's says itself why it could not be used.
    if (cause instanceof LatentError) throw cause
    const reason = cause instanceof Error ? cause.message : ''
    if (/no identity matched/i.test(reason)) return undefined
    if (/work factor/i.test(reason)) {
      throw new LatentError('E_LIMIT', 'trying a passphrase on this file would take more than 1 GiB of memory', {
        hint: 'it was not made by latent seal; do not trust it',
      })
    }
    throw new LatentError('E_HEADER', 'the age envelope in the header is malformed or altered', {
      hint: 'download or copy the file again',
      cause,
    })
  }
}

/** Whoever knows the key in an envelope: a {@link Keyring}, or a vault that knows what its objects were sealed with. */
export interface AlbumKeys {
  /** @returns 32 bytes @throws E_NO_MATCH */
  albumKey(envelope: Uint8Array): Promise<Uint8Array>
}

/** Opens envelopes, each distinct one once: a folder sealed in one run costs one unwrapping. */
export class Keyring implements AlbumKeys {
  readonly #unwrapper: Unwrapper
  readonly #opened = new Map<string, Promise<Uint8Array>>()

  /** @throws E_KEY for malformed identities */
  constructor(keys: Keys = {}) {
    this.#unwrapper = new Unwrapper(keys)
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
    const key = await this.#unwrapper.unwrap(envelope)
    if (key.length !== 32)
      throw new LatentError('E_HEADER', 'the age envelope in the header does not hold an album key')
    return key
  }
}
