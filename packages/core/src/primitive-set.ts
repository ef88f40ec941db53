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
  /** HKDF-SHA-256 (RFC 5869): `length` bytes, at most 8160, for each of `infos`. */
  readonly hkdfSha256: (
    key: Uint8Array,
    salt: Uint8Array,
    infos: readonly Uint8Array[],
    length: number,
  ) => Awaitable<readonly Uint8Array[]>
  /** PBKDF2-HMAC-SHA-256 (RFC 8018). */
  readonly pbkdf2Sha256: (
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    length: number,
  ) => Awaitable<Uint8Array>
  /**
   * `length` bytes of AES-256 in counter mode over zeros, from a 16-byte big-endian initial counter.
   * @param into takes them at its start, if it is given, and is what comes back
   */
  readonly aes256CtrStream: (
    key: Uint8Array,
    counter: Uint8Array,
    length: number,
    into?: Uint8Array,
  ) => Awaitable<Uint8Array>
  /**
   * AES-256-GCM: the ciphertext followed by its 16-byte tag. Keys of 32 bytes and nonces of 12 alone.
   * @throws E_ARGUMENT
   */
  readonly aes256GcmSeal: (
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    aad: Uint8Array,
  ) => Awaitable<Uint8Array>
  /** The plaintext, or `undefined` if the tag does not verify. */
  readonly aes256GcmOpen: (
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    aad: Uint8Array,
  ) => Awaitable<Uint8Array | undefined>
  readonly sha256: () => Sha256
  /** The same for a stream of at most `size` bytes, as fast as the platform can. */
  readonly sha256OfSize: (size: number) => AwaitedSha256
  /** CRC-32 as PNG and zlib use it; `previous` continues an earlier one. */
  readonly crc32: (bytes: Uint8Array, previous?: number) => number
  /** A zlib stream (RFC 1950). Level 0 stores, 9 packs tightest; platforms may pack to different bytes. */
  readonly zlibPack: (bytes: Uint8Array, level: ZlibLevel) => Uint8Array
  /**
   * Undoes {@link zlibPack}.
   * @throws E_LIMIT above `limit` bytes, never having held many more; another error where the stream is broken
   */
  readonly zlibUnpack: (bytes: Uint8Array, limit: number) => Uint8Array
}

/** 0 stores, 1 is fast, 9 is small. */
export type ZlibLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** What one platform gives at once and another only after waiting. */
export type Awaitable<T> = T | Promise<T>

/** An incremental SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

/** One that may have to be waited for at the end. */
export interface AwaitedSha256 {
  update(bytes: Uint8Array): void
  digest(): Awaitable<Uint8Array>
}
