import type { CipherTraits, KeySpace } from '@latent/core'
import { bootstrapMean, type Interval } from '../statistics/bootstrap.ts'
import { cardOf, controlRole, type LabTest, type TestCard, type TestId, TESTS } from '../tests/index.ts'
import { controlDeviations } from './controls.ts'
import { type ImageRow, type Row, rowName, type TimingRow } from './rows.ts'
import {
  type Needed,
  neededFor,
  type NullDeviations,
  nullDeviations,
  resultsOf,
  type TestResult,
} from './test-results.ts'

/** What a scheme says of itself, taken when it was opened. */
export interface SchemeCard {
  readonly id: string
  readonly title: string
  readonly traits: CipherTraits
  readonly keySpace?: KeySpace
}

/** What a run measured, and on what. */
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

/** All that a run says of one scheme. */
export interface SchemeSummary extends SchemeCard {
  /** Pictures that were measured: the clusters of every interval. */
  readonly images: number
  /** Pictures times keys. */
  readonly measurements: number
  readonly failures: readonly { readonly image: string; readonly code: string; readonly message: string }[]
  readonly tests: Readonly<Record<TestId, TestResult>>
  /** Pictures of these sizes that would show a smaller bias of one bit. */
  readonly needed?: readonly Needed[]
  /** Why nothing is said of the key. */
  readonly keysUnseen?: string
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

/** All that a run says. */
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
  const deviations = nullDeviations(sorted)
  const results = info.schemes.map(card =>
    summariseScheme(
      card,
      sorted.filter(row => row.scheme === card.id),
      tests,
      deviations,
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

function summariseScheme(
  card: SchemeCard,
  rows: readonly Row[],
  tests: readonly LabTest[],
  deviations: NullDeviations,
): SchemeSummary {
  const measured = rows.filter(row => row.kind === 'image')
  const keys = rows.find(row => row.kind === 'keys')
  const results = resultsOf(tests, measured, keys?.search, deviations)
  const trails = interval(measured, ({ trail }) => (typeof trail === 'object' ? trail.damaged : undefined))
  return {
    ...card,
    images: distinct(measured.map(({ image }) => image)).length,
    measurements: measured.length,
    failures: rows.flatMap(row =>
      row.kind === 'failure' ? [{ image: row.image, code: row.code, message: row.message }] : [],
    ),
    tests: results,
    ...neededFor(results, measured),
    ...(keys?.reason !== undefined && { keysUnseen: keys.reason }),
    exactShare: share(measured, ({ quality }) => quality.exact),
    psnr: interval(measured, ({ quality }) => (quality.exact ? undefined : quality.psnr)),
    wires: (['u16', 'u8'] as const).flatMap(format => {
      const found = measured.filter(({ wires }) => wires?.[format])
      return found.length > 0
        ? [
            {
              format,
              exactShare: share(found, ({ wires }) => wires![format]!.exact),
              psnr: interval(found, ({ wires }) => wires![format]!.psnr),
            },
          ]
        : []
    }),
    ssim: interval(measured, ({ quality }) => quality.ssim),
    msSsim: interval(measured, ({ quality }) => quality.msSsim),
    maxError: measured.length > 0 ? Math.max(...measured.map(({ quality }) => quality.maxError)) : undefined,
    wrongKey: wrongKeys(measured),
    expansion: interval(measured, ({ expansion }) => expansion)?.mean,
    contradicted: contradictions(card, measured),
    wire: distinct(measured.map(({ wire }) => wire)),
    plainShapes: distinct(measured.map(({ plain }) => plain)),
    cut: distinct(measured.flatMap(({ image, middleOf }) => (middleOf === undefined ? [] : [image]))).length,
    robustness: curves(measured),
    trail: trails ?? (measured.some(({ trail }) => trail === 'refused') ? 'refused' : undefined),
    timing: rows.find(row => row.kind === 'timing'),
  }
}

function curves(rows: readonly ImageRow[]): SchemeSummary['robustness'] {
  const all = rows.flatMap(({ image, robustness = [] }) => robustness.map(point => ({ image, ...point })))
  const names = distinct(all.map(({ kind, strength }) => JSON.stringify([kind, strength])))
  return names.map(name => {
    const [kind, strength] = JSON.parse(name) as [string, number]
    const points = all.filter(point => point.kind === kind && point.strength === strength)
    const restored = points.flatMap(({ image, quality }) => (quality ? [{ image, quality }] : []))
    return {
      kind,
      strength,
      refused: restored.length === 0,
      exactShare: share(restored, ({ quality }) => quality.exact),
      differing: interval(restored, ({ quality }) => quality.differing),
      psnr: interval(restored, ({ quality }) => quality.psnr),
      ssim: interval(restored, ({ quality }) => quality.ssim),
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
    interval(rows, ({ wrongKey }) => (typeof wrongKey === 'object' ? wrongKey.psnr : undefined)) ??
    rows.map(() => 'refused' as const)[0]
  )
}

/** Over the rows that have a value, a picture at a time. */
function interval<R extends { readonly image: string }>(
  rows: readonly R[],
  value: (row: R) => number | null | undefined,
): Interval | undefined {
  const found = rows.flatMap(row => {
    const measured = value(row)
    return measured === null || measured === undefined ? [] : [{ image: row.image, measured }]
  })
  if (found.length === 0) return undefined
  return bootstrapMean(
    found.map(({ measured }) => measured),
    undefined,
    undefined,
    found.map(({ image }) => image),
  )
}
const share = <T>(items: readonly T[], holds: (item: T) => boolean): number | undefined =>
  items.length > 0 ? items.filter(holds).length / items.length : undefined
const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)]
