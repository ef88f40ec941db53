import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, pbkdf2, randomFillSync } from 'node:crypto'
import { promisify } from 'node:util'
import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { checkGcm } from './gcm.ts'
import { release } from './bytes.ts'
import { LatentError } from './errors.ts'
import type { Primitives } from './primitive-set.ts'

const TAG = 16
/** The largest that zlib takes at once, nearly. */
const MAX_CHUNK = 2 ** 31 - 1024
const stretch = promisify(pbkdf2)
let zeros = new Uint8Array(0)

function zeroBytes(length: number): Uint8Array {
  if (zeros.length < length) zeros = new Uint8Array(length)
  return zeros.subarray(0, length)
}

// A Buffer's `slice` shares memory and a Uint8Array's does not: callers must never meet a Buffer.
const plain = (buffer: Uint8Array) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

/** The primitives by `node:crypto` and `node:zlib`. `primitives.ts` checks their arguments. */
export const primitives: Primitives = {
  name: 'node:crypto',
  randomBytes: length => randomFillSync(new Uint8Array(length)),
  hmacSha256(key, parts) {
    const hmac = createHmac('sha256', key)
    for (const part of parts) hmac.update(part)
    return plain(hmac.digest())
  },
  hkdfSha256: (key, salt, info, length) => new Uint8Array(hkdfSync('sha256', key, salt, info, length)),
  pbkdf2Sha256: async (password, salt, iterations, length) =>
    plain(await stretch(password, salt, iterations, length, 'sha256')),
  aes256CtrStream: (key, counter, length) =>
    plain(createCipheriv('aes-256-ctr', key, counter).update(zeroBytes(length))),
  aes256GcmSeal(key, nonce, plaintext, aad) {
    checkGcm(key, nonce)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
    cipher.setAAD(aad)
    const sealed = new Uint8Array(plaintext.length + TAG)
    const ciphertext = cipher.update(plaintext)
    sealed.set(ciphertext)
    release(ciphertext)
    cipher.final()
    sealed.set(cipher.getAuthTag(), plaintext.length)
    return sealed
  },
  aes256GcmOpen(key, nonce, sealed, aad) {
    checkGcm(key, nonce)
    if (sealed.length < TAG) return undefined
    const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
    cipher.setAAD(aad)
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG))
    const plaintext = cipher.update(sealed.subarray(0, sealed.length - TAG))
    try {
      cipher.final()
    } catch {
      return undefined
    }
    return plain(plaintext)
  },
  sha256() {
    const hash = createHash('sha256')
    return { update: bytes => void hash.update(bytes), digest: () => plain(hash.digest()) }
  },
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
