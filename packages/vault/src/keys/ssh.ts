import { LatentError } from '@latent/core'
import { base64 } from '@scure/base'

/** The public half of an SSH key, of the two kinds that age knows. */
export type SshPublicKey =
  | { readonly type: 'ssh-ed25519'; readonly wire: Uint8Array; readonly point: Uint8Array }
  | { readonly type: 'ssh-rsa'; readonly wire: Uint8Array; readonly n: Uint8Array; readonly e: Uint8Array }

/** The secret half: numbers as big-endian bytes, without signs. */
export type SshPrivateKey =
  | { readonly type: 'ssh-ed25519'; readonly wire: Uint8Array; readonly seed: Uint8Array }
  | {
      readonly type: 'ssh-rsa'
      readonly wire: Uint8Array
      readonly n: Uint8Array
      readonly e: Uint8Array
      readonly d: Uint8Array
      readonly p: Uint8Array
      readonly q: Uint8Array
      readonly qi: Uint8Array
    }

const MIN_RSA_BYTES = 256
const MAX_RSA_BYTES = 2048

/** Any SSH public key, also of kinds that age does not know. */
export const SSH_PUBLIC_LINE = /^(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+ AAAA/

/** Fields behind their length, as RFC 4251 writes them. */
class Fields {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw malformed()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  number(): number {
    const [a, b, c, d] = this.take(4)
    return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0
  }

  bytes(): Uint8Array {
    return this.take(this.number())
  }

  text(): string {
    return new TextDecoder('latin1').decode(this.bytes())
  }

  /** A positive number of any length, without the zero that keeps it from being negative. */
  integer(): Uint8Array {
    const bytes = this.bytes()
    const start = bytes.findIndex(byte => byte !== 0)
    if (start < 0 || bytes[0]! >= 0x80) throw malformed()
    return bytes.subarray(start)
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }
}

const malformed = () =>
  new LatentError('E_KEY', 'an SSH key is malformed', { hint: 'copy it again, whole and unchanged' })

/** `ssh-ed25519 AAAA... comment`, or `ssh-rsa`. @throws E_KEY */
export function parseSshPublicKey(line: string): SshPublicKey {
  const [type, encoded = ''] = line.trim().split(/\s+/)
  if (type !== 'ssh-ed25519' && type !== 'ssh-rsa')
    throw new LatentError('E_KEY', 'this kind of SSH key cannot encrypt', {
      hint: 'age and Latent know ssh-ed25519 and ssh-rsa; security keys and ECDSA keys only sign',
    })
  const key = parsePublicWire(decode(encoded))
  if (key.type !== type) throw malformed()
  return key
}

function parsePublicWire(wire: Uint8Array): SshPublicKey {
  const fields = new Fields(wire)
  const type = fields.text()
  if (type === 'ssh-ed25519') {
    const point = fields.bytes()
    if (point.length !== 32 || !fields.done) throw malformed()
    return { type, wire, point }
  }
  if (type !== 'ssh-rsa') throw malformed()
  const [e, n] = [fields.integer(), fields.integer()]
  if (!fields.done) throw malformed()
  if (n.length < MIN_RSA_BYTES || n.length > MAX_RSA_BYTES)
    throw new LatentError(
      'E_KEY',
      `an RSA key of ${8 * n.length} bits is too ${n.length < MIN_RSA_BYTES ? 'short' : 'long'}`,
      { hint: 'keys of 2,048 to 16,384 bits are taken' },
    )
  return { type, wire, n, e }
}

/** The line of a public key without its comment. */
export const sshPublicLine = ({ type, wire }: { readonly type: string; readonly wire: Uint8Array }): string =>
  `${type} ${base64.encode(wire)}`

const MAGIC = 'openssh-key-v1\0'

/** A private key as OpenSSH writes it, from `-----BEGIN` to `-----END`. @throws E_KEY */
export function parseSshPrivateKey(pem: string): SshPrivateKey {
  const fields = new Fields(decode(pem.replace(/-----[^-]*-----/g, '').replace(/\s+/g, '')))
  if (new TextDecoder('latin1').decode(fields.take(MAGIC.length)) !== MAGIC) throw malformed()
  const [cipher] = [fields.text(), fields.text(), fields.bytes()]
  if (cipher !== 'none')
    throw new LatentError('E_KEY', 'this SSH key is protected by a passphrase', {
      hint:
        'make a copy, take the passphrase off it with ssh-keygen -p -f COPY, and delete it afterwards; ' +
        'better: latent keygen, and seal for that key too',
    })
  if (fields.number() !== 1) throw malformed()
  const declared = fields.bytes()
  const secret = new Fields(fields.bytes())
  if (secret.number() !== secret.number()) throw malformed()
  const type = secret.text()
  if (type === 'ssh-ed25519') {
    const [point, pair] = [secret.bytes(), secret.bytes()]
    const key = parsePublicWire(declared)
    if (pair.length !== 64 || key.type !== type || !equal(point, key.point) || !equal(pair.subarray(32), point))
      throw malformed()
    return { type, wire: declared, seed: pair.subarray(0, 32) }
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [
      secret.integer(),
      secret.integer(),
      secret.integer(),
      secret.integer(),
      secret.integer(),
      secret.integer(),
    ]
    const key = parsePublicWire(declared)
    if (key.type !== type || !equal(n, key.n) || !equal(e, key.e)) throw malformed()
    return { type, wire: declared, n, e, d, p, q, qi }
  }
  throw new LatentError('E_KEY', 'this kind of SSH key cannot decrypt', {
    hint: 'age and Latent know ssh-ed25519 and ssh-rsa',
  })
}

// Never with a cause: it would quote what it could not decode.
function decode(text: string): Uint8Array {
  try {
    return base64.decode(text)
  } catch {
    throw malformed()
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
