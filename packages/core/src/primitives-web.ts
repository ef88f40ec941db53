import { Unzlib, zlibSync } from 'fflate'
import { bytesToFill, joinBytes, release } from './bytes.ts'
import { openCrc32 } from './crc32-web.ts'
import { LatentError } from './errors.ts'
import { checkGcm } from './gcm.ts'
import { discardBuffer } from './platform.ts'
import type { Primitives } from './primitive-set.ts'
import { sha256, sha256OfSize } from './sha256-web.ts'

// WebCrypto's declarations ask for arrays over non-shared memory; ours never are shared.
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>

const importKey = (key: Uint8Array, algorithm: string | HmacImportParams, usage: KeyUsage) =>
  crypto.subtle.importKey('raw', own(key), algorithm, false, [usage])

/**
 * What WebCrypto is given at once of a key stream. It makes an array for everything that it gives, and this one lies
 * where the last one lay: that of a whole tile would be new memory, whose pages cost as much as what is computed.
 */
const PIECE = 2 ** 18
const zeros = new Uint8Array(PIECE)

/** A big-endian counter, `blocks` further on. */
function advanced(counter: Uint8Array, blocks: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(counter)
  for (let i = made.length - 1; i >= 0 && blocks > 0; i--) {
    blocks += made[i]!
    made[i] = blocks
    blocks = Math.floor(blocks / 256)
  }
  return made
}

/**
 * What WebCrypto gave, in memory of ours. It is new memory every time, and Chromium takes milliseconds to pass a
 * megabyte of it on to another thread, where a copy takes a tenth of one.
 */
function kept(given: ArrayBuffer): Uint8Array {
  const bytes = bytesToFill(given.byteLength)
  bytes.set(new Uint8Array(given))
  discardBuffer(given)
  return bytes
}

/** The primitives by WebCrypto and streams of the browser. `primitives.ts` checks their arguments. */
export const primitives: Primitives = {
  name: 'webcrypto',
  randomBytes(length) {
    const bytes = new Uint8Array(length)
    // The platform gives at most 65,536 bytes a call.
    for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65536)))
    return bytes
  },
  async hmacSha256(key, parts) {
    const hmacKey = await importKey(key, { name: 'HMAC', hash: 'SHA-256' }, 'sign')
    const joined = joinBytes(parts, bytesToFill)
    const code = await crypto.subtle.sign('HMAC', hmacKey, joined)
    release(joined)
    return new Uint8Array(code)
  },
  async hkdfSha256(key, salt, infos, length) {
    const ikm = await importKey(key, 'HKDF', 'deriveBits')
    const derive = async (info: Uint8Array) => {
      const params = { name: 'HKDF', hash: 'SHA-256', salt: own(salt), info: own(info) }
      return new Uint8Array(await crypto.subtle.deriveBits(params, ikm, length * 8))
    }
    return Promise.all(infos.map(derive))
  },
  async pbkdf2Sha256(password, salt, iterations, length) {
    const material = await importKey(password, 'PBKDF2', 'deriveBits')
    const params = { name: 'PBKDF2', hash: 'SHA-256', salt: own(salt), iterations }
    return new Uint8Array(await crypto.subtle.deriveBits(params, material, length * 8))
  },
  async aes256CtrStream(key, counter, length, into = bytesToFill(length)) {
    const aesKey = await importKey(key, 'AES-CTR', 'encrypt')
    for (let at = 0; at < length; at += PIECE) {
      const params = { name: 'AES-CTR', counter: advanced(counter, at / 16), length: 128 }
      const piece = await crypto.subtle.encrypt(params, aesKey, zeros.subarray(0, length - at))
      into.set(new Uint8Array(piece), at)
      discardBuffer(piece)
    }
    return into
  },
  async aes256GcmSeal(key, nonce, plaintext, aad) {
    checkGcm(key, nonce)
    const aesKey = await importKey(key, 'AES-GCM', 'encrypt')
    const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: 128 }
    return kept(await crypto.subtle.encrypt(params, aesKey, own(plaintext)))
  },
  async aes256GcmOpen(key, nonce, sealed, aad) {
    checkGcm(key, nonce)
    const aesKey = await importKey(key, 'AES-GCM', 'decrypt')
    const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: 128 }
    try {
      return kept(await crypto.subtle.decrypt(params, aesKey, own(sealed)))
    } catch {
      return undefined
    }
  },
  sha256,
  sha256OfSize,
  crc32: openCrc32(),
  zlibPack: (bytes, level) => zlibSync(bytes, { level }),
  zlibUnpack(bytes, limit) {
    const parts: Uint8Array[] = []
    let size = 0
    const unzlib = new Unzlib(part => {
      size += part.length
      if (size > limit)
        throw new LatentError('E_LIMIT', `the data unpacks to more than ${limit} bytes`, {
          hint: 'it is not what it should be: do not trust it',
        })
      parts.push(part)
    })
    // Small steps bound what one call can unpack (deflate expands at most 1032 times).
    for (let at = 0; at < bytes.length; at += 65536) unzlib.push(bytes.subarray(at, at + 65536))
    unzlib.push(new Uint8Array(0), true)
    return joinBytes(parts)
  },
}
