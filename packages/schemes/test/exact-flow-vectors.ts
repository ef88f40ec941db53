import { fromHex, sha256Of, toHex } from '@latent/core'

/** One published vector: the plaintext is a rule, the ciphertext its SHA-256 and first bytes. */
export interface FlowVector {
  readonly key: string
  readonly tweak: string
  readonly length: number
  readonly sha256: string
  readonly first16: string
}

export type VectorInput = Pick<FlowVector, 'key' | 'tweak' | 'length'>

/** Byte i of every vector's plaintext: i^2 + 31 floor(i / 256), mod 256. */
export const vectorPlaintext = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => i * i + 31 * (i >> 8))

/** Key, tweak and length of each vector; the ciphertexts are computed by the plain loop. */
export const VECTOR_INPUTS: readonly VectorInput[] = [
  32, 33, 35, 36, 41, 1000, 3072, 3073, 98_304, 98_309, 300_001, 786_432,
].map((length, i) => ({
  key: toHex(sha256Of(Uint8Array.of(i))),
  tweak: toHex(Uint8Array.from({ length: i }, (_, j) => 16 * i + j)),
  length,
}))

export async function encryptVector(
  flow: { encrypt(key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> },
  { key, tweak, length }: VectorInput,
): Promise<FlowVector> {
  const cipher = await flow.encrypt(fromHex(key), fromHex(tweak), vectorPlaintext(length))
  return { key, tweak, length, sha256: toHex(sha256Of(cipher)), first16: toHex(cipher.subarray(0, 16)) }
}
