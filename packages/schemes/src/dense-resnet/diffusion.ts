import { argumentError, KeyStream } from '@latent/core'

/**
 * The bit-XOR diffusion of Bao et al. (2024), which turns the intermediate cipher into the final one.
 * The paper's formula is unknown; its name fits the first of four rules, the others are ours.
 * Over the bytes P[0..n) in raster order, channels interleaved, with C[-1] = start:
 *
 * ```text
 * xor-chain   C[i] = P[i] ^ K[i] ^ C[i-1]                      as described; linear over GF(2)
 * xor-rot     C[i] = rotl8(P[i] ^ C[i-1], R[i] & 7) ^ K[i]     own
 * xor-add     C[i] = ((P[i] + C[i-1]) & 255) ^ K[i]            own
 * xor-sbox    C[i] = S[P[i] ^ C[i-1]] ^ K[i]                   own; S the S-box of AES (FIPS 197)
 * ```
 *
 * One pass carries a change to all bytes behind it, so every second pass runs backwards. Each pass has
 * a key stream of its own. Three passes are the least after which a change of one byte reaches everything and looks
 * like chance; with a chance of about 1 in 256 it cancels at its own place in the second pass, and what lies before
 * stays.
 */
export type DiffusionRule = 'xor-chain' | 'xor-rot' | 'xor-add' | 'xor-sbox'
/** Every rule of diffusion, that of the paper first; the others are ours. */
export const DIFFUSION_RULES: readonly DiffusionRule[] = ['xor-chain', 'xor-rot', 'xor-add', 'xor-sbox']

/** What is done to the bytes behind the network. */
export interface Diffusion {
  readonly rule: DiffusionRule
  /** From 1 to 16. */
  readonly passes: number
}

/** What one pass is keyed by. */
export interface PassKey {
  /** C[-1], a byte. */
  readonly start: number
  /** K, as many bytes as there are to diffuse. */
  readonly mask: Uint8Array
  /** R, as many; only `xor-rot` reads it. */
  readonly turns?: Uint8Array
}

/**
 * Key streams of all passes, from AES-256-CTR under a key derived (HKDF-SHA-256) from `key` and `nonce`.
 * Equal nonces give equal streams, whatever the image: that is the published cipher's weakness.
 * @throws E_ARGUMENT
 */
export async function passKeys(
  { rule, passes }: Diffusion,
  length: number,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<PassKey[]> {
  if (!Number.isSafeInteger(passes) || passes < 1 || passes > 16)
    throw argumentError('passes', 'a whole number from 1 to 16', passes)
  const stream = await KeyStream.create(key, 'latent/v1/dense-resnet/diffusion', nonce)
  const keys: PassKey[] = []
  for (let pass = 0; pass < passes; pass++) {
    const [start, mask] = [(await stream.bytes(1))[0]!, await stream.bytes(length)]
    keys.push(rule === 'xor-rot' ? { start, mask, turns: await stream.bytes(length) } : { start, mask })
  }
  return keys
}

/** The bytes after all passes; `bytes` is left as it is. */
export function diffuse(rule: DiffusionRule, bytes: Uint8Array, keys: readonly PassKey[]): Uint8Array {
  const out = bytes.slice()
  keys.forEach((key, pass) => RULES[rule].forward(out, key, pass % 2 === 1))
  return out
}

/** The inverse of {@link diffuse}, exactly. */
export function undiffuse(rule: DiffusionRule, bytes: Uint8Array, keys: readonly PassKey[]): Uint8Array {
  const out = bytes.slice()
  for (let pass = keys.length - 1; pass >= 0; pass--) RULES[rule].backward(out, keys[pass]!, pass % 2 === 1)
  return out
}

/** One pass over all bytes, in place, from the first to the last or, `reversed`, from the last to the first. */
type Pass = (bytes: Uint8Array, key: PassKey, reversed: boolean) => void

const [SBOX, INVERSE_SBOX] = sboxes()

const RULES: Record<DiffusionRule, { readonly forward: Pass; readonly backward: Pass }> = {
  'xor-chain': { forward: pass((p, before, k) => p ^ k ^ before), backward: inverse((c, before, k) => c ^ k ^ before) },
  'xor-rot': {
    forward: pass((p, before, k, turn) => rotateLeft(p ^ before, turn & 7) ^ k),
    backward: inverse((c, before, k, turn) => rotateLeft(c ^ k, -turn & 7) ^ before),
  },
  'xor-add': {
    forward: pass((p, before, k) => ((p + before) & 255) ^ k),
    backward: inverse((c, before, k) => ((c ^ k) - before) & 255),
  },
  'xor-sbox': {
    forward: pass((p, before, k) => SBOX[p ^ before]! ^ k),
    backward: inverse((c, before, k) => INVERSE_SBOX[c ^ k]! ^ before),
  },
}

/** A byte of a pass from the byte to change, the cipher byte before it, and the key's bytes at this place. */
type Step = (value: number, before: number, mask: number, turn: number) => number

function pass(step: Step): Pass {
  return (bytes, { start, mask, turns }, reversed) => {
    const n = bytes.length
    let before = start
    for (let j = 0; j < n; j++) {
      const i = reversed ? n - 1 - j : j
      bytes[i] = before = step(bytes[i]!, before, mask[j]!, turns ? turns[j]! : 0)
    }
  }
}

function inverse(step: Step): Pass {
  return (bytes, { start, mask, turns }, reversed) => {
    const n = bytes.length
    let before = start
    for (let j = 0; j < n; j++) {
      const i = reversed ? n - 1 - j : j
      const cipher = bytes[i]!
      bytes[i] = step(cipher, before, mask[j]!, turns ? turns[j]! : 0)
      before = cipher
    }
  }
}

function rotateLeft(byte: number, by: number): number {
  return ((byte << by) | (byte >>> (8 - by))) & 255
}

/**
 * The S-box of AES and its inverse: inversion in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, then an affine map (FIPS 197,
 * 5.1.1).
 */
function sboxes(): [Uint8Array, Uint8Array] {
  const [box, back] = [new Uint8Array(256), new Uint8Array(256)]
  // p runs through the powers of the generator 3, q through those of its inverse.
  let [p, q] = [1, 1]
  do {
    p ^= ((p << 1) & 255) ^ (p & 128 ? 0x1b : 0)
    q ^= q << 1
    q ^= q << 2
    q ^= q << 4
    q &= 255
    if (q & 128) q ^= 0x09
    box[p] = q ^ rotateLeft(q, 1) ^ rotateLeft(q, 2) ^ rotateLeft(q, 3) ^ rotateLeft(q, 4) ^ 0x63
  } while (p !== 1)
  box[0] = 0x63
  for (let value = 0; value < 256; value++) back[box[value]!] = value
  return [box, back]
}
