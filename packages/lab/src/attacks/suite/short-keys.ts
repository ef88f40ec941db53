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
      for (let turn = 0; turn < KEYS; turn++) keys.set(await keyOf(networks, turn, bits, numbers), turn * BITS)
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

/** The sixteen bits that explain best what the blocks of one turn became. */
async function keyOf(
  networks: OpenCorrespondents,
  turn: number,
  bits: Float32Array,
  numbers: Float32Array,
): Promise<Float32Array> {
  const places = Array.from({ length: BLOCKS }, (_, n) => (turn + n * KEYS) * BITS).filter(
    at => at + BITS <= bits.length,
  )
  /** Distance of what Bob reads under each key, over some blocks. */
  const errors = async (candidates: readonly number[], at: readonly number[]): Promise<Float64Array> => {
    const sums = new Float64Array(candidates.length)
    for (const place of at) {
      const cipher = new Float32Array(candidates.length * BITS)
      for (let i = 0; i < cipher.length; i++) cipher[i] = numbers[place + (i % BITS)]!
      const keys = new Float32Array(candidates.length * BITS)
      for (let i = 0; i < keys.length; i++) keys[i] = (candidates[Math.floor(i / BITS)]! >> (i % BITS)) & 1 ? 1 : -1
      const read = await networks.bob(cipher, keys)
      for (let i = 0; i < read.length; i++)
        sums[Math.floor(i / BITS)]! += Math.abs(read[i]! - bits[place + (i % BITS)]!)
    }
    return sums
  }
  const best = (candidates: readonly number[], sums: Float64Array, count: number) =>
    candidates
      .map((candidate, k) => ({ candidate, sum: sums[k]! }))
      .toSorted((a, b) => a.sum - b.sum)
      .slice(0, count)
  const left: { candidate: number; sum: number }[] = []
  for (let from = 0; from < ALL; from += AT_ONCE) {
    const candidates = Array.from({ length: AT_ONCE }, (_, i) => from + i)
    left.push(...best(candidates, await errors(candidates, places.slice(0, 1)), KEPT))
  }
  const candidates = left
    .toSorted((a, b) => a.sum - b.sum)
    .slice(0, KEPT)
    .map(({ candidate }) => candidate)
  return bitsFrom(best(candidates, await errors(candidates, places), 1)[0]!.candidate)
}

const bitsFrom = (value: number): Float32Array =>
  Float32Array.from({ length: BITS }, (_, i) => ((value >> i) & 1 ? 1 : -1))
