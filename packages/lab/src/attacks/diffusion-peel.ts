import { type Diffusion, type PassKey, undiffuse } from '@latent/schemes/dense-resnet'

/** `a XOR b`. */
export const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((value, i) => value ^ b[i]!)

/** The rule and number of passes are public; of the key, nothing is used. */
const noKeys = ({ passes }: Diffusion, length: number): PassKey[] =>
  Array.from({ length: passes }, () => ({ start: 0, mask: new Uint8Array(length), turns: new Uint8Array(length) }))

/**
 * Takes the diffusion off two ciphers under one key stream, without the key. For XOR chains this is P ^ P' of
 * the intermediate ciphers: passes are linear over GF(2), C = L(P) ^ constant, so L^-1(C ^ C') = P ^ P'.
 */
export const peel = (diffusion: Diffusion, a: Uint8Array, b: Uint8Array): Uint8Array =>
  undiffuse(diffusion.rule, xor(a, b), noKeys(diffusion, a.length))
