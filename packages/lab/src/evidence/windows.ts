/**
 * Which windows of 4, 8 and 16 bytes occur, at every place, over all pictures together. Only windows whose fingerprint
 * is a multiple of a power of two are kept: the same ones in every picture, so that repeats among them are counted
 * without keeping more than a few hundred a picture.
 */

/** Lengths of the windows in bytes. */
export const WINDOWS = [4, 8, 16] as const

/** Windows of one length: fingerprints that are multiples of 2^`rate`. */
export interface Windows {
  readonly length: number
  /** Logarithm of how many windows stand behind one that was kept. */
  readonly rate: number
  readonly kept: readonly number[]
}

/** As many as about this are kept of one picture and length. */
const KEPT = 512

/** Bits of a fingerprint: a window of four bytes has as many values as itself, longer ones 2^48. */
export const fingerprintBits = (length: number): number => (length === 4 ? 32 : 48)

// Odd multipliers and shifts mix 32 bits one to one (the finaliser of MurmurHash3).
function mix(x: number): number {
  let h = x ^ (x >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Windows of `length` bytes at every place of `bytes`, thinned to about {@link KEPT}. */
export function windowsOf(bytes: Uint8Array, length: number): Windows {
  const places = bytes.length - length + 1
  let rate = 0
  while (places > KEPT << rate) rate++
  const mask = 2 ** rate - 1
  const words = new Uint32Array(Math.max(0, bytes.length - 3))
  for (let i = 0; i < words.length; i++)
    words[i] = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
  const kept: number[] = []
  for (let i = 0; i < places; i++) {
    let low = mix(words[i]!)
    for (let w = 4; w < length; w += 4) low = mix(low ^ (words[i + w]! + Math.imul(w, 0x9e3779b1)))
    if ((low & mask) !== 0) continue
    kept.push(length === 4 ? low : low + 2 ** 32 * (second(words, i, length) & 0xffff))
  }
  return { length, rate, kept }
}

function second(words: Uint32Array, at: number, length: number): number {
  let high = 0x2545f491
  for (let w = 0; w < length; w += 4) high = mix(Math.imul(high, 5) ^ words[at + w]!)
  return high
}

/** Windows of one length of two pictures, thinned to the coarser of both. */
export function addWindows(a: Windows, b: Windows): Windows {
  const rate = Math.max(a.rate, b.rate)
  const thin = ({ rate: own, kept }: Windows) => (own === rate ? kept : kept.filter(value => value % 2 ** rate === 0))
  return { length: a.length, rate, kept: [...thin(a), ...thin(b)] }
}

/** Pairs of equal windows among those kept, and how many chance gives on average: each pair one in 2^(bits - rate). */
export function repeats({ length, rate, kept }: Windows): { readonly pairs: number; readonly expected: number } {
  const sorted = Float64Array.from(kept).sort()
  let [pairs, run] = [0, 0]
  for (let i = 1; i < sorted.length; i++) {
    run = sorted[i] === sorted[i - 1] ? run + 1 : 0
    pairs += run
  }
  return { pairs, expected: (kept.length * (kept.length - 1)) / 2 / 2 ** (fingerprintBits(length) - rate) }
}
