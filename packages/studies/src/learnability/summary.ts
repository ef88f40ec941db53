import type { LabelledSetName } from '@latent/data'
import {
  binomialLower,
  binomialUpper,
  type Interval,
  type RankCorrelation,
  requireControls,
  spearman,
  studentMean,
} from '@latent/lab'
import { findSettings, type LearningSettings } from './classifiers/settings.ts'
import { CONTROL_ARMS, isVortexArm } from './arms.ts'
import type { ArmInformation } from './information.ts'

/** One trained network: an arm under one seed. */
export interface LearningRow {
  readonly arm: string
  readonly title: string
  readonly seed: number
  /** Of the test images, after the last epoch. */
  readonly correct: number
  readonly images: number
  readonly steps: number
  readonly seconds: number
  /** Share of samples of the first test images that are as in the plain ones. */
  readonly unchanged: number
  readonly information?: ArmInformation
  /** The arm that showed the very same images, and whose network this one would be: it was not trained again. */
  readonly sameAs?: string
  /** Mean training loss, and now and then the accuracy on the first test images, which decides nothing. */
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly accuracy?: number }[]
}

export const learningRowName = ({ arm, seed }: Pick<LearningRow, 'arm' | 'seed'>): string => `${arm} ${seed}`

/** What all rows of one folder have in common; a folder with another is refused. */
export interface LearningRun {
  readonly version: 1
  readonly data: LabelledSetName
  readonly recipe: string
  readonly settings: LearningSettings
  readonly parameters: number
  /** Images that are trained on and tested with, and the images of each class among the latter. */
  readonly train: number
  readonly test: number
  readonly testClasses: readonly number[]
  /** Not all of the images were asked for. */
  readonly limited: boolean
}

/** Fewer images or epochs than the recipe has: figures are not to be published. */
export const isShortened = ({ data, recipe, settings, limited }: LearningRun): boolean =>
  limited || settings.epochs < findSettings(recipe, data).epochs

export interface ArmSummary {
  readonly arm: string
  readonly title: string
  /** Shares of the test images, by seed. */
  readonly accuracies: readonly number[]
  readonly accuracy: Interval
  /** Accuracy of the plain arm less that of this one, seed by seed, in points of a percent. */
  readonly drops: readonly number[]
  readonly drop: Interval
  readonly unchanged: number
  /** Seeds under which the key does nothing, so that the plain arm's network stands for it. */
  readonly idle: number
  /** By seed; absent for ciphers that change values. */
  readonly information?: { readonly coordinates: readonly number[]; readonly weighted: readonly number[] }
  readonly curve: LearningRow['curve']
  readonly seconds: number
}

export interface LearningSummary {
  readonly run: LearningRun
  readonly machine: string
  readonly seeds: number
  readonly arms: readonly ArmSummary[]
  readonly correlations: readonly CorrelationRow[]
}

/** Spearman's rho between information loss and accuracy drop over one choice of points. */
export interface CorrelationRow {
  readonly points: string
  readonly coordinates: RankCorrelation | undefined
  readonly weighted: RankCorrelation | undefined
}

/** @throws E_CONTROLS if an arm whose outcome is known came out otherwise: then nothing is reported */
export function summariseLearning(
  run: LearningRun,
  machine: string,
  rows: readonly LearningRow[],
  order: readonly string[],
): LearningSummary {
  requireLearningControls(run, rows)
  const plain = new Map(rows.filter(({ arm }) => arm === CONTROL_ARMS.positive).map(row => [row.seed, share(row)]))
  const arms = order.flatMap(arm => {
    const own = rows.filter(row => row.arm === arm).toSorted((a, b) => a.seed - b.seed)
    return own.length === 0 ? [] : [summariseArm(arm, own, plain)]
  })
  const seeds = new Set(rows.map(({ seed }) => seed)).size
  return { run, machine, seeds, arms, correlations: correlations(arms, seeds) }
}

const share = ({ correct, images }: Pick<LearningRow, 'correct' | 'images'>): number => correct / images
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function summariseArm(arm: string, rows: readonly LearningRow[], plain: ReadonlyMap<number, number>): ArmSummary {
  const accuracies = rows.map(share)
  const drops = rows.flatMap(row => (plain.has(row.seed) ? [100 * (plain.get(row.seed)! - share(row))] : []))
  const information = rows.flatMap(row => row.information ?? [])
  return {
    arm,
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
 * The plain arm is left out, and so is every key whose vortices do nothing: loss and drop are zero by
 * definition there, and would only raise the correlation. Arms that were not trained under every seed are left out too.
 */
function correlations(arms: readonly ArmSummary[], seeds: number): CorrelationRow[] {
  const moving = arms.filter(
    ({ arm, information, accuracies }) =>
      arm !== CONTROL_ARMS.positive &&
      accuracies.length === seeds &&
      information !== undefined &&
      information.coordinates.some(loss => loss > 0),
  )
  const vortices = moving.filter(({ arm }) => isVortexArm(arm))
  const means = (points: readonly ArmSummary[], which: keyof ArmInformation) =>
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
      points: 'means of all arms that only move pixels',
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
function distinctKeys(vortices: readonly ArmSummary[]): { coordinates: number; weighted: number; drop: number }[] {
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
 * Accuracies far below what the network of the two-core recipe reaches on plain images: below them something is broken.
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
    run.recipe === 'two-core' &&
    run.settings.network === findSettings(run.recipe, run.data).network &&
    !isShortened(run)
  return rows.flatMap(row => {
    const above = binomialUpper(row.correct, row.images, most) < LEVEL
    if (row.arm === CONTROL_ARMS.negative && above) return [`${row.arm} was learned: ${percent(row)}`]
    if (row.arm === CONTROL_ARMS.negative && binomialLower(row.correct, row.images, least) < LEVEL)
      return [`${row.arm} is below chance: ${percent(row)}`]
    if (row.arm === CONTROL_ARMS.positive && !above) return [`${row.arm} was not learned: ${percent(row)}`]
    if (row.arm === CONTROL_ARMS.positive && hasFloor && share(row) < FLOORS[run.data])
      return [`${row.arm} fell short of what these settings reach: ${percent(row)}`]
    return []
  })
}

/** @throws E_CONTROLS */
export function requireLearningControls(run: LearningRun, rows: readonly LearningRow[]): void {
  const missing = Object.values(CONTROL_ARMS).filter(control => rows.every(({ arm }) => arm !== control))
  const deviations = [...missing.map(arm => `${arm} was not trained`), ...learningDeviations(run, rows)]
  requireControls(
    deviations,
    'comparison',
    'very few images or steps leave the plain arm at chance; a learned AES arm means that images ' +
      'were not encrypted, or nonces repeated',
  )
}
