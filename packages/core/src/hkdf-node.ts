import { hash } from 'node:crypto'
import { joinBytes } from './bytes.ts'

/** Bytes that SHA-256 takes at a time, and gives. */
const [BLOCK, DIGEST] = [64, 32]

const sha256Of = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')

/**
 * HMAC-SHA-256 (RFC 2104) of messages a few blocks long. Node's objects for keys, HMAC and HKDF are made and collected
 * at several times the cost of hashing so little.
 */
function hmacOf(key: Uint8Array): (...message: readonly Uint8Array[]) => Uint8Array {
  const block = new Uint8Array(BLOCK)
  block.set(key.length > BLOCK ? sha256Of(key) : key)
  const [inner, outer] = [block.map(byte => byte ^ 0x36), block.map(byte => byte ^ 0x5c)]
  return (...message) => sha256Of(joinBytes([outer, sha256Of(joinBytes([inner, ...message]))]))
}

/** HKDF-SHA-256 (RFC 5869): the key and the salt are taken in once, and expanded for each purpose. */
export function hkdfSha256(
  key: Uint8Array,
  salt: Uint8Array,
  infos: readonly Uint8Array[],
  length: number,
): Uint8Array[] {
  const expand = hmacOf(hmacOf(salt)(key))
  return infos.map(info => {
    const blocks = new Uint8Array(DIGEST * Math.ceil(length / DIGEST))
    let last: Uint8Array = new Uint8Array(0)
    for (let at = 0; at < blocks.length; at += DIGEST) {
      last = expand(last, info, Uint8Array.of(at / DIGEST + 1))
      blocks.set(last, at)
    }
    return blocks.subarray(0, length)
  })
}
