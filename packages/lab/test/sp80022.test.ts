import { KeyStream, sha256Of } from '@latent/core'
import { describe, expect, test } from 'vitest'
import { igamc } from '../src/index.ts'
import {
  aperiodicTemplates,
  approximateEntropy,
  berlekampMassey,
  bitsOf,
  blockFrequency,
  complexityClasses,
  cumulativeSums,
  dft,
  frequency,
  linearComplexity,
  longestRun,
  matrixRank,
  nonOverlappingTemplates,
  overlappingTemplate,
  type PValues,
  randomExcursions,
  runs,
  serial,
  sp80022,
  suiteVerdict,
  universal,
} from '../src/sp80022/index.ts'
import { bitsOfE, bitsOfPi, bitsOfRoot } from './reference/constants.ts'
import { naiveNonOverlapping } from './reference/sp80022.ts'

const bits = (text: string) => Uint8Array.from(text.replaceAll(/\s/g, ''), c => Number(c))
const random = async (n: number, length: number) => {
  const stream = await KeyStream.create(sha256Of(Uint8Array.of(n)), 'latent/v1/test')
  return bitsOf(await stream.bytes(length / 8))
}
const worst = (values: PValues) => Object.entries(values).flatMap(([name, p]) => (p < 1e-6 ? [name] : []))
const PI_100 = bits(
  '1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000',
)
const E = bitsOfE(1_000_000)

describe('worked examples of SP 800-22 rev. 1a, section 2', () => {
  test('the computed expansions begin as the document prints them', () => {
    expect(bitsOfPi(100)).toEqual(PI_100)
    expect(Array.from(E.subarray(0, 16)).join('')).toBe('1010110111111000')
  })

  test('2.8 overlapping template on a million bits of e, with the probabilities of section 3.8', () => {
    expect(overlappingTemplate(E, 'asymptotic')).toBeCloseTo(0.110434, 6)
  })

  test('2.10 linear complexity: of thirteen bits, and of a million bits of e in blocks of 1000', () => {
    expect(berlekampMassey(bits('1101011110001'))).toBe(4)
    expect(Array.from(complexityClasses(E, 1000))).toEqual([11, 31, 116, 501, 258, 57, 26])
    expect(linearComplexity(E, 1000, 'printed')).toBeCloseTo(0.845406, 6)
    // With 1/96 instead of the slip 0.01047.
    expect(linearComplexity(E, 1000)).toBeCloseTo(0.84474, 5)
  })

  test('2.11 serial', () => {
    const [first, second] = serial(bits('0011011101'), 3)
    expect([first, second].map(p => p.toFixed(6))).toEqual(['0.808792', '0.670320'])
    expect(serial(E, 2).map(p => p.toFixed(6))).toEqual(['0.843764', '0.561915'])
  })

  test('2.14 and 2.15 random excursions on a million bits of e', () => {
    const { cycles, states, variant } = randomExcursions(E)
    expect(cycles).toBe(1490)
    expect(states.map(p => p.toFixed(6)).slice(0, 5)).toEqual([
      '0.573306',
      '0.197996',
      '0.164011',
      '0.007779',
      '0.786868',
    ])
    expect(variant.map(p => p.toFixed(6))).toEqual(
      [
        '0.858946 0.794755 0.576249 0.493417 0.633873 0.917283 0.934708 0.816012 0.826009',
        '0.137861 0.200642 0.441254 0.939291 0.505683 0.445935 0.512207 0.538635 0.593930',
      ].flatMap(row => row.split(' ')),
    )
  })
})

/** Appendix B: p-values of four constants, a million bits each, in the order of the columns below. */
const APPENDIX_B: Record<string, [sequence: () => Uint8Array, ...pValues: string[]]> = {
  e: [
    () => E,
    '0.953749',
    '0.211072',
    '0.669887',
    '0.724266',
    '0.561917',
    '0.718945',
    '0.306156',
    '0.847187',
    '0.078790',
    '0.110434',
    '0.282568',
    '0.700073',
    '0.786868',
    '0.826009',
    '0.826335',
    '0.766182',
  ],
  pi: [
    () => bitsOfPi(1_000_000),
    '0.578211',
    '0.380615',
    '0.628308',
    '0.663369',
    '0.419268',
    '0.024390',
    '0.083553',
    '0.010186',
    '0.165757',
    '0.296897',
    '0.669012',
    '0.361595',
    '0.844143',
    '0.760966',
    '0.255475',
    '0.143005',
  ],
  'root of 2': [
    () => bitsOfRoot(2, 1_000_000),
    '0.811881',
    '0.833222',
    '0.879009',
    '0.957206',
    '0.313427',
    '0.012117',
    '0.823810',
    '0.581909',
    '0.569461',
    '0.791982',
    '0.130805',
    '0.884740',
    '0.216235',
    '0.566118',
    '0.317127',
    '0.861925',
  ],
  'root of 3': [
    () => bitsOfRoot(3, 1_000_000),
    '0.610051',
    '0.473961',
    '0.917121',
    '0.689519',
    '0.261123',
    '0.446726',
    '0.314498',
    '0.776046',
    '0.532235',
    '0.082716',
    '0.165981',
    '0.180481',
    '0.783283',
    '0.155066',
    '0.346469',
    '0.157500',
  ],
}

test.each(Object.entries(APPENDIX_B))('appendix B: a million bits of %s', (_, [sequence, ...expected]) => {
  const s = sequence()
  const excursions = randomExcursions(s)
  const found = [
    frequency(s),
    blockFrequency(s, 128),
    ...cumulativeSums(s),
    runs(s),
    longestRun(s),
    matrixRank(s),
    dft(s, 'printed'),
    nonOverlappingTemplates(s, [1])[0]!,
    overlappingTemplate(s, 'asymptotic'),
    universal(s),
    approximateEntropy(s, 10),
    excursions.states[4]!,
    excursions.variant[8]!,
    linearComplexity(s, 500, 'printed'),
    serial(s, 16)[0],
  ].map(p => p.toFixed(6))
  // The document's normal distribution function leaves an error of one in the sixth digit in two places.
  const close = found.map((p, i) => (Math.abs(Number(p) - Number(expected[i])) < 1.5e-6 ? expected[i] : p))
  expect(close).toEqual(expected)
})

describe('the suite', () => {
  test('non-overlapping templates, all 148', () => {
    const templates = aperiodicTemplates(9)
    expect(templates).toHaveLength(148)
    const x = E.subarray(0, 40_000)
    const found = nonOverlappingTemplates(x, templates)
    const mean = (5000 - 8) / 512
    const variance = 5000 * (1 / 512 - 17 / 2 ** 18)
    templates.forEach((t, i) => {
      const counts = Array.from({ length: 8 }, (_, b) =>
        naiveNonOverlapping(x.subarray(b * 5000, (b + 1) * 5000), t.toString(2).padStart(9, '0')),
      )
      expect(found[i]).toBeCloseTo(igamc(4, counts.reduce((sum, c) => sum + (c - mean) ** 2 / variance, 0) / 2), 10)
    })
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

  test('leaves out what a sequence is too short for', async () => {
    expect(Object.keys(sp80022(await random(1, 2000)))).not.toContain('rank')
    expect(Object.keys(sp80022(await random(1, 40_000)))).toContain('rank')
  })

  test('AES-CTR passes over 60 sequences, a slightly biased copy does not', async () => {
    const good: PValues[] = []
    const biased: PValues[] = []
    for (let i = 0; i < 60; i++) {
      const s = await random(i, 48_000)
      good.push(sp80022(s))
      // One zero in 32 becomes a one: 51.6 % ones.
      const u = await random(i + 100, 48_000 * 5)
      biased.push(sp80022(s.map((b, k) => (b === 0 && u.subarray(5 * k, 5 * k + 5).every(v => v === 1) ? 1 : b))))
    }
    const verdict = suiteVerdict(good)
    expect(verdict.consistent).toBe(true)
    expect(verdict.series.every(({ sequences }) => sequences === 60)).toBe(true)
    const failing = suiteVerdict(biased)
    expect(failing.consistent).toBe(false)
    expect(failing.series.find(({ series }) => series === 'frequency')!.proportionOk).toBe(false)
  })

  test('a counter, a short period and a weak shift register each fail where they should', async () => {
    const counter = bitsOf(Uint8Array.from({ length: 125_000 }, (_, i) => i & 255))
    expect(worst(sp80022(counter))).toEqual(expect.arrayContaining(['dft', 'serial/1', 'approximate-entropy']))
    const period = (await random(3, 8000)).slice(0, 5003)
    expect(worst(sp80022(Uint8Array.from({ length: 1_000_000 }, (_, i) => period[i % 5003]!)))).toEqual(
      expect.arrayContaining(['dft', 'serial/1']),
    )
    // x^31 + x^3 + 1: balanced and patternless, but of linear complexity 31.
    const register = new Uint8Array(1_000_000)
    register.set(await random(4, 32))
    for (let i = 31; i < register.length; i++) register[i] = register[i - 31]! ^ register[i - 28]!
    const found = sp80022(register)
    expect(worst(found)).toEqual(expect.arrayContaining(['linear-complexity', 'rank']))
    expect(found['frequency']!).toBeGreaterThan(1e-3)
  })

  test('the proportion bound for a hundred sequences', () => {
    const passing = Array.from({ length: 100 }, (_, i) => ({ x: i < 97 ? (i + 3) / 101 : 0.005 }))
    const [series] = suiteVerdict(passing).series
    expect(series).toMatchObject({ needed: 97, passed: 97, proportionOk: true })
  })

  test('a million bits, with and without enough cycles', () => {
    const found = sp80022(E)
    const [templates, excursions] = [aperiodicTemplates(9), randomExcursions(E)]
    const counts = nonOverlappingTemplates(E, templates)
    expect(found['non-overlapping/000000001']).toBe(counts[0])
    expect(found['non-overlapping/111111110']).toBe(counts.at(-1))
    expect(found['overlapping']).toBe(overlappingTemplate(E))
    expect(found['linear-complexity']).toBe(linearComplexity(E, 500))
    expect(found['random-excursions/-4']).toBe(excursions.states[0])
    expect(found['random-excursions-variant/9']).toBe(excursions.variant[17])
    expect(Object.keys(found)).toHaveLength(188)
    // Climbs for ever: a handful of cycles.
    const climbing = E.map((bit, i) => (i % 50 === 0 ? 1 : bit))
    expect(Object.keys(sp80022(climbing))).toHaveLength(188 - 26)
    expect(Object.keys(sp80022(E.subarray(1)))).toHaveLength(12)
  })
})
