import { image } from '@latent/core'
import { ask, type Opened, type Oracle, type TargetShape } from './chosen-plaintext.ts'

/**
 * Recovers any cipher that moves samples and complements some of them (v or 255 - v): permutations,
 * pixel-based encryption, block scrambling. Samples are numbered in digits of seven bits, one digit an
 * image; the eighth bit, always 0, comes back as 1 where a sample is complemented.
 *
 * Exact, with ceil(log128(samples)) chosen images: two up to 73x73 RGB, three up to 836x836.
 * @returns undefined where the answers do not fit such a cipher
 */
export async function recoverSampleMap(oracle: Oracle, shape: TargetShape): Promise<Opened | undefined> {
  const samples = shape.width * shape.height * shape.channels
  const digits = Math.max(1, Math.ceil(Math.log(samples) / Math.log(128) - 1e-9))
  const source = new Uint32Array(samples)
  let flip: Uint8Array | undefined
  for (let digit = 0; digit < digits; digit++) {
    const answer = await ask(
      oracle,
      shape,
      Uint8Array.from({ length: samples }, (_, i) => (i >> (7 * digit)) & 127),
    )
    if (!answer) return undefined
    flip ??= answer.map(value => (value > 127 ? 255 : 0))
    for (let i = 0; i < samples; i++) {
      const value = answer[i]! ^ flip[i]!
      if (value > 127) return undefined
      source[i]! |= value << (7 * digit)
    }
  }
  if (new Set(source).size !== samples || source.some(i => i >= samples)) return undefined
  return {
    queries: digits,
    open(cipher) {
      const data = new Uint8Array(samples)
      for (let i = 0; i < samples; i++) data[source[i]!] = cipher.data[i]! ^ flip![i]!
      return image({ ...shape, format: 'u8', data })
    },
  }
}
