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

/**
 * All 15 tests on one sequence: 188 p-values at a million bits with enough cycles, fewer where the
 * sequence is too short for a test. Parameters are those of the document's examples and NIST's code:
 * blocks of 128 bits, templates of 9, linear complexity over 500, serial 16, approximate entropy 10
 * (both less for short sequences).
 */
export function sp80022(bits: Bits): PValues {
  const n = bits.length
  const log = Math.floor(Math.log2(n))
  const [forward, backward] = cumulativeSums(bits)
  const [serial1, serial2] = serial(bits, Math.min(16, log - 3))
  const values: Record<string, number> = {
    frequency: frequency(bits),
    'block-frequency': blockFrequency(bits),
    'cumulative-sums/forward': forward,
    'cumulative-sums/backward': backward,
    runs: runs(bits),
    'longest-run': longestRun(bits),
    'approximate-entropy': approximateEntropy(bits, Math.min(10, log - 6)),
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
  /** The smallest acceptable number, (0.99 - 3 sqrt(0.99 x 0.01 / s)) s rounded up: 97 of 100. NIST's program rounds down. */
  readonly needed: number
  readonly proportionOk: boolean
  /** Uniformity over ten bins; undefined below 55 sequences, where the approximation does not hold. */
  readonly uniformity: number | undefined
  readonly uniformityOk: boolean
  /** Chance of so few passes under the null: P(Bin(s, 0.99) <= passed). */
  readonly tail: number
}

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
