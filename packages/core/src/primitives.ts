import { primitives } from '#primitives'
import { argumentError, LatentError } from './errors.ts'
import type { Primitives } from './primitive-set.ts'

export type { Awaitable, AwaitedSha256, Primitives, Sha256, ZlibLevel } from './primitive-set.ts'

/** Bytes that AES-256-GCM appends to a ciphertext. */
export const GCM_TAG_BYTES = 16

export const {
  name: platform,
  randomBytes,
  hmacSha256,
  hkdfSha256,
  pbkdf2Sha256,
  aes256CtrStream,
  aes256GcmSeal,
  aes256GcmOpen,
  sha256,
  sha256OfSize,
  crc32,
  zlibPack,
  zlibUnpack,
} = primitives satisfies Primitives

/** SHA-256 of one array. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  const hash = sha256()
  hash.update(bytes)
  return hash.digest()
}

/** As much as HKDF gives for one purpose. */
const MOST_DERIVED = 255 * 32

/** What a key is for. */
export type KeyPurpose = `latent/v1/${string}`

/**
 * Derives a key for one purpose. Every purpose in Latent starts with the format generation, and no two
 * purposes share one, so that a key can never be used in two roles.
 * @param salt separates keys of one purpose (a file nonce, say); may be empty
 */
export async function deriveKey(
  key: Uint8Array,
  purpose: KeyPurpose,
  salt: Uint8Array = new Uint8Array(0),
  length = 32,
): Promise<Uint8Array> {
  const [derived] = await derive(key, [purpose], salt, length)
  return derived!
}

/** The same keys as {@link deriveKey} gives for each purpose, of 32 bytes, in less time. */
export async function deriveKeys<const P extends readonly KeyPurpose[]>(
  key: Uint8Array,
  purposes: P,
): Promise<{ readonly [I in keyof P]: Uint8Array }> {
  return derive(key, purposes, new Uint8Array(0), 32) as never
}

async function derive(key: Uint8Array, purposes: readonly KeyPurpose[], salt: Uint8Array, length: number) {
  if (key.length < 16) throw argumentError('key', 'at least 16 bytes', key)
  if (length > MOST_DERIVED) throw argumentError('length', `at most ${MOST_DERIVED} bytes`, length)
  const text = new TextEncoder()
  return hkdfSha256(
    key,
    salt,
    purposes.map(purpose => text.encode(purpose)),
    length,
  )
}

/** Compares without telling by its timing where two arrays differ. Lengths are public. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Two small letters or digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]!
  return text
}

/** @throws E_ARGUMENT unless `text` is lower-case hexadecimal of whole bytes */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text))
    throw new LatentError('E_ARGUMENT', 'expected lower-case hexadecimal digits, two a byte')
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
