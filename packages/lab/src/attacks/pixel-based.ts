import { image } from '@latent/core'
import { ask, type Opened, type Oracle, type TargetShape } from './chosen-plaintext.ts'

/**
 * Recovers pixel-based encryption under one key from one chosen image (Chang and Li's public attack,
 * repository `image-encryption-scheme-attacks`): every pixel of it is (1, 2, 3). What comes back above
 * 127 was complemented, and after undoing that the value names the channel it came from. Exact.
 * @returns undefined where a pixel of the answer is not made of those values
 */
export async function recoverPixelBased(oracle: Oracle, shape: TargetShape): Promise<Opened | undefined> {
  const { width, height, channels } = shape
  const samples = width * height * channels
  const answer = await ask(
    oracle,
    shape,
    Uint8Array.from({ length: samples }, (_, i) => 1 + (i % channels)),
  )
  if (!answer) return undefined
  const flip = answer.map(value => (value > 127 ? 255 : 0))
  const source = Uint32Array.from(answer, (value, i) => i - (i % channels) + (value ^ flip[i]!) - 1)
  if (
    source.some((from, i) => from < i - (i % channels) || from >= i - (i % channels) + channels) ||
    new Set(source).size !== samples
  )
    return undefined
  return {
    queries: 1,
    open(cipher) {
      const data = new Uint8Array(samples)
      for (let i = 0; i < samples; i++) data[source[i]!] = cipher.data[i]! ^ flip[i]!
      return image({ ...shape, format: 'u8', data })
    },
  }
}
