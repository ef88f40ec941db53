/**
 * The chaotic maps of the image-encryption literature, once for all schemes. Every one computes with sums, products,
 * quotients and comparisons alone, whose doubles are the same on every machine.
 */

/** One map of the unit interval, its parameter drawn by `parameter(u)` from a uniform `u` in [0, 1). */
export interface ChaoticMap {
  readonly parameter: (u: number) => number
  readonly step: (x: number, parameter: number) => number
}

/**
 * Logistic map x -> mu x (1 - x), mu in (3.57, 4], here from [3.9, 4) as usually advised. Periodic windows
 * lie there all the same: about one key in fifty gives a short cycle, and a cipher that shows it.
 */
export const logisticMap: ChaoticMap = { parameter: u => 3.9 + 0.1 * u, step: (x, mu) => mu * x * (1 - x) }

/** Skew tent map with its peak at p in (0.1, 0.9); its invariant density is uniform. */
export const skewTentMap: ChaoticMap = {
  parameter: u => 0.1 + 0.8 * u,
  step: (x, p) => (x < p ? x / p : (1 - x) / (1 - p)),
}

/** Piecewise linear chaotic map (Zhou and Ling 1997) with control p in (0.05, 0.45), symmetric about 1/2. */
export const piecewiseLinearMap: ChaoticMap = {
  parameter: u => 0.05 + 0.4 * u,
  step: (x, p) => {
    const y = x < 0.5 ? x : 1 - x
    return y < p ? y / p : (y - p) / (0.5 - p)
  },
}

/**
 * A logarithmic map x -> frac(a |ln x|), a in [10, 20). The published one is not open to us: that a logarithm makes the
 * chaos is all that is taken from it.
 */
export const logarithmicMap: ChaoticMap = {
  parameter: u => 10 + 10 * u,
  step: (x, a) => {
    const y = a * -naturalLogarithm(x)
    return y - Math.floor(y)
  },
}

/** ln x of a number in (0, 1], by halving and a series: `Math.log` may differ between engines in its last bit. */
function naturalLogarithm(x: number): number {
  let [m, twos] = [x, 0]
  for (; m < 0.75; m *= 2) twos--
  const z = (m - 1) / (m + 1)
  let [sum, power] = [0, z]
  for (let k = 1; k < 40; k += 2, power *= z * z) sum += power / k
  return 2 * sum + twos * Math.LN2
}

/** A system of several coordinates: where it starts for uniform numbers in [0, 1), and its next state, in place. */
export interface ChaoticSystem {
  readonly dimensions: number
  readonly start: (u: ArrayLike<number>) => Float64Array
  readonly step: (state: Float64Array) => void
}

/** Henon map (1976) with its usual a = 1.4, b = 0.3, from a square in its basin. */
export const henonMap: ChaoticSystem = {
  dimensions: 2,
  start: u => Float64Array.of(0.2 * u[0]! - 0.1, 0.2 * u[1]! - 0.1),
  step(state) {
    const [x, y] = state as unknown as [number, number]
    state[0] = 1 - 1.4 * x * x + y
    state[1] = 0.3 * x
  },
}

/** Lorenz system (1963), sigma 10, rho 28, beta 8/3, by Runge and Kutta's fourth-order steps of 0.01. */
export const lorenzSystem: ChaoticSystem = {
  dimensions: 3,
  start: u => Float64Array.of(20 * u[0]! - 10, 20 * u[1]! - 10, 10 + 20 * u[2]!),
  step(state) {
    const [x, y, z] = state as unknown as [number, number, number]
    const [a1, b1, c1] = lorenz(x, y, z)
    const [a2, b2, c2] = lorenz(x + HALF * a1, y + HALF * b1, z + HALF * c1)
    const [a3, b3, c3] = lorenz(x + HALF * a2, y + HALF * b2, z + HALF * c2)
    const [a4, b4, c4] = lorenz(x + 2 * HALF * a3, y + 2 * HALF * b3, z + 2 * HALF * c3)
    state[0] = x + (HALF / 3) * (a1 + 2 * a2 + 2 * a3 + a4)
    state[1] = y + (HALF / 3) * (b1 + 2 * b2 + 2 * b3 + b4)
    state[2] = z + (HALF / 3) * (c1 + 2 * c2 + 2 * c3 + c4)
  },
}

const HALF = 0.005
const lorenz = (x: number, y: number, z: number): [number, number, number] => [
  10 * (y - x),
  x * (28 - z) - y,
  x * y - (8 / 3) * z,
]
