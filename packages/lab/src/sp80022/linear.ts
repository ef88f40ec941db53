import { erfc, logGamma } from '../statistics/special.ts'
import { type Bits, goodnessOfFit } from './counting.ts'
import { spectrum } from './dft.ts'

/** Tests of SP 800-22 rev. 1a from linear algebra: matrix rank, Fourier spectrum, linear complexity. */

const SIDE = 32

/** Up to so many matrices the p-value of their ranks is summed exactly. */
const EXACT_MATRICES = 400

/**
 * Section 2.5: ranks over GF(2) of 32 x 32 matrices. n >= 38,912.
 * @param law `exact` sums over all outcomes of few matrices, whose chi-square is too coarse for thousands of sequences;
 * `asymptotic` is the document's
 */
export function matrixRank(bits: Bits, law: 'exact' | 'asymptotic' = 'exact'): number {
  const matrices = Math.floor(bits.length / (SIDE * SIDE))
  const classes = new Uint32Array(3)
  const rows = new Int32Array(SIDE)
  for (let k = 0; k < matrices; k++) {
    for (let r = 0; r < SIDE; r++) {
      let row = 0
      const at = k * SIDE * SIDE + r * SIDE
      for (let c = 0; c < SIDE; c++) row = (row << 1) | bits[at + c]!
      rows[r] = row
    }
    classes[Math.min(2, SIDE - rank(rows))]!++
  }
  // Section 3.5: the product formula for a square matrix of full rank and of one less.
  let full = 1
  for (let i = 1; i <= SIDE; i++) full *= 1 - 2 ** -i
  const less = 2 * full * (1 - 2 ** -SIDE)
  const probabilities = [full, less, 1 - full - less]
  return law === 'exact' && matrices <= EXACT_MATRICES
    ? exactFit(classes, probabilities, matrices)
    : goodnessOfFit(classes, probabilities, matrices)
}

const fits = new Map<string, { readonly chi: readonly number[]; readonly tail: readonly number[] }>()

/** P(chi-square at least as large) over all ways in which `total` fall into three classes. */
export function exactFit(counts: ArrayLike<number>, probabilities: readonly number[], total: number): number {
  const chiOf = (found: ArrayLike<number>) =>
    probabilities.reduce((sum, p, i) => sum + (found[i]! - total * p) ** 2 / (total * p), 0)
  const name = [total, ...probabilities].join()
  let fit = fits.get(name)
  if (!fit) {
    const outcomes: (readonly [chi: number, chance: number])[] = []
    for (let a = 0; a <= total; a++) {
      for (let b = 0; a + b <= total; b++) {
        const found = [a, b, total - a - b]
        const log = found.reduce(
          (sum, k, i) => sum + k * Math.log(probabilities[i]!) - logGamma(k + 1),
          logGamma(total + 1),
        )
        outcomes.push([chiOf(found), Math.exp(log)])
      }
    }
    outcomes.sort(([x], [y]) => y - x)
    let sum = 0
    fit = { chi: outcomes.map(([chi]) => chi), tail: outcomes.map(([, chance]) => (sum += chance)) }
    fits.set(name, fit)
  }
  // The last outcome, from the largest chi-square down, that is not below the one found; equal ones may differ in
  // rounding.
  const least = chiOf(counts) - 1e-9
  let [low, high] = [0, fit.chi.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (fit.chi[middle]! >= least) low = middle + 1
    else high = middle
  }
  return Math.min(1, fit.tail[low - 1]!)
}

function rank(rows: Int32Array): number {
  let found = 0
  for (let bit = SIDE - 1; bit >= 0; bit--) {
    let pivot = found
    while (pivot < SIDE && ((rows[pivot]! >>> bit) & 1) === 0) pivot++
    if (pivot === SIDE) continue
    const row = rows[pivot]!
    rows[pivot] = rows[found]!
    rows[found] = row
    for (let r = found + 1; r < SIDE; r++) if ((rows[r]! >>> bit) & 1) rows[r]! ^= row
    found++
  }
  return found
}

/**
 * Section 2.6: Fourier peaks below the 95 % threshold. n >= 1000.
 * @param variance of the number of peaks, as a part of n: `exact` 0.95 * 0.05 / 3.8 (Pareschi, Rovatti, Setti 2012),
 * since peaks are not independent of each other; `printed` has the document's 4, which thousands of sequences show to
 * be too small a variance
 */
export function dft(bits: Bits, variance: 'exact' | 'printed' = 'exact'): number {
  const n = bits.length
  const threshold = Math.log(1 / 0.05) * n
  const signs = new Int8Array(n)
  for (let i = 0; i < n; i++) signs[i] = 2 * bits[i]! - 1
  let below = 0
  for (const square of spectrum(signs)) if (square < threshold) below++
  const d = (below - (0.95 * n) / 2) / Math.sqrt((n * 0.95 * 0.05) / (variance === 'exact' ? 3.8 : 4))
  return erfc(Math.abs(d) / Math.SQRT2)
}

/** Section 3.10: the limiting law of T; `printed` has the slip (0.01047) that the worked examples use. */
const COMPLEXITY = {
  exact: [1 / 96, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 1 / 48],
  printed: [0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833],
} as const

/** Section 2.10: linear complexities of blocks of `m` bits. n >= 10^6, 500 <= m <= 5000. */
export function linearComplexity(bits: Bits, m = 500, probabilities: keyof typeof COMPLEXITY = 'exact'): number {
  const blocks = Math.floor(bits.length / m)
  return goodnessOfFit(complexityClasses(bits, m), COMPLEXITY[probabilities], blocks)
}

/** How many blocks fall into each of the seven classes of T. */
export function complexityClasses(bits: Bits, m: number): Uint32Array {
  const sign = m % 2 === 0 ? 1 : -1
  const mean = m / 2 + (9 - sign) / 36 - (m / 3 + 2 / 9) / 2 ** m
  const classes = new Uint32Array(7)
  for (let b = 0; b < Math.floor(bits.length / m); b++) {
    const t = sign * (berlekampMassey(bits.subarray(b * m, (b + 1) * m)) - mean) + 2 / 9
    classes[Math.min(6, Math.max(0, Math.ceil(t + 2.5)))]!++
  }
  return classes
}

/**
 * Length of the shortest linear feedback shift register that makes `bits` (Massey 1969), 32 bits a step:
 * the connection polynomials and the recent past are bit vectors, so that a discrepancy is one AND.
 */
export function berlekampMassey(bits: Bits): number {
  const words = (bits.length >> 5) + 1
  let current = new Int32Array(words)
  let previous = new Int32Array(words)
  let spare = new Int32Array(words)
  const past = new Int32Array(words)
  current[0] = 1
  previous[0] = 1
  let length = 0
  for (let i = 0; i < bits.length; i++) {
    // Bit j of `past` is the bit j steps ago; `previous` is multiplied by x at every step.
    const active = (i >> 5) + 1
    let carry = bits[i]!
    let carryPrevious = 0
    let sum = 0
    for (let w = 0; w < active; w++) {
      const p = past[w]!
      past[w] = (p << 1) | carry
      carry = p >>> 31
      const q = previous[w]!
      previous[w] = (q << 1) | carryPrevious
      carryPrevious = q >>> 31
      sum ^= past[w]! & current[w]!
    }
    if (active < words) {
      past[active]! |= carry
      previous[active]! |= carryPrevious
    }
    if (!oddParity(sum)) continue
    if (2 * length <= i) {
      spare.set(current)
      for (let w = 0; w < words; w++) current[w]! ^= previous[w]!
      const swap = previous
      previous = spare
      spare = swap
      length = i + 1 - length
    } else {
      for (let w = 0; w < words; w++) current[w]! ^= previous[w]!
    }
  }
  return length
}

function oddParity(word: number): boolean {
  let v = word ^ (word >>> 16)
  v ^= v >>> 8
  v ^= v >>> 4
  return ((0x6996 >>> (v & 15)) & 1) === 1
}
