import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as layers from '../src/layers.ts'
import * as losses from '../src/losses.ts'
import * as op from '../src/ops.ts'
import { placementOf } from '../src/placement.ts'
import * as secrecy from '../src/secrecy.ts'
import { shape } from '../src/compile.ts'
import { tensor } from '../src/tensor.ts'
import { adam, sgd } from '../src/train/optimisers.ts'
import { openStepper } from '../src/train/stepper.ts'
import type { Training } from '../src/train/training.ts'

/*
 * Chromium's software adapter serves where there is no card: with Debian's chromium-common installed,
 * VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json LD_LIBRARY_PATH=/usr/lib/chromium npx vitest run
 * packages/graph/test/webgpu.test.ts
 */
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SOFTWARE)) process.env['VK_ICD_FILENAMES'] = SOFTWARE

const networks = {
  pair: {
    enter: layers.conv2dParameters(3, 8, 5),
    down: layers.conv2dParameters(8, 12, 3),
    block: layers.residualBlockParameters(12, { gain: 0.5 }),
    up: layers.convTranspose2dParameters(12, 8),
    leave: layers.conv2dParameters(8, 3, 3, { gain: 0.5 }),
  },
  judge: {
    look: layers.conv2dParameters(3, 4, 3),
    norm: layers.scaleParameters(4),
    score: layers.conv2dParameters(4, 1, 3),
  },
}

/** Two phases, running statistics, averages, clipping, sorting: every part of a step. */
const training: Training<
  typeof networks,
  { norm: layers.RunningStatistics<ReturnType<typeof layers.runningStatistics>['mean']> }
> = {
  networks,
  state: { norm: layers.runningStatistics(4) },
  batch: { x: shape([2, 3, 16, 16]) },
  average: 0.9,
  phases: [
    {
      name: 'judge',
      trains: ['judge'],
      optimiser: sgd(),
      loss: ({ networks: { judge }, state, batch }) => {
        const { y, running } = layers.batchNormTraining(layers.conv2d(judge.look, batch['x']!), judge.norm, state.norm)
        return {
          loss: losses.lsgan.generator(layers.conv2d(judge.score, op.leakyRelu(y, 0.2))),
          state: { norm: running },
        }
      },
    },
    {
      name: 'pair',
      trains: ['pair'],
      optimiser: adam(),
      clip: 1,
      loss: ({ networks: { pair }, batch }) => {
        const x = batch['x']!
        const inside = layers.residualBlock(
          pair.block,
          op.relu(
            layers.conv2d(pair.down, op.relu(layers.conv2d(pair.enter, layers.reflectionPad(x, 2), { padding: 0 })), {
              stride: 2,
            }),
          ),
        )
        const y = op.sigmoid(layers.conv2d(pair.leave, op.relu(layers.convTranspose2d(pair.up, inside))))
        const sent = op.mul(1 / 255, op.roundStraightThrough(op.mul(255, y)))
        const terms = [
          losses.mse(sent, x),
          op.sub(1, losses.ssim(y, x)),
          losses.uniformDistance(y),
          losses.neighbourCovariance(y),
          secrecy.localUniformity(y),
          ...Object.values(secrecy.outlines(y, x)),
        ]
        return { loss: terms.reduce((a, b) => op.add(a, b)), metrics: { mse: terms[0]! } }
      },
    },
  ],
}

const batch = (step: number) => ({
  x: tensor(
    'f32',
    [2, 3, 16, 16],
    Float32Array.from(
      { length: 1536 },
      (_, i) => 0.5 + 0.4 * Math.sin(0.37 * i + 1.7 * step) + 0.1 * Math.cos(5.1 * i),
    ),
  ),
})

const adapter = await openStepper(
  {
    networks: { w: layers.conv2dParameters(1, 1, 1) },
    batch: { x: shape([1, 1, 1, 1]) },
    phases: [
      {
        name: 'l',
        trains: ['w'],
        optimiser: sgd(),
        loss: ({ networks: { w }, batch }) => ({ loss: op.mean(op.square(layers.conv2d(w, batch['x']!))) }),
      },
    ],
  },
  1,
  { backend: 'ort-webgpu' },
).then(
  async stepper => {
    await stepper.close()
    return true
  },
  () => false,
)

describe.skipIf(!adapter)('training on WebGPU', { timeout: 180_000 }, () => {
  test('twenty steps give the losses, weights and statistics that the processor gives', async () => {
    const [card, processor] = [
      await openStepper(training, 7, { backend: 'ort-webgpu' }),
      await openStepper(training, 7, { backend: 'ort-node', threads: 1 }),
    ]
    try {
      expect(card.backend).toBe('ort-webgpu')
      for (let step = 0; step < 20; step++) {
        const [ours, theirs] = [
          await card.advance(batch(step), [1e-2, 1e-3]),
          await processor.advance(batch(step), [1e-2, 1e-3]),
        ]
        expect(Object.keys(ours)).toEqual(['judge', 'pair', 'pair.gradient', 'pair.mse'])
        // Sums in another order: 1e-3 of the value, and what a value that falls on the other side of a rounding
        // changes.
        for (const [name, value] of Object.entries(theirs))
          expect(Math.abs(ours[name]! - value), `${name} at step ${step}`).toBeLessThan(1e-3 * Math.abs(value) + 1e-5)
      }
      const furthest = (
        a: Record<string, { data: ArrayLike<number | bigint> }>,
        b: Record<string, { data: ArrayLike<number | bigint> }>,
      ) =>
        Math.max(
          ...Object.keys(b).map(path =>
            Math.max(...Array.from(b[path]!.data, (value, i) => Math.abs(Number(value) - Number(a[path]!.data[i])))),
          ),
        )
      // Adam moves a weight by up to 1e-3 a step, whatever the size of its gradient.
      expect(furthest(await card.weights(), await processor.weights())).toBeLessThan(2e-3)
      expect(furthest(await card.weights('average'), await processor.weights('average'))).toBeLessThan(2e-3)
      expect(furthest(await card.state(), await processor.state())).toBeLessThan(1e-4)
    } finally {
      await card.close()
      await processor.close()
    }
  })

  test('a snapshot of the card goes on on the processor, and back', async () => {
    const card = await openStepper(training, 3, { backend: 'ort-webgpu' })
    const processor = await openStepper(training, 99, { backend: 'ort-node', threads: 1 })
    try {
      for (let step = 0; step < 3; step++) await card.advance(batch(step), [1e-2, 1e-3])
      processor.restore(await card.snapshot(), 3)
      expect(await processor.weights()).toEqual(await card.weights())
      const theirs = await processor.advance(batch(3), [1e-2, 1e-3])
      const ours = await card.advance(batch(3), [1e-2, 1e-3])
      expect(Math.abs(ours['pair']! - theirs['pair']!)).toBeLessThan(1e-3 * theirs['pair']!)
      card.restore(await processor.snapshot(), 4)
      expect(await card.weights('average')).toEqual(await processor.weights('average'))
    } finally {
      await card.close()
      await processor.close()
    }
  })

  test('says where each operator ran', async () => {
    const { device, processor } = await placementOf(async profiling => {
      const stepper = await openStepper(training, 1, { backend: 'ort-webgpu', ...profiling })
      await stepper.advance(batch(0), [1e-2, 1e-3])
      await stepper.close()
    })
    expect(device).toBeGreaterThan(300)
    // Sorting needs a handful of operators on shapes, which ONNX Runtime keeps on the processor.
    expect(processor.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(10)
  })
})

test('what runs on the processor alone is counted as such', async () => {
  const { device, processor } = await placementOf(async profiling => {
    const stepper = await openStepper(training, 1, { backend: 'ort-node', threads: 1, ...profiling })
    await stepper.advance(batch(0), [1e-2, 1e-3])
    await stepper.close()
  })
  expect(device).toBe(0)
  expect(processor.length).toBeGreaterThan(5)
})
