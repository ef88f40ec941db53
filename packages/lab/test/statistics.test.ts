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
import {
  frequency,
  longestRun,
  minimumCycles,
  type PValues,
  runs,
  serial,
  sp80022,
  suiteVerdict,
} from '../src/sp80022/index.ts'

/** Answers of other programs (SciPy 1.17, printed tables) or by hand: where a constant, a sign or a comparison is wrong, one of these is. */

/** p-values in the middle of ten bins, so many in each. */
const inBins = (counts: readonly number[]): PValues[] =>
  counts.flatMap((count, bin) => Array.from({ length: count }, () => ({ x: bin / 10 + 0.05 })))

describe('the verdict of NIST over many sequences (section 4.2)', () => {
  const seriesOf = (counts: readonly number[]) => suiteVerdict(inBins(counts)).series[0]!

  test('uniformity is the upper tail of chi-square with nine degrees of freedom', () => {
    // (5 - 10)^2 / 10 twice is 5.
    expect(seriesOf([5, 15, 10, 10, 10, 10, 10, 10, 10, 10]).uniformity).toBeCloseTo(0.83430826, 8)
    expect(seriesOf(Array.from({ length: 10 }, () => 10)).uniformity).toBe(1)
  })

  test('its bound is 0.0001: 33.6 is inside, 33.8 is not', () => {
    const [inside, outside] = [
      seriesOf([10, 6, 2, 17, 6, 17, 15, 8, 2, 17]),
      seriesOf([9, 17, 21, 4, 6, 8, 17, 4, 9, 5]),
    ]
    expect(inside.uniformity).toBeCloseTo(0.000104949, 9)
    expect(inside.uniformityOk).toBe(true)
    expect(outside.uniformity).toBeCloseTo(0.0000968258, 9)
    expect(outside.uniformityOk).toBe(false)
  })

  test('p-values that are all alike pass in proportion and are rejected all the same', () => {
    const verdict = suiteVerdict(Array.from({ length: 100 }, () => ({ x: 0.5 })))
    expect(verdict).toMatchObject({ outside: 1, consistent: false })
    expect(verdict.series[0]).toMatchObject({ passed: 100, proportionOk: true, uniformityOk: false })
    // Two of twenty series: each has two trials, of its proportion and of its uniformity.
    const many = suiteVerdict(
      inBins([10, 10, 10, 10, 10, 10, 10, 10, 10, 10]).map(({ x }, i) => ({ x: x!, y: i % 2 === 0 ? 0.31 : 0.71 })),
    )
    expect(many).toMatchObject({ outside: 1, consistent: false })
  })

  test('uniformity is asked from 55 sequences on', () => {
    const alike = (count: number) => suiteVerdict(Array.from({ length: count }, () => ({ x: 0.5 })))
    expect(alike(54).series[0]).toMatchObject({ uniformity: undefined, uniformityOk: true })
    expect(alike(54).consistent).toBe(true)
    expect(alike(55).series[0]!.uniformityOk).toBe(false)
  })

  test('proportion: the smallest number that passes, by size', () => {
    const needed = (count: number) =>
      suiteVerdict(Array.from({ length: count }, (_, i) => ({ x: (i + 0.5) / count }))).series[0]!.needed
    // (0.99 - 3 sqrt(0.99 x 0.01 / s)) s: 0.9602 of 100, 0.9805 of 1000, 0.9514 of 60.
    expect([100, 1000, 60].map(needed)).toEqual([97, 981, 58])
    const failing = suiteVerdict([
      ...Array.from({ length: 96 }, (_, i) => ({ x: 0.02 + i / 100 })),
      ...Array.from({ length: 4 }, () => ({ x: 0.0099 })),
    ])
    expect(failing.series[0]).toMatchObject({ passed: 96, proportionOk: false })
    expect(failing.series[0]!.tail).toBeCloseTo(0.018374036, 8)
    expect(suiteVerdict([{ x: 0.01 }]).series[0]!.passed).toBe(1)
    expect(suiteVerdict([{ x: 0.00999 }]).series[0]!.passed).toBe(0)
  })

  test('how many series noise has outside, and when the suite is inconsistent', () => {
    const passes = (count: number) =>
      Array.from({ length: 100 }, (_, i) => ({ x: i < count ? 0.02 + (0.979 * i) / count : 0.001 }))
    // P(Bin(100, 0.99) <= 96), and 0.0001 for uniformity.
    expect(suiteVerdict(passes(97)).expectedOutside).toBeCloseTo(0.018374036 + 0.0001, 8)
    // Tails of 5.3e-4 and 7.1e-5 over two trials, against 1e-3; fewer than 55 sequences have one trial.
    expect(suiteVerdict(passes(94)).consistent).toBe(true)
    expect(suiteVerdict(passes(93)).consistent).toBe(false)
  })

  test('series that some sequences lack are counted by those that have them', () => {
    const verdict = suiteVerdict([{ x: 0.5, y: 0.001 }, { x: 0.4 }, { x: 0.3, y: 0.2 }])
    expect(verdict.series.map(({ series, sequences, passed }) => [series, sequences, passed])).toEqual([
      ['x', 3, 3],
      ['y', 2, 1],
    ])
  })
})

describe('tests of SP 800-22 at their edges', () => {
  const repeated = (pattern: string, length: number) =>
    Uint8Array.from({ length }, (_, i) => Number(pattern[i % pattern.length]))

  test('frequency: erfc of the excess over the root of 2 n', () => {
    // 60 ones of 100: an excess of 20, 20 / sqrt(200) = sqrt(2), erfc(sqrt 2) = 0.0455003.
    expect(frequency(Uint8Array.from({ length: 100 }, (_, i) => Number(i < 60)))).toBeCloseTo(0.045500264, 8)
    expect(frequency(Uint8Array.from({ length: 100 }, (_, i) => Number(i < 40)))).toBeCloseTo(0.045500264, 8)
    expect(frequency(repeated('01', 100))).toBe(1)
  })

  test('runs: too many are as suspect as too few', () => {
    // 100 runs of 100 bits: |100 - 50| / (2 sqrt(200) / 4) = 7.07, erfc = 1.5e-23.
    expect(runs(repeated('01', 100))).toBeLessThan(1e-20)
    expect(runs(repeated('0011', 100))).toBeGreaterThan(0.5)
    expect(runs(repeated('00001111', 96))).toBeLessThan(1e-5)
  })

  test('longest run: no run of ones, and one that never ends', () => {
    expect(longestRun(new Uint8Array(6272))).toBeLessThan(1e-70)
    expect(longestRun(new Uint8Array(6272).fill(1))).toBeLessThan(1e-70)
  })

  test('serial: all words alike often', () => {
    // De Bruijn sequence of order 4: every word of up to 4 bits equally often, so that nothing deviates.
    const deBruijn = Uint8Array.from('0000100110101111', Number)
    expect(serial(deBruijn, 4)).toEqual([1, 1])
    expect(serial(deBruijn, 3)).toEqual([1, 1])
  })

  test('random excursions need 500 cycles, or 0.005 of the root of n', () => {
    expect([10_000, 1_000_000, 10_000_000_000].map(minimumCycles)).toEqual([500, 500, 500])
    expect(minimumCycles(1e12)).toBe(5000)
  })

  test('which tests apply to which length', () => {
    const bits = (n: number) => Uint8Array.from({ length: n }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 15) & 1)
    const names = (n: number) => Object.keys(sp80022(bits(n)))
    expect(names(999)).not.toContain('dft')
    expect(names(1000)).toContain('dft')
    expect(names(38_911)).not.toContain('rank')
    expect(names(38_912)).toContain('rank')
    expect(names(387_839)).not.toContain('universal')
    expect(names(387_840)).toContain('universal')
  })
})

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

  test('judging: both bounds from both sides', () => {
    const of = (values: readonly number[]) => judge(values).verdict
    // Bonferroni: 1e-6 over the number.
    expect(of([0.99e-6])).toBe('fails')
    expect(of([1.01e-6])).toBe('consistent')
    expect(of([0.49e-6, 0.5])).toBe('fails')
    expect(of([0.51e-6, 0.5])).toBe('consistent')
    // Shares: P(Bin(24, 0.99) <= 20) is 9.0e-5, and <= 19 is 3.5e-6.
    const outside = (count: number) => Array.from({ length: 24 }, (_, i) => (i < count ? 0.009 : 0.5))
    expect(of(outside(4))).toBe('consistent')
    expect(of(outside(5))).toBe('fails')
    expect(judge([0.01, 0.0099]).passed).toBe(1)
  })
})
