import { erfc, igamc } from '../statistics/special.ts'
import { type Bits, goodnessOfFit } from './counting.ts'

/** Tests of SP 800-22 rev. 1a that look for patterns: templates, overlapping m-bit words, repetition. */

/**
 * The templates of length `m` that cannot overlap themselves: 148 of length 9, as binary numbers with
 * the first bit most significant.
 */
export function aperiodicTemplates(m: number): number[] {
  const found: number[] = []
  for (let t = 0; t < 2 ** m; t++) {
    let periodic = false
    // Shifted by s, the first m - s bits meet the last m - s bits.
    for (let s = 1; s < m && !periodic; s++) periodic = t >> s === (t & (2 ** (m - s) - 1))
    if (!periodic) found.push(t)
  }
  return found
}

/**
 * Section 2.7, for many templates at once: N blocks, occurrences of each template in each. Aperiodic
 * templates cannot overlap themselves, so that one pass over m-bit windows counts all of them.
 * @param templates aperiodic, of `m` bits each
 * @returns one p-value a template
 */
export function nonOverlappingTemplates(bits: Bits, templates: readonly number[], m = 9, blocks = 8): number[] {
  const length = Math.floor(bits.length / blocks)
  const mean = (length - m + 1) / 2 ** m
  const variance = length * (1 / 2 ** m - (2 * m - 1) / 2 ** (2 * m))
  const chi = new Float64Array(templates.length)
  const mask = 2 ** m - 1
  for (let b = 0; b < blocks; b++) {
    const counts = new Uint32Array(2 ** m)
    let window = 0
    const start = b * length
    for (let i = 0; i < length; i++) {
      window = ((window << 1) | bits[start + i]!) & mask
      if (i >= m - 1) counts[window]!++
    }
    templates.forEach((t, k) => (chi[k]! += (counts[t]! - mean) ** 2 / variance))
  }
  return Array.from(chi, value => igamc(blocks / 2, value / 2))
}

/**
 * Section 2.8: overlapping runs of `m` ones in blocks of 1032 bits, classes 0..4 and 5 or more.
 * @param probabilities `exact` (the corrected values of rev. 1a, here computed by counting) or
 * `asymptotic` (section 3.8), which the document's worked examples still use
 */
export function overlappingTemplate(
  bits: Bits,
  probabilities: 'exact' | 'asymptotic' = 'exact',
  m = 9,
  length = 1032,
): number {
  const blocks = Math.floor(bits.length / length)
  const classes = new Uint32Array(6)
  for (let b = 0; b < blocks; b++) {
    let run = 0
    let count = 0
    for (let i = b * length; i < (b + 1) * length; i++) {
      run = bits[i] === 1 ? run + 1 : 0
      if (run >= m) count++
    }
    classes[Math.min(5, count)]!++
  }
  return goodnessOfFit(
    classes,
    probabilities === 'exact' ? exactOverlaps(m, length) : asymptoticOverlaps((length - m + 1) / 2 ** m / 2),
    blocks,
  )
}

const overlaps = new Map<string, number[]>()

/** P(u overlapping occurrences of m ones in `length` fair bits), u = 0..4 and more, by following the run length. */
export function exactOverlaps(m: number, length: number): number[] {
  const name = `${m}/${length}`
  const known = overlaps.get(name)
  if (known) return known
  // state[run][count], run capped at m, count capped at 5.
  let state = Array.from({ length: m + 1 }, () => new Float64Array(6))
  state[0]![0] = 1
  for (let i = 0; i < length; i++) {
    const next = Array.from({ length: m + 1 }, () => new Float64Array(6))
    for (let run = 0; run <= m; run++) {
      for (let count = 0; count < 6; count++) {
        const half = state[run]![count]! / 2
        const longer = Math.min(m, run + 1)
        next[0]![count]! += half
        next[longer]![longer === m ? Math.min(5, count + 1) : count]! += half
      }
    }
    state = next
  }
  const result = [0, 1, 2, 3, 4, 5].map(count => state.reduce((sum, row) => sum + row[count]!, 0))
  overlaps.set(name, result)
  return result
}

/** Section 3.8: a compound Poisson with mean eta of geometric clumps. */
function asymptoticOverlaps(eta: number): number[] {
  const first = [0, 1, 2, 3, 4].map(u => {
    if (u === 0) return Math.exp(-eta)
    let sum = 0
    let binomial = 1
    let power = eta
    for (let l = 1; l <= u; l++) {
      sum += binomial * power
      binomial = (binomial * (u - l)) / l
      power *= eta / (l + 1)
    }
    return Math.exp(-eta) * 2 ** -u * sum
  })
  return [...first, 1 - first.reduce((a, b) => a + b)]
}

// Section 2.9.4: mean and variance of log2 of the distance between equal words of L bits.
const UNIVERSAL: readonly (readonly [mean: number, variance: number])[] = [
  [0, 0],
  [0.7326495, 0.69],
  [1.5374383, 1.338],
  [2.4016068, 1.901],
  [3.3112247, 2.358],
  [4.2534266, 2.705],
  [5.2177052, 2.954],
  [6.1962507, 3.125],
  [7.1836656, 3.238],
  [8.1764248, 3.311],
  [9.1723243, 3.356],
  [10.170032, 3.384],
  [11.168765, 3.401],
  [12.16807, 3.41],
  [13.167693, 3.416],
  [14.167488, 3.419],
  [15.167379, 3.421],
]
const UNIVERSAL_LENGTHS = [
  387_840, 904_960, 2_068_480, 4_654_080, 10_342_400, 22_753_280, 49_643_520, 107_560_960, 231_669_760, 496_435_200,
  1_059_061_760,
]

/**
 * Section 2.9, Maurer's universal statistic. n >= 387,840.
 * @param words L bits a word and Q words to start with; by the table of 2.9.7 if absent
 * @param deviation `approximate` scales the variance by c(L, K); `table` takes it as it is, as the
 * small worked example does
 */
export function universal(
  bits: Bits,
  words?: { readonly l: number; readonly q: number },
  deviation: 'approximate' | 'table' = 'approximate',
): number {
  const l = words?.l ?? Math.max(6, 5 + UNIVERSAL_LENGTHS.filter(n => bits.length >= n).length)
  const q = words?.q ?? 10 * 2 ** l
  const k = Math.floor(bits.length / l) - q
  const last = new Int32Array(2 ** l)
  let sum = 0
  for (let i = 1; i <= q + k; i++) {
    let word = 0
    for (let b = (i - 1) * l; b < i * l; b++) word = (word << 1) | bits[b]!
    if (i > q) sum += Math.log2(i - last[word]!)
    last[word] = i
  }
  const [mean, variance] = UNIVERSAL[l]!
  const c = deviation === 'table' ? Math.sqrt(k) : 0.7 - 0.8 / l + ((4 + 32 / l) * k ** (-3 / l)) / 15
  return erfc(Math.abs(sum / k - mean) / (Math.SQRT2 * c * Math.sqrt(variance / k)))
}

/** Counts of all overlapping m-bit words, the sequence closed to a ring. */
function wordCounts(bits: Bits, m: number): Uint32Array {
  const counts = new Uint32Array(2 ** m)
  if (m === 0) return counts.fill(bits.length)
  const mask = 2 ** m - 1
  let window = 0
  for (let i = 0; i < m - 1; i++) window = (window << 1) | bits[i % bits.length]!
  for (let i = m - 1; i < bits.length + m - 1; i++) {
    window = ((window << 1) | bits[i < bits.length ? i : i - bits.length]!) & mask
    counts[window]!++
  }
  return counts
}

// Counts of m-bit words contain those of shorter ones: each is the sum of its two continuations.
const shortened = (counts: Uint32Array): Uint32Array =>
  Uint32Array.from({ length: counts.length / 2 }, (_, w) => counts[2 * w]! + counts[2 * w + 1]!)

/** Section 2.11: serial test of m-bit words. m < floor(log2 n) - 2. */
export function serial(bits: Bits, m = 16): [first: number, second: number] {
  const n = bits.length
  const squares = (counts: Uint32Array) => {
    let sum = 0
    for (let i = 0; i < counts.length; i++) sum += counts[i]! ** 2
    return (counts.length / n) * sum - n
  }
  const counts = wordCounts(bits, m)
  const once = shortened(counts)
  const a = squares(counts)
  const b = squares(once)
  const c = m >= 2 ? squares(shortened(once)) : 0
  return [igamc(2 ** (m - 2), (a - b) / 2), igamc(2 ** (m - 3), (a - 2 * b + c) / 2)]
}

/** Section 2.12: approximate entropy of m-bit against (m + 1)-bit words. m < floor(log2 n) - 5. */
export function approximateEntropy(bits: Bits, m = 10): number {
  const n = bits.length
  const phi = (counts: Uint32Array) => {
    let sum = 0
    for (let i = 0; i < counts.length; i++) if (counts[i]! > 0) sum += (counts[i]! / n) * Math.log(counts[i]! / n)
    return sum
  }
  const longer = wordCounts(bits, m + 1)
  const entropy = phi(shortened(longer)) - phi(longer)
  return igamc(2 ** (m - 1), n * (Math.LN2 - entropy))
}
