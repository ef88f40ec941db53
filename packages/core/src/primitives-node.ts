import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  pbkdf2,
  randomFillSync,
} from 'node:crypto'
import { promisify } from 'node:util'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { checkGcm } from './gcm.ts'
import { bytesToFill, release } from './bytes.ts'
import { LatentError } from './errors.ts'
import { discardBuffer } from './platform.ts'
import type { Primitives, Sha256 } from './primitive-set.ts'

const TAG = 16
/** The largest that zlib takes at once, nearly. */
const MAX_CHUNK = 2 ** 31 - 1024
const stretch = promisify(pbkdf2)
/**
 * What OpenSSL is given at once. It makes an array for everything that it gives, and this one lies where the last one
 * lay; larger ones are new memory, whose pages cost more than what is computed in them.
 */
const PIECE = 65536
const ZEROS = new Uint8Array(PIECE)

/** What a cipher makes of `length` bytes. @param given so many of them from a place on */
function through(
  cipher: { update(bytes: Uint8Array): Uint8Array },
  length: number,
  given: (from: number, to: number) => Uint8Array,
  target: Uint8Array,
): void {
  for (let at = 0; at < length; at += PIECE) {
    const piece = cipher.update(given(at, Math.min(length, at + PIECE)))
    target.set(piece, at)
    if (piece.length === piece.buffer.byteLength) discardBuffer(piece.buffer as ArrayBuffer)
  }
}

// A Buffer's `slice` shares memory and a Uint8Array's does not: callers must never meet a Buffer.
const plain = (buffer: Uint8Array) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

function sha256(): Sha256 {
  const hash = createHash('sha256')
  return { update: bytes => void hash.update(bytes), digest: () => plain(hash.digest()) }
}

const [BLOCK, DIGEST] = [64, 32]
/** So much is hashed at once, behind the block of its key: an object of OpenSSL takes longer to be made. */
const FEW = 4096
const inner = new Uint8Array(BLOCK + FEW)
const outer = new Uint8Array(BLOCK + DIGEST)

/** HMAC-SHA-256 (RFC 2104). */
function hmacSha256(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > FEW || key.length > BLOCK) {
    const hmac = createHmac('sha256', createSecretKey(key))
    for (const part of parts) hmac.update(part)
    return plain(hmac.digest())
  }
  for (let i = 0; i < BLOCK; i++) {
    const byte = i < key.length ? key[i]! : 0
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  let end = BLOCK
  for (const part of parts) {
    inner.set(part, end)
    end += part.length
  }
  outer.set(hash('sha256', inner.subarray(0, end), 'buffer'), BLOCK)
  return plain(hash('sha256', outer, 'buffer'))
}

const FIRST = Uint8Array.of(1)

/** The primitives by `node:crypto` and `node:zlib`. `primitives.ts` checks their arguments. */
export const primitives: Primitives = {
  name: 'node:crypto',
  randomBytes: length => randomFillSync(new Uint8Array(length)),
  hmacSha256,
  hkdfSha256(key, salt, infos, length) {
    if (length === DIGEST) {
      const extracted = hmacSha256(salt, [key])
      return infos.map(info => hmacSha256(extracted, [info, FIRST]))
    }
    const secret = createSecretKey(key)
    return infos.map(info => new Uint8Array(hkdfSync('sha256', secret, salt, info, length)))
  },
  pbkdf2Sha256: async (password, salt, iterations, length) =>
    plain(await stretch(password, salt, iterations, length, 'sha256')),
  aes256CtrStream(key, counter, length, into = bytesToFill(length)) {
    const cipher = createCipheriv('aes-256-ctr', createSecretKey(key), counter)
    through(cipher, length, (from, to) => ZEROS.subarray(0, to - from), into)
    return into
  },
  aes256GcmSeal(key, nonce, plaintext, aad) {
    checkGcm(key, nonce)
    const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce, { authTagLength: TAG })
    cipher.setAAD(aad)
    const sealed = bytesToFill(plaintext.length + TAG)
    through(cipher, plaintext.length, (from, to) => plaintext.subarray(from, to), sealed)
    cipher.final()
    sealed.set(cipher.getAuthTag(), plaintext.length)
    return sealed
  },
  aes256GcmOpen(key, nonce, sealed, aad) {
    checkGcm(key, nonce)
    if (sealed.length < TAG) return undefined
    const cipher = createDecipheriv('aes-256-gcm', createSecretKey(key), nonce, { authTagLength: TAG })
    cipher.setAAD(aad)
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG))
    const plaintext = bytesToFill(sealed.length - TAG)
    through(cipher, plaintext.length, (from, to) => sealed.subarray(from, to), plaintext)
    try {
      cipher.final()
    } catch {
      release(plaintext)
      return undefined
    }
    return plaintext
  },
  sha256,
  sha256OfSize: sha256,
  crc32: (bytes, previous = 0) => crc32(bytes, previous),
  zlibPack: (bytes, level) =>
    plain(deflateSync(bytes, { level, chunkSize: Math.min(MAX_CHUNK, bytes.length + (bytes.length >>> 8) + 1024) })),
  zlibUnpack(bytes, limit) {
    // One chunk for everything: many would be held twice while they are joined. Pages that are not filled cost nothing.
    const unpacked = orTooLarge(limit, () =>
      inflateSync(bytes, {
        maxOutputLength: Math.max(1, limit),
        chunkSize: Math.min(MAX_CHUNK, Math.max(64, limit + 1)),
      }),
    )
    // Zlib takes no limit of nothing.
    if (unpacked.length > limit) throw tooLarge(limit)
    return plain(unpacked)
  },
}

function orTooLarge<T>(limit: number, unpack: () => T): T {
  try {
    return unpack()
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limit) : cause
  }
}

const tooLarge = (limit: number) =>
  new LatentError('E_LIMIT', `the data unpacks to more than ${limit} bytes`, {
    hint: 'it is not what it should be: do not trust it',
  })
