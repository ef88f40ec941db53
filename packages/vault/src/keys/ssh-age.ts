import { concatBytes, sha256Of } from '@latent/core'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { base64nopad, base64urlnopad } from '@scure/base'
import { type Identity, type Recipient, Stanza } from 'age-encryption'
import { type SshPrivateKey, type SshPublicKey } from './ssh.ts'

// The two SSH stanzas of age, as its specification gives them: agewrap for Curve25519, OAEP for RSA.
const LABELS = {
  'ssh-ed25519': new TextEncoder().encode('age-encryption.org/v1/ssh-ed25519'),
  'ssh-rsa': new TextEncoder().encode('age-encryption.org/v1/ssh-rsa'),
} as const
/** A key wraps one file key alone, so the nonce may be constant. */
const NONCE = new Uint8Array(12)
const FILE_KEY_BYTES = 16

/** The stanza names a key by the first four bytes of its hash. */
const tagOf = (wire: Uint8Array): string => base64nopad.encode(sha256Of(wire).subarray(0, 4))

/** What age's encrypter takes for an SSH public key: stanzas of age's `ssh-ed25519` and `ssh-rsa`. */
export function sshRecipient(key: SshPublicKey): Recipient {
  if (key.type === 'ssh-rsa') return rsaRecipient(key)
  const point = ed25519.utils.toMontgomery(key.point)
  return {
    wrapFileKey(fileKey) {
      const ephemeral = x25519.utils.randomSecretKey()
      const share = x25519.getPublicKey(ephemeral)
      const wrapping = wrappingKey(key.wire, x25519.getSharedSecret(ephemeral, point), share, point)
      return [
        new Stanza(
          [key.type, tagOf(key.wire), base64nopad.encode(share)],
          chacha20poly1305(wrapping, NONCE).encrypt(fileKey),
        ),
      ]
    },
  }
}

/** What age's decrypter takes for an SSH private key; stanzas for other keys are passed over. */
export function sshIdentity(key: SshPrivateKey): Identity {
  const unwrap = key.type === 'ssh-rsa' ? unwrapRsa : unwrapEd25519
  return {
    async unwrapFileKey(stanzas) {
      for (const { args, body } of stanzas) {
        if (args[0] !== key.type || args[1] !== tagOf(key.wire)) continue
        const fileKey = await unwrap(key as never, args, body)
        if (fileKey.length !== FILE_KEY_BYTES) throw new Error('an SSH stanza holds no file key')
        return fileKey
      }
      return null
    },
  }
}

function unwrapEd25519(
  { wire, seed }: SshPrivateKey & { type: 'ssh-ed25519' },
  args: readonly string[],
  body: Uint8Array,
): Uint8Array {
  if (args.length !== 3 || body.length !== FILE_KEY_BYTES + 16) throw new Error('a malformed SSH stanza')
  const share = base64nopad.decode(args[2]!)
  const scalar = sha512(seed).subarray(0, 32)
  return chacha20poly1305(
    wrappingKey(wire, x25519.getSharedSecret(scalar, share), share, x25519.getPublicKey(scalar)),
    NONCE,
  ).decrypt(body)
}

/** The tweak binds the secret to the SSH key, so that it serves here for nothing but this. */
function wrappingKey(wire: Uint8Array, shared: Uint8Array, share: Uint8Array, point: Uint8Array): Uint8Array {
  const label = LABELS['ssh-ed25519']
  const tweak = hkdf(sha256, new Uint8Array(0), wire, label, 32)
  return hkdf(sha256, x25519.getSharedSecret(tweak, shared), concatBytes(share, point), label, 32)
}

const OAEP = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
const withLabel = { name: 'RSA-OAEP', label: LABELS['ssh-rsa'] } as const
/** WebCrypto's types want buffers of their own. */
const own = (bytes: Uint8Array) => new Uint8Array(bytes)
const field = (bytes: Uint8Array) => base64urlnopad.encode(bytes)

function rsaRecipient({ type, wire, n, e }: SshPublicKey & { type: 'ssh-rsa' }): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const key = await crypto.subtle.importKey('jwk', { kty: 'RSA', n: field(n), e: field(e) }, OAEP, false, [
        'encrypt',
      ])
      return [
        new Stanza([type, tagOf(wire)], new Uint8Array(await crypto.subtle.encrypt(withLabel, key, own(fileKey)))),
      ]
    },
  }
}

async function unwrapRsa(
  { n, e, d, p, q, qi }: SshPrivateKey & { type: 'ssh-rsa' },
  args: readonly string[],
  body: Uint8Array,
): Promise<Uint8Array> {
  if (args.length !== 2) throw new Error('a malformed SSH stanza')
  const reduced = (prime: Uint8Array) => field(bytesOf(numberOf(d) % (numberOf(prime) - 1n)))
  const jwk = {
    kty: 'RSA',
    n: field(n),
    e: field(e),
    d: field(d),
    p: field(p),
    q: field(q),
    dp: reduced(p),
    dq: reduced(q),
    qi: field(qi),
  }
  const key = await crypto.subtle.importKey('jwk', jwk, OAEP, false, ['decrypt'])
  return new Uint8Array(await crypto.subtle.decrypt(withLabel, key, own(body)))
}

const numberOf = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

function bytesOf(number: bigint): Uint8Array {
  const digits = number.toString(16)
  return Uint8Array.from(digits.padStart(digits.length + (digits.length % 2), '0').match(/../g)!, pair =>
    Number.parseInt(pair, 16),
  )
}
