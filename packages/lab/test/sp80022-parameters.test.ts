import { describe, expect, test } from 'vitest'
import { goodnessOfFit, parametersFor } from '../src/sp80022/index.ts'
import { exactFit } from '../src/sp80022/linear.ts'

describe('parameters follow from the length', () => {
  test('by the rules of the document, and approximate entropy below them where chi-square is too far off', () => {
    const { blockFrequency: block, serial: word, approximateEntropy: m } = parametersFor(1_000_000)
    expect([block, word, m]).toEqual([10_001, 16, 10])
    expect(parametersFor(100_000)).toEqual({ blockFrequency: 1001, serial: 13, approximateEntropy: 7 })
    expect(parametersFor(20_000)).toEqual({ blockFrequency: 201, serial: 11, approximateEntropy: 6 })
    for (const n of [1000, 5000, 38_912, 387_840, 3_000_000]) {
      const found = parametersFor(n)
      const log = Math.floor(Math.log2(n))
      expect(found.blockFrequency).toBeGreaterThan(n / 100)
      expect(n / found.blockFrequency).toBeLessThan(100)
      expect(found.serial).toBeLessThan(log - 2)
      expect(found.approximateEntropy).toBeLessThan(log - 5)
      // The mean of the likelihood ratio beyond that of chi-square, in deviations: at m one sees nothing, at m + 1 one
      // would.
      const shift = (k: number) => (3 * 4 ** k) / (6 * n) / Math.sqrt(2 ** (k + 1))
      expect(shift(found.approximateEntropy)).toBeLessThan(0.0126)
      const largest = Math.min(10, log - 6)
      const next = found.approximateEntropy < largest ? shift(found.approximateEntropy + 1) : Infinity
      expect(next).toBeGreaterThan(0.0124)
    }
  })

  test('few ranks are summed over all outcomes: a slow twin, and as chi-square for many', () => {
    const law = [0.2888, 0.5776, 0.1336]
    const chi = (k: readonly number[]) => k.reduce((sum, c, i) => sum + (c - 9 * law[i]!) ** 2 / (9 * law[i]!), 0)
    const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1))
    for (const found of [
      [3, 5, 1],
      [0, 9, 0],
      [9, 0, 0],
      [2, 6, 1],
    ]) {
      let tail = 0
      for (let a = 0; a <= 9; a++) {
        for (let b = 0; a + b <= 9; b++) {
          const k = [a, b, 9 - a - b]
          if (chi(k) < chi(found) - 1e-9) continue
          tail += k.reduce((p, c, i) => (p * law[i]! ** c) / factorial(c), factorial(9))
        }
      }
      expect(exactFit(found, law, 9)).toBeCloseTo(tail, 10)
    }
    const many = [exactFit([95, 250, 55], law, 400), goodnessOfFit([95, 250, 55], law, 400)] as const
    expect(Math.abs(many[0] / many[1] - 1)).toBeLessThan(0.05)
  })
})
