import type { Image } from '@latent/core'
import { defineAttack } from '@latent/lab'
import runningSum from '../own-cipher/cipher.ts'

// The cipher of the other example adds a stream and the sum so far. Where a nonce is used twice, steps from one cipher
// byte to the next give the stream away: one picture that is known in both forms opens every other.
const steps = (bytes: Image['data']): Uint8Array => Uint8Array.from(bytes, (byte, i) => byte - (bytes[i - 1] ?? 0))

export default defineAttack({
  id: 'steps',
  title: 'steps between cipher bytes, less those of a known picture',
  threat: 'known-pairs',
  returns: 'key',
  budget: 1,
  positiveControl: { scheme: runningSum, nonces: 'reused', expects: 'opened' },
  async run({ pairs, shape }) {
    const [known] = await pairs(1)
    if (known!.cipher.data.length !== known!.plain.data.length) return undefined
    const stream = steps(known!.cipher.data).map((step, i) => step - known!.plain.data[i]!)
    return {
      open: targets =>
        targets.map(({ data }) => ({ ...shape, format: 'u8', data: steps(data).map((step, i) => step - stream[i]!) })),
    }
  },
})
