import { primitives } from '#primitives'
import { argumentError, LatentError } from './errors.ts'

/**
 * The primitives that anything proven in Latent rests on. Two implementations: Node's `crypto` and
 * `zlib` (synchronous, native speed), and WebCrypto with `@noble/hashes` and `fflate` (browsers).
 * Callers `await` what may be a promise, so that one source serves both.
 */
export interface Primitives {
  readonly name: 'node:crypto' | 'webcrypto'
  readonly randomBytes: (length: number) => Uint8Array
  /** HMAC-SHA-256 over the concatenation of `parts`; 32 bytes. */
  readonly hmacSha256: (key: Uint8Array, parts: readonly Uint8Array[]) => Awaitable<Uint8Array>
  /** HKDF-SHA-256 (RFC 5869). */
  readonly hkdfSha256: (key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) => Awaitable<Uint8Array>
  /** PBKDF2-HMAC-SHA-256 (RFC 8018). */
  readonly pbkdf2Sha256: (password: Uint8Array, salt: Uint8Array, iterations: number, length: number) => Awaitable<Uint8Array>
  /** `length` bytes of AES-256 in counter mode over zeros, from a 16-byte big-endian initial counter. */
  readonly aes256CtrStream: (key: Uint8Array, counter: Uint8Array, length: number) => Awaitable<Uint8Array>
  /** AES-256-GCM: the ciphertext followed by its 16-byte tag. Keys of 32 bytes and nonces of 12 alone. @throws E_ARGUMENT */
  readonly aes256GcmSeal: (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array) => Awaitable<Uint8Array>
  /** The plaintext, or `undefined` if the tag does not verify. */
  readonly aes256GcmOpen: (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array) => Awaitable<Uint8Array | undefined>
  readonly sha256: () => Sha256
  /** CRC-32 as PNG and zlib use it; `previous` continues an earlier one. */
  readonly crc32: (bytes: Uint8Array, previous?: number) => number
  /** A zlib stream (RFC 1950). Level 0 stores, 9 packs tightest; platforms may pack to different bytes. */
  readonly zlibPack: (bytes: Uint8Array, level: ZlibLevel) => Uint8Array
  /** Undoes {@link zlibPack}. @throws E_LIMIT above `limit` bytes, never having held many more; another error where the stream is broken */
  readonly zlibUnpack: (bytes: Uint8Array, limit: number) => Uint8Array
}

export type ZlibLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

export type Awaitable<T> = T | Promise<T>

/** An incremental SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

export const GCM_TAG_BYTES = 16

export const { name: platform, randomBytes, hmacSha256, hkdfSha256, pbkdf2Sha256, aes256CtrStream, aes256GcmSeal, aes256GcmOpen, sha256, crc32, zlibPack, zlibUnpack } =
  primitives satisfies Primitives

/** SHA-256 of one array. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  const hash = sha256()
  hash.update(bytes)
  return hash.digest()
}

/**
 * Derives a key for one purpose. Every label in Latent starts with the format generation, and no two
 * purposes share one, so that a key can never be used in two roles.
 * @param salt separates keys of one purpose (a file nonce, say); may be empty
 */
export async function deriveKey(key: Uint8Array, label: `latent/v1/${string}`, salt: Uint8Array = new Uint8Array(0), length = 32): Promise<Uint8Array> {
  if (key.length < 16) throw argumentError('key', 'at least 16 bytes', key)
  return hkdfSha256(key, salt, new TextEncoder().encode(label), length)
}

/** Compares without telling by its timing where two arrays differ. Lengths are public. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** @throws E_ARGUMENT unless `text` is lower-case hexadecimal of whole bytes */
export function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new LatentError('E_ARGUMENT', 'expected lower-case hexadecimal digits, two a byte')
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
