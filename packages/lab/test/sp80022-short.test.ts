import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { erfc, igamc, normalCdf } from '../src/statistics/special.ts'
import { spectrum } from '../src/sp80022/dft.ts'
import {
  aperiodicTemplates,
  approximateEntropy,
  berlekampMassey,
  bitsOf,
  blockFrequency,
  complexityClasses,
  cumulativeSums,
  dft,
  exactFit,
  exactOverlaps,
  EXCURSION_STATES,
  frequency,
  linearComplexity,
  longestRun,
  matrixRank,
  minimumCycles,
  nonOverlappingTemplates,
  overlappingTemplate,
  randomExcursions,
  runs,
  serial,
  sp80022,
  universal,
  VARIANT_STATES,
} from '../src/sp80022/index.ts'
import { bitsOfE } from './reference/constants.ts'
import { naiveLinearComplexity, naiveNonOverlapping, naiveRank, naiveSpectrum } from './reference/sp80022.ts'

/**
 * What takes milliseconds: worked examples and slow twins on short sequences. A million bits are in `sp80022.test.ts`.
 */

const bits = (text: string) => Uint8Array.from(text.replaceAll(/\s/g, ''), c => Number(c))
const PI_100 = bits(
  '1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000',
)

/** Chi-square of counts against probabilities, as an upper tail. */
const upperTail = (counts: readonly number[], probabilities: readonly number[]): number => {
  const total = counts.reduce((a, b) => a + b)
  const chi = counts.reduce((sum, c, i) => sum + (c - total * probabilities[i]!) ** 2 / (total * probabilities[i]!), 0)
  return igamc((counts.length - 1) / 2, chi / 2)
}

/**
 * Chance that Brownian motion leaves the strip of half-width z / sqrt(n): the other series for what section 3.13 sums.
 */
const excursionTail = (z: number, n: number): number =>
  1 -
  [0, 1, 2, 3, 4, 5, 6, 7].reduce(
    (sum, k) =>
      sum +
      (((4 / Math.PI) * (-1) ** k) / (2 * k + 1)) * Math.exp((-((2 * k + 1) ** 2) * Math.PI ** 2 * n) / 8 / z ** 2),
    0,
  )

describe('worked examples of SP 800-22 rev. 1a, section 2', () => {
  test('2.1 frequency', () => {
    expect(frequency(bits('1011010101'))).toBeCloseTo(0.527089, 6)
    expect(frequency(PI_100)).toBeCloseTo(0.109599, 6)
  })

  test('2.2 block frequency', () => {
    expect(blockFrequency(bits('0110011010'), 3)).toBeCloseTo(0.801252, 6)
    expect(blockFrequency(PI_100, 10)).toBeCloseTo(0.706438, 6)
  })

  test('2.3 runs', () => {
    expect(runs(bits('1001101011'))).toBeCloseTo(0.147232, 6)
    expect(runs(PI_100)).toBeCloseTo(0.500798, 6)
    expect(runs(bits('1'.repeat(90) + '0'.repeat(10)))).toBe(0)
  })

  test('2.4 longest run of ones', () => {
    const sequence = bits(
      '11001100000101010110110001001100111000000000001001 ' +
        '00110101010001000100111101011010000000110101111100 1100111001101101100010110010',
    )
    expect(longestRun(sequence)).toBeCloseTo(0.180609, 4)
  })

  test('2.5 rank of the first 100,000 bits of e', () => {
    expect(matrixRank(bitsOfE(100_000), 'asymptotic')).toBeCloseTo(0.532069, 6)
  })

  test('2.7 non-overlapping template', () => {
    expect(nonOverlappingTemplates(bits('10100100101110010110'), [0b001], 3, 2)[0]).toBeCloseTo(0.344154, 6)
  })

  test('2.9 universal', () => {
    expect(universal(bits('01011010011101010111'), { l: 2, q: 4 }, 'table')).toBeCloseTo(0.767189, 6)
  })

  test('2.12 approximate entropy', () => {
    expect(approximateEntropy(bits('0100110101'), 3)).toBeCloseTo(0.261961, 6)
    expect(approximateEntropy(PI_100, 2)).toBeCloseTo(0.235301, 6)
  })

  test('2.13 cumulative sums', () => {
    expect(cumulativeSums(bits('1011010111'))[0]).toBeCloseTo(0.4116588, 6)
    expect(cumulativeSums(PI_100).map(p => p.toFixed(6))).toEqual(['0.219194', '0.114866'])
  })
})

describe('slow twins', () => {
  const sequence = fc
    .array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 200 })
    .map(values => Uint8Array.from(values))

  test('Fourier spectrum of any length', () => {
    fc.assert(
      fc.property(sequence, x => {
        const signs = Int8Array.from(x, b => 2 * b - 1)
        const naive = naiveSpectrum(signs)
        expect(spectrum(signs).every((v, k) => Math.abs(v - naive[k]!) < 1e-6 * signs.length)).toBe(true)
      }),
    )
  })

  test('linear complexity', () => {
    fc.assert(
      fc.property(sequence, x => {
        expect(berlekampMassey(x)).toBe(naiveLinearComplexity(x))
      }),
    )
  })

  test('non-overlapping templates: their number, and counts in blocks', () => {
    expect([1, 2, 3, 4, 9].map(m => aperiodicTemplates(m).length)).toEqual([2, 2, 4, 6, 148])
    expect(aperiodicTemplates(3).map(t => t.toString(2).padStart(3, '0'))).toEqual(['001', '011', '100', '110'])
    const templates = aperiodicTemplates(4)
    // Five bits more than the blocks take.
    const x = bitsOfE(4005)
    const found = nonOverlappingTemplates(x, templates, 4, 5)
    const mean = (801 - 3) / 16
    const variance = 801 * (1 / 16 - 7 / 256)
    templates.forEach((t, i) => {
      const counts = Array.from({ length: 5 }, (_, b) =>
        naiveNonOverlapping(x.subarray(b * 801, (b + 1) * 801), t.toString(2).padStart(4, '0')),
      )
      expect(found[i]).toBeCloseTo(igamc(2.5, counts.reduce((sum, c) => sum + (c - mean) ** 2 / variance, 0) / 2), 10)
    })
  })

  test('backward sums', () => {
    fc.assert(
      fc.property(sequence, x => {
        expect(cumulativeSums(x)[1]).toBe(cumulativeSums(x.toReversed())[0])
      }),
    )
  })

  test('overlapping runs of ones: probabilities by writing out every sequence, counts by a pattern', () => {
    const classes = (text: string, m: number) =>
      Math.min(5, Array.from(text).filter((_, i) => text.slice(i, i + m) === '1'.repeat(m)).length)
    const counts = [0, 0, 0, 0, 0, 0]
    for (let n = 0; n < 1024; n++) counts[classes(n.toString(2).padStart(10, '0'), 3)]!++
    const expected = counts.map(count => count / 1024)
    exactOverlaps(3, 10).forEach((p, i) => expect(p).toBeCloseTo(expected[i]!, 14))
    expect(exactOverlaps(3, 11)).not.toEqual(exactOverlaps(3, 10))

    const x = bitsOfE(1007)
    const found = [0, 0, 0, 0, 0, 0]
    for (let b = 0; b < 100; b++) found[classes(Array.from(x.subarray(b * 10, (b + 1) * 10)).join(''), 3)]!++
    expect(overlappingTemplate(x, 'exact', 3, 10)).toBeCloseTo(upperTail(found, expected), 12)
    // Section 3.8 with eta = lambda / 2 = (10 - 3 + 1) / 2^3 / 2.
    const eta = 0.5
    const first = [
      1,
      eta / 2,
      (eta / 8) * (eta + 2),
      (eta / 8) * (eta ** 2 / 6 + eta + 1),
      (eta / 16) * (eta ** 3 / 24 + eta ** 2 / 2 + (3 * eta) / 2 + 1),
    ].map(p => p * Math.exp(-eta))
    const asymptotic = [...first, 1 - first.reduce((a, b) => a + b)]
    expect(overlappingTemplate(x, 'asymptotic', 3, 10)).toBeCloseTo(upperTail(found, asymptotic), 12)
  })

  test('linear complexity of blocks: odd and even, against the definition', () => {
    const x = bitsOfE(6000)
    for (const m of [10, 11, 33]) {
      const counts = [0, 0, 0, 0, 0, 0, 0]
      const sign = (-1) ** m
      const mean = m / 2 + (9 - sign) / 36 - (m / 3 + 2 / 9) / 2 ** m
      for (let b = 0; b < Math.floor(6000 / m); b++) {
        const t = sign * (naiveLinearComplexity(x.subarray(b * m, (b + 1) * m)) - mean) + 2 / 9
        counts[[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].filter(bound => t > bound).length]!++
      }
      expect(Array.from(complexityClasses(x, m))).toEqual(counts)
      const [limit, printed] = [
        [1 / 96, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 1 / 48],
        [0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833],
      ]
      expect(linearComplexity(x, m)).toBeCloseTo(upperTail(counts, limit), 12)
      expect(linearComplexity(x, m, 'printed')).toBeCloseTo(upperTail(counts, printed), 12)
    }
  })

  test('rank: of matrices without pivots, and by elimination of plain arrays', () => {
    const x = bitsOfE(40_000).map((bit, i) => (i < 1024 ? 0 : i < 2048 ? 1 : bit))
    const counts = [0, 0, 0]
    for (let k = 0; k < 39; k++)
      counts[
        Math.min(2, 32 - naiveRank(Array.from({ length: 32 }, (_, r) => x.slice(k * 1024 + r * 32).slice(0, 32))))
      ]!++
    const law = [0.2887880952, 0.5775761902, 0.1336357147]
    expect(matrixRank(x, 'asymptotic')).toBeCloseTo(upperTail(counts, law), 6)
    expect(matrixRank(x)).toBeCloseTo(exactFit(counts, law, 39), 6)
  })

  test('Fourier peaks: how many are below the threshold', () => {
    for (const n of [1000, 1024, 1025]) {
      const x = bitsOfE(n)
      const below = naiveSpectrum(Array.from(x, b => 2 * b - 1)).filter(square => square < Math.log(20) * n).length
      const tail = (divisor: number) =>
        erfc(Math.abs(below - (0.95 * n) / 2) / Math.sqrt((n * 0.95 * 0.05) / divisor) / Math.SQRT2)
      expect(dft(x, 'printed')).toBeCloseTo(tail(4), 10)
      expect(dft(x)).toBeCloseTo(tail(3.8), 10)
    }
  })

  test('universal: distances between equal words, by a search backwards', () => {
    const x = bitsOfE(387_840)
    const words = Array.from({ length: 64_640 }, (_, i) => Array.from(x.subarray(6 * i, 6 * i + 6)).join(''))
    let sum = 0
    for (let i = 640; i < words.length; i++) sum += Math.log2(i - words.lastIndexOf(words[i]!, i - 1))
    const k = 64_000
    const c = 0.7 - 0.8 / 6 + ((4 + 32 / 6) * k ** -0.5) / 15
    const p = erfc(Math.abs(sum / k - 5.2177052) / (Math.SQRT2 * c * Math.sqrt(2.954 / k)))
    expect(p).toBeGreaterThan(0.001)
    expect(universal(x)).toBeCloseTo(p, 10)
    // One word less than L = 7 needs, and that length: other words, another table.
    const longer = Uint8Array.from({ length: 904_960 }, (_, i) => x[i % 387_839]!)
    expect(universal(longer)).toBe(universal(longer, { l: 7, q: 1280 }))
    expect(universal(longer.subarray(1))).toBe(universal(longer.subarray(1), { l: 6, q: 640 }))
    // A word that never came before is as far away as the beginning.
    expect(universal(bits('0000011011'), { l: 2, q: 2 }, 'table')).toBeCloseTo(
      erfc(Math.abs((Math.log2(3) + Math.log2(4) + Math.log2(5)) / 3 - 1.5374383) / Math.sqrt((2 * 1.338 * 3) / 3)),
      10,
    )
  })

  test('serial and approximate entropy: words of the ring, one by one', () => {
    const x = bitsOfE(300)
    const ring = Array.from(x).join('').repeat(2)
    const counts = (m: number) => {
      const found = new Map<string, number>()
      for (let i = 0; i < 300; i++) found.set(ring.slice(i, i + m), (found.get(ring.slice(i, i + m)) ?? 0) + 1)
      return [...found.values()]
    }
    const psi = (m: number) => (m === 0 ? 0 : (2 ** m / 300) * counts(m).reduce((sum, c) => sum + c * c, 0) - 300)
    const phi = (m: number) => counts(m).reduce((sum, c) => sum + (c / 300) * Math.log(c / 300), 0)
    for (const m of [2, 3, 5]) {
      const [first, second] = serial(x, m)
      expect(first).toBeCloseTo(igamc(2 ** (m - 2), (psi(m) - psi(m - 1)) / 2), 10)
      expect(second).toBeCloseTo(igamc(2 ** (m - 3), (psi(m) - 2 * psi(m - 1) + psi(m - 2)) / 2), 10)
      expect(approximateEntropy(x, m)).toBeCloseTo(igamc(2 ** (m - 1), 300 * (Math.LN2 - (phi(m) - phi(m + 1)))), 10)
    }
    // Of single bits there is no second difference: psi of no bits is 0.
    expect(serial(x, 1)[0]).toBeCloseTo(igamc(0.5, psi(1) / 2), 10)
    expect(serial(x, 1)[1]).toBeCloseTo(igamc(0.25, psi(1) / 2), 10)
    // Words that reach round more than once.
    expect(approximateEntropy(bits('01'), 3)).toBeCloseTo(igamc(4, 2 * Math.LN2), 10)
  })

  test('excursions: cycles cut at the zeros of the walk', () => {
    // The worked example of sections 2.14 (with probabilities of four digits) and 2.15: three cycles, the last one
    // closed.
    const example = randomExcursions(bits('0110110101'))
    expect(example.cycles).toBe(3)
    expect(example.states[4]).toBeCloseTo(0.502529, 4)
    expect(example.variant[9]).toBeCloseTo(0.683091, 6)

    const x = bitsOfE(9000)
    let sum = 0
    const sums = Array.from(x, bit => (sum += 2 * bit - 1))
    const cycles: number[][] = [[]]
    for (const s of sums)
      if (s === 0) cycles.push([])
      else cycles.at(-1)!.push(s)
    if (cycles.at(-1)!.length === 0) cycles.pop()
    const found = randomExcursions(x)
    expect(found.cycles).toBe(cycles.length)
    EXCURSION_STATES.forEach((state, at) => {
      const counts = [0, 0, 0, 0, 0, 0]
      for (const cycle of cycles) counts[Math.min(5, cycle.filter(s => s === state).length)]!++
      const a = Math.abs(state)
      const q = 1 - 1 / (2 * a)
      const leave = 1 / (4 * a * a)
      const probabilities = [q, leave, leave * q, leave * q ** 2, leave * q ** 3, (1 / (2 * a)) * q ** 4]
      expect(found.states[at]).toBeCloseTo(upperTail(counts, probabilities), 10)
    })
    VARIANT_STATES.forEach((state, at) => {
      const visits = sums.filter(s => s === state).length
      const spread = Math.sqrt(2 * cycles.length * (4 * Math.abs(state) - 2))
      expect(found.variant[at]).toBeCloseTo(erfc(Math.abs(visits - cycles.length) / spread), 10)
    })
  })

  test('cumulative sums: their limiting law, and a walk that stays small', () => {
    for (const [n, z] of [
      [100, 16],
      [1000, 9],
      [1000, 60],
    ] as const) {
      // Alternating but for a climb of z: the largest excursion is z from either end.
      const x = Uint8Array.from({ length: n }, (_, i) => (i < z ? 1 : (i + z) % 2))
      expect(cumulativeSums(x)[0]).toBeCloseTo(excursionTail(z, n), 8)
    }
    expect(cumulativeSums(new Uint8Array(1000))).toEqual([0, 0])
  })

  test('overlap probabilities: the corrected ones of revision 1a', () => {
    expect(exactOverlaps(9, 1032).map(p => p.toFixed(6))).toEqual([
      '0.364091',
      '0.185659',
      '0.139381',
      '0.100571',
      '0.070432',
      '0.139865',
    ])
  })

  test('Cephes agrees with closed forms', () => {
    expect(igamc(1, 3)).toBeCloseTo(Math.exp(-3), 14)
    expect(igamc(2, 3)).toBeCloseTo(4 * Math.exp(-3), 14)
    expect(igamc(127.5, 1e6)).toBe(0)
    expect(normalCdf(0)).toBe(0.5)
  })
})

describe('tests of SP 800-22 at their edges', () => {
  test('bits are read most significant first', () => {
    expect(Array.from(bitsOf(Uint8Array.of(0b10100001, 255), 10)).join('')).toBe('1010000111')
  })

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

  test('parameters follow the length', () => {
    const x = bitsOfE(2000)
    expect(sp80022(x)).toEqual({
      frequency: frequency(x),
      'block-frequency': blockFrequency(x, 21),
      'cumulative-sums/forward': cumulativeSums(x)[0],
      'cumulative-sums/backward': cumulativeSums(x)[1],
      runs: runs(x),
      'longest-run': longestRun(x),
      'approximate-entropy': approximateEntropy(x, 4),
      'serial/1': serial(x, 7)[0],
      'serial/2': serial(x, 7)[1],
      dft: dft(x),
    })
    const y = bitsOfE(2 ** 19)
    const longer = sp80022(y)
    expect(longer).toMatchObject({
      'approximate-entropy': approximateEntropy(y, 9),
      'serial/1': serial(y, 16)[0],
      rank: matrixRank(y),
      'block-frequency': blockFrequency(y, 5243),
      universal: universal(y),
    })
    expect(Object.keys(longer)).toHaveLength(12)
  })
})
