import { describe, expect, test } from 'vitest'
import { erfc, igamc } from '../src/statistics/special.ts'
import {
  bitsOf,
  complexityClasses,
  cumulativeSums,
  exactFit,
  longestRun,
  parametersFor,
  randomExcursions,
  runs,
  sp80022,
  suiteVerdict,
  universal,
} from '../src/sp80022/index.ts'
import { naiveLinearComplexity } from './reference/sp80022.ts'

/** Where a length, a count or a p-value stands exactly at a bound; and laws worked out by writing everything down. */

/** Every sequence of `length` letters below `letters`. */
function* words(letters: number, length: number): Generator<number[]> {
  for (let word = 0; word < letters ** length; word++)
    yield Array.from({ length }, (_, i) => Math.floor(word / letters ** i) % letters)
}

describe('laws by writing everything down', () => {
  test.each([
    [5, [0.5, 0.3, 0.2]],
    [6, [0.2887880952, 0.5775761902, 0.1336357147]],
  ] as const)('the exact fit of %i in three classes', (total, law) => {
    const countsOf = (word: readonly number[]) => [0, 1, 2].map(letter => word.filter(each => each === letter).length)
    const chiOf = (counts: readonly number[]) =>
      counts.reduce((sum, count, i) => sum + (count - total * law[i]!) ** 2 / (total * law[i]!), 0)
    const all = Array.from(words(3, total), word => ({
      chi: chiOf(countsOf(word)),
      chance: word.reduce((product, letter) => product * law[letter]!, 1),
    }))
    for (let a = 0; a <= total; a++)
      for (let b = 0; a + b <= total; b++) {
        const counts = [a, b, total - a - b]
        const least = chiOf(counts) - 1e-9
        const tail = all.reduce((sum, { chi, chance }) => sum + (chi >= least ? chance : 0), 0)
        expect(exactFit(counts, law, total)).toBeCloseTo(tail, 8)
      }
  })

  test.each([1, 2, 3, 4, 5, 6, 7])('linear complexity of all blocks of %i bits: its mean, and the classes', m => {
    const blocks = Array.from(words(2, m), word => ({ word, complexity: naiveLinearComplexity(word) }))
    const mean = blocks.reduce((sum, { complexity }) => sum + complexity, 0) / blocks.length
    const expected = [0, 0, 0, 0, 0, 0, 0]
    for (const { complexity } of blocks) {
      const t = (m % 2 === 0 ? 1 : -1) * (complexity - mean) + 2 / 9
      expected[[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].filter(bound => t > bound).length]!++
    }
    expect(Array.from(complexityClasses(Uint8Array.from(blocks.flatMap(({ word }) => word)), m))).toEqual(expected)
  })

  test.each(Array.from({ length: 16 }, (_, i) => i + 1))('distances of equal words of %i bits: moments', l => {
    // Distances are geometric: mean and variance of their logarithm are sums, which section 2.9 prints rounded.
    const share = 2 ** -l
    let [mean, square, chance] = [0, 0, share]
    for (let i = 1; i < 24 / share + 200; i++) {
      mean += chance * Math.log2(i)
      square += chance * Math.log2(i) ** 2
      chance *= 1 - share
    }
    // Four words, each met for the first time or right after itself: distances are known.
    const bits = new Uint8Array(4 * l)
    const sum = Math.log2(1) * 4
    const expected = erfc(Math.abs(sum / 4 - mean) / Math.sqrt(2 * (square - mean ** 2)))
    expect(universal(bits, { l, q: 0 }, 'table') / expected).toBeCloseTo(1, l < 3 ? 3 : 1)
  })
})

describe('SP 800-22 at its bounds', () => {
  /** Bits of Marsaglia's xorshift: plain, and enough to fill classes. */
  function drawn(length: number): Uint8Array {
    let state = 1
    return Uint8Array.from({ length }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state >>> 31
    })
  }

  test('a number of bytes has eight bits each', () => {
    expect(Array.from(bitsOf(Uint8Array.of(0b10100101, 1)))).toEqual([1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
  })

  test('runs: as many ones as fail the first test exactly are too many', () => {
    // 48 ones of 64 are 2 / sqrt(64) beside one half.
    const x = Uint8Array.from({ length: 64 }, (_, i) => Number(i % 4 !== 0))
    expect(runs(x)).toBe(0)
    expect(runs(Uint8Array.from(x, (bit, i) => (i === 1 ? 0 : bit)))).toBeGreaterThan(0)
  })

  const TABLES = [
    { from: 100, m: 8, first: 1, law: [0.2148, 0.3672, 0.2305, 0.1875] },
    { from: 128, m: 8, first: 1, law: [0.2148, 0.3672, 0.2305, 0.1875] },
    { from: 6271, m: 8, first: 1, law: [0.2148, 0.3672, 0.2305, 0.1875] },
    { from: 6272, m: 128, first: 4, law: [0.1174, 0.243, 0.2493, 0.1752, 0.1027, 0.1124] },
    { from: 749_999, m: 128, first: 4, law: [0.1174, 0.243, 0.2493, 0.1752, 0.1027, 0.1124] },
    { from: 750_000, m: 10_000, first: 10, law: [0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727] },
  ]
  test.each(TABLES)('longest run of $from bits: blocks of $m', ({ from, m, first, law }) => {
    const text = drawn(from).join('')
    const counts = law.map(() => 0)
    const blocks = Math.floor(from / m)
    for (let b = 0; b < blocks; b++) {
      const longest = Math.max(
        ...text
          .slice(b * m, (b + 1) * m)
          .split('0')
          .map(run => run.length),
      )
      counts[Math.min(law.length - 1, Math.max(0, longest - first))]!++
    }
    const chi = counts.reduce((sum, count, i) => sum + (count - blocks * law[i]!) ** 2 / (blocks * law[i]!), 0)
    expect(longestRun(Uint8Array.from(text, Number))).toBeCloseTo(igamc((law.length - 1) / 2, chi / 2), 10)
  })

  test('no bits at all have no excursion', () => {
    expect(cumulativeSums(new Uint8Array(0))).toEqual([0, 0])
  })

  test('a walk that ends at zero closes no cycle more', () => {
    expect(randomExcursions(Uint8Array.of(0, 1)).cycles).toBe(1)
    expect(randomExcursions(Uint8Array.of(0, 1, 1)).cycles).toBe(2)
    expect(randomExcursions(Uint8Array.of(0, 1, 1, 0)).cycles).toBe(2)
  })

  test('words of approximate entropy: two bits at least, ten at most', () => {
    expect([100, 2 ** 20, 2 ** 24, 2 ** 30].map(n => parametersFor(n).approximateEntropy)).toEqual([2, 10, 10, 10])
  })

  test('the spectrum is looked at from the length on that it asks for', () => {
    const at = (length: number) => Object.keys(sp80022(drawn(length)))
    expect(at(999)).not.toContain('dft')
    expect(at(1000)).toContain('dft')
  })

  test('as many as are needed are enough', () => {
    const { series } = suiteVerdict([
      ...Array.from({ length: 97 }, (_, i) => ({ x: 0.02 + i / 100 })),
      ...Array.from({ length: 3 }, () => ({ x: 0.0099 })),
    ])
    expect(series[0]).toMatchObject({ needed: 97, passed: 97, proportionOk: true })
  })
})
