import { tensor } from '../tensor.ts'
import { blocksOf, convolveBlocks, fillChannels } from './blocked-convolution.ts'
import { blockedImage, NCHWC, toBlocked } from './blocks.ts'
import type { ConvolutionParams } from './convolution.ts'
import type { Graph, Value } from './graph.ts'
import { concatenate, flip, pad, reshape, slice, transpose } from './shape.ts'
import type { Pair } from './shape.ts'

/**
 * The gradient of a convolution's weights, itself a convolution: `lhs` `[I, N, ...]` are the layer's
 * inputs, `rhs` `[O, N, ...]` the gradients of its outputs, the result is `[I, O, taps...]`.
 */
export function weightGradient(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  params: ConvolutionParams,
  outputDims: readonly number[],
  size: number,
): Value | undefined {
  if (outputDims.length !== 2 || params.strides.some(step => step !== 1)) return undefined
  const image = transpose(graph, lhs, [1, 0, 2, 3])
  const filter = transpose(graph, rhs, [1, 0, 2, 3])
  const [stepH, stepW] = params.rhsDilation as [number, number]
  if (params.lhsDilation.some(step => step !== 1)) {
    // Of a transposed convolution: with the roles exchanged, the zeros between pixels become a stride.
    if (stepH !== 1 || stepW !== 1) return undefined
    const padding = params.padding.map(([before], axis): Pair => [outputDims[axis]! - 1 - before, 0])
    const exchanged = stridedWeightGradient(
      graph,
      filter,
      image,
      { ...params, padding, rhsDilation: params.lhsDilation },
      outputDims,
      size,
    )
    return exchanged && flip(graph, transpose(graph, exchanged, [1, 0, 2, 3]), [2, 3])
  }
  if (stepH === 1 && stepW === 1) return correlate(graph, image, filter, params.padding, outputDims, size)
  return stridedWeightGradient(graph, image, filter, params, outputDims, size)
}

/** The taps along one axis that meet the pixels of one phase, and by how many such pixels each is shifted. */
interface PhaseTaps {
  readonly phase: number
  readonly taps: readonly { readonly tap: number; readonly shift: number }[]
}

/** By phases: the pixels that one tap of a strided convolution meets are all of one phase. */
function stridedWeightGradient(
  graph: Graph,
  image: Value,
  filter: Value,
  { padding, rhsDilation: steps }: ConvolutionParams,
  outputDims: readonly number[],
  size: number,
): Value | undefined {
  const axes = [0, 1].map(axis => {
    const step = steps[axis]!
    const taps = Array.from({ length: outputDims[axis]! }, (_, tap) => {
      const offset = tap - padding[axis]![0]
      const shift = Math.floor(offset / step)
      return { tap, phase: offset - shift * step, shift }
    })
    return Array.from({ length: step }, (_, phase) => ({
      phase,
      taps: taps.filter(tap => tap.phase === phase),
    })).filter(({ taps }) => taps.length > 0)
  }) as unknown as readonly [readonly PhaseTaps[], readonly PhaseTaps[]]
  const i = image.shape[1]!
  const o = filter.shape[1]!
  const found: { at: number; value: Value }[] = []
  for (const rows of axes[0]) {
    for (const columns of axes[1]) {
      const dims = [rows.taps.length, columns.taps.length]
      const pads = [rows, columns].map(({ phase, taps }, axis): Pair => {
        const before = -taps[0]!.shift
        const length = Math.ceil((image.shape[axis + 2]! - phase) / steps[axis]!)
        return [before, dims[axis]! - 1 + filter.shape[axis + 2]! - length - before]
      })
      const pixels = { first: [rows.phase, columns.phase] as const, steps: steps as [number, number] }
      const taps = correlate(graph, image, filter, pads, dims, size, pixels)
      if (!taps) return undefined
      rows.taps.forEach(({ tap: y }, r) =>
        columns.taps.forEach(({ tap: x }, c) =>
          found.push({
            at: y * outputDims[1]! + x,
            value: reshape(
              graph,
              slice(graph, taps, [
                [0, i],
                [0, o],
                [r, r + 1],
                [c, c + 1],
              ]),
              [i, o, 1],
            ),
          }),
        ),
      )
    }
  }
  found.sort((a, b) => a.at - b.at)
  return reshape(
    graph,
    concatenate(
      graph,
      found.map(({ value }) => value),
      2,
    ),
    [i, o, ...outputDims],
  )
}

/** Every `steps`-th row and column from `first` on. */
interface Pixels {
  readonly first: readonly [number, number]
  readonly steps: readonly [number, number]
}

const EVERY: Pixels = { first: [0, 0], steps: [1, 1] }

/**
 * sum over n and p of image[n, i, p + tap - before] * filter[n, f, p], as `[I, F, taps...]`: a
 * convolution whose batch are the channels of `image`, whose kernels are the channels of `filter`, each
 * as large as the picture, and whose "channels", over which it sums, must come in blocks. Two things can:
 *
 * - rows: with H = B * s, row s * q + r becomes channel q of row r. A tap's shift then moves r, and q
 *   only at the ends, so s + taps - 1 rows hold every shift. Each image n is a group.
 * - images, if B divides their number. Then nothing is stored twice.
 */
function correlate(
  graph: Graph,
  image: Value,
  filter: Value,
  padding: readonly Pair[],
  outputDims: readonly number[],
  size: number,
  pixels = EVERY,
): Value | undefined {
  const [n, ci] = image.shape as [number, number]
  const [, cf, hf, wf] = filter.shape as [number, number, number, number]
  const [kh, kw] = outputDims as [number, number]
  if (cf % size !== 0 && ci % size === 0) {
    // The other way round the taps come out in opposite order.
    const taken = takePixels(graph, image, pixels)
    const other = padding.map(([before], axis): Pair => {
      const turned = outputDims[axis]! - 1 - before
      return [turned, outputDims[axis]! - 1 + taken.shape[axis + 2]! - filter.shape[axis + 2]! - turned]
    })
    const swapped = correlate(graph, filter, taken, other, outputDims, size)
    if (swapped) return flip(graph, transpose(graph, swapped, [1, 0, 2, 3]), [2, 3])
  }
  const filters = blocksOf(cf, size) * size
  const blockedFilter = toBlocked(graph, cf === filters ? filter : fillChannels(graph, filter, 1, filters), size)
  if (!blockedFilter) return undefined
  const byImages = n % size === 0 && hf * wf * Math.min(filters, 64) <= 2 ** 14
  if (!byImages && hf % size !== 0) return undefined
  const { pictures, kernels, groups } = byImages
    ? imagesAsChannels(graph, image, pixels, padding, blockedFilter)
    : rowsAsChannels(graph, pad(graph, takePixels(graph, image, pixels), [[0, 0], [0, 0], ...padding]), blockedFilter)
  const plain = {
    strides: [1, 1],
    dilations: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ] as const,
    groups,
    kernelDims: kernels.shape.slice(2),
  }
  const result = convolveBlocks(graph, pictures, kernels, [ci, groups * filters, kh, kw], plain)
  const parts = reshape(graph, result, [ci, groups, (filters / size) * kh * kw * size])
  const sum =
    groups === 1
      ? parts
      : graph.node('ReduceSum', [parts, graph.integers([1])], [ci, parts.shape[2]!], { attributes: { keepdims: 0 } })
  const taps = blockedImage(graph, reshape(graph, sum, [ci, filters / size, kh, kw, size]))
  return slice(graph, graph.full(taps), [
    [0, ci],
    [0, cf],
    [0, kh],
    [0, kw],
  ])
}

interface Correlation {
  readonly pictures: Value
  readonly kernels: Value
  readonly groups: number
}

/** @param images `[N, C, H', W']`, padded */
function rowsAsChannels(graph: Graph, images: Value, filter: Value): Correlation {
  const [n, ci, h, w] = images.shape as [number, number, number, number]
  const [, fb, hf, wf, size] = filter.shape as [number, number, number, number, number]
  const s = hf / size
  const height = s + h - hf
  // One pass brings every row, as often as it is needed, to its place in [C, N, size, height].
  const order = new Int32Array(ci * n * size * height)
  let at = 0
  for (let c = 0; c < ci; c++)
    for (let image = 0; image < n; image++)
      for (let q = 0; q < size; q++) for (let r = 0; r < height; r++) order[at++] = (image * ci + c) * h + s * q + r
  const rows = graph.node(
    'Gather',
    [reshape(graph, images, [n * ci * h, w]), graph.constant(tensor('i32', [order.length], order))],
    [order.length, w],
    { attributes: { axis: 0 } },
  )
  const windows = graph.node(
    'ReorderInput',
    [reshape(graph, rows, [ci * n, size, height, w])],
    [ci * n, size, height, w],
    { domain: NCHWC },
  )
  const kernels = transpose(graph, reshape(graph, filter, [n, fb, size, s, wf, size]), [0, 1, 3, 4, 2, 5])
  return {
    pictures: reshape(graph, windows, [ci, n * size, height, w]),
    kernels: reshape(graph, kernels, [n * fb * size, size, s, wf]),
    groups: n,
  }
}

/**
 * @param images `[N, C, H, W]`, of which `pixels` are taken and padded: in blocks, where both move whole registers
 */
function imagesAsChannels(
  graph: Graph,
  images: Value,
  pixels: Pixels,
  padding: readonly Pair[],
  filter: Value,
): Correlation {
  const [n, ci, h, w] = images.shape as [number, number, number, number]
  const [, fb, hf, wf, size] = filter.shape as [number, number, number, number, number]
  const inner = graph.node(
    'ReorderInput',
    [reshape(graph, images, [n / size, size, ci * h, w])],
    [n / size, size, ci * h, w],
    { domain: NCHWC },
  )
  const blocks = transpose(graph, reshape(graph, inner, [n / size, ci, h * w * size]), [1, 0, 2])
  const taken = takePixels(graph, reshape(graph, blocks, [ci, n / size, h, w, size]), pixels)
  const [rows, columns] = taken.shape.slice(2, 4) as [number, number]
  // A row and its registers are one axis, so that padding copies whole rows.
  const [ends, sides] = padding as [Pair, Pair]
  const padded = pad(graph, reshape(graph, taken, [ci, n / size, rows, columns * size]), [
    [0, 0],
    [0, 0],
    ends,
    [sides[0] * size, sides[1] * size],
  ])
  const kernels = transpose(graph, reshape(graph, filter, [n / size, size, fb, hf * wf, size]), [2, 0, 3, 1, 4])
  return {
    pictures: reshape(graph, padded, [ci, n, padded.shape[2]!, padded.shape[3]! / size]),
    kernels: reshape(graph, kernels, [fb * size, n, hf, wf]),
    groups: 1,
  }
}

/** @param image its third and fourth axes are rows and columns */
function takePixels(graph: Graph, image: Value, { first, steps }: Pixels): Value {
  return slice(
    graph,
    image,
    image.shape.map((dim, axis): Pair => [axis === 2 || axis === 3 ? first[axis - 2]! : 0, dim]),
    image.shape.map((_, axis) => (axis === 2 || axis === 3 ? steps[axis - 2]! : 1)),
  )
}
