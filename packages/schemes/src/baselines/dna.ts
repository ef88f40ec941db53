import {
  chaoticOrder,
  chaoticSeeds,
  DNA_RULES,
  dnaAdd,
  dnaDecoding,
  dnaEncoding,
  dnaSubtract,
  lorenzSystem,
  scrambled,
  trailingBytes,
  trajectory,
  unscrambled,
} from '../chaos/index.ts'
import type { ByteTransform } from '../contract/bytewise.ts'

/**
 * DNA coding as it is usually published: bytes are permuted by a sorted chaotic sequence, become four bases each by a
 * rule that chaos picks, bases of a key stream are added, and another rule makes bytes of them again. Nothing depends
 * on the picture: after the permutation each byte is one of 256 values looked up in a table of its own place.
 */
export const dnaCoding: ByteTransform = {
  async encrypt(bytes, { key }) {
    const { order, stream, rules } = await drawn(key, bytes.length)
    const moved = scrambled(bytes, order)
    return moved.map((byte, i) => {
      const bases = dnaAdd(dnaEncoding[inner(rules[i]!)]![byte]!, stream[i]!)
      return dnaDecoding[outer(rules[i]!)]![bases]!
    })
  },
  async decrypt(bytes, { key }) {
    const { order, stream, rules } = await drawn(key, bytes.length)
    const moved = bytes.map((byte, i) => {
      const bases = dnaSubtract(dnaEncoding[outer(rules[i]!)]![byte]!, stream[i]!)
      return dnaDecoding[inner(rules[i]!)]![bases]!
    })
    return unscrambled(moved, order)
  },
}

const inner = (rule: number): number => rule % DNA_RULES
const outer = (rule: number): number => Math.floor(rule / DNA_RULES) % DNA_RULES

async function drawn(key: Uint8Array, length: number) {
  const [x, y, z] = trajectory(lorenzSystem, await chaoticSeeds(key, 'dna-coding', 3), length)
  return { order: chaoticOrder(x!), stream: trailingBytes(y!), rules: trailingBytes(z!) }
}
