import { binomialLower, igamc } from '../statistics/special.ts'
import {
  type Bits,
  blockFrequency,
  cumulativeSums,
  EXCURSION_STATES,
  frequency,
  longestRun,
  minimumCycles,
  randomExcursions,
  runs,
  VARIANT_STATES,
} from './counting.ts'
import { dft, linearComplexity, matrixRank } from './linear.ts'
import {
  aperiodicTemplates,
  approximateEntropy,
  nonOverlappingTemplates,
  overlappingTemplate,
  serial,
  universal,
} from './patterns.ts'

/** p-values of one sequence by the name of their series; a test that does not apply gives none. */
export type PValues = Readonly<Record<string, number>>

const TEMPLATES = aperiodicTemplates(9)

/** Shortest sequence that each test may be applied to (sections 2.x.7). */
const MINIMUM = { rank: 38_912, dft: 1000, universal: 387_840, long: 1_000_000 } as const

/** What {@link sp80022} takes of a sequence of one length. */
export interface Parameters {
  /** Bits a block of the block frequency test. */
  readonly blockFrequency: number
  /** Bits a word of the serial test. */
  readonly serial: number
  /** Bits of the shorter words of approximate entropy. */
  readonly approximateEntropy: number
}

/** The share of a standard deviation by which the statistic of approximate entropy may be off on average. */
const ENTROPY_SHIFT = 0.0125

/**
 * Parameters for sequences of `n` bits. Blocks are longer than n / 100, so that there are fewer than 100 (2.2.7). Words
 * of the serial test have m < floor(log2 n) - 2 bits and at most 16 (2.11.7). Those of approximate entropy have m <
 * floor(log2 n) - 5 bits and at most 10 (2.12.7), and fewer where that is still too many: its statistic is a likelihood
 * ratio, whose mean exceeds that of chi-square by (4^(m+1) - 4^m) / 6n, and thousands of sequences show this where it
 * is more than a small part of its deviation, 2^((m+1)/2). With m = 10 it rejects noise at 2,000 sequences of 100,000
 * bits.
 */
export function parametersFor(n: number): Parameters {
  const log = Math.floor(Math.log2(n))
  let m = Math.max(2, Math.min(10, log - 6))
  while (m > 2 && 2 ** (1.5 * (m - 1)) > ENTROPY_SHIFT * n) m--
  return {
    blockFrequency: Math.max(20, Math.floor(n / 100) + 1),
    serial: Math.max(2, Math.min(16, log - 3)),
    approximateEntropy: m,
  }
}

/**
 * All 15 tests on one sequence: 188 p-values at a million bits with enough cycles, fewer where the
 * sequence is too short for a test. Templates have 9 bits and linear complexity blocks of 500, as in NIST's program;
 * the rest is {@link parametersFor}.
 */
export function sp80022(bits: Bits): PValues {
  const n = bits.length
  const parameters = parametersFor(n)
  const [forward, backward] = cumulativeSums(bits)
  const [serial1, serial2] = serial(bits, parameters.serial)
  const values: Record<string, number> = {
    frequency: frequency(bits),
    'block-frequency': blockFrequency(bits, parameters.blockFrequency),
    'cumulative-sums/forward': forward,
    'cumulative-sums/backward': backward,
    runs: runs(bits),
    'longest-run': longestRun(bits),
    'approximate-entropy': approximateEntropy(bits, parameters.approximateEntropy),
    'serial/1': serial1,
    'serial/2': serial2,
  }
  if (n >= MINIMUM.dft) values['dft'] = dft(bits)
  if (n >= MINIMUM.rank) values['rank'] = matrixRank(bits)
  if (n >= MINIMUM.universal) values['universal'] = universal(bits)
  if (n < MINIMUM.long) return values
  nonOverlappingTemplates(bits, TEMPLATES).forEach(
    (p, i) => (values[`non-overlapping/${TEMPLATES[i]!.toString(2).padStart(9, '0')}`] = p),
  )
  values['overlapping'] = overlappingTemplate(bits)
  values['linear-complexity'] = linearComplexity(bits)
  const excursions = randomExcursions(bits)
  if (excursions.cycles >= minimumCycles(n)) {
    EXCURSION_STATES.forEach((x, i) => (values[`random-excursions/${x}`] = excursions.states[i]!))
    VARIANT_STATES.forEach((x, i) => (values[`random-excursions-variant/${x}`] = excursions.variant[i]!))
  }
  return values
}

/** Verdict of one series of p-values over many sequences (section 4.2). */
export interface SeriesVerdict {
  readonly series: string
  readonly sequences: number
  readonly passed: number
  /**
   * The smallest acceptable number, (0.99 - 3 sqrt(0.99 x 0.01 / s)) s rounded up: 97 of 100. NIST's program rounds
   * down.
   */
  readonly needed: number
  readonly proportionOk: boolean
  /** Uniformity over ten bins; undefined below 55 sequences, where the approximation does not hold. */
  readonly uniformity: number | undefined
  readonly uniformityOk: boolean
  /** Chance of so few passes under the null: P(Bin(s, 0.99) <= passed). */
  readonly tail: number
}

/** What is said of a source of sequences. */
export interface SuiteVerdict {
  readonly series: readonly SeriesVerdict[]
  /** Series outside NIST's proportion interval or below its uniformity bound. */
  readonly outside: number
  /** How many a perfect source has outside, on average: the interval is for one series, and there are 188. */
  readonly expectedOutside: number
  /**
   * No series is so far out that 188 of them could not explain it at 1 in 1000 (Bonferroni). NIST leaves
   * the verdict on the whole suite open; this is ours.
   */
  readonly consistent: boolean
}

const LEVEL = 0.01
const UNIFORMITY_LEVEL = 0.0001
const UNIFORMITY_SEQUENCES = 55
const SUITE_LEVEL = 0.001

/**
 * Fewer sequences than this cannot fail: where none of them passes a series, that is still too likely for 2 x 188
 * looks. A single sequence gives p-values and no verdict.
 */
export const LEAST_SEQUENCES = 3

/** Judges many sequences together, series by series. */
export function suiteVerdict(sequences: readonly PValues[]): SuiteVerdict {
  const names = [...new Set(sequences.flatMap(values => Object.keys(values)))]
  const series = names.map(name =>
    seriesVerdict(
      name,
      sequences.flatMap(values => values[name] ?? []),
    ),
  )
  const trials = series.reduce((count, { uniformity }) => count + (uniformity === undefined ? 1 : 2), 0)
  const worst = Math.min(1, ...series.map(({ tail, uniformity }) => Math.min(tail, uniformity ?? 1)))
  return {
    series,
    outside: series.filter(({ proportionOk, uniformityOk }) => !proportionOk || !uniformityOk).length,
    expectedOutside: series.reduce(
      (sum, { sequences, needed, uniformity }) =>
        sum + binomialLower(needed - 1, sequences, 1 - LEVEL) + (uniformity === undefined ? 0 : UNIFORMITY_LEVEL),
      0,
    ),
    consistent: worst * trials >= SUITE_LEVEL,
  }
}

function seriesVerdict(series: string, pValues: readonly number[]): SeriesVerdict {
  const s = pValues.length
  const passed = pValues.filter(p => p >= LEVEL).length
  const needed = Math.ceil(s * (1 - LEVEL - 3 * Math.sqrt((LEVEL * (1 - LEVEL)) / s)) - 1e-9)
  const bins = new Uint32Array(10)
  for (const p of pValues) bins[Math.min(9, Math.floor(p * 10))]!++
  const uniformity =
    s >= UNIFORMITY_SEQUENCES
      ? igamc(4.5, bins.reduce((sum, count) => sum + (count - s / 10) ** 2 / (s / 10), 0) / 2)
      : undefined
  return {
    series,
    sequences: s,
    passed,
    needed,
    proportionOk: passed >= needed,
    uniformity,
    uniformityOk: uniformity === undefined || uniformity >= UNIFORMITY_LEVEL,
    tail: binomialLower(passed, s, 1 - LEVEL),
  }
}
