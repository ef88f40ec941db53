import { erfc, igamc, normalCdf } from '../statistics/special.ts'

/**
 * Tests of SP 800-22 that count ones, runs and sums. `bits` holds one bit a byte, 0 or 1; every
 * function returns p-values. Section numbers are those of NIST SP 800-22 rev. 1a (2010).
 */
export type Bits = Uint8Array

/** Bits of `bytes`, most significant first. */
export function bitsOf(bytes: Uint8Array, length = bytes.length * 8): Bits {
  const bits = new Uint8Array(length)
  for (let i = 0; i < length; i++) bits[i] = (bytes[i >> 3]! >> (7 - (i & 7))) & 1
  return bits
}

function countOnes(bits: Bits): number {
  let ones = 0
  for (let i = 0; i < bits.length; i++) ones += bits[i]!
  return ones
}

/** Section 2.1. n >= 100. */
export function frequency(bits: Bits): number {
  return erfc(Math.abs(2 * countOnes(bits) - bits.length) / Math.sqrt(bits.length) / Math.SQRT2)
}

/** Section 2.2: ones in blocks of `m` bits. n >= 100. */
export function blockFrequency(bits: Bits, m = 128): number {
  const blocks = Math.floor(bits.length / m)
  let sum = 0
  for (let b = 0; b < blocks; b++) sum += (countOnes(bits.subarray(b * m, (b + 1) * m)) / m - 0.5) ** 2
  return igamc(blocks / 2, 2 * m * sum)
}

/** Section 2.3. n >= 100. 0 where the frequency test already fails. */
export function runs(bits: Bits): number {
  const n = bits.length
  const share = countOnes(bits) / n
  if (Math.abs(share - 0.5) >= 2 / Math.sqrt(n)) return 0
  let count = 1
  for (let i = 1; i < n; i++) if (bits[i] !== bits[i - 1]) count++
  const spread = share * (1 - share)
  return erfc(Math.abs(count - 2 * n * spread) / (2 * Math.sqrt(2 * n) * spread))
}

// Section 2.4.4 and 3.4: classes of the longest run and their probabilities, as printed there.
const LONGEST_RUN = [
  {
    minimum: 750_000,
    m: 10_000,
    shortest: 10,
    probabilities: [0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727],
  },
  { minimum: 6_272, m: 128, shortest: 4, probabilities: [0.1174, 0.243, 0.2493, 0.1752, 0.1027, 0.1124] },
  { minimum: 128, m: 8, shortest: 1, probabilities: [0.2148, 0.3672, 0.2305, 0.1875] },
] as const

/** Section 2.4: longest run of ones in a block. n >= 128. */
export function longestRun(bits: Bits): number {
  const table = LONGEST_RUN.find(({ minimum }) => bits.length >= minimum) ?? LONGEST_RUN[2]
  const { m, shortest, probabilities } = table
  const blocks = Math.floor(bits.length / m)
  const classes = new Uint32Array(probabilities.length)
  for (let b = 0; b < blocks; b++) {
    let longest = 0
    let run = 0
    for (let i = b * m; i < (b + 1) * m; i++) {
      run = bits[i] === 1 ? run + 1 : 0
      if (run > longest) longest = run
    }
    classes[Math.min(probabilities.length - 1, Math.max(0, longest - shortest))]!++
  }
  return goodnessOfFit(classes, probabilities, blocks)
}

/** Chi-square of counts against probabilities, as an upper tail. */
export function goodnessOfFit(counts: ArrayLike<number>, probabilities: readonly number[], total: number): number {
  let chi = 0
  probabilities.forEach((p, i) => (chi += (counts[i]! - total * p) ** 2 / (total * p)))
  return igamc((probabilities.length - 1) / 2, chi / 2)
}

/** Section 2.13: the largest excursion of the partial sums, forwards and backwards. n >= 100. */
export function cumulativeSums(bits: Bits): [forward: number, backward: number] {
  const n = bits.length
  let sum = 0
  let highest = 0
  let lowest = 0
  let forward = 0
  for (let i = 0; i < n; i++) {
    sum += 2 * bits[i]! - 1
    if (sum > highest) highest = sum
    if (sum < lowest) lowest = sum
    forward = Math.max(forward, Math.abs(sum))
  }
  // A backward partial sum is the total less a forward one; the empty one counts too.
  const backward = Math.max(sum - lowest, highest - sum)
  return [excursionTail(forward, n), excursionTail(backward, n)]
}

function excursionTail(z: number, n: number): number {
  if (z === 0) return 0
  const root = Math.sqrt(n)
  let tail = 1
  // The limits of both sums, truncated towards zero as in NIST's code.
  for (let k = Math.trunc((-n / z + 1) / 4); k <= Math.trunc((n / z - 1) / 4); k++)
    tail -= normalCdf(((4 * k + 1) * z) / root) - normalCdf(((4 * k - 1) * z) / root)
  for (let k = Math.trunc((-n / z - 3) / 4); k <= Math.trunc((n / z - 1) / 4); k++)
    tail += normalCdf(((4 * k + 3) * z) / root) - normalCdf(((4 * k + 1) * z) / root)
  return Math.min(1, Math.max(0, tail))
}

/** States of the random walk of section 2.14. */
export const EXCURSION_STATES = [-4, -3, -2, -1, 1, 2, 3, 4] as const
/** States of the random walk of section 2.15. */
export const VARIANT_STATES = [-9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const

/** Visits of a random walk, cycle by cycle; both excursion tests are made of them. */
interface Walk {
  /** Zero crossings, the closing one included. */
  readonly cycles: number
  /** visits[state][min(5, visits in a cycle)]: in how many cycles. */
  readonly perCycle: ReadonlyMap<number, Uint32Array>
  readonly total: ReadonlyMap<number, number>
}

function walk(bits: Bits): Walk {
  const visits = new Uint32Array(19)
  const inCycle = new Uint32Array(19)
  const perCycle = new Map<number, Uint32Array>(EXCURSION_STATES.map(x => [x, new Uint32Array(6)]))
  let cycles = 0
  let sum = 0
  const close = () => {
    cycles++
    for (const x of EXCURSION_STATES) perCycle.get(x)![Math.min(5, inCycle[x + 9]!)]!++
    inCycle.fill(0)
  }
  for (let i = 0; i < bits.length; i++) {
    sum += 2 * bits[i]! - 1
    if (sum === 0) close()
    else if (sum >= -9 && sum <= 9) {
      visits[sum + 9]!++
      inCycle[sum + 9]!++
    }
  }
  if (sum !== 0) close()
  return { cycles, perCycle, total: new Map(VARIANT_STATES.map(x => [x, visits[x + 9]!])) }
}

/** Sections 2.14 and 2.15 ask for this many cycles before their approximations hold. */
export const minimumCycles = (n: number): number => Math.max(500, 0.005 * Math.sqrt(n))

/** P-values of both tests of excursions, and the cycles that they rest on. */
export interface Excursions {
  readonly cycles: number
  /** Section 2.14, one p-value for each of {@link EXCURSION_STATES}. */
  readonly states: readonly number[]
  /** Section 2.15, one p-value for each of {@link VARIANT_STATES}. */
  readonly variant: readonly number[]
}

/** Random excursions and their variant. Meaningful only where `cycles >= minimumCycles(n)`. n >= 10^6. */
export function randomExcursions(bits: Bits): Excursions {
  const { cycles, perCycle, total } = walk(bits)
  const states = EXCURSION_STATES.map(x => {
    const a = Math.abs(x)
    const stay = 1 - 1 / (2 * a)
    const probabilities = [
      stay,
      ...[1, 2, 3, 4].map(k => (1 / (4 * a * a)) * stay ** (k - 1)),
      (1 / (2 * a)) * stay ** 4,
    ]
    return goodnessOfFit(perCycle.get(x)!, probabilities, cycles)
  })
  const variant = VARIANT_STATES.map(x =>
    erfc(Math.abs(total.get(x)! - cycles) / Math.sqrt(2 * cycles * (4 * Math.abs(x) - 2))),
  )
  return { cycles, states, variant }
}
