import { type ImageCipher, image, LatentError } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { chaoticStream, logisticMap } from '@latent/schemes/chaos'
import { drawPicture } from '@latent/data'
import { jpegRoundTrip } from '@latent/data/node'
import { baselines } from './fixtures/ciphers.ts'
import { failing } from './fixtures/failing.ts'
import { describe, expect, test } from 'vitest'
import {
  bootstrapMean,
  claims,
  CONTROL_IDS,
  controlDeviations,
  CONTROLS,
  histogramTest,
  type ImageRow,
  judge,
  measureImage,
  median,
  nullRates,
  oneBitChanged,
  oneSampleChanged,
  parseRows,
  PUBLISHED_RATE,
  requireControls,
  rowName,
  summarise,
  TEST_IDS,
  TESTS,
  toWire,
  TOGETHER,
  type TestId,
} from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const WIDTH = 176
const HEIGHT = 132
const SHOTS = 8

const measured = new Map<string, Promise<ImageRow[]>>()
/** Rows of a baseline, which many tests look at, measured once. */
const baselineRows = (id: string): Promise<ImageRow[]> => {
  const rows = measured.get(id) ?? rowsOf(baselines[id]!())
  measured.set(id, rows)
  return rows
}

async function rowsOf(cipher: ImageCipher, name = 'picture'): Promise<ImageRow[]> {
  const kinds = ['landscape', 'street', 'marble', 'dunes'] as const
  return Promise.all(
    Array.from({ length: SHOTS }, async (_, seed) =>
      measureImage(cipher, await drawPicture(kinds[seed % 4]!, WIDTH, HEIGHT, seed), {
        imageId: `${name}-${seed}`,
        seed,
      }),
    ),
  )
}

const info = (ciphers: readonly ImageCipher[]) => ({
  version: 1 as const,
  data: 'test',
  images: SHOTS,
  seeds: 1,
  machine: 'test',
  schemes: ciphers.map(({ id, title, traits, keySpace }) => ({ id, title, traits, ...(keySpace ? { keySpace } : {}) })),
})

/** What eight pictures can fail: ends take thirty, and no baseline prints its key. */
const ALL = TESTS.filter(({ measure, keys }) => !keys || measure)
  .map(({ id }) => id)
  .filter(id => !['cipher-ends', 'key-bytes-printed'].includes(id))
/** Of single pictures alone: what sums over all of them find in weak key streams and permutations is another matter. */
const CLASSIC = TESTS.filter(({ group }) => !TOGETHER.includes(group)).map(({ id }) => id)
/** Nothing beside what they are known for, in sums neither. */
const NOISE = [
  'aes-256-ctr',
  'aes-256-gcm',
  'chacha20',
  'random-bytes',
  'aes-256-ctr-fixed',
  'xor-reused-mask',
  'aes-256-cbc',
]
const PIXEL: TestId[] = ['pixel-npcr', 'pixel-uaci', 'pixel-avalanche']
const CORRELATIONS = TEST_IDS.filter(id => id.startsWith('correlation'))

describe('every baseline fails exactly the tests that it should', () => {
  const expected: [id: string, fails: TestId[]][] = [
    ['aes-256-ctr', []],
    ['aes-256-gcm', []],
    ['chacha20', []],
    ['random-bytes', []],
    ['aes-256-ctr-fixed', [...PIXEL, 'mask-reuse']],
    ['xor-reused-mask', [...PIXEL, 'mask-reuse']],
    ['skew-tent-xor', [...PIXEL, 'mask-reuse']],
    ['pwlcm-xor', [...PIXEL, 'mask-reuse']],
    ['aes-256-cbc', PIXEL],
    ['identity', ALL],
    ['arnold-cat-map', ALL],
  ]

  test.each(expected)('%s', async (id, fails) => {
    const looked = NOISE.includes(id) || id === 'identity' ? TEST_IDS : CLASSIC
    const found = failing(await baselineRows(id)).filter(test => looked.includes(test))
    expect(found).toEqual(looked.filter(test => fails.includes(test)))
  })

  test('exact-flow fails none', async () => {
    const flow = await openScheme('exact-flow')
    const rows = await rowsOf(flow.cipher)
    await flow.close()
    expect(failing(rows)).toEqual([])
    expect(
      rows.every(({ quality, observed }) => quality.exact && observed.lengthPreserving && !observed.randomised),
    ).toBe(true)
  })

  test('fixed-permutation: all but the correlation of neighbours, which it hides well', async () => {
    const fails = failing(await baselineRows('fixed-permutation')).filter(id => CLASSIC.includes(id))
    // Nor is it a mask: XOR with a known pair opens nothing.
    expect(fails.filter(id => !CORRELATIONS.includes(id))).toEqual(
      CLASSIC.filter(id => !CORRELATIONS.includes(id) && id !== 'mask-reuse'),
    )
    expect(fails).not.toEqual(CLASSIC)
  })

  test('the logistic map: as the other streams with most keys, and one key in fifty is weak', async () => {
    const fails = failing(await rowsOf(baselines['logistic-xor']!(), 'most'))
    expect(fails.filter(id => CLASSIC.includes(id))).toEqual([...PIXEL, 'mask-reuse'])
    const uniform = (i: number) =>
      chaoticStream(logisticMap, 0.3, logisticMap.parameter((i + 0.5) / 400), 'trailing', 8192)
    const weak = Array.from({ length: 400 }, (_, i) => histogramTest(uniform(i))!.p < 1e-9).filter(Boolean)
    expect(weak.length).toBeGreaterThan(2)
    expect(weak.length).toBeLessThan(25)
  })

  test('the leading bits of the logistic map show its density and its smoothness', async () => {
    expect(failing(await baselineRows('logistic-leading-xor'))).toEqual(
      expect.arrayContaining(['histogram', 'entropy', 'local-entropy', ...CORRELATIONS, ...PIXEL, 'mask-reuse']),
    )
  })
})

describe('the null bands hold', () => {
  const trials = LONG ? 200 : 40
  test(`AES-CTR, ${trials} trials: each at its rate; the published local entropy rejects 72 %${atLength}`, async () => {
    const rates = await nullRates(baselines['aes-256-ctr']!(), await drawPicture('landscape', WIDTH, HEIGHT), trials)
    expect(rates.filter(({ asStated }) => !asStated)).toEqual([])
    expect(rates.map(({ test }) => test)).toEqual([...ALL, 'key-bytes-printed', 'local-entropy, published interval'])
    const published = rates.at(-1)!
    // Three and a half deviations.
    const near = 3.5 * Math.sqrt((PUBLISHED_RATE * (1 - PUBLISHED_RATE)) / trials)
    expect(Math.abs(published.at95 - PUBLISHED_RATE)).toBeLessThan(near)
  })

  test('a wrong band is noticed: the checks are not vacuous', async () => {
    const rates = await nullRates(
      baselines['logistic-leading-xor']!(),
      await drawPicture('landscape', WIDTH, HEIGHT),
      30,
    )
    expect(rates.find(({ test }) => test === 'histogram')!.asStated).toBe(false)
  })
})

describe('controls', () => {
  /** Of the controls, with the rows of others in the place of some. */
  const summaryOf = async (replace: Record<string, Promise<ImageRow[]>> = {}) => {
    const ciphers = CONTROL_IDS.map(id => baselines[id]!())
    const rows = (
      await Promise.all(
        ciphers.map(async ({ id }) => (await (replace[id] ?? baselineRows(id))).map(row => ({ ...row, scheme: id }))),
      )
    ).flat()
    return summarise(info(ciphers), rows)
  }

  test('behave, and a run with them is judged', async () => {
    expect((await summaryOf()).controlDeviations).toEqual([])
  })

  test('a negative control that fails, or a positive one that passes, spoils the run', async () => {
    const broken = await summaryOf({ 'random-bytes': baselineRows('identity') })
    expect(broken.controlDeviations).toContain('random-bytes fails histogram')
    expect(() => requireControls(broken.controlDeviations)).toThrow(LatentError)
    const blind = await summaryOf({ 'xor-reused-mask': baselineRows('aes-256-ctr') })
    expect(blind.controlDeviations).toEqual(
      expect.arrayContaining(['xor-reused-mask passes pixel-npcr', 'xor-reused-mask passes mask-reuse']),
    )
    expect(() => requireControls(blind.controlDeviations)).toThrowError(
      expect.objectContaining({ code: 'E_CONTROLS' }) as Error,
    )
  })

  test('so does one that changes what it was given', async () => {
    const vandal: ImageCipher = {
      ...baselines['identity']!(),
      async encrypt(plain, key, options) {
        const cipher = await baselines['identity']!().encrypt(plain, key, options)
        plain.data[5] = plain.data[5]! ^ 255
        return cipher
      },
    }
    expect((await summaryOf({ identity: rowsOf(vandal) })).controlDeviations).toEqual(
      expect.arrayContaining([expect.stringContaining('identity is not what it says')]),
    )
  })

  test('a control that was not measured spoils the run', () => {
    expect(controlDeviations(() => undefined)).toHaveLength(CONTROL_IDS.length)
    expect(Object.values(CONTROLS).some(({ role }) => role === 'negative')).toBe(true)
  })
})

describe('judging', () => {
  test('one replicate just outside never fails a scheme; one far outside does', () => {
    expect(judge([0.005])).toEqual({ replicates: 1, passed: 0, smallestP: 0.005, p: 0.005 })
    expect(judge([0.5, 0.5, 1e-9])).toMatchObject({ passed: 2, p: 3 * (3 * 1e-9) })
    expect(judge([])).toMatchObject({ replicates: 0, p: 1 })
  })

  test('too many replicates a little outside fail it', () => {
    const values = (outside: number) => Array.from({ length: 100 }, (_, i) => (i < outside ? 0.005 : 0.5))
    expect(judge(values(5)).p).toBeGreaterThan(1e-3)
    expect(judge(values(9)).p).toBeLessThan(1e-4)
  })

  test('bootstrap intervals cover, shrink with replicates, and repeat', () => {
    const values = Array.from({ length: 400 }, (_, i) => (i * 37) % 101)
    const all = bootstrapMean(values)
    expect(all).toEqual(bootstrapMean(values))
    expect(all.low).toBeLessThan(all.mean)
    expect(all.high).toBeGreaterThan(all.mean)
    const few = bootstrapMean(values.slice(0, 20))
    expect(few.high - few.low).toBeGreaterThan(2 * (all.high - all.low))
    expect(bootstrapMean([3, 5])).toEqual({ mean: 4, low: 3, high: 5, replicates: 2 })
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5])
  })
})

describe('measuring', () => {
  test('the same image and seed give the same row', async () => {
    const plain = await drawPicture('street', 64, 48)
    const measure = (seed: number) => measureImage(baselines['chacha20']!(), plain, { imageId: 'a', seed })
    expect(await measure(1)).toEqual(await measure(1))
    expect((await measure(2)).tests).not.toEqual((await measure(1)).tests)
  })

  test('a row survives JSON, and a half-written last line is dropped', async () => {
    const row = await measureImage(baselines['aes-256-gcm']!(), await drawPicture('street', 64, 48), {
      imageId: 'a',
      seed: 0,
      robustness: true,
      jpeg: jpegRoundTrip,
    })
    const text = `${JSON.stringify(row)}\n`
    expect(parseRows(`${text}${text.slice(0, 90)}`)).toEqual({ rows: [row], length: text.length })
    expect(rowName(row)).toBe('image aes-256-gcm 0 a')
    expect(row).toMatchObject({
      wrongKey: 'refused',
      trail: 'refused',
      observed: { exact: true, lengthPreserving: true, randomised: true, argumentsUntouched: true },
    })
    expect(row.robustness!.every(({ quality }) => quality === undefined)).toBe(true)
    expect(text).not.toMatch(/"data"|key":"|\d{300}/)
  })

  test('small and flat images leave out what they cannot show', async () => {
    const dot = image({ width: 5, height: 4, channels: 1, format: 'u8', data: new Uint8Array(20).fill(7) })
    const row = await measureImage(baselines['aes-256-ctr']!(), dot, { imageId: 'dot', seed: 0, robustness: true })
    expect(row.tests).toEqual({})
    expect(row.quality).toMatchObject({ exact: true, psnr: null, ssim: null })
  })

  test('a digit of 28 x 28 is enough for sensitivity; histograms are pooled', async () => {
    const digit = image({
      width: 28,
      height: 28,
      channels: 1,
      format: 'u8',
      data: Uint8Array.from({ length: 784 }, (_, i) => (i % 28 > 10 && i % 28 < 16 ? 255 : 0)),
    })
    const measure = (id: string) =>
      Promise.all(
        Array.from({ length: 40 }, (_, seed) =>
          measureImage(baselines[id]!(), digit, { imageId: `digit-${seed}`, seed }),
        ),
      )
    const rows = await measure('aes-256-ctr')
    expect(['histogram', 'entropy', 'local-entropy'].filter(id => id in rows[0]!.tests)).toEqual([])
    const { histogram, entropy } = summarise(info([baselines['aes-256-ctr']!()]), rows).results[0]!.tests
    expect(histogram).toMatchObject({ verdict: 'not contradicted', replicates: 0 })
    expect(histogram!.together!.value).toBe(histogram!.value.mean)
    expect(entropy!.value.mean).toBeGreaterThan(7.97)
    const plain = summarise(info([baselines['identity']!()]), await measure('identity')).results[0]!.tests
    expect([plain.histogram!.verdict, plain.entropy!.verdict]).toEqual(['fails', 'fails'])
  })

  test('16-bit images are measured on both bytes', async () => {
    const deep = image({
      width: 64,
      height: 64,
      channels: 1,
      format: 'u16',
      data: Uint16Array.from({ length: 4096 }, (_, i) => i * 13),
    })
    const row = await measureImage(baselines['aes-256-ctr']!(), deep, { imageId: 'deep', seed: 0 })
    expect(row.wire).toBe('u16')
    expect(row.tests.histogram!.p).toBeGreaterThan(1e-6)
  })

  test('a cipher that lies about its traits is found out', async () => {
    const liar: ImageCipher = {
      ...baselines['random-bytes']!(),
      id: 'liar',
      traits: { ...baselines['random-bytes']!().traits, exact: true, randomised: false },
      async encrypt(plain, key, options) {
        plain.data[0] = 99
        return baselines['random-bytes']!().encrypt(plain, key, options)
      },
    }
    const rows = [await measureImage(liar, await drawPicture('street', 64, 48), { imageId: 'a', seed: 0 })]
    const [result] = summarise(info([liar]), rows).results
    // Random where it says deterministic shows only against a second draw, which its nonce-free calls give.
    expect(result!.contradicted).toEqual(expect.arrayContaining(['exact', 'leaves its arguments alone', 'randomised']))
  })

  test('a float cipher is measured through each wire', async () => {
    const soft: ImageCipher = {
      id: 'soft',
      title: 'soft',
      traits: {
        exact: false,
        wire: ['f32', 'u16', 'u8'],
        lengthPreserving: false,
        secret: 'weights',
        randomised: false,
        learnable: false,
      },
      encrypt: async (plain, _key, { wire = 'f32' } = {}) =>
        toWire(image({ ...plain, format: 'f32', data: Float32Array.from(plain.data, v => (v / 255) ** 0.5) }), wire),
      decrypt: async cipher =>
        image({
          ...cipher,
          format: 'u8',
          data: Uint8Array.from(cipher.data, v =>
            Math.round((cipher.format === 'f32' ? v : v / (cipher.format === 'u8' ? 255 : 65535)) ** 2 * 255),
          ),
        }),
    }
    const row = await measureImage(soft, await drawPicture('gradient', 64, 48), {
      imageId: 'a',
      seed: 0,
      robustness: true,
    })
    const at = (kind: string) => row.robustness!.find(point => point.kind === kind)!.quality!
    expect(row).toMatchObject({ wire: 'f32', quality: { exact: true }, expansion: 4 })
    expect(row.wires!.u8!.psnr).toBeCloseTo(at('wire-u8').psnr!, 9)
    const [result] = summarise(info([soft]), [row]).results
    expect(result!.wires.map(({ format }) => format)).toEqual(['u16', 'u8'])
    expect(claims(result!)[0]!.say).toMatch(
      /through a f32 cipher\. Through a u16 cipher: .* Through a u8 cipher: \d+\.\d dB\./,
    )
    expect(at('wire-u16').psnr ?? Infinity).toBeGreaterThan(at('wire-u8').psnr!)
  })

  test('one sample, one bit', () => {
    const plain = image({ width: 2, height: 1, channels: 1, format: 'u8', data: Uint8Array.of(255, 3) })
    expect(Array.from(oneSampleChanged(plain, 0).data)).toEqual([0, 3])
    expect(Array.from(oneBitChanged(Uint8Array.of(0, 0), 9))).toEqual([0, 2])
  })
})

describe('claims', () => {
  const summaryOf = async (id: string) => {
    const cipher = baselines[id]!()
    return summarise(info([cipher]), await baselineRows(id)).results[0]!
  }
  const standing = async (id: string) =>
    Object.fromEntries(claims(await summaryOf(id)).map(claim => [claim.topic, claim.standing]))

  test('follow the results, and security is never one of them', async () => {
    expect(await standing('aes-256-ctr')).toEqual({
      Recovery: 'not contradicted',
      'Uniform cipher': 'not contradicted',
      'Unrelated neighbours': 'not contradicted',
      'Cipher unlike its plain': 'not contradicted',
      Diffusion: 'not contradicted',
      'Key sensitivity': 'not contradicted',
      'Second use of a key': 'not contradicted',
      'Uniform in every place': 'not contradicted',
      'No repetition': 'not contradicted',
      'No key in the cipher': 'not contradicted',
      // Nobody looked at many keys.
      'The whole key is used': 'not measured',
      'Key space': 'as stated',
      Security: 'not measured',
    })
    expect(await standing('xor-reused-mask')).toMatchObject({
      'Uniform cipher': 'not contradicted',
      Diffusion: 'contradicted',
      'Second use of a key': 'contradicted',
      Security: 'not measured',
    })
    expect(await standing('identity')).toMatchObject({
      Recovery: 'not contradicted',
      'Uniform cipher': 'contradicted',
      'Key sensitivity': 'contradicted',
    })
  })

  test('a scheme that was never measured may claim nothing', () => {
    const cipher = baselines['identity']!()
    const found = claims(summarise(info([cipher]), []).results[0]!)
    expect(found.filter(({ topic }) => topic !== 'Key space').every(claim => claim.standing === 'not measured')).toBe(
      true,
    )
  })

  test('no sentence speaks of bits of security', async () => {
    const sentences = (await Promise.all(['aes-256-gcm', 'logistic-xor', 'identity'].map(summaryOf)))
      .flatMap(claims)
      .map(({ say }) => say)
    expect(sentences.filter(say => /\d+-bit security|unbreakable|military/i.test(say))).toEqual([])
  })
})
