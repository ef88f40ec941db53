import { argumentError } from '@latent/core'
import { normalCdf } from './special.ts'

/** Spearman's rank correlation and how often chance alone gives one as large. */
export interface RankCorrelation {
  readonly rho: number
  /** One-sided, for a positive correlation. */
  readonly p: number
  readonly points: number
}

/** Orders up to which all permutations are gone through. */
const EXACT = 9

/**
 * Spearman's rho (1904): Pearson's correlation of the ranks, equal values sharing their mean rank. The
 * p-value counts the permutations with at least this rho up to nine points, and is normal with
 * deviation 1 / sqrt(n - 1) beyond.
 * @returns undefined for fewer than three points, or if either side is constant: there is nothing to correlate
 */
export function spearman(x: readonly number[], y: readonly number[]): RankCorrelation | undefined {
  if (x.length !== y.length) throw argumentError('y', `${x.length} values`, y.length)
  const [a, b] = [centredRanks(x), centredRanks(y)]
  const scale = Math.sqrt(dot(a, a) * dot(b, b))
  if (x.length < 3 || scale === 0) return undefined
  const rho = dot(a, b) / scale
  return {
    rho,
    p: x.length <= EXACT ? exactTail(a, b) : 1 - normalCdf(rho * Math.sqrt(x.length - 1)),
    points: x.length,
  }
}

/** Ranks from 1, ties at their mean, less their mean. */
function centredRanks(values: readonly number[]): number[] {
  return values.map(value => {
    const below = values.filter(other => other < value).length
    const equal = values.filter(other => other === value).length
    return below + (equal + 1) / 2 - (values.length + 1) / 2
  })
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function swap(values: number[], i: number, j: number): void {
  const kept = values[i]!
  values[i] = values[j]!
  values[j] = kept
}

/** Share of the orders of `b` whose product with `a` is at least that of the order found. */
function exactTail(a: readonly number[], b: readonly number[]): number {
  const found = dot(a, b) - 1e-9
  let [reached, all] = [0, 0]
  const rest = [...b]
  const visit = (at: number, sum: number): void => {
    if (at === a.length) {
      all++
      if (sum >= found) reached++
      return
    }
    for (let i = at; i < rest.length; i++) {
      swap(rest, at, i)
      visit(at + 1, sum + a[at]! * rest[at]!)
      swap(rest, at, i)
    }
  }
  visit(0, 0)
  return reached / all
}
