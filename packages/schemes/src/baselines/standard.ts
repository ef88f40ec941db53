import {
  aes256CtrStream,
  aes256GcmOpen,
  aes256GcmSeal,
  concatBytes,
  fromHex,
  GCM_TAG_BYTES,
  LatentError,
  toHex,
} from '@latent/core'
import { cbc, ecb } from '@noble/ciphers/aes.js'
import { chacha20 as chacha20Stream } from '@noble/ciphers/chacha.js'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'

/**
 * Standard ciphers over an image's sample bytes. They are what every scheme is compared with: AES in
 * counter mode (NIST SP 800-38A), chained (SP 800-38A, with ciphertext stealing after the addendum of
 * 2010), authenticated (SP 800-38D), and ChaCha20 (RFC 8439).
 */

const BLOCK = 16

async function aesCtr(bytes: Uint8Array, { key, nonce }: { key: Uint8Array; nonce: Uint8Array }): Promise<Uint8Array> {
  return xorInto(bytes, await aes256CtrStream(key, nonce, bytes.length))
}

/** Used as it should be: a fresh 16-byte initial counter for every image. */
export const aesCtrFresh: ByteTransform = { encrypt: aesCtr, decrypt: aesCtr }

/**
 * Misused: the same counter for every image under a key. One key stream for all images, so that two
 * ciphers give the XOR of their plains, and one known image opens every other.
 */
const fixedCounter = (bytes: Uint8Array, { key }: { key: Uint8Array }) =>
  aesCtr(bytes, { key, nonce: new Uint8Array(BLOCK) })

/** AES-256-CTR whose counter always begins at zero: one key stream for every picture, which breaks it. */
export const aesCtrFixed: ByteTransform = { encrypt: fixedCounter, decrypt: fixedCounter }

/**
 * Deterministic chaining from a zero initial vector: equal beginnings of two images give equal
 * beginnings of their ciphers, and a change reaches only what follows it.
 */
export const aesCbc: ByteTransform = {
  async encrypt(bytes, { key, nonce }) {
    const padded = new Uint8Array(padLength(bytes.length))
    padded.set(bytes)
    const blocks = cbc(key, nonce, { disablePadding: true }).encrypt(padded)
    if (padded.length === bytes.length) return blocks
    // Stealing: the last full block moves to the end and is cut short; what is cut, decryption finds again.
    const last = padded.length - BLOCK
    return concatBytes(
      blocks.subarray(0, last - BLOCK),
      blocks.subarray(last),
      blocks.subarray(last - BLOCK, bytes.length - BLOCK),
    )
  },
  async decrypt(bytes, { key, nonce }) {
    const length = padLength(bytes.length)
    if (length === bytes.length) return cbc(key, nonce, { disablePadding: true }).decrypt(bytes)
    const last = length - BLOCK
    const lastCipher = bytes.subarray(last - BLOCK, last)
    const tail = bytes.subarray(last)
    const stolen = cbc(key, new Uint8Array(BLOCK), { disablePadding: true }).decrypt(lastCipher).subarray(tail.length)
    const blocks = concatBytes(bytes.subarray(0, last - BLOCK), tail, stolen, lastCipher)
    return cbc(key, nonce, { disablePadding: true }).decrypt(blocks).subarray(0, bytes.length)
  },
}

/**
 * Every block of 16 bytes by itself: equal blocks give equal blocks, and a flat place of a picture stays one. The last
 * bytes that fill no block take the end of the block before them with them (ciphertext stealing).
 */
export const aesEcb: ByteTransform = {
  encrypt: async (bytes, { key }) =>
    blockwise(bytes, block => ecb(key, { disablePadding: true }).encrypt(block), 'forward'),
  decrypt: async (bytes, { key }) =>
    blockwise(bytes, block => ecb(key, { disablePadding: true }).decrypt(block), 'backward'),
}

/** Applies a permutation of blocks to all whole ones, then to the last 16 bytes where they fill none, or in reverse. */
export function blockwise(
  bytes: Uint8Array,
  blocks: (bytes: Uint8Array) => Uint8Array,
  direction: 'forward' | 'backward',
): Uint8Array {
  const whole = bytes.length - (bytes.length % BLOCK)
  const out = bytes.slice()
  const parts = [
    [0, whole],
    [bytes.length - BLOCK, bytes.length],
  ].slice(0, whole === bytes.length ? 1 : 2)
  for (const [from, to] of direction === 'forward' ? parts : parts.toReversed())
    out.set(blocks(out.slice(from, to)), from)
  return out
}

const padLength = (length: number): number => Math.ceil(length / BLOCK) * BLOCK

/** The one baseline that notices a wrong key and a changed cipher: its tag travels as an annotation. */
export const aesGcm: ByteTransform = {
  async encrypt(bytes, { key, nonce, image }) {
    const sealed = await aes256GcmSeal(key, nonce, bytes, shapeOf(image))
    return {
      bytes: sealed.subarray(0, bytes.length),
      annotations: { [TAG_ANNOTATION]: toHex(sealed.subarray(bytes.length)) },
    }
  },
  async decrypt(bytes, { key, nonce, image }, annotations) {
    const text = annotations[TAG_ANNOTATION] ?? ''
    const tag = /^[0-9a-f]*$/.test(text) && text.length % 2 === 0 ? fromHex(text) : new Uint8Array(0)
    const opened =
      tag.length === GCM_TAG_BYTES
        ? await aes256GcmOpen(key, nonce, concatBytes(bytes, tag), shapeOf(image))
        : undefined
    if (!opened)
      throw new LatentError('E_IMAGE', 'the cipher image does not authenticate under this key', {
        hint: 'give the key that it was encrypted with; if it is, the picture was changed on the way',
      })
    return opened
  },
}

const TAG_ANNOTATION = 'latent:tag'

// Width and height are authenticated too: the same bytes in another shape are another picture.
const shapeOf = (image: { width: number; height: number; channels: number; format: string }) =>
  new TextEncoder().encode(`${image.width}x${image.height}x${image.channels} ${image.format}`)

const chacha = async (bytes: Uint8Array, { key, nonce }: { key: Uint8Array; nonce: Uint8Array }) =>
  chacha20Stream(key, nonce, bytes)

/** ChaCha20 (RFC 8439) under a nonce of its own for every picture. */
export const chacha20: ByteTransform = { encrypt: chacha, decrypt: chacha }
