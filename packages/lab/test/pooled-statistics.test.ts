import { describe, expect, test } from 'vitest'
import {
  binomialUpper,
  bootstrapMean,
  chiSquareCritical,
  effectText,
  type Evidence,
  fisher,
  FAMILY_LEVEL,
  holm,
  type KeySearch,
  normalTwoSided,
  poissonCritical,
  poissonUpper,
  smallestOf,
  TESTS,
  verdicts,
  visibleNoncentrality,
  visiblePoisson,
  visibleShift,
  visibleZ,
} from '../src/index.ts'
import { mostAgreeing } from '../src/tests/key-search.ts'
import { runTail } from '../src/tests/keys.ts'
import { longestShared } from '../src/tests/trial.ts'

/** Statistics of everything together against closed forms. */

describe('many p-values', () => {
  test('Fisher: the product of two is q (1 - ln q)', () => {
    for (const [a, b] of [
      [0.3, 0.8],
      [1e-4, 0.02],
      [1, 1],
    ] as const)
      expect(fisher([a, b])).toBeCloseTo(a * b * (1 - Math.log(a * b)), 12)
    expect(fisher([0.03])).toBeCloseTo(0.03, 12)
    expect([fisher([]), fisher([0, 0.5]) < 1e-200]).toEqual([1, true])
  })

  test('Holm: each times how many are left, never below the one before', () => {
    // By floating point 3 x 0.02 and 2 x 0.04 are as they are.
    expect(holm([0.02, 0.01, 0.04, 0.5])).toEqual([3 * 0.02, 0.04, 2 * 0.04, 0.5])
    expect(holm([0.3, 0.3])).toEqual([0.6, 0.6])
    expect(holm([0.9, 0.8])).toEqual([1, 1])
    expect([smallestOf(0.01, 5), smallestOf(0.3, 5)]).toEqual([0.05, 1])
  })

  test('a family: the level is shared out, and what is found does not use it up', () => {
    const judged = (p: number) => ({ replicates: 1, passed: 1, smallestP: p, p })
    const { a, b, c } = verdicts({
      a: judged(FAMILY_LEVEL / 3.01),
      b: judged(FAMILY_LEVEL / 2.01),
      c: judged(FAMILY_LEVEL * 1.01),
    })
    expect([a!.verdict, b!.verdict, c!.verdict]).toEqual(['fails', 'fails', 'not contradicted'])
    expect(verdicts({ a: judged(FAMILY_LEVEL / 2.99), b: judged(1), c: judged(1) })['a']!.verdict).toBe(
      'not contradicted',
    )
  })
})

describe('what can be seen', () => {
  test('a normal statistic at 0.05: 1.96 + 1.28 deviations, more for the largest of many', () => {
    expect(visibleZ(0.05)).toBeCloseTo(1.959964 + 1.281552, 5)
    expect(visibleZ(0.05, 5)).toBeCloseTo(2.575829 + 1.281552, 5)
    expect(visibleZ(1e-12, 16_640)).toBeGreaterThan(9)
  })

  test('chi-square: nine noncentral ones in ten are above the critical value', () => {
    for (const [dof, level] of [
      [255, 0.01],
      [255, 1e-7],
      [3, 0.001],
    ] as const) {
      const lambda = visibleNoncentrality(dof, level)
      const z = (dof + lambda - chiSquareCritical(dof, level)) / Math.sqrt(2 * (dof + 2 * lambda))
      expect(z).toBeCloseTo(1.281552, 4)
    }
    // With one degree of freedom and a lot of noncentrality, the root of lambda is the z of a normal statistic.
    expect(Math.sqrt(visibleNoncentrality(1, 1e-6)) / visibleZ(1e-6)).toBeCloseTo(1, 1)
  })

  test('Poisson tails, from sums term by term', () => {
    const term = (k: number, mean: number): number => (k === 0 ? Math.exp(-mean) : (term(k - 1, mean) * mean) / k)
    for (const [k, mean] of [
      [3, 0.5],
      [1, 4],
      [9, 4],
      [30, 4],
    ] as const) {
      const below = Array.from({ length: k }, (_, i) => term(i, mean)).reduce((a, b) => a + b)
      const above = Array.from({ length: 60 }, (_, i) => term(k + i, mean)).reduce((a, b) => a + b)
      expect(poissonUpper(k, mean)).toBeCloseTo(1 - below, 12)
      expect(poissonUpper(k, mean) / above).toBeCloseTo(1, 9)
    }
    expect([poissonUpper(0, 3), poissonUpper(1, 0), poissonUpper(2, 1e-9)]).toEqual([1, 0, expect.closeTo(5e-19, 24)])
    expect([poissonCritical(0, 1e-9), poissonCritical(0.001, 1e-3), poissonCritical(0.001, 1e-4)]).toEqual([1, 1, 2])
    // The normal law's 2.326 deviations and one half more, and no slower for thousands.
    expect(Math.abs(poissonCritical(1e6, 0.01) - (1e6 + 2326.35 + 0.5))).toBeLessThan(2)
    for (const [mean, level] of [
      [0.2, 0.3],
      [7, 0.05],
      [500, 1e-9],
    ] as const) {
      const k = poissonCritical(mean, level)
      expect([poissonUpper(k, mean) < level, poissonUpper(k - 1, mean) >= level]).toEqual([true, true])
    }
    // One or more nine times in ten: 1 - exp(-mean) is 0.9.
    expect(visiblePoisson(1)).toBeCloseTo(Math.LN10, 5)
  })

  test('a shift of every image: of one as a normal statistic, of many by their product', () => {
    expect(visibleShift(1, 0.001)).toBeCloseTo(visibleZ(0.001), 2)
    expect(visibleShift(4, 1e-6)).toBeLessThan(visibleShift(1, 1e-6))
    // Drawn: at the visible shift of 60 images Fisher's product passes nine times in ten.
    const shift = visibleShift(60, 1e-4)
    let state = 7
    const uniform = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    let seen = 0
    for (let trial = 0; trial < 400; trial++)
      if (fisher(Array.from({ length: 60 }, () => normalTwoSided(shift + normal()))) < 1e-4) seen++
    expect(seen / 400).toBeGreaterThan(0.84)
    expect(seen / 400).toBeLessThan(0.96)
  })

  test('effects are told with their unit', () => {
    expect(effectText({ effect: 0.0312, unit: 'points' })).toBe('0.031 points')
    expect(effectText({ effect: 2345.6, unit: 'points' })).toBe('2345.6 points')
    expect(effectText({ effect: 1, unit: 'bit' })).toBe('1 bit')
  })
})

test('six pictures under eight keys are six clusters: what a picture does to a value it does eight times', () => {
  const pictures = Array.from({ length: 6 }, (_, i) => i)
  const values = pictures.flatMap(picture => Array.from({ length: 8 }, () => picture))
  const clusters = pictures.flatMap(picture => Array.from({ length: 8 }, () => `p${picture}`))
  const apart = bootstrapMean(values)
  const together = bootstrapMean(values, undefined, undefined, clusters)
  expect(together).toMatchObject({ mean: 2.5, replicates: 48, clusters: 6 })
  expect(apart).not.toHaveProperty('clusters')
  // The variance of a mean of six is eight times that of 48, and the width its root.
  expect((together.high - together.low) / (apart.high - apart.low)).toBeCloseTo(Math.sqrt(8), 0)
  // Clusters weigh what they hold.
  expect(bootstrapMean([1, 1, 1, 5], undefined, undefined, ['a', 'a', 'a', 'b'])).toMatchObject({
    mean: 2,
    clusters: 2,
  })
})

describe('tests of all ciphers together', () => {
  const found = (id: string, evidence: Partial<Evidence>, level = 1e-6) =>
    TESTS.find(test => test.id === id)!.pooled!(evidence as Evidence, level)!
  const n = 256 * 400
  const lengths = new Map([[n, 1]])
  /** Byte counts in which an XOR of bits is 1 so much more often. */
  const counts = (mask: number, more: number) =>
    Float64Array.from({ length: 256 }, (_, v) => {
      let odd = 0
      for (let x = v & mask; x > 0; x &= x - 1) odd ^= 1
      return 400 + (odd === 1 ? more : -more)
    })

  test.each([
    ['bit-planes', 8, 16],
    ['byte-parities', 0b1001_0001, 255],
  ])('%s: z of the bias, for the cells looked at', (id, mask, cells) => {
    const more = 3
    const { value, p, visible } = found(id, { bytes: counts(mask, more), lengths })
    expect(value).toBeCloseTo(more / 800, 12)
    const sum = 256 * more
    expect(p).toBeCloseTo(Math.min(1, (id === 'bit-planes' ? 8 : cells) * normalTwoSided(sum / Math.sqrt(n))), 12)
    // What is visible is what would pass: at twice the level's z the effect is that of the bias.
    expect(visible!.effect).toBeCloseTo((50 * visibleZ(1e-6, id === 'bit-planes' ? 8 : cells)) / Math.sqrt(n), 9)
    // Two channels, of which one is off: three tables are looked at.
    const both = Float64Array.of(...counts(mask, 0), ...counts(mask, more))
    expect(found(id, { bytes: both, lengths: new Map([[n, 2]]) }).p).toBeCloseTo(
      Math.min(1, 3 * (id === 'bit-planes' ? 8 : cells) * normalTwoSided(sum / Math.sqrt(n))),
      12,
    )
    expect(found(id, { bytes: counts(mask, -more), lengths }).value).toBeCloseTo(-more / 800, 12)
  })

  test('bit planes see no XOR of two bits, and parities do', () => {
    const evidence = { bytes: counts(0b11, 20), lengths }
    expect(found('bit-planes', evidence).p).toBe(1)
    expect(found('byte-parities', evidence).p).toBeLessThan(1e-30)
  })

  test('chi-square of pooled counts, all and by channel', () => {
    const flat = counts(1, 30)
    // As chance would have it in one channel, off in the other; too flat a channel would be off as well.
    const off = Float64Array.of(...counts(1, 20), ...flat)
    expect(found('channel-histograms', { bytes: off, lengths }).value).toBeCloseTo((256 * 900) / 400, 9)
    expect(found('histogram', { bytes: off, lengths }).value).toBeCloseTo((256 * 2500) / 800, 9)
    const { effect } = found('histogram', { bytes: flat, lengths }).visible!
    expect(n * (effect / 50) ** 2).toBeCloseTo(visibleNoncentrality(255, 0.5e-6), 3)
  })

  test('serial bits, parities of blocks and places: the largest z of all cells', () => {
    const serial = new Float64Array(64 * 9)
    serial[64 * 2 + 9] = -500
    const pairs = new Float64Array(9).fill(10_000)
    expect(found('serial-bits', { serial, serialPairs: pairs })).toMatchObject({
      value: -0.025,
      p: expect.closeTo(576 * normalTwoSided(5), 12) as number,
    })
    const parity = new Float64Array(54)
    parity[9 * 5 + 8] = 60
    const blocks = Float64Array.of(3200, 1600, 800, 400, 200, 100)
    expect(found('block-parity', { parity, parityBlocks: blocks })).toMatchObject({
      value: 0.3,
      p: expect.closeTo(54 * normalTwoSided(6), 12) as number,
    })
    const parts = new Float64Array(512)
    for (const cell of [0, 1, 8, 9]) parts[8 * cell + 2] = 30
    const places = new Float64Array(64).fill(100)
    // Four parts of 8 x 8 make one of 4 x 4: 120 of 400.
    expect(found('picture-parts', { parts, partPlaces: places })).toMatchObject({
      value: 0.15,
      p: expect.closeTo(672 * normalTwoSided(6), 12) as number,
    })
    const ends = new Float64Array(1024)
    ends[3] = 64
    expect(found('cipher-ends', { ends, lengths: new Map([[500, 64]]) })).toMatchObject({
      value: 0.5,
      p: expect.closeTo(1024 * normalTwoSided(8), 20) as number,
    })
    expect(found('cipher-ends', { ends, lengths: new Map([[500, 29]]) })).toBeUndefined()
  })

  test('plain bits: the largest of those that vary, and what it is', () => {
    const masks = new Float64Array(256 * 9)
    const maskVariances = new Float64Array(9).fill(10_000)
    maskVariances[4] = 1
    masks[256 * 4 + 3] = 999
    masks[256 * 6] = 9999
    masks[256 * 6 + 5] = 600
    expect(found('plain-bits', { masks, maskVariances })).toMatchObject({
      value: 0.06,
      p: expect.closeTo(8 * 255 * normalTwoSided(6), 12) as number,
      note: 'bit 6 of the plain byte, bit 0 xor 2 of the cipher byte',
    })
    const places = new Float64Array(64 * 64)
    const placeVariances = new Float64Array(512).fill(400)
    places[64 * 17 + 8 * 3 + 1] = 140
    expect(found('plain-places', { places, placeVariances })).toMatchObject({
      p: expect.closeTo(4096 * normalTwoSided(7), 14) as number,
      note: 'plain bit 3, cipher bit 1 in byte 17 of 64',
    })
  })
})

describe('tests of many keys', () => {
  const search: KeySearch = {
    keys: 64,
    cipherBytes: 768,
    agreements: 50,
    cells: 1000,
    longestRun: 2,
    flips: Array.from({ length: 256 }, () => 0.5),
    equivalents: [],
    tried: 2 ** 14,
    equalPairs: 0,
  }
  const found = (id: string, changes: Partial<KeySearch> = {}) =>
    TESTS.find(test => test.id === id)!.keys!({ ...search, ...changes }, 1e-6)!

  test('bits that change nothing, and changes of a whole key', () => {
    expect(found('key-bits-unused')).toMatchObject({ value: 0, p: 1 })
    expect(found('key-bits-unused', { flips: [0.5, 0, 0.5] })).toMatchObject({ value: 1, p: 0 })
    expect(found('key-bits-unused', { equivalents: ['its complement'] })).toMatchObject({ value: 0, p: 0 })
  })

  test('bits that change too little, or too much', () => {
    for (const share of [0.45, 0.55])
      expect(found('key-bits-weak', { flips: [0.5, share, 0.5] })).toMatchObject({
        value: share,
        p: expect.closeTo(3 * normalTwoSided(0.1 * Math.sqrt(8 * 768)), 12) as number,
      })
  })

  test('equal ciphers: none are expected, and 24 bits would have shown', () => {
    expect(found('equal-ciphers')).toMatchObject({ value: 0, p: 1 })
    expect(found('equal-ciphers', { equalPairs: 8 })).toMatchObject({
      p: 0,
      note: expect.stringContaining('about 24.0 bits') as string,
    })
    // 2^14 keys make 2^27 pairs; ln 10 of them are to be equal on average.
    expect(found('equal-ciphers').visible!.effect).toBeCloseTo(27 - Math.log2(Math.LN10), 3)
  })

  test('bits of the key at fixed places: the chance of so many agreements, either way, in so many pairs', () => {
    expect(found('key-bits-printed')).toMatchObject({
      value: 50 / 64,
      p: expect.closeTo(1000 * 2 * binomialUpper(50, 64, 0.5), 12) as number,
    })
    expect(found('key-bits-printed', { agreements: 64 }).p).toBeCloseTo(2000 * 2 ** -64, 20)
    const needed = (found('key-bits-printed').visible!.effect / 100) * 64
    expect(2000 * binomialUpper(needed, 64, 0.5)).toBeLessThan(1e-6)
    expect(2000 * binomialUpper(needed - 1, 64, 0.5)).toBeGreaterThan(1e-6)
  })

  test('agreements of bits are counted over keys, a slow twin', () => {
    const rows = (width: number, seed: number) =>
      Array.from({ length: 40 }, (_, i) =>
        Uint8Array.from({ length: width }, (_, at) => (((i + 3) * (at + seed) * 2_654_435_761) >>> 13) & 255),
      )
    const [keys, ciphers] = [rows(3, 1), rows(5, 77)]
    // Bit 6 of the second cipher byte is the opposite of bit 1 of the last key byte in all but two.
    ciphers.forEach((cipher, i) => {
      const copied = ((keys[i]![2]! >> 1) & 1) ^ (i < 2 ? 0 : 1)
      cipher[1] = (cipher[1]! & ~64) | (copied << 6)
    })
    let most = 0
    for (let k = 0; k < 24; k++) {
      for (let c = 0; c < 40; c++) {
        const equal = keys.filter(
          (key, i) => ((key[k >> 3]! >> (k & 7)) & 1) === ((ciphers[i]![c >> 3]! >> (c & 7)) & 1),
        ).length
        most = Math.max(most, equal, 40 - equal)
      }
    }
    expect(mostAgreeing(keys, ciphers)).toEqual({ agreements: most, cells: 24 * 40 })
    expect(most).toBeGreaterThanOrEqual(38)
  })

  test('runs of key bytes at any place', () => {
    const key = Uint8Array.of(1, 2, 3, 4, 5)
    expect(longestShared(key, Uint8Array.of(9, 2, 3, 4, 9, 1, 2, 9))).toBe(3)
    expect(longestShared(key, Uint8Array.of(2, 4, 1))).toBe(1)
    expect(longestShared(key, Uint8Array.of(0, 9))).toBe(0)
    expect(longestShared(key, Uint8Array.of(1, 1, 2, 3, 4, 5))).toBe(5)
    // 31 beginnings, two directions, so many places, 256^-2 each.
    expect(runTail(2, 32, 100)).toBeCloseTo((2 * 31 * 100) / 65_536, 12)
    expect([runTail(0, 32, 100), runTail(1, 32, 1000)]).toEqual([1, 1])
    expect(found('key-bytes-printed').visible!.effect).toBe(6)
  })
})
