import cephes from 'cephes'

/**
 * Special functions from Cephes, the library behind NIST's own SP 800-22 code, compiled to
 * WebAssembly. In Node it is ready at once, in a browser after this await.
 */
await cephes.compiled

// Cephes throws where a result is below the smallest double; here such a tail is 0.
const LARGEST_LOG = 700

/** Complementary error function. */
export const erfc = (x: number): number => (x * x > LARGEST_LOG ? (x > 0 ? 0 : 2) : cephes.erfc(x))

/** Regularised upper incomplete gamma function Q(a, x). */
export const igamc = (a: number, x: number): number => {
  if (x <= 0) return 1
  return vanishes(a, x) ? (x > a ? 0 : 1) : cephes.igamc(a, x)
}

/** Regularised lower incomplete gamma function P(a, x). */
export const igam = (a: number, x: number): number => {
  if (x <= 0) return 0
  return vanishes(a, x) ? (x > a ? 1 : 0) : cephes.igam(a, x)
}

// Both tails carry the factor x^a e^-x / Gamma(a).
const vanishes = (a: number, x: number): boolean => a * Math.log(x) - x - logGamma(a) < -LARGEST_LOG

/** Standard normal distribution function. */
export const normalCdf = (x: number): number => cephes.ndtr(x)

/** z with P(Z <= z) = p. */
export const normalQuantile = (p: number): number => cephes.ndtri(p)

/** t with P(T <= t) = p for Student's distribution with `dof` degrees of freedom. */
export const studentQuantile = (dof: number, p: number): number => cephes.stdtri(dof, p)

/** log Gamma(x), x > 0. */
export const logGamma = (x: number): number => cephes.lgam(x)

/** P(X <= x) for chi-square with `dof` degrees of freedom. */
export const chiSquareLower = (dof: number, x: number): number => igam(dof / 2, x / 2)

/** P(X >= x) for chi-square with `dof` degrees of freedom. */
export const chiSquareUpper = (dof: number, x: number): number => igamc(dof / 2, x / 2)

/** x with P(X >= x) = p for chi-square with `dof` degrees of freedom. */
export const chiSquareCritical = (dof: number, p: number): number => cephes.chdtri(dof, p)

/** P(X <= k) for X ~ Bin(n, p). */
export const binomialLower = (k: number, n: number, p: number): number =>
  k < 0 ? 0 : k >= n ? 1 : cephes.incbet(n - k, k + 1, 1 - p)

/** P(X >= k) for X ~ Bin(n, p). */
export const binomialUpper = (k: number, n: number, p: number): number =>
  k <= 0 ? 1 : k > n ? 0 : cephes.incbet(k, n - k + 1, p)

/** Two-sided p-value from the two tails of one statistic: twice the smaller one. */
export const twoSided = (lower: number, upper: number): number => Math.min(1, 2 * Math.min(lower, upper))

/** Two-sided p-value of a standard normal statistic. */
export const normalTwoSided = (z: number): number => erfc(Math.abs(z) / Math.SQRT2)
