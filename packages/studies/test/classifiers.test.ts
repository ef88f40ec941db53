import { KeyStream, LatentError, sha256Of } from '@latent/core'
import {
  build,
  type Expr,
  initialise,
  layers,
  leaves,
  mapTree,
  openStepper,
  type Operand,
  type Parameter,
  parameterCount,
  shape,
  tensor,
  type Tensor,
  type Tree,
} from '@latent/graph'
import type { LabelledSet } from '@latent/data'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Classifier,
  classifierTraining,
  drawRicap,
  findClassifier,
  measureNormalisation,
  openPredictor,
  placeImage,
  PRESETS,
  residualNetwork,
  resNet18,
  resNet20,
  ricap,
  scheduleOf,
  softLabels,
  type Task,
  trainingBatches,
} from '../src/learnability/classifiers/index.ts'
import { changeColours } from '../src/learnability/classifiers/colour-jitter.ts'
import { atLength, LONG } from '../../../test/long.ts'

const colour: Task = { width: 32, height: 32, channels: 3, classes: 10 }
const grey: Task = { width: 28, height: 28, channels: 1, classes: 10 }

/** What the network gives for images of the task, without computing anything. */
function outputShape(
  { parameters, statistics, logits }: Classifier,
  { width, height, channels }: Task,
  batch = 2,
): readonly (number | string)[] {
  const like = (tree: Tree<Parameter>) =>
    mapTree(tree as object, (_, leaf) => shape((leaf as unknown as Parameter).dims))
  const args = { p: like(parameters), statistics: like(statistics), images: shape([batch, channels, height, width]) }
  const model = build(
    (traced: { p: Tree<Expr>; statistics: Tree<Expr>; images: Expr }) =>
      logits(traced.p as Tree<Operand>, traced.statistics as Tree<Operand>, traced.images, layers.batchNorm),
    args as never,
  )
  return model.outputs[0]!.dims
}

describe('networks', () => {
  test('have the parameters that their papers count', () => {
    expect(parameterCount(resNet20(colour).parameters)).toBe(269_722)
    expect(parameterCount(resNet20(colour, 'projection').parameters)).toBe(272_474)
    expect(parameterCount(resNet18(colour).parameters)).toBe(11_173_962)
    expect(parameterCount(resNet18(grey).parameters)).toBe(11_173_962 - 2 * 9 * 64)
    expect(parameterCount(findClassifier('quick', colour).parameters)).toBe(660_842)
    // The stem, three groups of two convolutions, a scale and a shift for each channel, the classes.
    expect(parameterCount(findClassifier('wide', colour).parameters)).toBe(
      12 * 32 + 9 * (32 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256) + 2 * (32 + 2 * (64 + 256 + 256)) + 2570,
    )
    // Patches, places, six blocks, the last norm, the classes.
    expect(parameterCount(findClassifier('vit', colour).parameters)).toBe(
      48 * 128 + 128 + 64 * 128 + 6 * (4 * 128 + 4 * 128 * 128 + 4 * 128 + 8 * 128 * 128 + 5 * 128) + 2 * 128 + 1290,
    )
  })

  test.each(['quick', 'wide', 'resnet-20', 'resnet-18', 'vit'])('%s takes grey and colour images', id => {
    for (const task of [colour, grey]) expect(outputShape(findClassifier(id, task), task)).toEqual([2, 10])
  })

  test('stages of odd size keep their last row and column, with and without parameters in the shortcut', () => {
    for (const shortcut of ['zeros', 'projection'] as const) {
      expect(
        outputShape(
          residualNetwork(
            'odd',
            { ...grey, classes: 3 },
            {
              stem: 16,
              shortcut,
              stages: [2, 2, 2].map((stride, i) => ({ width: 16 << i, blocks: 1, stride: stride as 2 })),
            },
          ),
          grey,
        ),
      ).toEqual([2, 3])
    }
  })

  test('every statistic belongs to one norm', () => {
    for (const id of ['quick', 'wide', 'resnet-18']) {
      const { parameters, statistics } = findClassifier(id, colour)
      expect(leaves<Parameter>(statistics).length).toBe(
        leaves<Parameter>(parameters).filter(([path]) => path.includes('norm')).length,
      )
    }
  })

  test('a prediction is the largest score, and lacking weights are named', async () => {
    const network = findClassifier('quick', grey)
    const weights = Object.fromEntries(
      leaves<Tensor>((await initialise(network.parameters as object, 3)) as Tree<Tensor>).map(([path, value]) => [
        `network.${path}`,
        value,
      ]),
    )
    const statistics = Object.fromEntries(
      leaves<Tensor>((await initialise(network.statistics as object, 3)) as Tree<Tensor>),
    )
    // The dense layer's bias decides where its weights are zero.
    const bias = weights['network.dense.bias']!
    const decided = {
      ...weights,
      'network.dense.weight': { ...weights['network.dense.weight']!, data: new Float32Array(960) },
      'network.dense.bias': { ...bias, data: Float32Array.from({ length: 10 }, (_, i) => (i === 7 ? 1 : 0)) },
    }
    const predictor = await openPredictor(network, grey, { weights: decided, statistics, batchSize: 3 }, { threads: 1 })
    expect([...(await predictor.classes(new Float32Array(3 * 784).fill(0.5), 2))]).toEqual([7, 7])
    await predictor.close()
    await expect(openPredictor(network, grey, { weights: {}, statistics, batchSize: 1 })).rejects.toThrow(
      /network\.stem/,
    )
  })

  // Small images: the same operators in the same order, in seconds; but for the eleven million weights of ResNet-18.
  test.each([
    ['quick', 8, 'sgd'],
    ['wide', 16, 'muon'],
    ['resnet-20', 8, 'sgd'],
    ['vit', 8, 'sgd'],
    ...(LONG ? ([['resnet-18', 8, 'sgd']] as const) : []),
  ] as const)(`%s learns a batch by heart${atLength}`, async (id, side, optimiser) => {
    const task: Task = { width: side, height: side, channels: 3, classes: 4 }
    const settings = { batchSize: 8, weightDecay: 1e-4, optimiser }
    const training = classifierTraining(findClassifier(id, task), task, settings)
    const stepper = await openStepper(training, 1, { threads: 1 })
    try {
      const pixels = await (
        await KeyStream.create(sha256Of(Uint8Array.of(9)), 'latent/v1/test')
      ).bytes(8 * 3 * side * side)
      const images = tensor(
        'f32',
        [8, 3, side, side],
        Float32Array.from(pixels, value => value / 128 - 1),
      )
      const labels = tensor(
        'f32',
        [8, 4],
        Float32Array.from({ length: 32 }, (_, i) => (i % 4 === (i >> 2) % 4 ? 1 : 0)),
      )
      const losses: number[] = []
      for (let step = 0; step < 12; step++) losses.push((await stepper.advance({ images, labels }, [0.02]))['loss']!)
      expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]!)
    } finally {
      await stepper.close()
    }
  })

  test('an unknown network is refused by name', () => {
    expect(() => findClassifier('constructor', grey)).toThrow(LatentError)
  })
})

const bytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => sha256Of(Uint8Array.of(seed, i & 255, i >> 8))[0]!)
const stream = (seed: number) => KeyStream.create(sha256Of(Uint8Array.of(seed)), 'latent/v1/test')

function toySet(count: number, { width = 6, height = 5, channels = 3, classes = 4 } = {}): LabelledSet {
  return {
    width,
    height,
    channels,
    classes,
    samples: bytes(count * width * height * channels, 1),
    labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
  }
}

describe('augmentation', () => {
  test('an image is placed as the definition says', () => {
    const set = toySet(1)
    const normalisation = { mean: [0.2, 0.3, 0.4], deviation: [0.5, 0.6, 0.7] }
    fc.assert(
      fc.property(
        fc.integer({ min: -4, max: 4 }),
        fc.integer({ min: -4, max: 4 }),
        fc.boolean(),
        (down, right, mirrored) => {
          const out = new Float32Array(90)
          placeImage(set.samples, set, normalisation, { down, right, mirrored }, out)
          const at = (y: number, x: number, c: number) =>
            y < 0 || y > 4 || x < 0 || x > 5 ? 0 : set.samples[(y * 6 + (mirrored ? 5 - x : x)) * 3 + c]!
          for (let c = 0; c < 3; c++)
            for (let y = 0; y < 5; y++)
              for (let x = 0; x < 6; x++)
                expect(out[c * 30 + y * 6 + x]).toBeCloseTo(
                  (at(y + down, x + right, c) / 255 - normalisation.mean[c]!) / normalisation.deviation[c]!,
                  5,
                )
        },
      ),
      { numRuns: 40 },
    )
  })

  test('mean and deviation of channels; a constant channel is left to stand', () => {
    const set = toySet(20)
    for (let i = 2; i < set.samples.length; i += 3) set.samples[i] = 51
    const { mean, deviation } = measureNormalisation(set)
    for (const c of [0, 1]) {
      const values = [...set.samples].filter((_, i) => i % 3 === c).map(value => value / 255)
      const expected = values.reduce((sum, value) => sum + value, 0) / values.length
      expect(mean[c]).toBeCloseTo(expected, 10)
      expect(deviation[c]).toBeCloseTo(
        Math.sqrt(values.reduce((sum, value) => sum + (value - expected) ** 2, 0) / values.length),
        10,
      )
    }
    expect(mean[2]).toBeCloseTo(0.2, 10)
    expect(deviation[2]).toBe(1)
  })

  test('RICAP: every pixel and every label comes from where the plan says', async () => {
    const set = toySet(1)
    const [n, { width, height, channels, classes }] = [7, set]
    for (let seed = 0; seed < 12; seed++) {
      const images = Float32Array.from({ length: n * width * height * channels }, (_, i) => i)
      const labels = softLabels([0, 1, 2, 3, 0, 1, 2], classes, 0.1)
      const plan = await drawRicap(await stream(seed), n, set, 0.3)
      const mixed = ricap(images, labels, plan, set)
      const [columns, rows] = plan.cut
      const shares = [
        columns * rows,
        (width - columns) * rows,
        columns * (height - rows),
        (width - columns) * (height - rows),
      ].map(area => area / (width * height))
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
      for (let i = 0; i < n; i++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const { order, left, top } = plan.quarters[(y < rows ? 0 : 2) + (x < columns ? 0 : 1)]!
            const [v, u] = [top + y - (y < rows ? 0 : rows), left + x - (x < columns ? 0 : columns)]
            for (let c = 0; c < channels; c++)
              expect(mixed.images[((i * channels + c) * height + y) * width + x]).toBe(
                images[((order[i]! * channels + c) * height + v) * width + u],
              )
          }
        }
        for (let c = 0; c < classes; c++)
          expect(mixed.labels[i * classes + c]).toBeCloseTo(
            plan.quarters.reduce((sum, { order }, k) => sum + shares[k]! * labels[order[i]! * classes + c]!, 0),
            5,
          )
      }
    }
  })

  test('RICAP borders have the moments of Beta(0.3, 0.3)', async () => {
    const draws: number[] = []
    for (let seed = 0; seed < 250; seed++)
      draws.push(
        ...(await drawRicap(await stream(seed), 1, { width: 10_000, height: 10_000 }, 0.3)).cut.map(
          cut => cut / 10_000,
        ),
      )
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length
    // Mean 1/2 and variance 1 / (4 (2 b + 1)) = 0.15625; four standard errors.
    expect(Math.abs(mean - 0.5)).toBeLessThan((4 * 0.395) / Math.sqrt(500))
    expect(Math.abs(variance - 0.15625)).toBeLessThan(0.02)
  })

  test('labels are spread and stay probabilities', () => {
    const soft = softLabels([2, 0], 4, 0.1)
    expect([...soft].map(value => Number(value.toFixed(4)))).toEqual([
      0.025, 0.025, 0.925, 0.025, 0.925, 0.025, 0.025, 0.025,
    ])
  })

  test('a batch depends on the seed and the step alone, and an epoch shows every image once', async () => {
    const set = toySet(12, { channels: 1 })
    const options = { padding: 1, mirror: true, ricap: 0.3, smoothing: 0.1, batchSize: 4 }
    const make = (seed: number) => trainingBatches(set, measureNormalisation(set), { ...options, seed })
    const [first, again, other] = [await make(1)(5), await make(1)(5), await make(2)(5)]
    expect(again).toEqual(first)
    expect(other['images']!.data).not.toEqual(first['images']!.data)
    expect(await make(1)(6)).not.toEqual(first)
    const still = trainingBatches(
      set,
      { mean: [0], deviation: [1] },
      { padding: 0, mirror: false, smoothing: 0, batchSize: 4, seed: 3 },
    )
    const seen: string[] = []
    for (let step = 0; step < 3; step++) {
      const { data } = (await still(step))['images']!
      for (let i = 0; i < 4; i++)
        seen.push(
          Array.from(data.subarray(30 * i, 30 * (i + 1)) as Float32Array, value => Math.round(255 * value)).join(),
        )
    }
    expect(seen.sort()).toEqual(
      Array.from({ length: 12 }, (_, i) => [...set.samples.subarray(30 * i, 30 * (i + 1))].join()).sort(),
    )
  })

  test('colours change as described', () => {
    const none = { brightness: 1, contrast: 1, saturation: 1, hue: 0, order: [0, 1, 2, 3] }
    const picture = bytes(60, 9)
    expect(changeColours(picture, 3, none)).toEqual(picture)
    expect(changeColours(picture, 3, { ...none, hue: 1 })).toEqual(picture)
    const red = Uint8Array.of(200, 0, 0)
    expect([...changeColours(red, 3, { ...none, hue: 1 / 3 })]).toEqual([0, 200, 0])
    expect([...changeColours(red, 3, { ...none, hue: -1 / 3 })]).toEqual([0, 0, 200])
    expect([...changeColours(red, 3, { ...none, saturation: 0 })]).toEqual([60, 60, 60])
    expect([...changeColours(Uint8Array.of(10, 250), 1, { ...none, brightness: 2 })]).toEqual([20, 255])
    expect([...changeColours(Uint8Array.of(10, 30), 1, { ...none, contrast: 0, saturation: 0, hue: 0.4 })]).toEqual([
      20, 20,
    ])
    expect([...picture]).toEqual([...bytes(60, 9)])
  })
})

test('learning rates rise and fall to nothing', () => {
  for (const presets of Object.values(PRESETS)) {
    for (const settings of Object.values(presets)) {
      const rates = Array.from({ length: 400 }, (_, step) => scheduleOf(settings)(step, 400))
      expect(Math.max(...rates)).toBeLessThanOrEqual(settings.rate)
      expect(Math.max(...rates)).toBeGreaterThan(0.98 * settings.rate)
      expect(Math.min(...rates)).toBeGreaterThan(0)
      expect(rates.at(-1)).toBeLessThan(0.01 * settings.rate)
    }
  }
})
