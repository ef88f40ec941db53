import { KeyStream } from '@latent/core'
import { bytewise, defineScheme } from '@latent/schemes'

// Every byte is added to the one before it and to a byte of the key stream: one changed pixel changes all that follow
// it.
export default defineScheme({
  id: 'running-sum',
  title: 'Running sum under a key stream',
  nonce: { use: 'fresh', bytes: 16, others: 'hashed' },
  keySpace: {
    bits: 256,
    note: 'The stream of one nonce is the equivalent key: one known image opens others under that nonce.',
  },
  load: async () =>
    bytewise({
      async encrypt(bytes, { key, nonce }) {
        const stream = await keyBytes(key, nonce, bytes.length)
        let last = 0
        return bytes.map((byte, i) => (last = (last + byte + stream[i]!) & 255))
      },
      async decrypt(bytes, { key, nonce }) {
        const stream = await keyBytes(key, nonce, bytes.length)
        return bytes.map((byte, i) => byte - (bytes[i - 1] ?? 0) - stream[i]!)
      },
    }),
})

async function keyBytes(key: Uint8Array, nonce: Uint8Array, length: number): Promise<Uint8Array> {
  return (await KeyStream.create(key, 'latent/v1/example/running-sum', nonce)).bytes(length)
}
