import { LatentError } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { bootstrapMean, median } from '../src/statistics/bootstrap.ts'
import { spearman } from '../src/statistics/rank.ts'
import {
  binomialLower,
  binomialUpper,
  chiSquareCritical,
  chiSquareLower,
  chiSquareUpper,
  erfc,
  igamc,
  logGamma,
  normalCdf,
  normalQuantile,
  normalTwoSided,
  studentQuantile,
  twoSided,
} from '../src/statistics/special.ts'
import { studentMean } from '../src/statistics/student.ts'

const choose = (n: number, k: number): number =>
  Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1)
const binomial = (n: number, p: number, ks: readonly number[]) =>
  ks.reduce((sum, k) => sum + choose(n, k) * p ** k * (1 - p) ** (n - k), 0)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('special functions, against closed forms and printed tables', () => {
  test('complementary error function, into the tails that no double holds', () => {
    expect(erfc(0)).toBe(1)
    expect(erfc(0.5)).toBeCloseTo(0.4795001221869535, 14)
    expect(erfc(-0.5)).toBeCloseTo(2 - 0.4795001221869535, 14)
    expect(erfc(26) / 5.663192408856143e-296).toBeCloseTo(1, 9)
    expect([erfc(27), erfc(1e9), erfc(-27), erfc(-1e9)]).toEqual([0, 0, 2, 2])
  })

  test('incomplete gamma: Q(1, x) = exp(-x), Q(2, x) = (1 + x) exp(-x), and both ends', () => {
    for (const x of [0.1, 1, 3, 20]) {
      expect(igamc(1, x)).toBeCloseTo(Math.exp(-x), 12)
      expect(igamc(2, x)).toBeCloseTo((1 + x) * Math.exp(-x), 12)
    }
    expect([igamc(3, 0), igamc(3, -1)]).toEqual([1, 1])
    // Below the smallest double the library throws; these are its limits.
    expect([igamc(1, 2000), igamc(2000, 1)]).toEqual([0, 1])
    // exp(-705) is still a number: the cut is where numbers end, not before.
    expect(igamc(1, 705) / Math.exp(-705)).toBeCloseTo(1, 9)
    expect(igamc(1, 710)).toBe(0)
    expect(logGamma(5)).toBeCloseTo(Math.log(24), 12)
  })

  test('chi-square: four degrees of freedom in closed form, and the table of critical values', () => {
    const upper = (x: number) => Math.exp(-x / 2) * (1 + x / 2)
    for (const x of [0.5, 3, 9.4877, 40]) {
      expect(chiSquareUpper(4, x)).toBeCloseTo(upper(x), 12)
      expect(chiSquareLower(4, x)).toBeCloseTo(1 - upper(x), 12)
    }
    expect([chiSquareLower(4, 0), chiSquareLower(4, -1), chiSquareUpper(4, 0)]).toEqual([0, 0, 1])
    expect([chiSquareLower(2, 3000), chiSquareLower(9000, 1)]).toEqual([1, 0])
    expect(chiSquareCritical(1, 0.05)).toBeCloseTo(3.841, 3)
    expect(chiSquareCritical(255, 0.05)).toBeCloseTo(293.248, 3)
  })

  test('normal and Student quantiles of the printed tables', () => {
    expect(normalCdf(1.96)).toBeCloseTo(0.9750021, 7)
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 6)
    expect(studentQuantile(4, 0.975)).toBeCloseTo(2.776445, 6)
    expect(normalTwoSided(1.959963985)).toBeCloseTo(0.05, 9)
    expect(normalTwoSided(-1.959963985)).toBeCloseTo(0.05, 9)
  })

  test('binomial tails, by adding up', () => {
    for (const k of range(1, 9)) {
      expect(binomialLower(k, 10, 0.3)).toBeCloseTo(binomial(10, 0.3, range(0, k)), 12)
      expect(binomialUpper(k, 10, 0.3)).toBeCloseTo(binomial(10, 0.3, range(k, 10)), 12)
    }
    expect(binomialLower(0, 10, 0.3)).toBeCloseTo(0.7 ** 10, 12)
    expect(binomialUpper(10, 10, 0.3)).toBeCloseTo(0.3 ** 10, 12)
    expect([binomialLower(-1, 10, 0.3), binomialLower(10, 10, 0.3), binomialLower(11, 10, 0.3)]).toEqual([0, 1, 1])
    expect([binomialUpper(0, 10, 0.3), binomialUpper(-1, 10, 0.3), binomialUpper(11, 10, 0.3)]).toEqual([1, 1, 0])
  })

  test('twice the smaller tail, and never above one', () => {
    expect(twoSided(0.1, 0.95)).toBeCloseTo(0.2, 12)
    expect(twoSided(0.95, 0.1)).toBeCloseTo(0.2, 12)
    expect(twoSided(0.7, 0.6)).toBe(1)
  })
})

describe('bootstrap', () => {
  test('the resamples are the same for ever', () => {
    expect(bootstrapMean([1, 2, 3, 4, 10])).toEqual({ mean: 4, low: 1.8, high: 7.2, replicates: 5 })
    expect(bootstrapMean([1, 2, 3, 4, 10], 0.5)).toEqual({ mean: 4, low: 2.8, high: 4.8, replicates: 5 })
    expect(bootstrapMean([1, 2, 3, 4, 10], 0.95, 10)).toEqual({ mean: 4, low: 2.2, high: 5.6, replicates: 5 })
    expect(bootstrapMean([0, 1, 0, 1, 1, 0, 0, 1])).toEqual({ mean: 0.5, low: 0.125, high: 0.875, replicates: 8 })
  })

  test('for many values it is as wide as theory says', () => {
    const values = range(1, 400).map(i => normalQuantile((i - 0.5) / 400))
    const { low, high } = bootstrapMean(values)
    const expected = (2 * 1.96) / Math.sqrt(400)
    expect((high - low) / expected).toBeGreaterThan(0.9)
    expect((high - low) / expected).toBeLessThan(1.1)
    const half = bootstrapMean(values, 0.5)
    expect((half.high - half.low) / (high - low)).toBeCloseTo(0.6745 / 1.96, 1)
  })

  test('too few or endless values have their range', () => {
    expect(bootstrapMean([3])).toEqual({ mean: 3, low: 3, high: 3, replicates: 1 })
    expect(bootstrapMean([3, 5])).toEqual({ mean: 4, low: 3, high: 5, replicates: 2 })
    expect(bootstrapMean([1, 2, Infinity])).toEqual({ mean: Infinity, low: 1, high: Infinity, replicates: 3 })
    // Three are enough for an interval inside the range.
    expect(bootstrapMean([0, 3, 6], 0.2)).not.toMatchObject({ low: 0, high: 6 })
  })

  test('median', () => {
    expect(median([5, 1, 100])).toBe(5)
    expect(median([10, 2, 9, 1])).toBe(5.5)
    expect(median([7])).toBe(7)
  })
})

describe('rank correlation', () => {
  /** Pearson's correlation of ranks, ties at their mean; and the share of all orders with at least as much. */
  function slow(x: readonly number[], y: readonly number[]): { rho: number; p: number } {
    const ranks = (values: readonly number[]) => {
      const sorted = values.toSorted((a, b) => a - b)
      return values.map(v => (sorted.indexOf(v) + sorted.lastIndexOf(v)) / 2)
    }
    const pearson = (a: readonly number[], b: readonly number[]) => {
      const mean = (v: readonly number[]) => v.reduce((s, e) => s + e, 0) / v.length
      const [ma, mb] = [mean(a), mean(b)]
      const sum = (f: (i: number) => number) => a.reduce((s, _, i) => s + f(i), 0)
      return (
        sum(i => (a[i]! - ma) * (b[i]! - mb)) / Math.sqrt(sum(i => (a[i]! - ma) ** 2) * sum(i => (b[i]! - mb) ** 2))
      )
    }
    const orders = (v: readonly number[]): number[][] =>
      v.length === 0 ? [[]] : v.flatMap((first, i) => orders(v.toSpliced(i, 1)).map(rest => [first, ...rest]))
    const [a, b] = [ranks(x), ranks(y)]
    const rho = pearson(a, b)
    const all = orders(b).map(order => pearson(a, order))
    return { rho, p: all.filter(value => value >= rho - 1e-9).length / all.length }
  }

  test('as a slow twin has it, with ties and without', () => {
    const pairs: readonly (readonly [number[], number[]])[] = [
      [
        [1, 2, 3, 4, 5],
        [2, 1, 4, 3, 5],
      ],
      [
        [1, 2, 2, 3],
        [1, 3, 2, 4],
      ],
      [
        [4, 4, 1, 9, 2, 2],
        [1, 1, 1, 7, 5, 6],
      ],
      [
        [3, 1, 2],
        [1, 3, 2],
      ],
    ]
    for (const [x, y] of pairs) {
      const found = spearman(x, y)!
      const expected = slow(x, y)
      expect(found.rho).toBeCloseTo(expected.rho, 12)
      expect(found.p).toBeCloseTo(expected.p, 12)
      expect(found.points).toBe(x.length)
    }
  })

  test('nine points are counted, ten are normal', () => {
    const nine = range(1, 9)
    expect(spearman(nine, nine)!.p).toBeCloseTo(1 / 362880, 12)
    const y = [3, 1, 4, 1.5, 9, 2, 6, 5, 3.5, 5.8]
    const { rho, p } = spearman(range(1, 10), y)!
    // Without ties rho is 1 - 6 sum d^2 / (n^3 - n); the ranks of y are 4 1 6 2 10 3 9 7 5 8.
    expect(rho).toBeCloseTo(1 - (6 * 82) / 990, 12)
    expect(p).toBeCloseTo(1 - normalCdf(rho * 3), 12)
  })

  test('nothing to correlate', () => {
    expect(spearman([1, 2], [2, 1])).toBeUndefined()
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined()
    expect(spearman([1, 2, 3], [2, 2, 2])).toBeUndefined()
    expect(() => spearman([1, 2, 3], [1, 2])).toThrow(LatentError)
  })
})

test('mean of repetitions with the interval of Student', () => {
  const { mean, low, high, replicates } = studentMean([1, 2, 3, 4])
  // Deviation sqrt(5 / 3), three degrees of freedom: t = 3.182446.
  const reach = 3.182446305 * Math.sqrt(5 / 3 / 4)
  expect([mean, replicates]).toEqual([2.5, 4])
  expect(low).toBeCloseTo(2.5 - reach, 8)
  expect(high).toBeCloseTo(2.5 + reach, 8)
  expect(studentMean([7])).toEqual({ mean: 7, low: 7, high: 7, replicates: 1 })
  expect(studentMean([1, 3]).high).toBeCloseTo(2 + 12.7062047, 6)
})
