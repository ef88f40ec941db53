import { decodeEvidence, type Evidence, pool } from '../evidence/index.ts'
import { bootstrapMean, type Interval } from '../statistics/bootstrap.ts'
import { type Visible, visibleShift } from '../statistics/power.ts'
import { controlRole, findingOf, type Finding, type KeySearch, type LabTest, type TestId } from '../tests/index.ts'
import type { ImageRow, Row } from './rows.ts'
import { FAMILY_LEVEL, judge, type Weighed, type TestVerdict, verdicts, waysFor } from './verdict.ts'

/** What a run says of one scheme in one test. */
export interface TestResult extends TestVerdict {
  /** Over images, drawn a picture at a time; of a test over keys, or of all ciphers alone, what was found there. */
  readonly value: Interval
  /** What all images, or all keys, gave together. */
  readonly together?: { readonly value: number; readonly p: number }
  /** The smallest effect that this run would have seen nine times in ten. */
  readonly visible?: Visible
  /** What stands out most, in words. */
  readonly note?: string
  /** Share of values inside the interval that a publication accepts, where the test has one. */
  readonly insidePublished?: number
}

/** Standard deviation of the value of each test in ciphers with nothing to find, from the controls of the run. */
export type NullDeviations = Readonly<Record<TestId, number>>

/** Fewer values than this give no deviation. */
const LEAST_VALUES = 6

/** Deviations of every value over the negative controls of a run. */
export function nullDeviations(rows: readonly Row[]): NullDeviations {
  const values: Record<TestId, number[]> = {}
  for (const row of rows) {
    if (row.kind !== 'image' || controlRole(row.scheme) !== 'negative') continue
    for (const [id, { value }] of Object.entries(row.tests)) (values[id] ??= []).push(value)
  }
  return Object.fromEntries(
    Object.entries(values).flatMap(([id, found]) => {
      if (found.length < LEAST_VALUES) return []
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length
      return [[id, Math.sqrt(found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (found.length - 1))]]
    }),
  )
}

/** One test of one scheme before it is known how many others there are. */
interface Open {
  readonly test: LabTest
  readonly rows: readonly ImageRow[]
  readonly find: (level: number) => readonly Finding[]
}

/** Every test of one scheme that was measured, with its verdict. @throws TestFault */
export function resultsOf(
  tests: readonly LabTest[],
  rows: readonly ImageRow[],
  search: KeySearch | undefined,
  deviations: NullDeviations,
): Record<TestId, TestResult> {
  const evidence = pool(rows.flatMap(({ evidence }) => (evidence ? [decodeEvidence(evidence)] : [])))
  const open = tests.flatMap(test => opened(test, rows, evidence, search))
  // Verdicts share one level out over all tests; what is visible is asked for at a test's first share of it.
  const share = FAMILY_LEVEL / Math.max(1, open.length)
  return verdicts(Object.fromEntries(open.map(test => [test.test.id, judged(test, share, deviations)])))
}

/** None where the test was not measured. */
function opened(
  test: LabTest,
  rows: readonly ImageRow[],
  evidence: Evidence | undefined,
  search: KeySearch | undefined,
): Open[] {
  const { id, pooled, keys } = test
  const measured = rows.filter(row => row.tests[id])
  // One picture alone is no more than itself.
  const ofAll = evidence && pooled && (rows.length > 1 || measured.length === 0) ? pooled : undefined
  const find = (level: number) => [
    ...(ofAll ? [findingOf(test, () => ofAll(evidence!, level)) ?? []].flat() : []),
    ...(search && keys ? [findingOf(test, () => keys(search, level)) ?? []].flat() : []),
  ]
  return measured.length > 0 || find(FAMILY_LEVEL).length > 0 ? [{ test, rows: measured, find }] : []
}

function judged(
  { test, rows, find }: Open,
  share: number,
  deviations: NullDeviations,
): Weighed & Omit<TestResult, keyof TestVerdict> {
  const found = rows.map(({ tests }) => tests[test.id]!)
  const ways = waysFor(found.length, find(share).length)
  const findings = find(share / ways)
  const together = findings.toSorted((a, b) => a.p - b.p)[0]
  const values = found.map(({ value }) => value)
  const inside = test.published
    ? values.filter(value => value > test.published!.low && value < test.published!.high).length / values.length
    : undefined
  const visible = together?.visible ?? visibleIn(test, found.length, share / ways, deviations[test.id])
  return {
    ...judge(
      found.map(({ p }) => p),
      findings.map(({ p }) => p),
    ),
    value:
      values.length > 0
        ? bootstrapMean(
            values,
            undefined,
            undefined,
            rows.map(({ image }) => image),
          )
        : { mean: together!.value, low: together!.value, high: together!.value, replicates: 1 },
    ...(together && { together: { value: together.value, p: together.p } }),
    ...(visible && { visible }),
    ...(together?.note !== undefined && { note: together.note }),
    ...(inside !== undefined && { insidePublished: inside }),
  }
}

/**
 * How far the mean must be off, in the test's own unit, from how far single values are off in ciphers with nothing to
 * find.
 */
function visibleIn(
  { title, column, smallest }: LabTest,
  replicates: number,
  level: number,
  deviation: number | undefined,
): Visible | undefined {
  if (replicates === 0) return undefined
  if (smallest) return smallest(replicates, level)
  if (deviation === undefined || deviation === 0) return undefined
  const scale = column?.unit === '%' ? 100 : 1
  return {
    effect: scale * deviation * visibleShift(replicates, level),
    unit: `${column?.unit === '%' ? 'percentage points, ' : ''}off in the mean: ${title}`,
  }
}

/** How many pictures, of the sizes measured, show a bias of one bit. */
export interface Needed {
  /** In percentage points beside one half. */
  readonly bias: number
  readonly pictures: number
}

const BIASES = [0.5, 0.1, 0.01]

/** From what was visible here: effects of sums shrink with the root of the number of pictures. */
export function neededFor(
  results: Readonly<Record<TestId, TestResult>>,
  rows: readonly ImageRow[],
): { readonly needed?: readonly Needed[] } {
  const visible = results['bit-planes']?.visible
  if (visible?.root === undefined) return {}
  return { needed: BIASES.map(bias => ({ bias, pictures: Math.ceil(rows.length * (visible.effect / bias) ** 2) })) }
}
