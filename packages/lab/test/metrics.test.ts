import { image, type Image, KeyStream, sha256Of } from '@latent/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byteView,
  correlationBand,
  correlationTest,
  differential,
  DIRECTIONS,
  disturb,
  DISTURBANCES,
  entropyDeviation,
  entropyTest,
  expectedEntropy,
  gvdTest,
  histogramCritical,
  histogramTest,
  imageCorrelation,
  LOCAL_PUBLISHED,
  localCorrected,
  localEntropyTest,
  maskReuse,
  meanGradient,
  npcrLimits,
  npcrNull,
  npcrOneSidedLimit,
  plainDistanceTest,
  quality,
  shannonEntropy,
  structuralSimilarity,
  toWire,
  trail,
  uaciLimits,
  uaciNull,
} from '../src/index.ts'
import { naivePearson, naiveSsim } from './reference/metrics.ts'

const seed = (n: number) => sha256Of(Uint8Array.of(n))
const noise = async (n: number, length: number) => (await KeyStream.create(seed(n), 'latent/v1/test')).bytes(length)
const grey = (width: number, height: number, data: Uint8Array): Image<'u8'> =>
  image({ width, height, channels: 1, format: 'u8', data })
const xor = (x: Uint8Array, y: Uint8Array) => x.map((v, i) => v ^ y[i]!)
const percent = (x: number) => (100 * x).toFixed(4)

describe('critical values, to the printed digits', () => {
  const npcr: [n: number, ...limits: (string | undefined)[]][] = [
    [784, '99.2429', '99.0911', '98.9209'],
    [1024, '99.2887', '99.1559', '99.0070'],
    [3072, '99.4243'],
    [4096, '99.4491', '99.3826', '99.3082'],
    [16384, '99.5292', '99.4960', '99.4588'],
    [65536, '99.5693', '99.5527', '99.5341'],
    [196608, '99.5862'],
    [262144, '99.5893', '99.5810', '99.5717'],
    [786432, '99.5978'],
    [1048576, '99.5994', '99.5952', '99.5906'],
  ]
  test.each(npcr)('one-sided NPCR at n = %i', (n, ...limits) => {
    const levels = [0.05, 0.01, 0.001].slice(0, limits.length)
    expect(levels.map(alpha => percent(npcrOneSidedLimit(n, alpha)))).toEqual(limits)
  })

  const uaci: [n: number, ...limits: string[]][] = [
    [784, '31.8072-35.1199', '31.2867-35.6404', '30.6827-36.2444'],
    [1024, '32.0142-34.9129', '31.5588-35.3683', '31.0303-35.8968'],
    [3072, '32.6268-34.3003'],
    [4096, '32.7389-34.1882', '32.5112-34.4159', '32.2469-34.6802'],
    [16384, '33.1012-33.8259', '32.9874-33.9397', '32.8552-34.0718'],
    [65536, '33.2824-33.6447', '33.2255-33.7016', '33.1594-33.7677'],
    [196608, '33.3589-33.5681'],
    [262144, '33.3730-33.5541', '33.3445-33.5826', '33.3115-33.6156'],
    [786432, '33.4112-33.5158'],
    [1048576, '33.4183-33.5088', '33.4040-33.5231', '33.3875-33.5396'],
  ]
  test.each(uaci)('UACI at n = %i', (n, ...limits) => {
    const levels = [0.05, 0.01, 0.001].slice(0, limits.length)
    expect(levels.map(alpha => `${percent(uaciLimits(n, alpha).low)}-${percent(uaciLimits(n, alpha).high)}`)).toEqual(
      limits,
    )
  })

  test('means, and the two-sided NPCR limit that 100 % exceeds', () => {
    expect([percent(npcrNull(1).mean), uaciNull(1).mean.toFixed(7)]).toEqual(['99.6094', '0.3346354'])
    const { low, high } = npcrLimits(65536, 0.05)
    expect([percent(low), percent(high)]).toEqual(['99.5616', '99.6571'])
    expect(npcrLimits(65536, 0.001).high).toBeLessThan(1)
  })

  test('chi-square with 255 degrees of freedom', () => {
    expect([0.05, 0.01, 0.001].map(alpha => histogramCritical(alpha).toFixed(4))).toEqual([
      '293.2478',
      '310.4574',
      '330.5197',
    ])
  })

  test.each([
    [64, '5.7657'],
    [256, '7.1750'],
    [784, '7.7437'],
    [1024, '7.8088'],
    [3072, '7.9392'],
    [4096, '7.9546'],
    [65536, '7.9972'],
    [196608, '7.9991'],
    [262144, '7.9993'],
  ])('expected entropy at n = %i', (n, expected) => {
    expect(expectedEntropy(n).toFixed(4)).toBe(expected)
  })

  test('local entropy: the published intervals, what they are made of, and the corrected ones', () => {
    expect(expectedEntropy(1936)).toBeCloseTo(7.902469317, 8)
    expect(entropyDeviation(1936)).toBeCloseTo(0.00869422, 7)
    // The published half-width is that of one block over 30, not over the root of 30.
    expect(LOCAL_PUBLISHED[0.05].high - 7.902469317).toBeCloseTo((1.959964 * 0.00869422) / 30, 8)
    const shown = ([0.05, 0.01, 0.001] as const)
      .map(alpha => localCorrected(alpha))
      .map(({ low, high }) => `${low.toFixed(6)} - ${high.toFixed(6)}`)
    expect(shown).toEqual(['7.899358 - 7.905580', '7.898381 - 7.906558', '7.897246 - 7.907693'])
  })

  test.each([
    [2000, '0.0438'],
    [3000, '0.0358'],
    [5000, '0.0277'],
    [10000, '0.0196'],
    [65280, '0.0077'],
  ])('correlation band over %i pairs', (pairs, band) => {
    expect(correlationBand(pairs).toFixed(4)).toBe(band)
  })
})

describe('differential', () => {
  test('counts what the formulas say', () => {
    const d = differential(Uint8Array.of(0, 10, 255, 7), Uint8Array.of(0, 13, 0, 6))
    expect(d.npcr.value).toBe(0.75)
    expect(d.uaci.value).toBeCloseTo((3 + 255 + 1) / (255 * 4), 12)
    expect(d.avalanche.value).toBe((3 + 8 + 1) / 32)
  })

  test('rejects equal strings, and strings that differ everywhere', async () => {
    const a = await noise(1, 65536)
    expect(differential(a, a).npcr.p).toBeLessThan(1e-100)
    const shifted = a.map(v => v ^ 1)
    expect(differential(a, shifted).npcr).toMatchObject({ value: 1 })
    expect(differential(a, shifted).npcr.p).toBeLessThan(1e-50)
    expect(differential(a, shifted).uaci.value).toBeCloseTo(1 / 255, 12)
  })

  test('a reused mask falls to one known pair, an independent one does not', async () => {
    const [mask, a, b, other] = await Promise.all([1, 2, 3, 4].map(n => noise(n, 4096)))
    expect(maskReuse(a!, xor(a!, mask!), b!, xor(b!, mask!))).toMatchObject({ value: 1, p: 0 })
    expect(maskReuse(a!, xor(a!, mask!), b!, xor(b!, other!)).value).toBeLessThan(0.02)
    expect(maskReuse(a!, xor(a!, mask!), b!, xor(b!, other!)).p).toBeGreaterThan(0.99)
    // A sixteenth of a picture under the old mask is found; a hundredth is not called opening.
    const partly = (share: number) => xor(b!, other!).map((value, i) => (i < share * 4096 ? b![i]! ^ mask![i]! : value))
    expect(maskReuse(a!, xor(a!, mask!), b!, partly(1 / 16)).p).toBeLessThan(1e-9)
    expect(maskReuse(a!, xor(a!, mask!), b!, partly(1 / 100)).p).toBeGreaterThan(0.01)
  })
})

describe('histogram, entropy, correlation, disorder', () => {
  test('are at their worst for a flat image, and defined', async () => {
    const flat = new Uint8Array(100 * 100).fill(9)
    expect(histogramTest(flat)!.p).toBe(0)
    expect(entropyTest(flat)).toMatchObject({ value: 0, p: 0 })
    expect(correlationTest(flat, 100, 100, 1, 'horizontal')).toMatchObject({ value: 1, p: 0 })
    expect(imageCorrelation(flat, flat)).toBeUndefined()
    expect(gvdTest(flat, flat, 100, 100, 1)).toMatchObject({ value: 0 })
    expect(gvdTest(flat, flat, 100, 100, 1)!.p).toBeLessThan(1e-100)
  })

  test('a histogram flatter than chance is rejected', () => {
    const counter = Uint8Array.from({ length: 65536 }, (_, i) => i & 255)
    expect(histogramTest(counter)).toMatchObject({ value: 0, p: 0 })
    expect(entropyTest(counter)!.value).toBe(8)
    expect(entropyTest(counter)!.p).toBeLessThan(1e-10)
  })

  test('too small for a statistic means no statistic', async () => {
    const few = await noise(5, 784)
    expect(histogramTest(few)).toBeUndefined()
    expect(entropyTest(few)).toBeUndefined()
    expect(await localEntropyTest(few, 28, 28, 1, seed(1))).toBeUndefined()
    expect(correlationTest(few, 784, 1, 1, 'vertical')).toBeUndefined()
    expect(correlationTest(few, 10, 10, 1, 'horizontal')).toBeUndefined()
  })

  test('entropy of known histograms', () => {
    expect(shannonEntropy(Uint8Array.of(0, 1, 2, 3))).toBe(2)
    expect(shannonEntropy(Uint8Array.of(5, 5, 5, 9))).toBeCloseTo(0.811278, 6)
  })

  test('correlation equals its slow twin in every direction and channel', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 12, max: 16 }),
        fc.integer({ min: 12, max: 16 }),
        fc.constantFrom(1, 3),
        fc.nat(255),
        async (width, height, stride, n) => {
          const bytes = await noise(n, width * height * stride)
          for (const [direction, [dx, dy]] of Object.entries(DIRECTIONS)) {
            const { channels } = correlationTest(bytes, width, height, stride, direction as keyof typeof DIRECTIONS)!
            channels.forEach((r, c) => {
              const pairs: [number, number][] = []
              for (let y = 0; y + dy < height; y++) {
                for (let x = 0; x < width; x++) {
                  if (x + dx < 0 || x + dx >= width) continue
                  pairs.push([bytes[(y * width + x) * stride + c]!, bytes[((y + dy) * width + x + dx) * stride + c]!])
                }
              }
              expect(r).toBeCloseTo(naivePearson(pairs), 9)
            })
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  test('GVD by hand, and plain distance of a cipher that mirrors its plain', async () => {
    expect(meanGradient(Uint8Array.of(0, 2, 0, 4, 10, 6, 0, 8, 0), 3, 3, 1)).toBe((64 + 36 + 16 + 4) / 4)
    const plain = Uint8Array.from({ length: 65536 }, (_, i) => (i * 31) & 127)
    expect(plainDistanceTest(plain, plain).p).toBe(0)
    expect(
      plainDistanceTest(
        plain,
        plain.map(v => 255 - v),
      ).p,
    ).toBeLessThan(1e-10)
    expect(plainDistanceTest(plain, await noise(3, 65536)).p).toBeGreaterThan(1e-4)
  })
})

describe('quality', () => {
  test('equal images are exact, and never a number of decibels', () => {
    const a = grey(
      200,
      180,
      Uint8Array.from({ length: 36000 }, (_, i) => i & 255),
    )
    expect(quality(a, a)).toEqual({
      exact: true,
      mse: 0,
      psnr: Infinity,
      meanError: 0,
      maxError: 0,
      differing: 0,
      ssim: 1,
      msSsim: 1,
    })
  })

  test('one grey level wrong everywhere is 48.13 dB; one sample in 150,000 is 100 dB', () => {
    const a = grey(500, 300, new Uint8Array(150_000).fill(100))
    expect(quality(a, grey(500, 300, new Uint8Array(150_000).fill(101))).psnr).toBeCloseTo(48.1308, 4)
    const one = new Uint8Array(150_000).fill(100)
    one[77] = 101
    expect(quality(a, grey(500, 300, one))).toMatchObject({ exact: false, maxError: 1, differing: 1 / 150_000 })
    expect(quality(a, grey(500, 300, one)).psnr).toBeGreaterThan(99)
  })

  test('SSIM equals its slow twin', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 11, max: 16 }),
        fc.integer({ min: 11, max: 16 }),
        fc.nat(255),
        fc.integer({ min: 1, max: 90 }),
        async (width, height, n, spread) => {
          const a = grey(width, height, await noise(n, width * height))
          const shifts = await noise(n + 256, width * height)
          const b = grey(
            width,
            height,
            a.data.map((v, i) => Math.min(255, v + (shifts[i]! % spread))),
          )
          expect(structuralSimilarity(a, b).ssim).toBeCloseTo(naiveSsim(a, b), 9)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('MS-SSIM needs 176 pixels a side, and falls with noise', async () => {
    const a = grey(
      200,
      176,
      Uint8Array.from(
        { length: 35200 },
        (_, i) => 128 + 100 * Math.sin((i % 200) / 9) * Math.cos(Math.floor(i / 200) / 7),
      ),
    )
    const mild = (await disturb(a, { kind: 'gaussian', strength: 1e-4 }, seed(1)))!
    const harsh = (await disturb(a, { kind: 'gaussian', strength: 1e-2 }, seed(1)))!
    const [m, h] = [structuralSimilarity(a, mild), structuralSimilarity(a, harsh)]
    expect(m.msSsim!).toBeGreaterThan(h.msSsim!)
    expect(m.msSsim!).toBeLessThan(1)
    expect(
      structuralSimilarity(grey(175, 200, a.data.slice(0, 35000)), grey(175, 200, a.data.slice(0, 35000))).msSsim,
    ).toBeUndefined()
  })
})

describe('disturbances', () => {
  const plain = grey(64, 64, new Uint8Array(4096).fill(100))

  test('do what their names say, leave their argument alone, and repeat by seed', async () => {
    for (const disturbance of DISTURBANCES) {
      const once = await disturb(plain, disturbance, seed(1))
      const again = await disturb(plain, disturbance, seed(1))
      expect(once?.data).toEqual(again?.data)
    }
    expect(new Set(plain.data)).toEqual(new Set([100]))
    const share = async (...args: Parameters<typeof disturb>) => quality(plain, (await disturb(...args))!).differing
    expect(await share(plain, { kind: 'occlusion', strength: 1 / 4 }, seed(1))).toBe(1 / 4)
    const corner = (await disturb(plain, { kind: 'occlusion-corner', strength: 1 / 16 }, seed(1)))!
    expect([corner.data[0], corner.data[16], corner.data[15 * 64 + 15], corner.data[16 * 64]]).toEqual([0, 100, 0, 100])
    const blocks = await share(plain, { kind: 'occlusion-blocks', strength: 1 / 4 }, seed(1))
    expect((blocks * 4096) % 64).toBe(0)
    expect(Math.abs(blocks - 1 / 4)).toBeLessThan(0.2)
    expect(await share(plain, { kind: 'salt-pepper', strength: 0.1 }, seed(1))).toBeCloseTo(0.1, 1)
    const levels = (await disturb(plain, { kind: 'one-level', strength: 1 }, seed(1)))!
    expect(new Set(levels.data)).toEqual(new Set([99, 101]))
    const noisy = (await disturb(plain, { kind: 'gaussian', strength: 1e-3 }, seed(1)))!
    expect(quality(plain, noisy).mse / 65025).toBeCloseTo(1e-3, 4)
  })

  test('a wire format is applied only where it loses something', async () => {
    expect(await disturb(plain, { kind: 'wire-u8', strength: 1 }, seed(1))).toBeUndefined()
    const float = image({ width: 2, height: 1, channels: 1, format: 'f32', data: Float32Array.of(0.5, 1.2) })
    expect(Array.from((await disturb(float, { kind: 'wire-u8', strength: 1 }, seed(1)))!.data)).toEqual([128, 255])
    expect(Array.from(toWire(float, 'u16').data)).toEqual([32768, 65535])
    expect(Array.from(byteView(toWire(float, 'u16')))).toEqual([128, 0, 255, 255])
  })

  test('trail', () => {
    const damaged = plain.data.slice()
    damaged[10] = 0
    damaged[30] = 0
    expect(trail(plain, grey(64, 64, damaged))).toEqual({ damaged: 2, share: 2 / 4096, span: 21 })
    expect(trail(plain, plain)).toEqual({ damaged: 0, share: 0, span: 0 })
  })
})
