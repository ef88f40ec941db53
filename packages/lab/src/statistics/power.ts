import { chiSquareCritical, igam, normalCdf, normalQuantile } from './special.ts'

/** How often an effect must be seen for it to count as visible. */
export const POWER = 0.9

/** The smallest effect that would have been seen nine times in ten, in its unit. */
export interface Visible {
  readonly effect: number
  /** What the number counts, as in `0.31 percentage points, one bit beside one half`. */
  readonly unit: string
  /** It shrinks with the square root of the pictures, so that it can be said how many another one would take. */
  readonly root?: true
}

/**
 * z that a normal statistic, the largest of `cells`, must have on average to pass `level` two-sided at {@link POWER}.
 */
export const visibleZ = (level: number, cells = 1): number =>
  normalQuantile(POWER) - normalQuantile(Math.max(level / cells / 2, 1e-300))

/**
 * The noncentrality at which chi-square with `dof` degrees of freedom passes its upper `level` at {@link POWER}; the
 * noncentral law is taken as normal around dof + lambda with variance 2 (dof + 2 lambda).
 */
export function visibleNoncentrality(dof: number, level: number): number {
  const critical = chiSquareCritical(dof, level)
  return root(
    lambda => dof + lambda - critical - normalQuantile(POWER) * Math.sqrt(2 * (dof + 2 * lambda)),
    4 * critical + 100,
  )
}

/** The least k with P(Poisson(mean) >= k) below `level`. */
export function poissonCritical(mean: number, level: number): number {
  let high = 1
  while (poissonUpper(high, mean) >= level) high *= 2
  let low = high / 2
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (poissonUpper(middle, mean) >= level) low = middle
    else high = middle
  }
  return high
}

/** P(X >= k) for a Poisson variable: the distribution function of a gamma variable. */
export const poissonUpper = (k: number, mean: number): number => (k <= 0 ? 1 : igam(Math.ceil(k), mean))

/** The Poisson mean at which at least `k` are seen at {@link POWER}. */
export const visiblePoisson = (k: number): number => root(mean => poissonUpper(k, mean) - POWER, 10 * k + 100)

/**
 * By how many of its standard deviations the mean of a statistic must be off in every one of `replicates`, so that
 * {@link judgeTogether}'s combination of two-sided p-values passes `level` at {@link POWER}: by their product (Fisher),
 * or by the smallest of them, whichever sees less.
 */
export function visibleShift(replicates: number, level: number): number {
  const critical = chiSquareCritical(2 * replicates, level)
  const byProduct = root(shift => {
    const { mean, variance } = logarithms(shift)
    return replicates * mean - critical - normalQuantile(POWER) * Math.sqrt(replicates * variance)
  }, 60)
  const z = -normalQuantile(Math.max(level / replicates / 2, 1e-300))
  const bySmallest = root(shift => {
    const seen = 1 - normalCdf(z - shift) + normalCdf(-z - shift)
    return 1 - (1 - seen) ** replicates - POWER
  }, 60)
  return Math.min(byProduct, bySmallest)
}

/** Mean and variance of -2 ln p where p is the two-sided p-value of a normal variable around `shift`. */
function logarithms(shift: number): { readonly mean: number; readonly variance: number } {
  const step = 0.05
  let [mean, square] = [0, 0]
  for (let e = -7; e <= 7; e += step) {
    const weight = (step * Math.exp((-e * e) / 2)) / Math.sqrt(2 * Math.PI)
    const value = -2 * Math.log(Math.max(2 * normalCdf(-Math.abs(shift + e)), 1e-300))
    mean += weight * value
    square += weight * value * value
  }
  return { mean, variance: square - mean * mean }
}

/** Where a growing function passes zero between 0 and `high`, to six digits. */
function root(f: (x: number) => number, high: number): number {
  let [low, top] = [0, high]
  while (f(top) < 0) top *= 2
  for (let i = 0; i < 60 && top - low > 1e-7 * top; i++) {
    const middle = (low + top) / 2
    if (f(middle) < 0) low = middle
    else top = middle
  }
  return top
}
