import type { ByteTransform } from '../contract/bytewise.ts'
import { blockwise } from './standard.ts'

/**
 * AES-256 (FIPS 197) whose S-box is a neural network: one hidden unit for each byte, which fires for it alone, and
 * linear outputs that read the bits of its substitute. It is what a network that has learned AES perfectly comes to:
 * the bytes of AES, and nothing that AES has not. For comparison; whoever wants AES takes `aes-256-gcm`.
 */
export const neuralAes: ByteTransform = {
  encrypt: async (bytes, { key }) => blockwise(bytes, blocksOf(expand(key), encryptBlock), 'forward'),
  decrypt: async (bytes, { key }) => blockwise(bytes, blocksOf(expand(key), decryptBlock), 'backward'),
}

const ROUNDS = 14
const BLOCK = 16

/** Two layers of a network over bits as -1 and 1. */
interface Network {
  /** A row of eight weights for each of 256 hidden units; each fires above 7. */
  readonly hidden: readonly (readonly number[])[]
  /** A row of 256 weights for each of eight output bits, 0 or 1. */
  readonly output: readonly (readonly number[])[]
}

const bit = (byte: number, i: number): number => (byte >> i) & 1

/**
 * A network for any table of 256 bytes: the first layer holds the bits of every byte, the second those of its image.
 */
export function tableNetwork(table: ArrayLike<number>): Network {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte)
  const bits = [0, 1, 2, 3, 4, 5, 6, 7]
  return {
    hidden: bytes.map(byte => bits.map(i => 2 * bit(byte, i) - 1)),
    output: bits.map(i => bytes.map(byte => bit(table[byte]!, i))),
  }
}

/** One byte through both layers. */
export function runTableNetwork({ hidden, output }: Network, byte: number): number {
  const fired = hidden.map(row =>
    row.reduce((sum, weight, i) => sum + weight * (2 * bit(byte, i) - 1), 0) > 7 ? 1 : 0,
  )
  return output.reduce(
    (sum, row, i) => sum + row.reduce((on, weight, unit) => on + weight * fired[unit]!, 0) * 2 ** i,
    0,
  )
}

/** The S-box from its definition: the inverse in GF(2^8), then an affine map of the bits. */
function substitution(): Uint8Array {
  const box = new Uint8Array(256)
  let [p, q] = [1, 1]
  do {
    p = times2(p) ^ p
    q ^= q << 1
    q ^= q << 2
    q = (q ^ (q << 4)) & 255
    if (q & 0x80) q ^= 0x09
    const turned = (n: number) => ((q << n) | (q >> (8 - n))) & 255
    box[p] = q ^ turned(1) ^ turned(2) ^ turned(3) ^ turned(4) ^ 0x63
  } while (p !== 1)
  box[0] = 0x63
  return box
}

const times2 = (x: number): number => ((x << 1) ^ (x & 0x80 ? 0x11b : 0)) & 255
const times = (x: number, y: number): number => (y === 0 ? 0 : (y & 1 ? x : 0) ^ times(times2(x), y >> 1))

// The network answers for every byte once: what it says is a table again.
const answers = (table: Uint8Array): Uint8Array => {
  const network = tableNetwork(table)
  return table.map((_, byte) => runTableNetwork(network, byte))
}
const SUBSTITUTE = answers(substitution())
const INVERSE = answers(SUBSTITUTE.reduce((box, value, i) => box.fill(i, value, value + 1), new Uint8Array(256)))

/** The 15 round keys, in order. */
function expand(key: Uint8Array): Uint8Array {
  const words = 8
  const out = new Uint8Array(BLOCK * (ROUNDS + 1))
  out.set(key)
  let constant = 1
  for (let i = words; i < out.length / 4; i++) {
    let word = out.slice(4 * i - 4, 4 * i)
    if (i % words === 0) {
      word = Uint8Array.of(word[1]!, word[2]!, word[3]!, word[0]!).map(byte => SUBSTITUTE[byte]!)
      word[0]! ^= constant
      constant = times2(constant)
    } else if (i % words === 4) word = word.map(byte => SUBSTITUTE[byte]!)
    for (let b = 0; b < 4; b++) out[4 * i + b] = out[4 * (i - words) + b]! ^ word[b]!
  }
  return out
}

type Block = (state: Uint8Array, keys: Uint8Array) => Uint8Array

const blocksOf = (keys: Uint8Array, block: Block) => (bytes: Uint8Array) => {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i += BLOCK) out.set(block(bytes.slice(i, i + BLOCK), keys), i)
  return out
}

const addKey = (state: Uint8Array, keys: Uint8Array, round: number): Uint8Array =>
  state.map((byte, i) => byte ^ keys[BLOCK * round + i]!)

/** Row r of the state, its bytes 4 c + r, turns by r columns. */
const shifted = (state: Uint8Array, way: 1 | -1): Uint8Array =>
  state.map((_, i) => state[(i + way * 4 * (i % 4) + BLOCK) % BLOCK]!)

const FORWARD = [2, 3, 1, 1].map(factor => Uint8Array.from({ length: 256 }, (_, byte) => times(byte, factor)))
const BACKWARD = [14, 11, 13, 9].map(factor => Uint8Array.from({ length: 256 }, (_, byte) => times(byte, factor)))

const mixed = (state: Uint8Array, factors: readonly Uint8Array[]): Uint8Array =>
  state.map((_, i) => factors.reduce((sum, table, k) => sum ^ table[state[i - (i % 4) + ((i + k) % 4)]!]!, 0))

const encryptBlock: Block = (plain, keys) => {
  let state = addKey(plain, keys, 0)
  for (let round = 1; round <= ROUNDS; round++) {
    state = shifted(
      state.map(byte => SUBSTITUTE[byte]!),
      1,
    )
    state = addKey(round < ROUNDS ? mixed(state, FORWARD) : state, keys, round)
  }
  return state
}

const decryptBlock: Block = (cipher, keys) => {
  let state = cipher
  for (let round = ROUNDS; round > 0; round--) {
    state = addKey(state, keys, round)
    if (round < ROUNDS) state = mixed(state, BACKWARD)
    state = shifted(state, -1).map(byte => INVERSE[byte]!)
  }
  return addKey(state, keys, 0)
}
