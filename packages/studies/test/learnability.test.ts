import { image, KeyStream, LatentError, sha256Of, toHex } from '@latent/core'
import { drawText, type LabelledSet } from '@latent/data'
import { readLabelledSet } from '@latent/data/node'
import { spearman, studentMean } from '@latent/lab'
import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findSettings } from '../src/learnability/classifiers/index.ts'
import { PUBLISHED_ACCURACY } from '../src/learnability/published.ts'
import {
  variantInformation,
  encryptImage,
  encryptSet,
  imageOf,
  isShortened,
  keyFileVariant,
  learnabilityPage,
  learningDeviations,
  type LearningRow,
  type LearningRun,
  openVariant,
  requireLearningControls,
  summariseLearning,
} from '../src/learnability/index.ts'
import { learnability, type LearnabilityOptions, readLearningSummary } from '../src/learnability/run.ts'
import { writePage } from '../src/node/study.ts'
import { renderStudy } from '../src/html.ts'
import { pageMarkdown } from '../src/index.ts'
import { atLength, LONG } from '../../../test/long.ts'

const LATENT_DATA = process.env['LATENT_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname

describe('rank correlation', () => {
  test('perfect orders, and their chance', () => {
    expect(spearman([1, 5, 9], [2, 3, 4])).toEqual({ rho: 1, p: 1 / 6, points: 3 })
    expect(spearman([1, 2, 3, 4, 5], [9, 7, 5, 3, 1])).toMatchObject({ rho: -1, p: 1 })
    expect(spearman([1, 2, 3, 4, 5, 6, 7], [1, 4, 9, 16, 25, 36, 49])!.p).toBeCloseTo(1 / 5040, 12)
  })

  test('a hand-ranked example with ties', () => {
    // Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: deviations give 4.5 / sqrt(4.5 * 5).
    expect(spearman([10, 20, 20, 30], [1, 3, 2, 4])!.rho).toBeCloseTo(4.5 / Math.sqrt(22.5), 12)
  })

  test('nothing to correlate', () => {
    expect(spearman([1, 2], [1, 2])).toBeUndefined()
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined()
    expect(() => spearman([1], [])).toThrow(LatentError)
  })

  test('depends on order alone, and exact and normal chances meet', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 3, maxLength: 7 }),
        fc.nat(),
        (x, turn) => {
          const y = x.map((_, i) => x[(i + turn) % x.length]! * 3 + 1)
          const found = spearman(x, y)!
          expect(
            spearman(
              x.map(value => value ** 3),
              y.map(value => Math.exp(value / 50)),
            )!.rho,
          ).toBeCloseTo(found.rho, 9)
          expect(
            found.p +
              spearman(
                x,
                y.map(value => -value),
              )!.p,
          ).toBeGreaterThanOrEqual(1 - 1e-9)
        },
      ),
      { numRuns: 50 },
    )
    const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    const mixed = [2, 1, 4, 3, 9, 5, 6, 8, 7]
    const normal = spearman([...nine, 10], [...mixed, 10])!
    expect(Math.abs(spearman(nine, mixed)!.p - normal.p)).toBeLessThan(0.01)
  })
})

test('Student’s interval of three values', () => {
  const { mean, low, high, replicates } = studentMean([1, 2, 3])
  expect([mean, replicates]).toEqual([2, 3])
  // t of 2 degrees of freedom at 0.975 is 4.302653.
  expect(high - 2).toBeCloseTo(4.302653 / Math.sqrt(3), 5)
  expect(2 - low).toBeCloseTo(high - 2, 12)
  expect(studentMean([5])).toEqual({ mean: 5, low: 5, high: 5, replicates: 1 })
})

test('the published drops are those of the abstract, 0.3 to 6.5 points', () => {
  const drops = ['mnist', 'fashion-mnist', 'cifar10'].flatMap(set =>
    (['ResNet-18', 'ViT'] as const).map(model =>
      Number(
        (PUBLISHED_ACCURACY[set]![model]['plain']! - PUBLISHED_ACCURACY[set]![model]['vortex-published']!).toFixed(2),
      ),
    ),
  )
  expect(drops).toEqual([0.31, 0.32, 1.27, 2.34, 5.24, 6.46])
})

const noise = async (count: number, channels: number, side: number): Promise<LabelledSet> => ({
  width: side,
  height: side,
  channels,
  classes: 2,
  samples: await (
    await KeyStream.create(sha256Of(Uint8Array.of(channels)), 'latent/v1/test')
  ).bytes(count * channels * side * side),
  labels: new Uint8Array(count),
})

describe('variants', () => {
  test('vortices of one seed are nested, other seeds have others', async () => {
    const set = await noise(1, 1, 28)
    const shown = async (id: string, seed: number) =>
      (await encryptSet(await openVariant(id, { seed, channels: 1, keyFiles: {} }), set, 'test')).samples
    const differing = async (a: string, b: string) => {
      const [x, y] = [await shown(a, 1), await shown(b, 1)]
      return x.filter((value, i) => value !== y[i]).length
    }
    expect(await shown('vortex:5', 1)).toEqual(await shown('vortex:5', 1))
    expect(await shown('vortex:5', 1)).not.toEqual(await shown('vortex:5', 2))
    expect(await differing('plain', 'vortex:5')).toBeGreaterThan(await differing('plain', 'vortex:2'))
    expect(await differing('plain', 'plain')).toBe(0)
  })

  test('one key for all images, or new nonces: training, test and probe images never share one', async () => {
    const set = await noise(2, 3, 8)
    const same = {
      ...set,
      samples: Uint8Array.from([...set.samples.subarray(0, 192), ...set.samples.subarray(0, 192)]),
    }
    for (const [id, fresh] of [
      ['le', false],
      ['ele', false],
      ['pe', false],
      ['etc', false],
      ['fixed-permutation', false],
      ['per-image-permutation', true],
      ['aes', true],
      ['pixel-based-fresh', true],
    ] as const) {
      const variant = await openVariant(id, { seed: 1, channels: 3, keyFiles: {} })
      const [train, test_] = [
        (await encryptSet(variant, same, 'train')).samples,
        (await encryptSet(variant, same, 'test')).samples,
      ]
      const parts = [
        train.subarray(0, 192),
        train.subarray(192),
        test_.subarray(0, 192),
        (await encryptImage(variant, imageOf(same, 0), 'probe', 0)).data,
      ].map(part => [...part].join())
      expect({ id, different: new Set(parts).size }).toEqual({ id, different: fresh ? 4 : 1 })
      expect(parts[0]).not.toBe([...same.samples.subarray(0, 192)].join())
    }
  })

  test('the key stream of an image is not that of its neighbour a block further on', async () => {
    const black: LabelledSet = { ...(await noise(3, 1, 28)), samples: new Uint8Array(3 * 784) }
    for (const id of ['aes', 'chacha20', 'per-image-permutation']) {
      const { samples } = await encryptSet(
        await openVariant(id, { seed: 1, channels: 1, keyFiles: {} }),
        {
          ...black,
          samples: id === 'per-image-permutation' ? black.samples.map((_, i) => (i % 784) & 255) : black.samples,
        },
        'train',
      )
      const streams = [0, 1, 2].map(i => toHex(samples.subarray(i * 784, (i + 1) * 784)))
      // Any 16 bytes of one image's stream, at whatever place in another's.
      const shared = [
        [0, 1],
        [1, 2],
        [0, 2],
      ].flatMap(([a, b]) =>
        Array.from({ length: 48 }, (_, block) => streams[a!]!.slice(32 * block, 32 * (block + 1))).filter(block =>
          streams[b!]!.includes(block),
        ),
      )
      expect({ id, shared }).toEqual({ id, shared: [] })
    }
  })

  test('a key file of one’s own is a variant of its own, named after its content', async () => {
    const file = (side: number) =>
      new TextEncoder().encode(JSON.stringify({ imageSide: side, profileDivisor: 1, vortices: [] }))
    expect(keyFileVariant(file(28))).toMatch(/^vortex-file-[0-9a-f]{8}$/)
    expect(keyFileVariant(file(28))).not.toBe(keyFileVariant(file(32)))
    const variant = await openVariant(keyFileVariant(file(28)), {
      seed: 1,
      channels: 1,
      keyFiles: { [keyFileVariant(file(28))]: file(28) },
    })
    expect(variant.title).not.toContain('published')
    await expect(openVariant(keyFileVariant(file(28)), { seed: 1, channels: 1, keyFiles: {} })).rejects.toMatchObject({
      code: 'E_DATA',
    })
  })

  test('unknown, unfit and keyless variants are refused', async () => {
    const context = { seed: 1, channels: 3, keyFiles: {} }
    for (const id of ['nope', 'vortex:', 'vortex:0', 'constructor', 'skew'])
      await expect(openVariant(id, context)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(openVariant('vortex-published', context)).rejects.toMatchObject({ code: 'E_DATA' })
  })

  test('information loss: none, some, nearly all; undefined where values change', async () => {
    for (const channels of [1, 3]) {
      const set = await noise(4, channels, 28)
      const of = async (id: string) =>
        variantInformation(await openVariant(id, { seed: 2, channels, keyFiles: {} }), set)
      expect(await of('plain')).toEqual({ coordinates: 0, weighted: 0 })
      const losses = [
        await of('vortex:1'),
        await of('vortex:5'),
        await of('vortex:20'),
        await of('per-image-permutation'),
      ].map(found => found!.coordinates)
      expect(losses).toEqual(losses.toSorted((a, b) => a - b))
      expect(losses[3]).toBeGreaterThan(0.9)
      expect((await of('fixed-permutation'))!.coordinates).toBeGreaterThan(0.9)
      for (const id of ['le', 'pe', 'etc', 'aes']) expect(await of(id)).toBeUndefined()
    }
  })
})

const run: LearningRun = {
  version: 1,
  data: 'mnist',
  preset: 'two-core',
  settings: findSettings('two-core', 'mnist'),
  parameters: 100,
  train: 60_000,
  test: 1000,
  testClasses: Array.from({ length: 10 }, () => 100),
  limited: false,
}
const row = (variant: string, seed: number, correct: number, coordinates?: number): LearningRow => ({
  variant,
  title: variant,
  seed,
  correct,
  images: 1000,
  steps: 10,
  seconds: 1,
  unchanged: 0.5,
  curve: [
    { step: 5, loss: 2 },
    { step: 10, loss: 1, accuracy: correct / 1000 },
  ],
  ...(coordinates === undefined ? {} : { information: { coordinates, weighted: coordinates / 2 } }),
})

describe('controls', () => {
  test.each([
    ['as known', [row('plain', 1, 990), row('aes', 1, 103)], []],
    [
      'a learned negative control',
      [row('plain', 1, 990), row('aes', 1, 160)],
      ['aes was learned: 16.00 % under seed 1'],
    ],
    [
      'a negative control below chance',
      [row('plain', 1, 990), row('aes', 2, 40)],
      ['aes is below chance: 4.00 % under seed 2'],
    ],
    [
      'an unlearned positive control',
      [row('plain', 1, 110), row('aes', 1, 100)],
      ['plain was not learned: 11.00 % under seed 1'],
    ],
    [
      'a positive control that fell short',
      [row('plain', 1, 900), row('aes', 1, 100)],
      ['plain fell short of what these settings reach: 90.00 % under seed 1'],
    ],
  ])('%s', (_, rows, deviations) => {
    expect(learningDeviations(run, rows)).toEqual(deviations)
  })

  test('nothing is summed up when a control deviates', () => {
    expect(() => summariseLearning(run, 'm', [row('plain', 1, 990), row('aes', 1, 160)], ['plain', 'aes'])).toThrow(
      expect.objectContaining({ code: 'E_CONTROLS' }),
    )
  })

  test('no interval of an accuracy reaches beyond 0 and 100 %, however far seeds are apart', () => {
    const rows = [
      [990, 200],
      [700, 5],
      [999, 5],
    ].flatMap(([high, low], i) => [
      row('plain', i + 1, 995),
      row('aes', i + 1, 100),
      row('pe', i + 1, high!),
      row('le', i + 1, low!),
    ])
    const { variants } = summariseLearning(run, 'm', rows, ['plain', 'aes', 'pe', 'le'])
    const of = (id: string) => variants.find(({ variant }) => variant === id)!
    expect(of('pe').accuracy).toMatchObject({ high: 1, low: expect.closeTo(0.896333 - 0.42, 1) as number })
    expect(of('le').accuracy).toMatchObject({ low: 0, high: expect.closeTo(0.07 + 0.28, 1) as number })
    expect(of('le').drop.high).toBeGreaterThan(100)
  })

  test('a classifier that always says the most frequent class has learned nothing', () => {
    const uneven = { ...run, testClasses: [300, 50, 50, 100, 100, 100, 100, 100, 50, 50] }
    expect(learningDeviations(uneven, [row('aes', 1, 300), row('aes', 2, 50)])).toEqual([])
  })

  test('missing controls are no controls', () => {
    expect(() => requireLearningControls(run, [row('plain', 1, 990)])).toThrow(/aes was not trained/)
  })
})

test('summary: drops are taken seed by seed, correlations leave the plain variant out', async () => {
  const rows = [1, 2].flatMap(seed => [
    row('plain', seed, 990 - seed, 0),
    row('aes', seed, 100),
    row('vortex:1', seed, 980, 0.1),
    row('vortex:2', seed, 970, 0.2),
    row('vortex:5', seed, 960, 0.3),
    row('fixed-permutation', seed, 940, 0.95),
    row('pe', seed, 955),
  ])
  const summary = summariseLearning(run, 'two cores', rows, [
    'plain',
    'vortex:1',
    'vortex:2',
    'vortex:5',
    'fixed-permutation',
    'pe',
    'aes',
  ])
  const vortex = summary.variants.find(({ variant }) => variant === 'vortex:2')!
  expect(vortex.drops.map(drop => Number(drop.toFixed(6)))).toEqual([1.9, 1.8])
  expect(vortex.drop.mean).toBeCloseTo(1.85, 9)
  expect(summary.variants.map(({ variant, information }) => [variant, information !== undefined])).toEqual([
    ['plain', true],
    ['vortex:1', true],
    ['vortex:2', true],
    ['vortex:5', true],
    ['fixed-permutation', true],
    ['pe', false],
    ['aes', false],
  ])
  expect(summary.correlations.map(({ coordinates }) => [coordinates!.rho, coordinates!.points])).toEqual([
    [1, 4],
    [1, 3],
    [expect.closeTo(0.956, 3), 6],
  ])

  const page = await learnabilityPage([summary])
  const markdown = pageMarkdown(page, 'latent lab learnability')
  expect(markdown).toContain(
    '| `vortex:2`: vortex:2 | 97.00 (97.00 to 97.00) | 1.85 (1.21 to 2.49) | 0.200 | 0.100 | 50.0 % |',
  )
  expect(markdown).toContain('| `plain`: plain | 98.85')
  expect(markdown).toContain('| 99.20 | 99.47 |')
  expect(markdown).toContain('![MNIST: information loss')
  const html = renderStudy(page, 'latent <lab>')
  expect(html).toMatch(/<code>vortex:2<\/code>: vortex:2<\/th><td>97\.00/)
  expect(html).toContain('latent &lt;lab&gt;')
  expect((html.match(/<svg/g) ?? []).length).toBe(3)
  expect(html).not.toContain('undefined')
  const both = await learnabilityPage([summary, { ...summary, run: { ...run, data: 'cifar10' } }])
  expect(both.sections[0]!.tables![0]!.rows.map(row => [row[0], row[3], row[5], row[7]])).toEqual([
    ['MNIST', '99.20', '0.31', '28.99'],
    ['CIFAR-10', '92.80', '5.24', '42.80'],
  ])
  expect(both.sections.map(({ heading }) => heading).filter(heading => heading.endsWith('accuracy'))).toEqual([
    'MNIST: accuracy',
    'MNIST: information loss against accuracy',
    'CIFAR-10: accuracy',
    'CIFAR-10: information loss against accuracy',
  ])
})

const LETTERS = 'ACEFILMNOP'

/** Capitals of our own at random places, in the idx form of MNIST: a set that a small network learns in seconds. */
async function writeLetters(root: string, counts: { train: number; t10k: number }): Promise<void> {
  await mkdir(join(root, 'mnist'), { recursive: true })
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/test/letters')
  for (const [split, count] of Object.entries(counts)) {
    const [images, labels] = [new Uint8Array(16 + count * 784), new Uint8Array(8 + count)]
    new DataView(images.buffer).setUint32(0, 0x803)
    new DataView(labels.buffer).setUint32(0, 0x801)
    for (const [i, value] of [count, 28, 28].entries()) new DataView(images.buffer).setUint32(4 + 4 * i, value)
    new DataView(labels.buffer).setUint32(4, count)
    const places = await stream.integers(2 * count, 8)
    for (let i = 0; i < count; i++) {
      const picture = image({ width: 28, height: 28, channels: 3, format: 'u8', data: new Uint8Array(28 * 28 * 3) })
      drawText(picture, LETTERS[i % 10]!, 2 + places[2 * i]!, places[2 * i + 1]!, 3, [220, 220, 220])
      for (let p = 0; p < 784; p++) images[16 + 784 * i + p] = picture.data[3 * p]!
      labels[8 + i] = i % 10
    }
    await writeFile(join(root, 'mnist', `${split}-images-idx3-ubyte`), images)
    await writeFile(join(root, 'mnist', `${split}-labels-idx1-ubyte.gz`), gzipSync(labels))
  }
}

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-learnability-'))
  await writeLetters(root, { train: 1280, t10k: 200 })
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('labelled sets', () => {
  test('images and labels, all or the first', async () => {
    const set = await readLabelledSet('mnist', 'test', undefined, root)
    expect({ ...set, samples: set.samples.length, labels: [...set.labels.subarray(0, 12)] }).toEqual({
      width: 28,
      height: 28,
      channels: 1,
      classes: 10,
      samples: 200 * 784,
      labels: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1],
    })
    expect((await readLabelledSet('mnist', 'train', 30, root)).labels.length).toBe(30)
  })

  test('unknown, missing and mixed sets are refused', async () => {
    await expect(readLabelledSet('imagenet', 'train', undefined, root)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(readLabelledSet('cifar10', 'train', undefined, root)).rejects.toMatchObject({ code: 'E_DATA' })
    const broken = join(root, 'broken')
    await writeLetters(broken, { train: 20, t10k: 10 })
    const labels = join(broken, 'mnist', 't10k-labels-idx1-ubyte')
    await writeFile(labels, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3))
    await expect(readLabelledSet('mnist', 'test', undefined, broken)).rejects.toThrow(/10 images and 3 labels/)
    await writeFile(labels, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    await expect(readLabelledSet('mnist', 'test', undefined, broken)).rejects.toThrow(/image 9 .* unknown label 10/)
    const images = join(broken, 'mnist', 'train-images-idx3-ubyte')
    const packed = gzipSync(await readFile(images))
    await rm(images)
    await writeFile(`${images}.gz`, packed.subarray(0, packed.length - 9))
    await expect(readLabelledSet('mnist', 'train', undefined, broken)).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining('gzip'),
    })
    await writeLetters(broken, { train: 0, t10k: 10 })
    await expect(readLabelledSet('mnist', 'train', undefined, broken)).rejects.toMatchObject({ code: 'E_DATA' })
    await rm(labels)
    await writeFile(`${labels}.gz`, Uint8Array.of(1, 2, 3))
    await expect(readLabelledSet('mnist', 'test', undefined, broken)).rejects.toMatchObject({ code: 'E_DATA' })
  })

  test.skipIf(!existsSync(join(LATENT_DATA, 'mnist')))(
    'the real sets have the classes that are known of them',
    async () => {
      const counts = ({ labels }: LabelledSet) =>
        Array.from({ length: 10 }, (_, label) => labels.filter(found => found === label).length)
      expect(counts(await readLabelledSet('mnist', 'test', undefined, LATENT_DATA))).toEqual([
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
      ])
      expect(counts(await readLabelledSet('fashion-mnist', 'test', undefined, LATENT_DATA))).toEqual(
        Array.from({ length: 10 }, () => 1000),
      )
      // Frog, truck, truck, deer, automobile: the first five of CIFAR-10.
      const cifar = await readLabelledSet('cifar10', 'train', 1500, LATENT_DATA)
      expect([cifar.channels, cifar.width, ...cifar.labels.subarray(0, 5)]).toEqual([3, 32, 6, 9, 9, 4, 1])
    },
  )
})

describe('a comparison', () => {
  const options = (out: string, more: Partial<LearnabilityOptions> = {}): LearnabilityOptions => ({
    data: 'mnist',
    variants: ['vortex:2'],
    seeds: 1,
    preset: 'two-core',
    epochs: 3,
    out: join(root, out),
    resume: false,
    workers: 1,
    root,
    ...more,
  })
  /** What must be equal however often a run was broken off: the loss is told at other steps then. */
  const results = async (out: string) =>
    (await readFile(join(root, out, 'rows.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as LearningRow)
      .map(({ variant, seed, correct, curve }) => ({
        variant,
        seed,
        correct,
        watched: curve.flatMap(({ step, accuracy }) => (step % 10 === 0 ? [accuracy] : [])),
      }))
      .sort((a, b) => (a.variant < b.variant ? -1 : 1))

  test.runIf(LONG)(
    `learns plain letters and not AES, stopped and resumed${atLength}`,
    async () => {
      const stop = new AbortController()
      const broken = learnability(
        options('broken-off', {
          signal: stop.signal,
          onProgress: ({ variant, step }) => variant === 'vortex:2' && step >= 10 && stop.abort(),
        }),
      )
      await expect(broken).rejects.toMatchObject({ code: 'E_INTERRUPTED' })
      expect(await readdir(join(root, 'broken-off'))).not.toContain('summary.json')
      expect(await readdir(join(root, 'broken-off', 'training'))).toEqual(['vortex-2-1'])
      await expect(learnability(options('broken-off'))).rejects.toMatchObject({ code: 'E_EXISTS' })
      await expect(learnability(options('broken-off', { resume: true, epochs: 2 }))).rejects.toMatchObject({
        code: 'E_EXISTS',
      })
      const told: string[] = []
      const summary = await learnability(
        options('broken-off', {
          resume: true,
          onRow: ({ variant }, done, total) => void told.push(`${variant} ${done} of ${total}`),
        }),
      )
      expect(told).toEqual(['vortex:2 2 of 3', 'aes 3 of 3'])
      expect(isShortened(summary.run)).toBe(true)
      const accuracy = Object.fromEntries(summary.variants.map(({ variant, accuracies }) => [variant, accuracies[0]!]))
      expect(accuracy['plain']).toBeGreaterThan(0.3)
      expect(accuracy['aes']).toBeLessThan(0.25)
      expect(await readdir(join(root, 'broken-off', 'training'))).toEqual([])
      expect(await readLearningSummary(join(root, 'broken-off'))).toEqual(JSON.parse(JSON.stringify(summary)))

      await writePage(await learnabilityPage([summary]), {
        folder: join(root, 'page'),
        file: 'learnability.md',
        command: 'c',
      })
      expect((await readdir(join(root, 'page'))).sort()).toEqual([
        'learnability.md',
        'mnist-curves.svg',
        'mnist-loss-vortices.svg',
        'mnist-loss.svg',
      ])
    },
    300_000,
  )

  test.runIf(LONG)(
    `what was stopped and resumed gives what an unbroken run gives${atLength}`,
    async () => {
      const enough = new AbortController()
      await expect(
        learnability(
          options('whole', { signal: enough.signal, onRow: ({ variant }) => variant === 'vortex:2' && enough.abort() }),
        ),
      ).rejects.toMatchObject({ code: 'E_INTERRUPTED' })
      expect(await results('broken-off')).toEqual(expect.arrayContaining(await results('whole')))
      expect((await results('whole')).map(({ variant }) => variant)).toEqual(['plain', 'vortex:2'])
    },
    300_000,
  )

  test.runIf(LONG)(
    `what release 0.2 wrote is read, and gone on with, nothing trained again${atLength}`,
    async () => {
      const [from, to] = [join(root, 'broken-off'), join(root, 'of-0.2')]
      await mkdir(to)
      for (const name of await readdir(from)) {
        if (!/\.jsonl?$/.test(name)) continue
        const text = await readFile(join(from, name), 'utf8')
        const old = text.replaceAll('"variant":', '"arm":').replaceAll('"preset":', '"recipe":')
        await writeFile(join(to, name), old.replaceAll(/"variants":/g, '"arms":'))
      }
      expect(await readFile(join(to, 'rows.jsonl'), 'utf8')).toContain('"arm":"vortex:2"')
      expect(await readLearningSummary(to)).toEqual(await readLearningSummary(from))
      const trained: string[] = []
      const again = await learnability(
        options('of-0.2', { resume: true, onRow: ({ variant }) => void trained.push(variant) }),
      )
      expect(trained).toEqual([])
      expect(JSON.parse(JSON.stringify(again))).toEqual(await readLearningSummary(from))
    },
    300_000,
  )

  test.runIf(LONG)(
    `a key that does nothing gives the plain network, and is not trained again${atLength}`,
    async () => {
      const both = await learnability(options('idle-trained', { variants: ['identity'], epochs: 1, workers: 3 })).catch(
        (error: unknown) => error,
      )
      const rows = async (out: string) =>
        (await readFile(join(root, out, 'rows.jsonl'), 'utf8'))
          .trimEnd()
          .split('\n')
          .map(line => JSON.parse(line) as LearningRow)
      const one = async (out: string, variant: string) => (await rows(out)).find(row => row.variant === variant)!
      // One epoch leaves the plain variant too near to chance for a summary; the rows are what counts here.
      expect(both).toBeDefined()
      const [plain, trained] = [await one('idle-trained', 'plain'), await one('idle-trained', 'identity')]
      expect(trained.sameAs).toBeUndefined()
      expect([trained.correct, trained.curve]).toEqual([plain.correct, plain.curve])

      await learnability(options('idle', { variants: ['identity'], epochs: 1 })).catch(() => undefined)
      const taken = await one('idle', 'identity')
      expect(taken).toMatchObject({
        sameAs: 'plain',
        unchanged: 1,
        correct: plain.correct,
        curve: plain.curve,
        information: { coordinates: 0, weighted: 0 },
      })
      expect((await one('idle', 'aes')).sameAs).toBeUndefined()
    },
    300_000,
  )

  test('a folder whose run.json is damaged is refused by a code', async () => {
    await mkdir(join(root, 'torn'))
    await writeFile(join(root, 'torn', 'run.json'), '{ "version": 1, ')
    await expect(learnability(options('torn', { resume: true }))).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining('run.json'),
    })
  })

  test('what goes wrong on a thread keeps its code and names its variant', async () => {
    const training = join(root, 'damaged', 'training', 'plain-1')
    await mkdir(training, { recursive: true })
    await writeFile(join(training, 'checkpoint.safetensors'), Uint8Array.of(1, 2, 3))
    await expect(learnability(options('damaged', { variants: [] }))).rejects.toMatchObject({
      code: 'E_WEIGHTS',
      message: expect.stringMatching(/^plain: /),
    })
  })

  test('bad input is refused before anything is trained', async () => {
    await expect(learnability(options('a', { data: 'imagenet' }))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnability(options('a', { data: 'cifar10' }))).rejects.toMatchObject({ code: 'E_DATA' })
    await expect(learnability(options('a', { variants: ['nope'] }))).rejects.toMatchObject({
      code: 'E_ARGUMENT',
      message: expect.stringContaining('nope'),
    })
    await expect(learnability(options('a', { network: 'nope' }))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnability(options('a', { preset: 'nope' }))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnability(options('a', { seeds: 0 }))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnability(options('a', { train: 100 }))).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(learnability(options('a', { variants: ['vortex-published'] }))).rejects.toMatchObject({
      code: 'E_DATA',
    })
    const wrongSize = new TextEncoder().encode(JSON.stringify({ imageSide: 32, profileDivisor: 1, vortices: [] }))
    await expect(learnability(options('a', { variants: [], vortexKey: wrongSize }))).rejects.toMatchObject({
      code: 'E_KEY',
      message: expect.stringContaining('32x32'),
    })
    await expect(
      learnability(options('a', { variants: [], vortexKey: new TextEncoder().encode('{}') })),
    ).rejects.toMatchObject({ code: 'E_KEY' })
    expect(existsSync(join(root, 'a'))).toBe(false)
    await expect(readLearningSummary(join(root, 'a'))).rejects.toMatchObject({ code: 'E_DATA' })
  })

  // The reference values of the coordinate measure for whole key files.
  test.skipIf(!existsSync(join(LATENT_DATA, 'vortex-keys')))('the published keys fit their sets', async () => {
    for (const [file, channels, side, expected] of [
      ['mnist_result', 1, 28, 0.435],
      ['cifar', 3, 32, 0.271],
    ] as const) {
      const variant = await openVariant('vortex-published', {
        seed: 1,
        channels,
        keyFiles: { 'vortex-published': readFileSync(join(LATENT_DATA, 'vortex-keys', `${file}.json`)) },
      })
      const loss = await variantInformation(variant, await noise(1, channels, side))
      expect(Math.abs(loss!.coordinates - expected)).toBeLessThan(0.0006)
    }
  })
})
