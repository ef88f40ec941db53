import { bootstrapMean, type Interval } from '../statistics/bootstrap.ts'
import type { Attack } from './contract.ts'
import { TARGETS, type TargetRow, type TrialRow } from './trial.ts'

/**
 * Structural similarity to the plain picture that counts as opened, and what must be gained over doing nothing to count
 * as a leak.
 */
export const OPENED = 0.7
/** See {@link OPENED}. */
export const LEAK = 0.1
/** Share of pictures recognised among all targets that counts as a leak. */
export const RECOGNISED = 0.4
/** Gain over chance of classes named and of bits told that counts as a leak, at the lower end of the interval. */
const CLASS_GAIN = 0.1
const BIT_GAIN = 0.15

/** How far an attack came. `nothing`: no further than whoever does nothing. */
export type Reached = 'opened' | 'leaks' | 'nothing'

/** What all keys of one attack on one scheme amount to. The picture is the replicate: keys are averaged first. */
export interface Judged {
  readonly reached: Reached
  readonly queries: number
  readonly trials: number
  /** Trials that ended with something to score. */
  readonly scored: number
  /** The interval that the verdict rests on; absent where nothing was scored. */
  readonly value?: Interval
  readonly of: 'SSIM' | 'classes named' | 'told from noise'
  readonly chance: number
  readonly recognised?: Interval
  readonly psnr?: Interval | 'exact'
  /** What whoever does nothing scores. */
  readonly nothing?: { readonly untouched: number; readonly guess: number; readonly recognised: number }
  readonly error?: { readonly code: string; readonly message: string }
}

type Scored = Extract<TargetRow, { readonly ssim: number }>

/** @param rows of one attack on one scheme with one budget, a key each */
export function judgeAttack(attack: Pick<Attack, 'returns' | 'id' | 'doesNothing'>, rows: readonly TrialRow[]): Judged {
  const scored = rows.filter(({ outcome }) => outcome === 'found')
  const queries = Math.max(0, ...rows.map(row => row.queries))
  const error = rows.find(row => row.error)?.error
  const base = { queries, trials: rows.length, scored: scored.length, ...(error && { error }) }
  if (attack.returns === 'class' || attack.returns === 'distinguishing-bit') {
    const [of, chance, gain] =
      attack.returns === 'class'
        ? (['classes named', 0.1, CLASS_GAIN] as const)
        : (['told from noise', 0.5, BIT_GAIN] as const)
    if (scored.length === 0) return { ...base, reached: 'nothing', of, chance }
    // A key that gave nothing counts as chance.
    const value = clustered(rows, target => (target as { right: number }).right, chance)
    return { ...base, reached: value.low > chance + gain ? 'leaks' : 'nothing', of, chance, value }
  }
  const chance = 1 / TARGETS[attack.returns]
  if (scored.length === 0) return { ...base, reached: 'nothing', of: 'SSIM', chance }
  const value = clustered(rows, target => (target as Scored).ssim, 0)
  const recognised = clustered(rows, target => (target as Scored).recognised, chance)
  const nothing = averaged(scored.flatMap(row => row.nothing ?? []))
  return {
    ...base,
    reached: reachedBy(value, recognised, nothing, chance, attack.doesNothing),
    of: 'SSIM',
    chance,
    value,
    recognised,
    nothing,
    psnr: decibels(scored),
  }
}

/** An attack that gives less than it was given has found nothing, whatever its score. */
function reachedBy(
  ssim: Interval,
  recognised: Interval,
  nothing: NonNullable<Judged['nothing']>,
  chance: number,
  doesNothing: boolean,
): Reached {
  const before = doesNothing ? nothing.guess : Math.max(nothing.untouched, nothing.guess)
  const seenBefore = doesNothing ? chance : Math.max(nothing.recognised, chance)
  if (ssim.mean >= OPENED && ssim.mean > before) return 'opened'
  const clearer = ssim.low > before + LEAK && recognised.low > 2 * chance
  const recognisable = recognised.mean >= RECOGNISED && recognised.low > seenBefore + LEAK
  return clearer || recognisable ? 'leaks' : 'nothing'
}

/** Mean over keys a picture, then the interval over pictures; a key without targets scores `missing`. */
function clustered(rows: readonly TrialRow[], of: (target: TargetRow) => number, missing: number): Interval {
  const count = Math.max(...rows.map(({ targets }) => targets.length))
  return bootstrapMean(
    Array.from({ length: count }, (_, i) => {
      const values = rows.map(({ targets }) => (targets[i] ? of(targets[i]) : missing))
      return values.reduce((sum, value) => sum + value, 0) / values.length
    }),
  )
}

function averaged(all: readonly NonNullable<Judged['nothing']>[]): NonNullable<Judged['nothing']> {
  const mean = (of: (one: (typeof all)[number]) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length
  return {
    untouched: mean(({ untouched }) => untouched),
    guess: mean(({ guess }) => guess),
    recognised: mean(({ recognised }) => recognised),
  }
}

/** An exact picture counts as one with a hundredth of a level's error; "exact" where all are. */
function decibels(rows: readonly TrialRow[]): Interval | 'exact' {
  const values = rows.flatMap(({ targets }) => targets.map(target => (target as Scored).psnr))
  if (values.every(value => value === null)) return 'exact'
  const top = 10 * Math.log10((255 * 255) / 1e-4)
  const count = rows[0]!.targets.length
  return bootstrapMean(
    Array.from({ length: count }, (_, i) => {
      const own = rows.map(({ targets }) => (targets[i] as Scored).psnr ?? top)
      return own.reduce((sum, value) => sum + value, 0) / own.length
    }),
  )
}

/** Words for a cell: what an attack says of a scheme, given what it did to its positive control in the same run. */
export type AttackVerdict = Reached | 'no verdict'

/** `no verdict` where it did not break what it must break: then that it found nothing here means nothing. */
export const gated = (judged: Judged, controlBroken: boolean): AttackVerdict =>
  controlBroken ? judged.reached : 'no verdict'

/** Whether the positive control was broken as far as it must be. */
export const controlBroken = ({ positiveControl }: Pick<Attack, 'positiveControl'>, judged: Judged): boolean =>
  judged.reached === 'opened' || (positiveControl.expects === 'leaks' && judged.reached === 'leaks')
