import { describe, expect, test } from 'vitest'
import { type PValues, suiteVerdict } from '../src/sp80022/index.ts'

/** Answers of SciPy 1.17 or by hand: where a constant, a sign or a comparison is wrong, one of these is. */

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
