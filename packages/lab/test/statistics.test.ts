import {
  binomialLower,
  binomialUpper,
  bootstrapMean,
  chiSquareCritical,
  chiSquareLower,
  chiSquareUpper,
  correlationBand,
  histogramCritical,
  judge,
  normalQuantile,
  normalTwoSided,
  npcrLimits,
  npcrNull,
  spearman,
  studentMean,
  twoSided,
  uaciLimits,
  uaciNull,
} from '../src/index.ts'
import { describe, expect, test } from 'vitest'

/**
 * Answers of other programs (SciPy 1.17, printed tables) or by hand: where a constant, a sign or a comparison is wrong,
 * one of these is.
 */

describe('intervals', () => {
  // 400 values of known deviation: 101 different ones, near enough to uniform on 0..100.
  const values = Array.from({ length: 400 }, (_, i) => (i * 37) % 101)
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - values.reduce((a, b) => a + b) / 400) ** 2, 0) / 400)

  test.each([
    [0.95, 1.959964],
    [0.5, 0.6744898],
    [0.99, 2.575829],
  ])('the bootstrap interval at %d is that of a mean of 400', (level, z) => {
    const { low, high, mean } = bootstrapMean(values, level, 4000)
    const reach = (z * deviation) / 20
    expect((high - low) / (2 * reach)).toBeGreaterThan(0.93)
    expect((high - low) / (2 * reach)).toBeLessThan(1.07)
    expect((high + low) / 2 - mean).toBeLessThan(0.15 * reach)
    expect((high + low) / 2 - mean).toBeGreaterThan(-0.15 * reach)
  })

  test('it covers the mean as often as it says', () => {
    // 300 means of 30 draws each, from a generator whose mean is 1/2.
    let state = 1
    const draw = () => ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) + 0.5) / 2 ** 32
    let covered = 0
    for (let trial = 0; trial < 300; trial++) {
      const { low, high } = bootstrapMean(Array.from({ length: 30 }, draw))
      if (low <= 0.5 && 0.5 <= high) covered++
    }
    expect(covered).toBeGreaterThan(300 * 0.89)
    expect(covered).toBeLessThan(300 * 0.985)
  })

  test('three replicates are resampled, two are a range, and one that is infinite too', () => {
    const three = bootstrapMean([0, 0, 3])
    expect([three.low, three.high, three.mean, three.replicates]).toEqual([0, 3, 1, 3])
    expect(bootstrapMean([1, 2])).toEqual({ mean: 1.5, low: 1, high: 2, replicates: 2 })
    expect(bootstrapMean([1, 2, Infinity]).high).toBe(Infinity)
  })

  test('Student: the printed quantiles', () => {
    const { mean, low, high } = studentMean([1, 2, 3, 4, 5])
    // 2.776445 x sqrt(2.5 / 5)
    expect([mean, low, high].map(v => v.toFixed(6))).toEqual(['3.000000', '1.036757', '4.963243'])
    expect(studentMean([4]).high).toBe(4)
    // Two replicates: 12.7062 x |difference| / 2.
    expect(studentMean([0, 2]).high).toBeCloseTo(1 + 12.7062047, 6)
  })

  test('Spearman: the exact tail counts permutations', () => {
    expect(spearman([1, 2, 3], [10, 20, 30])).toEqual({ rho: 1, p: 1 / 6, points: 3 })
    expect(spearman([1, 2, 3], [30, 20, 10])).toMatchObject({ rho: -1, p: 1 })
    // One exchange of neighbours among four: rho 0.8, reached by 4 of 24 orders.
    expect(spearman([1, 2, 3, 4], [1, 2, 4, 3])!.rho).toBeCloseTo(0.8, 12)
    expect(spearman([1, 2, 3, 4], [1, 2, 4, 3])!.p).toBeCloseTo(4 / 24, 12)
    // Ten points are beyond counting: 1 - Phi(3 rho).
    const ten = Array.from({ length: 10 }, (_, i) => i)
    expect(spearman(ten, ten)!.p).toBeCloseTo(0.001349898, 8)
    expect(spearman([1, 1, 2, 3], [5, 5, 6, 7])!.rho).toBeCloseTo(1, 12)
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined()
    expect(spearman([1, 2], [1, 2])).toBeUndefined()
  })
})

describe('distributions', () => {
  test('tails and quantiles', () => {
    expect(binomialLower(96, 100, 0.99)).toBeCloseTo(0.018374036, 9)
    expect(binomialUpper(97, 100, 0.99)).toBeCloseTo(1 - 0.018374036, 9)
    expect([
      binomialLower(-1, 5, 0.5),
      binomialLower(5, 5, 0.5),
      binomialUpper(0, 5, 0.5),
      binomialUpper(6, 5, 0.5),
    ]).toEqual([0, 1, 1, 0])
    expect(binomialUpper(5, 5, 0.5)).toBeCloseTo(1 / 32, 12)
    expect(chiSquareUpper(9, 5)).toBeCloseTo(0.83430826, 8)
    expect(chiSquareLower(9, 5)).toBeCloseTo(1 - 0.83430826, 8)
    expect(chiSquareCritical(9, 1e-4)).toBeCloseTo(33.71994844, 6)
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963985, 8)
    expect(normalTwoSided(-1.959963985)).toBeCloseTo(0.05, 8)
    expect([twoSided(0.2, 0.8), twoSided(0.8, 0.2), twoSided(0.6, 0.6)]).toEqual([0.4, 0.4, 1])
    expect(histogramCritical(0.05)).toBeCloseTo(293.2478, 3)
  })

  test('bands of the literature (Wu, Noonan, Agaian 2011, 256 x 256 and 512 x 512 grey)', () => {
    const share = (value: number) => (100 * value).toFixed(4)
    expect(
      [uaciLimits(256 ** 2, 0.05), uaciLimits(512 ** 2, 0.05)].map(({ low, high }) => [share(low), share(high)]),
    ).toEqual([
      ['33.2824', '33.6447'],
      ['33.3730', '33.5541'],
    ])
    expect(share(npcrNull(65_536).mean)).toBe('99.6094')
    expect(share(uaciNull(65_536).mean)).toBe('33.4635')
    // Two-sided, where the paper's is one-sided: 1.959964 deviations of sqrt(255 / n) / 256.
    expect(npcrLimits(65_536, 0.05).low).toBeCloseTo(255 / 256 - (1.959963985 * Math.sqrt(255 / 65_536)) / 256, 12)
    expect(correlationBand(10_000)).toBeCloseTo(0.01959964, 8)
    expect(correlationBand(10_000, 0.01)).toBeCloseTo(0.02575829, 8)
  })

  test('judging: a p-value of all ways of looking, each from both sides', () => {
    const p = (values: readonly number[], together: readonly number[] = []) => judge(values, together).p
    // A single picture is what it says; of several the smallest counts times their number, and there are three ways.
    expect(p([0.02])).toBe(0.02)
    expect(p([1e-9, 0.5])).toBeCloseTo(3 * 2e-9, 12)
    // Shares: P(Bin(24, 0.99) <= 20) is 9.0e-5, where neither the smallest nor the product says more.
    const outside = (count: number) => Array.from({ length: 24 }, (_, i) => (i < count ? 0.009 : 0.99))
    expect(p(outside(4)) / 3 / 9.0e-5).toBeCloseTo(1, 1)
    // The product: 24 times 0.2 is chi-square 77.3 with 48 degrees of freedom, and none of them is striking.
    expect(p(Array.from({ length: 24 }, () => 0.2))).toBeCloseTo(3 * chiSquareUpper(48, -48 * Math.log(0.2)), 12)
    // What was found together is one way more.
    expect(p([0.5, 0.5], [1e-7])).toBeCloseTo(4e-7, 12)
    expect(p([], [0.3])).toBe(0.3)
  })
})
