import type { KeyStream } from '@latent/core'
import type { LabelledSet } from '@latent/data'
import { epochOrder, stepStream, tensor } from '@latent/graph'
import type { Tensor } from '@latent/graph'
import { jitterColours } from './colour-jitter.ts'

/** What is subtracted from samples in 0..1 and what they are divided by, a number a channel. */
export interface Normalisation {
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

/** How training images and their labels are varied; padding in pixels, smoothing 0 to 1. */
export interface AugmentationOptions {
  /** Crops of the image's size from the image with so many black pixels on every side. */
  readonly padding: number
  /** Left and right exchanged in half of the images. */
  readonly mirror: boolean
  /** Brightness, contrast, saturation and hue changed at random, as the vortex paper's repository does. */
  readonly colourJitter?: boolean
  /** RICAP (Takahashi, Matsubara, Uehara 2018) with patch borders from Beta(b, b). */
  readonly ricap?: number
  /** Share of a label that is spread over all classes (Szegedy et al. 2016). */
  readonly smoothing: number
}

/** Mean and deviation of every channel of a set; a channel of one value keeps deviation 1. */
export function measureNormalisation({ samples, channels }: LabelledSet): Normalisation {
  const counts = Array.from({ length: channels }, () => new Float64Array(256))
  for (let i = 0; i < samples.length; i++) counts[i % channels]![samples[i]!]!++
  const moments = counts.map(histogram => {
    const total = histogram.reduce((sum, n) => sum + n, 0)
    const mean = histogram.reduce((sum, n, value) => sum + n * value, 0) / total / 255
    const variance = histogram.reduce((sum, n, value) => sum + n * (value / 255 - mean) ** 2, 0) / total
    return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 }
  })
  return { mean: moments.map(({ mean }) => mean), deviation: moments.map(({ deviation }) => deviation) }
}

/** Where a crop lies: rows and columns by which the image is shifted, and whether it is mirrored first. */
export interface Placement {
  readonly down: number
  readonly right: number
  readonly mirrored: boolean
}

const AS_IT_IS: Placement = { down: 0, right: 0, mirrored: false }

/** Writes one image as planes `[C, H, W]`: mirrored, shifted with black behind it, normalised. */
export function placeImage(
  samples: Uint8Array,
  { width, height, channels }: Pick<LabelledSet, 'width' | 'height' | 'channels'>,
  { mean, deviation }: Normalisation,
  { down, right, mirrored }: Placement,
  out: Float32Array,
): void {
  for (let c = 0; c < channels; c++) {
    const [scale, shift] = [1 / (255 * deviation[c]!), -mean[c]! / deviation[c]!]
    for (let y = 0; y < height; y++) {
      const row = y + down
      for (let x = 0; x < width; x++) {
        const column = x + right
        const inside = row >= 0 && row < height && column >= 0 && column < width
        const value = inside ? samples[(row * width + (mirrored ? width - 1 - column : column)) * channels + c]! : 0
        out[(c * height + y) * width + x] = value * scale + shift
      }
    }
  }
}

/** The planes of some images of a set, as they are; what predictions are made from. */
export function plainBatch(
  set: LabelledSet,
  first: number,
  count: number,
  batchSize: number,
  normalisation: Normalisation,
): Float32Array {
  const size = set.width * set.height * set.channels
  const out = new Float32Array(batchSize * size)
  for (let i = 0; i < count; i++)
    placeImage(
      set.samples.subarray((first + i) * size, (first + i + 1) * size),
      set,
      normalisation,
      AS_IT_IS,
      out.subarray(i * size, (i + 1) * size),
    )
  return out
}

/** How four batches become one: where the borders lie, which image of the batch each quarter shows, and from where. */
export interface RicapPlan {
  /** Columns of the left quarters and rows of the upper ones; 0 and the whole side occur. */
  readonly cut: readonly [columns: number, rows: number]
  /** Upper left, upper right, lower left, lower right. */
  readonly quarters: readonly { readonly order: Uint32Array; readonly left: number; readonly top: number }[]
}

/** Draws borders from Beta(beta, beta), and for every quarter an order of the batch and a place, one for all images. */
export async function drawRicap(
  stream: KeyStream,
  batchSize: number,
  { width, height }: Pick<LabelledSet, 'width' | 'height'>,
  beta: number,
): Promise<RicapPlan> {
  const columns = Math.round(width * (await symmetricBeta(stream, beta)))
  const rows = Math.round(height * (await symmetricBeta(stream, beta)))
  const quarters = []
  for (let k = 0; k < 4; k++) {
    const { width: w, height: h } = quarterSize(k, [columns, rows], width, height)
    const [u, v] = (await stream.uniforms(2)) as unknown as [number, number]
    quarters.push({
      order: await stream.permutation(batchSize),
      left: Math.floor(u * (width - w + 1)),
      top: Math.floor(v * (height - h + 1)),
    })
  }
  return { cut: [columns, rows], quarters }
}

const quarterSize = (k: number, [columns, rows]: RicapPlan['cut'], width: number, height: number) => ({
  width: k % 2 === 0 ? columns : width - columns,
  height: k < 2 ? rows : height - rows,
})

/** One draw from Beta(b, b) by Johnk's rejection (1964). */
async function symmetricBeta(stream: KeyStream, b: number): Promise<number> {
  for (;;) {
    const [u, v] = (await stream.uniforms(2)) as unknown as [number, number]
    const [x, y] = [u ** (1 / b), v ** (1 / b)]
    if (x + y <= 1 && x + y > 0) return x / (x + y)
  }
}

/** Random image cropping and patching: four images in one, labels mixed by area. */
export function ricap(
  images: Float32Array,
  labels: Float32Array,
  { cut, quarters }: RicapPlan,
  { width, height, channels, classes }: Pick<LabelledSet, 'width' | 'height' | 'channels' | 'classes'>,
): { images: Float32Array; labels: Float32Array } {
  const mixed = { images: new Float32Array(images.length), labels: new Float32Array(labels.length) }
  const planes = images.length / (width * height)
  for (const [k, { order, left, top }] of quarters.entries()) {
    const size = quarterSize(k, cut, width, height)
    const [toLeft, toTop] = [k % 2 === 0 ? 0 : cut[0], k < 2 ? 0 : cut[1]]
    for (let plane = 0; plane < planes; plane++) {
      const source = order[Math.floor(plane / channels)]! * channels + (plane % channels)
      for (let y = 0; y < size.height; y++) {
        const from = (source * height + top + y) * width + left
        mixed.images.set(images.subarray(from, from + size.width), (plane * height + toTop + y) * width + toLeft)
      }
    }
    const share = (size.width * size.height) / (width * height)
    for (const [i, other] of order.entries())
      for (let c = 0; c < classes; c++) mixed.labels[i * classes + c]! += share * labels[other * classes + c]!
  }
  return mixed
}

/** Rows of class probabilities: 1 at the label, less what is spread. */
export function softLabels(labels: ArrayLike<number>, classes: number, smoothing: number): Float32Array {
  const out = new Float32Array(labels.length * classes).fill(smoothing / classes)
  for (let i = 0; i < labels.length; i++) out[i * classes + labels[i]!]! += 1 - smoothing
  return out
}

/** Training batches of a set. What a batch holds depends on the seed and the step alone. */
export function trainingBatches(
  set: LabelledSet,
  normalisation: Normalisation,
  options: AugmentationOptions & { readonly batchSize: number; readonly seed: number },
): (step: number) => Promise<Record<string, Tensor>> {
  const { width, height, channels, classes, samples, labels } = set
  const { batchSize, seed, padding, mirror, colourJitter, ricap: beta, smoothing } = options
  const order = epochOrder(seed, labels.length, batchSize)
  const size = width * height * channels
  return async step => {
    const picked = await order(step)
    const stream = await stepStream(seed, step, 'augmentation')
    const draws = await stream.uniforms(3 * batchSize)
    const images = new Float32Array(batchSize * size)
    for (const [i, index] of picked.entries()) {
      const own = samples.subarray(index * size, (index + 1) * size)
      const source = colourJitter ? await jitterColours(own, channels, stream) : own
      const [down, right] = [0, 1].map(axis => Math.floor(draws[3 * i + axis]! * (2 * padding + 1)) - padding) as [
        number,
        number,
      ]
      placeImage(
        source,
        set,
        normalisation,
        { down, right, mirrored: mirror && draws[3 * i + 2]! < 0.5 },
        images.subarray(i * size, (i + 1) * size),
      )
    }
    const soft = softLabels(
      [...picked].map(index => labels[index]!),
      classes,
      smoothing,
    )
    const batch =
      beta === undefined
        ? { images, labels: soft }
        : ricap(images, soft, await drawRicap(stream, batchSize, set, beta), set)
    return {
      images: tensor('f32', [batchSize, channels, height, width], batch.images),
      labels: tensor('f32', [batchSize, classes], batch.labels),
    }
  }
}
