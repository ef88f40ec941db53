import { layers, ops } from '@latent/graph'
import { type Classifier, classifier, type Task } from './classifier.ts'
import { normed, normedParameters } from './normed.ts'

/**
 * Where a block halves the size or changes the number of channels, its shortcut is every second pixel
 * and zeros for the new channels (option A of He et al. 2016), or a 1x1 convolution with batch norm.
 */
export type Shortcut = 'zeros' | 'projection'

interface Stage {
  readonly width: number
  readonly blocks: number
  readonly stride: 1 | 2
}

/**
 * A residual network for small images (He, Zhang, Ren, Sun 2016): a 3x3 stem of stride 1 without pooling, stages of
 * basic blocks, the mean over pixels, a dense layer.
 */
export function residualNetwork(
  id: string,
  { channels, classes }: Task,
  { stem, stages, shortcut }: { stem: number; stages: readonly Stage[]; shortcut: Shortcut },
): Classifier {
  const plan = stages.flatMap(({ width, blocks, stride }, s) =>
    Array.from({ length: blocks }, (_, b) => ({
      inputs: b > 0 ? width : s > 0 ? stages[s - 1]!.width : stem,
      width,
      stride: b > 0 ? 1 : stride,
    })),
  )
  const changes = ({ inputs, width, stride }: (typeof plan)[number]) => inputs !== width || stride !== 1
  const last = stages.at(-1)!.width
  return classifier({
    id,
    parameters: {
      stem: normedParameters(channels, stem),
      blocks: plan.map(block => ({
        first: normedParameters(block.inputs, block.width),
        second: normedParameters(block.width, block.width),
        ...(changes(block) && shortcut === 'projection'
          ? { shortcut: normedParameters(block.inputs, block.width, 1) }
          : {}),
      })),
      dense: layers.denseParameters(last, classes, { gain: Math.SQRT1_2 }),
    },
    statistics: {
      stem: layers.runningStatistics(stem),
      blocks: plan.map(block => ({
        first: layers.runningStatistics(block.width),
        second: layers.runningStatistics(block.width),
        ...(changes(block) && shortcut === 'projection' ? { shortcut: layers.runningStatistics(block.width) } : {}),
      })),
    },
    logits(p, statistics, images, norm) {
      let x = ops.relu(normed(p.stem, statistics.stem, images, norm))
      for (const [i, block] of plan.entries()) {
        const [own, found] = [p.blocks[i]!, statistics.blocks[i]!]
        const inner = ops.relu(normed(own.first, found.first, x, norm, block))
        const branch = normed(own.second, found.second, inner, norm)
        const skipped = own.shortcut
          ? normed(own.shortcut, found.shortcut!, x, norm, block)
          : changes(block)
            ? layers.subsample(x, block.stride, block.width)
            : x
        x = ops.relu(ops.add(branch, skipped))
      }
      return layers.dense(p.dense, layers.globalAvgPool(x))
    },
  })
}

/**
 * ResNet-20 as He et al. train it on CIFAR-10: three stages of three blocks, shortcuts without parameters: 269,722
 * parameters for CIFAR-10 (272,474 with projections).
 */
export const resNet20 = (task: Task, shortcut: Shortcut = 'zeros'): Classifier =>
  residualNetwork('resnet-20', task, {
    stem: 16,
    shortcut,
    stages: [
      { width: 16, blocks: 3, stride: 1 },
      { width: 32, blocks: 3, stride: 2 },
      { width: 64, blocks: 3, stride: 2 },
    ],
  })

/**
 * ResNet-18 for small images, as the vortex paper's repository has it: a 3x3 stem of stride 1, no max-pooling:
 * 11,173,962 parameters for CIFAR-10.
 */
export const resNet18 = (task: Task): Classifier =>
  residualNetwork('resnet-18', task, {
    stem: 64,
    shortcut: 'projection',
    stages: [64, 128, 256, 512].map((width, i) => ({ width, blocks: 2, stride: i === 0 ? 1 : 2 })),
  })

/** One stage of {@link quickNetwork}: a convolution of stride 2, then residual ones. */
interface QuickOptions {
  /** Channels of the stem, and of each stage; multiples of 16 run fastest. */
  readonly stem: number
  /** Of the stem's 3x3 kernel. */
  readonly stemStride: 1 | 2
  readonly widths: readonly number[]
}

/**
 * Our network for two processor cores: few, wide layers, most of them at low resolution. After the stem
 * each stage halves the size by a convolution of stride 2 and adds one residual convolution.
 */
export function quickNetwork(
  id: string,
  { channels, classes }: Task,
  { stem, stemStride, widths }: QuickOptions,
): Classifier {
  return classifier({
    id,
    parameters: {
      stem: normedParameters(channels, stem),
      stages: widths.map((width, i) => ({
        down: normedParameters(i === 0 ? stem : widths[i - 1]!, width),
        inner: normedParameters(width, width),
      })),
      dense: layers.denseParameters(widths.at(-1)!, classes, { gain: Math.SQRT1_2 }),
    },
    statistics: {
      stem: layers.runningStatistics(stem),
      stages: widths.map(width => ({ down: layers.runningStatistics(width), inner: layers.runningStatistics(width) })),
    },
    logits(p, statistics, images, norm) {
      let x = ops.relu(normed(p.stem, statistics.stem, images, norm, { stride: stemStride }))
      for (const [i, { down, inner }] of p.stages.entries()) {
        x = ops.relu(normed(down, statistics.stages[i]!.down, x, norm, { stride: 2 }))
        x = ops.add(x, ops.relu(normed(inner, statistics.stages[i]!.inner, x, norm)))
      }
      return layers.dense(p.dense, layers.globalAvgPool(x))
    },
  })
}
