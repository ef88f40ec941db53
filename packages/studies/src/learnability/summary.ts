import type { LabelledSetName } from '@latent/data'
import {
  binomialLower,
  binomialUpper,
  type Interval,
  mean,
  type RankCorrelation,
  requireControls,
  spearman,
  studentMean,
} from '@latent/lab'
import { findSettings, type LearningSettings } from './classifiers/settings.ts'
import { CONTROL_VARIANTS, isVortexVariant } from './variants.ts'
import type { VariantInformation } from './information.ts'

/** One trained network: a variant under one seed. */
export interface LearningRow {
  readonly variant: string
  readonly title: string
  readonly seed: number
  /** Of the test images, after the last epoch. */
  readonly correct: number
  readonly images: number
  readonly steps: number
  readonly seconds: number
  /** Share of samples of the first test images that are as in the plain ones. */
  readonly unchanged: number
  readonly information?: VariantInformation
  /** The variant that showed the very same images, and whose network this one would be: it was not trained again. */
  readonly sameAs?: string
  /** Mean training loss, and now and then the accuracy on the first test images, which decides nothing. */
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly accuracy?: number }[]
}

/** What makes a row unique. */
export const learningRowName = ({ variant, seed }: Pick<LearningRow, 'variant' | 'seed'>): string =>
  `${variant} ${seed}`

/** What all rows of one folder have in common; a folder with another is refused. */
export interface LearningRun {
  readonly version: 1
  readonly data: LabelledSetName
  readonly preset: string
  readonly settings: LearningSettings
  readonly parameters: number
  /** Images that are trained on and tested with, and the images of each class among the latter. */
  readonly train: number
  readonly test: number
  readonly testClasses: readonly number[]
  /** Not all of the images were asked for. */
  readonly limited: boolean
}

/** Fewer images or epochs than the preset has: figures are not to be published. */
export const isShortened = ({ data, preset, settings, limited }: LearningRun): boolean =>
  limited || settings.epochs < findSettings(preset, data).epochs

/** All seeds of one variant together; shares are 0 to 1. */
export interface VariantSummary {
  readonly variant: string
  readonly title: string
  /** Shares of the test images, by seed. */
  readonly accuracies: readonly number[]
  readonly accuracy: Interval
  /** Accuracy of the plain variant less that of this one, seed by seed, in points of a percent. */
  readonly drops: readonly number[]
  readonly drop: Interval
  readonly unchanged: number
  /** Seeds under which the key does nothing, so that the plain variant's network stands for it. */
  readonly idle: number
  /** By seed; absent for ciphers that change values. */
  readonly information?: { readonly coordinates: readonly number[]; readonly weighted: readonly number[] }
  readonly curve: LearningRow['curve']
  readonly seconds: number
}

/** What a comparison came to: `summary.json`. */
export interface LearningSummary {
  readonly run: LearningRun
  readonly machine: string
  readonly seeds: number
  readonly variants: readonly VariantSummary[]
  readonly correlations: readonly CorrelationRow[]
}

/** Spearman's rho between information loss and accuracy drop over one choice of points. */
export interface CorrelationRow {
  readonly points: string
  readonly coordinates: RankCorrelation | undefined
  readonly weighted: RankCorrelation | undefined
}

/** @throws E_CONTROLS if a variant whose outcome is known came out otherwise: then nothing is reported */
export function summariseLearning(
  run: LearningRun,
  machine: string,
  rows: readonly LearningRow[],
  order: readonly string[],
): LearningSummary {
  requireLearningControls(run, rows)
  const plain = new Map(
    rows.filter(({ variant }) => variant === CONTROL_VARIANTS.positive).map(row => [row.seed, share(row)]),
  )
  const variants = order.flatMap(variant => {
    const own = rows.filter(row => row.variant === variant).toSorted((a, b) => a.seed - b.seed)
    return own.length === 0 ? [] : [summariseVariant(variant, own, plain)]
  })
  const seeds = new Set(rows.map(({ seed }) => seed)).size
  return { run, machine, seeds, variants, correlations: correlations(variants, seeds) }
}

const share = ({ correct, images }: Pick<LearningRow, 'correct' | 'images'>): number => correct / images

function summariseVariant(
  variant: string,
  rows: readonly LearningRow[],
  plain: ReadonlyMap<number, number>,
): VariantSummary {
  const accuracies = rows.map(share)
  const drops = rows.flatMap(row => (plain.has(row.seed) ? [100 * (plain.get(row.seed)! - share(row))] : []))
  const information = rows.flatMap(row => row.information ?? [])
  return {
    variant,
    title: rows[0]!.title,
    accuracies,
    accuracy: ofShares(studentMean(accuracies)),
    drops,
    drop: studentMean(drops),
    unchanged: mean(rows.map(row => row.unchanged)),
    idle: rows.filter(({ sameAs }) => sameAs !== undefined).length,
    ...(information.length === rows.length
      ? {
          information: {
            coordinates: information.map(({ coordinates }) => coordinates),
            weighted: information.map(({ weighted }) => weighted),
          },
        }
      : {}),
    curve: rows[0]!.curve,
    seconds: mean(rows.map(({ seconds }) => seconds)),
  }
}

/** Student's interval knows nothing of ends, and no accuracy lies beyond them. */
const ofShares = ({ low, high, ...rest }: Interval): Interval => ({
  ...rest,
  low: Math.max(0, low),
  high: Math.min(1, high),
})

/**
 * The plain variant is left out, and so is every key whose vortices do nothing: loss and drop are zero by
 * definition there, and would only raise the correlation. Variants that were not trained under every seed are left out
 * too.
 */
function correlations(variants: readonly VariantSummary[], seeds: number): CorrelationRow[] {
  const moving = variants.filter(
    ({ variant, information, accuracies }) =>
      variant !== CONTROL_VARIANTS.positive &&
      accuracies.length === seeds &&
      information !== undefined &&
      information.coordinates.some(loss => loss > 0),
  )
  const vortices = moving.filter(({ variant }) => isVortexVariant(variant))
  const means = (points: readonly VariantSummary[], which: keyof VariantInformation) =>
    spearman(
      points.map(({ information }) => mean(information![which])),
      points.map(({ drop }) => drop.mean),
    )
  const single = distinctKeys(vortices)
  const each = (which: 'coordinates' | 'weighted') =>
    withoutP(
      spearman(
        single.map(point => point[which]),
        single.map(({ drop }) => drop),
      ),
    )
  return [
    {
      points: 'means of all variants that only move pixels',
      coordinates: means(moving, 'coordinates'),
      weighted: means(moving, 'weighted'),
    },
    {
      points: 'means of the vortices of 1, 2, ... under drawn keys',
      coordinates: means(vortices, 'coordinates'),
      weighted: means(vortices, 'weighted'),
    },
    { points: 'the same, every seed by itself', coordinates: each('coordinates'), weighted: each('weighted') },
  ]
}

/** Every key that does something, once for each seed: an idle vortex more makes the same map, and the same network. */
function distinctKeys(vortices: readonly VariantSummary[]): { coordinates: number; weighted: number; drop: number }[] {
  const points = vortices.flatMap(({ information, drops }) =>
    drops.map((drop, seed) => ({
      seed,
      drop,
      coordinates: information!.coordinates[seed]!,
      weighted: information!.weighted[seed]!,
    })),
  )
  return points.filter(
    ({ coordinates }, i) =>
      coordinates > 0 &&
      !points
        .slice(0, i)
        .some(
          other =>
            other.seed === points[i]!.seed &&
            other.coordinates === coordinates &&
            other.weighted === points[i]!.weighted,
        ),
  )
}

/** Points of one seed share the plain network and the first vortices: no p-value holds for them. */
const withoutP = (found: RankCorrelation | undefined): RankCorrelation | undefined => found && { ...found, p: NaN }

/** A control deviates by chance once in ten thousand. */
const LEVEL = 1e-4

/**
 * Accuracies far below what the network of the two-core preset reaches on plain images: below them something is broken.
 */
const FLOORS: Readonly<Record<LabelledSetName, number>> = { cifar10: 0.75, mnist: 0.97, 'fashion-mnist': 0.86 }

/**
 * A network that has learned nothing says one class or another: its share of right answers lies
 * between those of the rarest and the most frequent class, but for chance. AES must stay there, plain
 * images must not.
 */
export function learningDeviations(run: LearningRun, rows: readonly LearningRow[]): string[] {
  const [least, most] = [Math.min(...run.testClasses) / run.test, Math.max(...run.testClasses) / run.test]
  const percent = (row: LearningRow) => `${(100 * share(row)).toFixed(2)} % under seed ${row.seed}`
  const hasFloor =
    run.preset === 'two-core' &&
    run.settings.network === findSettings(run.preset, run.data).network &&
    !isShortened(run)
  return rows.flatMap(row => {
    const above = binomialUpper(row.correct, row.images, most) < LEVEL
    if (row.variant === CONTROL_VARIANTS.negative && above) return [`${row.variant} was learned: ${percent(row)}`]
    if (row.variant === CONTROL_VARIANTS.negative && binomialLower(row.correct, row.images, least) < LEVEL)
      return [`${row.variant} is below chance: ${percent(row)}`]
    if (row.variant === CONTROL_VARIANTS.positive && !above) return [`${row.variant} was not learned: ${percent(row)}`]
    if (row.variant === CONTROL_VARIANTS.positive && hasFloor && share(row) < FLOORS[run.data])
      return [`${row.variant} fell short of what these settings reach: ${percent(row)}`]
    return []
  })
}

/** @throws E_CONTROLS */
export function requireLearningControls(run: LearningRun, rows: readonly LearningRow[]): void {
  const missing = Object.values(CONTROL_VARIANTS).filter(control => rows.every(({ variant }) => variant !== control))
  const deviations = [...missing.map(variant => `${variant} was not trained`), ...learningDeviations(run, rows)]
  requireControls(
    deviations,
    'comparison',
    'very few images or steps leave the plain variant at chance; a learned AES variant means that images ' +
      'were not encrypted, or nonces repeated',
  )
}
