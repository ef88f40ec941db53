import { Unzlib, zlibSync } from 'fflate'
import { joinBytes } from './bytes.ts'
import { LatentError } from './errors.ts'
import { checkGcm } from './gcm.ts'
import type { Primitives } from './primitive-set.ts'
import { sha256 } from './sha256-web.ts'

// WebCrypto's declarations ask for arrays over non-shared memory; ours never are shared.
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>

const importKey = (key: Uint8Array, algorithm: string | HmacImportParams, usage: KeyUsage) =>
  crypto.subtle.importKey('raw', own(key), algorithm, false, [usage])

// CRC-32 of the reflected polynomial 0xEDB88320, four bytes a step (slicing by four).
const CRC_TABLES = (() => {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256))
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    tables[0]![n] = c
  }
  for (let n = 0; n < 256; n++) {
    for (let t = 1; t < 4; t++) {
      const c = tables[t - 1]![n]!
      tables[t]![n] = (c >>> 8) ^ tables[0]![c & 255]!
    }
  }
  return tables
})()

function crc32(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3] = CRC_TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  let c = ~previous
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    c = t3[c & 255]! ^ t2[(c >>> 8) & 255]! ^ t1[(c >>> 16) & 255]! ^ t0[c >>> 24]!
  }
  for (; i < bytes.length; i++) c = (c >>> 8) ^ t0[(c ^ bytes[i]!) & 255]!
  return ~c >>> 0
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
    return new Uint8Array(await crypto.subtle.sign('HMAC', hmacKey, joinBytes(parts)))
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
  async aes256CtrStream(key, counter, length, into) {
    const aesKey = await importKey(key, 'AES-CTR', 'encrypt')
    const params = { name: 'AES-CTR', counter: own(counter), length: 128 }
    const stream = new Uint8Array(await crypto.subtle.encrypt(params, aesKey, new Uint8Array(length)))
    into?.set(stream)
    return into ?? stream
  },
  async aes256GcmSeal(key, nonce, plaintext, aad) {
    checkGcm(key, nonce)
    const aesKey = await importKey(key, 'AES-GCM', 'encrypt')
    const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: 128 }
    return new Uint8Array(await crypto.subtle.encrypt(params, aesKey, own(plaintext)))
  },
  async aes256GcmOpen(key, nonce, sealed, aad) {
    checkGcm(key, nonce)
    const aesKey = await importKey(key, 'AES-GCM', 'decrypt')
    const params = { name: 'AES-GCM', iv: own(nonce), additionalData: own(aad), tagLength: 128 }
    try {
      return new Uint8Array(await crypto.subtle.decrypt(params, aesKey, own(sealed)))
    } catch {
      return undefined
    }
  },
  sha256,
  crc32,
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
