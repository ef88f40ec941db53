import type { CipherTraits, KeySpace } from '@latent/core'
import { type NullTest, total } from '../metrics/index.ts'
import { bootstrapMean, type Interval } from '../statistics/bootstrap.ts'
import { cardOf, controlRole, type LabTest, type TestCard, type TestId, TESTS } from '../tests/index.ts'
import { controlDeviations } from './controls.ts'
import { type ImageRow, type Row, rowName, type TimingRow } from './rows.ts'
import { judge, type TestVerdict } from './verdict.ts'

/** What a scheme says of itself, taken when it was opened. */
export interface SchemeCard {
  readonly id: string
  readonly title: string
  readonly traits: CipherTraits
  readonly keySpace?: KeySpace
}

export interface RunInfo {
  readonly version: 1
  readonly data: string
  readonly images: number
  readonly seeds: number
  /** Files and folders beside the pictures that nobody looked into. */
  readonly passedOver?: readonly string[]
  readonly schemes: readonly SchemeCard[]
  /** Tests of one's own beside those of the lab. */
  readonly tests?: readonly TestCard[]
  /** Processor, threads, system, Node: what timings depend on. */
  readonly machine: string
}

export interface TestResult extends TestVerdict {
  readonly value: Interval
  /** Share of values inside the interval that a publication accepts, where the test has one. */
  readonly insidePublished?: number
}

export interface SchemeSummary extends SchemeCard {
  readonly images: number
  readonly failures: readonly { readonly image: string; readonly code: string; readonly message: string }[]
  readonly tests: Readonly<Record<TestId, TestResult>>
  /** Figures are absent where nothing was measured: a summary travels as JSON, which has no NaN. */
  readonly exactShare: number | undefined
  /** Over images that were not exact; undefined where all were. */
  readonly psnr: Interval | undefined
  /** The same for each integer format that a float cipher may travel in. */
  readonly wires: readonly {
    readonly format: string
    readonly exactShare: number | undefined
    readonly psnr: Interval | undefined
  }[]
  readonly ssim: Interval | undefined
  readonly msSsim: Interval | undefined
  readonly maxError: number | undefined
  /** PSNR of decryptions under a key wrong in one bit, where they are neither refused nor the image itself. */
  readonly wrongKey: Interval | 'refused' | 'exact' | undefined
  readonly expansion: number | undefined
  /** Traits that the images contradicted. */
  readonly contradicted: readonly string[]
  readonly wire: readonly string[]
  readonly plainShapes: readonly string[]
  /** Pictures of which only the middle was measured. */
  readonly cut?: number
  readonly robustness: readonly {
    readonly kind: string
    readonly strength: number
    readonly refused: boolean
    readonly exactShare: number | undefined
    readonly differing: Interval | undefined
    readonly psnr: Interval | undefined
    readonly ssim: Interval | undefined
  }[]
  readonly trail: Interval | 'refused' | undefined
  readonly timing: TimingRow | undefined
}

export interface Summary extends RunInfo {
  readonly results: readonly SchemeSummary[]
  readonly controlDeviations: readonly string[]
}

/**
 * Everything a report prints, from the raw rows of a run.
 * @param added tests of one's own that were measured too
 */
export function summarise(info: RunInfo, rows: readonly Row[], added: readonly LabTest[] = []): Summary {
  const tests = [...TESTS, ...added]
  // Rows come in the order in which threads finish; what is drawn from them must not depend on it.
  const sorted = rows.toSorted((a, b) => (rowName(a) < rowName(b) ? -1 : 1))
  const results = info.schemes.map(card =>
    summariseScheme(
      card,
      sorted.filter(row => row.scheme === card.id),
      tests,
    ),
  )
  const contradicted = results.flatMap(({ id, contradicted }) =>
    controlRole(id) !== undefined && contradicted.length > 0
      ? [`${id} is not what it says: ${contradicted.join(', ')}`]
      : [],
  )
  return {
    ...info,
    ...(added.length > 0 && { tests: added.map(cardOf) }),
    results,
    controlDeviations: [
      ...controlDeviations(scheme => results.find(({ id }) => id === scheme)?.tests, tests),
      ...contradicted,
    ],
  }
}

function summariseScheme(card: SchemeCard, rows: readonly Row[], tests: readonly LabTest[]): SchemeSummary {
  const measured = rows.filter(row => row.kind === 'image')
  const lossy = measured.filter(({ quality }) => !quality.exact)
  const pools = poolSmall(measured)
  const trails = measured.flatMap(({ trail }) => (trail === undefined || trail === 'refused' ? [] : [trail.damaged]))
  return {
    ...card,
    images: measured.length,
    failures: rows.flatMap(row =>
      row.kind === 'failure' ? [{ image: row.image, code: row.code, message: row.message }] : [],
    ),
    tests: Object.fromEntries(
      tests.flatMap(test => testResult(test, measured, pools).map(result => [test.id, result])),
    ),
    exactShare: share(measured, ({ quality }) => quality.exact),
    psnr: interval(lossy.flatMap(({ quality }) => quality.psnr ?? [])),
    wires: (['u16', 'u8'] as const).flatMap(format => {
      const found = measured.flatMap(({ wires }) => wires?.[format] ?? [])
      return found.length > 0
        ? [
            {
              format,
              exactShare: share(found, ({ exact }) => exact),
              psnr: interval(found.flatMap(({ psnr }) => psnr ?? [])),
            },
          ]
        : []
    }),
    ssim: interval(measured.flatMap(({ quality }) => quality.ssim ?? [])),
    msSsim: interval(measured.flatMap(({ quality }) => quality.msSsim ?? [])),
    maxError: measured.length > 0 ? Math.max(...measured.map(({ quality }) => quality.maxError)) : undefined,
    wrongKey: wrongKeys(measured),
    expansion: interval(measured.map(({ expansion }) => expansion))?.mean,
    contradicted: contradictions(card, measured),
    wire: distinct(measured.map(({ wire }) => wire)),
    plainShapes: distinct(measured.map(({ plain }) => plain)),
    cut: distinct(measured.flatMap(({ image, middleOf }) => (middleOf === undefined ? [] : [image]))).length,
    robustness: curves(measured),
    trail:
      trails.length > 0 ? interval(trails) : measured.some(({ trail }) => trail === 'refused') ? 'refused' : undefined,
    timing: rows.find(row => row.kind === 'timing'),
  }
}

/** Bytes a pool of small ciphers has at least: 32 of each value. */
const POOL_BYTES = 8192

/** None where the test was not measured. */
function testResult(
  { id, published, pooled }: LabTest,
  rows: readonly ImageRow[],
  pools: readonly Float64Array[],
): TestResult[] {
  const found: NullTest[] = [
    ...rows.flatMap(({ tests }) => tests[id] ?? []),
    ...(pooled ? pools.flatMap(pool => pooled(pool) ?? []) : []),
  ]
  if (found.length === 0) return []
  const values = found.map(({ value }) => value)
  const inside = published ? share(values, value => value > published.low && value < published.high) : undefined
  return [
    {
      ...judge(found.map(({ p }) => p)),
      value: bootstrapMean(values),
      ...(inside === undefined ? {} : { insidePublished: inside }),
    },
  ]
}

/** Byte counts of ciphers that are too small for a histogram each, taken together until there are enough bytes. */
function poolSmall(rows: readonly ImageRow[]): Float64Array[] {
  const pools: Float64Array[] = []
  let current = new Float64Array(256)
  for (const { counts } of rows) {
    if (!counts) continue
    for (let v = 0; v < 256; v++) current[v]! += counts[v]!
    if (total(current) < POOL_BYTES) continue
    pools.push(current)
    current = new Float64Array(256)
  }
  return pools
}

function curves(rows: readonly ImageRow[]): SchemeSummary['robustness'] {
  const all = rows.flatMap(({ robustness }) => robustness ?? [])
  const names = distinct(all.map(({ kind, strength }) => JSON.stringify([kind, strength])))
  return names.map(name => {
    const [kind, strength] = JSON.parse(name) as [string, number]
    const points = all.filter(point => point.kind === kind && point.strength === strength)
    const restored = points.flatMap(({ quality }) => quality ?? [])
    return {
      kind,
      strength,
      refused: restored.length === 0,
      exactShare: share(restored, ({ exact }) => exact),
      differing: interval(restored.map(({ differing }) => differing)),
      psnr: interval(restored.flatMap(({ psnr }) => psnr ?? [])),
      ssim: interval(restored.flatMap(({ ssim }) => ssim ?? [])),
    }
  })
}

function contradictions({ traits }: SchemeCard, rows: readonly ImageRow[]): string[] {
  const claims = [
    ['exact', traits.exact && rows.some(({ observed }) => !observed.exact)],
    ['length-preserving', traits.lengthPreserving && rows.some(({ observed }) => !observed.lengthPreserving)],
    ['randomised', rows.some(({ observed }) => observed.randomised !== traits.randomised)],
    ['leaves its arguments alone', rows.some(({ observed }) => !observed.argumentsUntouched)],
  ] as const
  return claims.flatMap(([claim, broken]) => (broken ? [claim] : []))
}

function wrongKeys(rows: readonly ImageRow[]): SchemeSummary['wrongKey'] {
  if (rows.some(({ wrongKey }) => wrongKey === 'exact')) return 'exact'
  return (
    interval(rows.flatMap(({ wrongKey }) => (typeof wrongKey === 'object' ? [wrongKey.psnr] : []))) ??
    rows.map(() => 'refused' as const)[0]
  )
}

const interval = (values: readonly number[]): Interval | undefined =>
  values.length > 0 ? bootstrapMean(values) : undefined
const share = <T>(items: readonly T[], holds: (item: T) => boolean): number | undefined =>
  items.length > 0 ? items.filter(holds).length / items.length : undefined
const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)]
