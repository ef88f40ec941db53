import { type Image, imageFromBytes, sampleBytes } from '@latent/core'
import {
  type OpenCorrespondents,
  BITS,
  bitsOf,
  KEYS,
  numbersOf,
  shippedCorrespondents,
} from '@latent/schemes/abadi-andersen'
import { defineAttack } from '../contract.ts'

const ALL = 2 ** BITS
/** Keys that are tried at once; those that stay after one block; blocks that choose between them. */
const [AT_ONCE, KEPT, BLOCKS] = [2 ** 14, 128, 48]
/** Mean distance of bits that are -1 and 1, from which on a key explains nothing. By chance it is 1. */
const UNLIKE = 0.5

/**
 * A learned cipher of sixteen bits has keys of sixteen bits: with public networks and one known picture, each of the
 * sixteen that take turns is found by trying all of them on one block, and those that are left on more.
 */
export const shortKeys = defineAttack({
  id: 'short-keys',
  title: 'every key of sixteen bits tried on a known picture, one place after the other',
  threat: 'known-pairs',
  returns: 'key',
  weights: 'public',
  source: 'search through all keys',
  appliesTo: ({ id }) => (id === 'abadi-andersen-2016' ? undefined : 'its keys are no short ones that take turns'),
  positiveControl: { scheme: 'abadi-andersen-2016', expects: 'opened' },
  async run({ shape, pairs, scheme }) {
    const [known] = await pairs(1)
    if (scheme.id !== 'abadi-andersen-2016') return undefined
    const plain = { ...shape, format: 'u8' } as const
    const [bits, numbers] = [bitsOf(sampleBytes(known!.plain)), numbersOf(known!.cipher, plain)]
    const networks = await shippedCorrespondents()
    const keys = new Float32Array(KEYS * BITS)
    try {
      for (let turn = 0; turn < KEYS; turn++) {
        const key = await keyOf(networks, turn, bits, numbers)
        // No key explains the picture, so it is not under one: the other turns need not be tried.
        if (key === undefined) return undefined
        keys.set(key, turn * BITS)
      }
    } finally {
      await networks.close()
    }
    return {
      async open(targets) {
        const opening = await shippedCorrespondents()
        const found: Image<'u8'>[] = []
        try {
          for (const target of targets) {
            const cipher = numbersOf(target, plain)
            const read = await opening.bob(
              cipher,
              Float32Array.from(cipher, (_, i) => keys[i % keys.length]!),
            )
            const bytes = new Uint8Array(known!.plain.data.length)
            for (let i = 0; i < 8 * bytes.length; i++) if (read[i]! > 0) bytes[i >> 3]! |= 1 << (i & 7)
            found.push(imageFromBytes(bytes, known!.plain))
          }
        } finally {
          await opening.close()
        }
        return found
      },
    }
  },
})

/** The sixteen bits that explain best what the blocks of one turn became; none if those explain little of it. */
async function keyOf(
  networks: OpenCorrespondents,
  turn: number,
  bits: Float32Array,
  numbers: Float32Array,
): Promise<Float32Array | undefined> {
  const places = Array.from({ length: BLOCKS }, (_, n) => (turn + n * KEYS) * BITS).filter(
    at => at + BITS <= bits.length,
  )
  /** Adds the distance of what Bob reads of one block under each key. */
  const compare = async (keys: Float32Array, place: number, sums: Float64Array): Promise<void> => {
    const block = numbers.subarray(place, place + BITS)
    const cipher = new Float32Array(keys.length)
    for (let at = 0; at < cipher.length; at += BITS) cipher.set(block, at)
    const read = await networks.bob(cipher, keys)
    for (let k = 0; k < sums.length; k++)
      for (let i = 0; i < BITS; i++) sums[k]! += Math.abs(read[k * BITS + i]! - bits[place + i]!)
  }
  const best = (candidates: readonly number[], sums: Float64Array, count: number) =>
    candidates
      .map((candidate, k) => ({ candidate, sum: sums[k]! }))
      .toSorted((a, b) => a.sum - b.sum)
      .slice(0, count)
  const left: { candidate: number; sum: number }[] = []
  for (let from = 0; from < ALL; from += AT_ONCE) {
    const candidates = Array.from({ length: AT_ONCE }, (_, i) => from + i)
    const sums = new Float64Array(AT_ONCE)
    await compare(keysOf(candidates), places[0]!, sums)
    left.push(...best(candidates, sums, KEPT))
  }
  const candidates = left
    .toSorted((a, b) => a.sum - b.sum)
    .slice(0, KEPT)
    .map(({ candidate }) => candidate)
  const [keys, sums] = [keysOf(candidates), new Float64Array(KEPT)]
  for (const place of places) await compare(keys, place, sums)
  const [first] = best(candidates, sums, 1)
  return first!.sum < UNLIKE * places.length * BITS ? keysOf([first!.candidate]) : undefined
}

/** The bits of keys, one key after the other, as -1 and 1. */
function keysOf(candidates: readonly number[]): Float32Array {
  const keys = new Float32Array(candidates.length * BITS)
  for (const [k, candidate] of candidates.entries())
    for (let i = 0; i < BITS; i++) keys[k * BITS + i] = (candidate >> i) & 1 ? 1 : -1
  return keys
}
