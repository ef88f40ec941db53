import { KeyStream } from '@latent/core'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'

/**
 * Controls: ciphers whose outcome in every test is known beforehand. A run of the lab in which one of
 * them behaves otherwise has measured nothing.
 */

/** No encryption at all: every test must notice. */
export const identity: ByteTransform = { encrypt: async bytes => bytes, decrypt: async bytes => bytes }

/**
 * One permutation of the pixels for all images under a key (samples of a pixel stay together).
 * The histogram and every value survive; chosen plaintexts read the permutation off.
 */
export const fixedPermutation: ByteTransform = {
  async encrypt(bytes, { key, image }) {
    const order = await pixelOrder(key, image)
    const size = bytes.length / order.length
    const out = new Uint8Array(bytes.length)
    for (let i = 0; i < order.length; i++) {
      for (let b = 0; b < size; b++) out[i * size + b] = bytes[order[i]! * size + b]!
    }
    return out
  },
  async decrypt(bytes, { key, image }) {
    const order = await pixelOrder(key, image)
    const size = bytes.length / order.length
    const out = new Uint8Array(bytes.length)
    for (let i = 0; i < order.length; i++) {
      for (let b = 0; b < size; b++) out[order[i]! * size + b] = bytes[i * size + b]!
    }
    return out
  },
}

async function pixelOrder(key: Uint8Array, image: { width: number; height: number }): Promise<Uint32Array> {
  const stream = await KeyStream.create(key, 'latent/v1/baseline/fixed-permutation')
  return stream.permutation(image.width * image.height)
}

/**
 * Noise that does not depend on the image: inside every null band, and of no use. Decryption returns
 * other noise, as for a wrong key.
 */
export const randomNoise: ByteTransform = {
  async encrypt(bytes, { key, nonce }) {
    const stream = await KeyStream.create(key, 'latent/v1/baseline/random-bytes/encrypt', nonce)
    return stream.bytes(bytes.length)
  },
  async decrypt(bytes, { key, nonce }) {
    const stream = await KeyStream.create(key, 'latent/v1/baseline/random-bytes/decrypt', nonce)
    return stream.bytes(bytes.length)
  },
}

const maskXor = async (bytes: Uint8Array, { key }: { key: Uint8Array }) => {
  const stream = await KeyStream.create(key, 'latent/v1/baseline/xor-mask')
  return xorInto(bytes, await stream.bytes(bytes.length))
}

/**
 * One perfect random mask, XORed to every image: what masked auto-encoders and generated key images
 * do. The cipher alone looks ideal; the second use of the mask gives everything away.
 */
export const reusedMask: ByteTransform = { encrypt: maskXor, decrypt: maskXor }
