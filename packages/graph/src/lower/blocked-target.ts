import { tensor } from '../tensor.ts'
import { blockedImage, NCHWC, toBlocked, weaveBlocked } from './blocks.ts'
import type { ConvolutionParams, ConvolutionTarget, PlainConvolution } from './convolution.ts'
import type { Graph, Value } from './graph.ts'
import { concatenate, flip, pad, reshape, slice, transpose } from './shape.ts'
import type { Pair } from './shape.ts'

/**
 * Convolutions and their weight gradients in ONNX Runtime's blocked layout ([Note: Blocked images]),
 * for the native backend on processors whose blocks hold `size` channels.
 */
export function blockedTarget(size: number): ConvolutionTarget {
  return {
    convolution: (graph, lhs, rhs, plain) => blockedConvolution(graph, lhs, rhs, plain, size),
    weightGradient: (graph, lhs, rhs, params, outputDims) => weightGradient(graph, lhs, rhs, params, outputDims, size),
    weave: (graph, parts, steps) => weaveBlocked(graph, parts, steps),
  }
}

const blocksOf = (channels: number, size: number): number => Math.ceil(channels / size)

const fillChannels = (graph: Graph, value: Value, axis: number, to: number): Value =>
  pad(
    graph,
    value,
    value.shape.map((dim, i): Pair => (i === axis ? [0, to - dim] : [0, 0])),
  )

function blockedConvolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  { strides, padding, dilations, groups }: PlainConvolution,
  size: number,
): Value | undefined {
  if (groups !== 1 || strides.length !== 2) return undefined
  const [o, c, kh, kw] = rhs.shape as [number, number, number, number]
  const [n, , h, w] = lhs.shape as [number, number, number, number]
  // Few output channels would mostly compute padding.
  if (o < size / 4) return undefined
  const filters = blocksOf(o, size) * size
  let image: Value
  let kernel: Value
  const outer = fillChannels(graph, rhs, 0, filters)
  if (c < size) {
    // Images of few channels are read as they are; their kernels have blocks of outputs alone.
    image = graph.full(lhs)
    const parts = reshape(graph, outer, [filters / size, size, c, kh, kw])
    kernel = reshape(graph, transpose(graph, parts, [0, 2, 3, 4, 1]), [filters, c, kh, kw])
  } else {
    const blocked = toBlocked(graph, lhs, size)
    if (!blocked) return undefined
    image = reshape(graph, blocked, [n, c, h, w])
    kernel = blockedKernel(graph, outer, size)
  }
  const out = [0, 1].map(
    i =>
      Math.floor(
        (lhs.shape[i + 2]! + padding[i]![0] + padding[i]![1] - (rhs.shape[i + 2]! - 1) * dilations[i]! - 1) /
          strides[i]!,
      ) + 1,
  ) as [number, number]
  const result = convolve(graph, image, kernel, [n, filters, ...out], {
    strides,
    padding,
    dilations,
    groups,
    kernelDims: [kh, kw],
  })
  const blocked = reshape(graph, result, [n, filters / size, ...out, size])
  const whole = blockedImage(graph, blocked)
  return filters === o
    ? whole
    : slice(graph, graph.full(whole), [
        [0, n],
        [0, o],
        [0, out[0]],
        [0, out[1]],
      ])
}

function convolve(
  graph: Graph,
  image: Value,
  kernel: Value,
  shape: readonly number[],
  { strides, padding, dilations, groups, kernelDims }: PlainConvolution & { kernelDims: readonly number[] },
): Value {
  return graph.node('Conv', [image, kernel], shape, {
    domain: NCHWC,
    attributes: {
      kernel_shape: kernelDims,
      strides,
      dilations,
      group: groups,
      pads: [...padding.map(pair => pair[0]), ...padding.map(pair => pair[1])],
    },
  })
}

/**
 * A kernel `[O, I, kH, kW]` in blocks of inputs and outputs, `[O/B, I/B, kH, kW, B, B]`. A kernel of a
 * backward pass arrives transposed and flipped: its blocks are made from the original, and are turned
 * block by block, because moving single numbers costs ten times as much as moving blocks.
 */
function blockedKernel(graph: Graph, kernel: Value, size: number): Value {
  const [o, i, kh, kw] = kernel.shape as [number, number, number, number]
  const taps = kh * kw
  const turned = graph.flippedFrom(kernel)
  const source = turned?.value ?? kernel
  const swapped = transpose(graph, source, [1, 0, 2, 3])
  let blocks: Value
  if (source.node?.op === 'Transpose' && swapped.node?.op !== 'Transpose') {
    // swapped is [I, O, taps]: blocks of its second axis first, then of its first.
    const inner = graph.node('ReorderInput', [reshape(graph, swapped, [i, o, kh, kw])], [i, o, kh, kw], {
      domain: NCHWC,
    })
    blocks = transpose(graph, reshape(graph, inner, [i / size, size, o / size, taps, size]), [2, 0, 3, 1, 4])
  } else {
    const inner = graph.node(
      'ReorderInput',
      [reshape(graph, source, [o / size, size, i, taps])],
      [o / size, size, i, taps],
      { domain: NCHWC },
    )
    blocks = transpose(graph, reshape(graph, inner, [o / size, i / size, size, taps, size]), [0, 1, 3, 2, 4])
  }
  const whole = reshape(graph, blocks, [o / size, i / size, kh, kw, size * size])
  const right = turned ? flip(graph, whole, turned.axes) : whole
  return reshape(graph, right, [o, i, kh, kw])
}

/**
 * The gradient of a convolution's weights, itself a convolution: `lhs` `[I, N, ...]` are the layer's
 * inputs, `rhs` `[O, N, ...]` the gradients of its outputs, the result is `[I, O, taps...]`.
 */
function weightGradient(
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
  const [n, i] = image.shape as [number, number]
  const o = filter.shape[1]!
  const found: { at: number; value: Value }[] = []
  for (const rows of axes[0]) {
    for (const columns of axes[1]) {
      const part = slice(
        graph,
        image,
        [
          [0, n],
          [0, i],
          [rows.phase, image.shape[2]!],
          [columns.phase, image.shape[3]!],
        ],
        [1, 1, ...steps],
      )
      const dims = [rows.taps.length, columns.taps.length]
      const pads = [rows, columns].map(({ taps }, axis): Pair => {
        const before = -taps[0]!.shift
        return [before, dims[axis]! - 1 + filter.shape[axis + 2]! - part.shape[axis + 2]! - before]
      })
      const taps = correlate(graph, part, filter, pads, dims, size)
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
): Value | undefined {
  const [n, ci] = image.shape as [number, number]
  const [, cf, hf, wf] = filter.shape as [number, number, number, number]
  const [kh, kw] = outputDims as [number, number]
  if (cf % size !== 0 && ci % size === 0) {
    // The other way round the taps come out in opposite order.
    const other = padding.map(([before], axis): Pair => {
      const turned = outputDims[axis]! - 1 - before
      return [turned, outputDims[axis]! - 1 + image.shape[axis + 2]! - filter.shape[axis + 2]! - turned]
    })
    const swapped = correlate(graph, filter, image, other, outputDims, size)
    if (swapped) return flip(graph, transpose(graph, swapped, [1, 0, 2, 3]), [2, 3])
  }
  const filters = blocksOf(cf, size) * size
  const blockedFilter = toBlocked(graph, cf === filters ? filter : fillChannels(graph, filter, 1, filters), size)
  if (!blockedFilter) return undefined
  const byImages = n % size === 0 && hf * wf * Math.min(filters, 64) <= 2 ** 14
  if (!byImages && hf % size !== 0) return undefined
  const padded = pad(graph, image, [[0, 0], [0, 0], ...padding])
  const { pictures, kernels, groups } = byImages
    ? imagesAsChannels(graph, padded, blockedFilter)
    : rowsAsChannels(graph, padded, blockedFilter)
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
  const result = convolve(graph, pictures, kernels, [ci, groups * filters, kh, kw], plain)
  const parts = reshape(graph, result, [ci, groups, (filters / size) * kh * kw * size])
  const sum =
    groups === 1
      ? parts
      : graph.node('ReduceSum', [parts, graph.integers([1])], [ci, parts.shape[2]!], { attributes: { keepdims: 0 } })
  const taps = transpose(graph, reshape(graph, sum, [ci, filters / size, kh * kw, size]), [0, 1, 3, 2])
  const whole = reshape(graph, taps, [ci, filters, kh, kw])
  return slice(graph, whole, [
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

/** @param images `[N, C, H', W']`, padded */
function imagesAsChannels(graph: Graph, images: Value, filter: Value): Correlation {
  const [n, ci, h, w] = images.shape as [number, number, number, number]
  const [, fb, hf, wf, size] = filter.shape as [number, number, number, number, number]
  const inner = graph.node(
    'ReorderInput',
    [reshape(graph, images, [n / size, size, ci * h, w])],
    [n / size, size, ci * h, w],
    { domain: NCHWC },
  )
  const pictures = transpose(graph, reshape(graph, inner, [n / size, ci, h * w * size]), [1, 0, 2])
  const kernels = transpose(graph, reshape(graph, filter, [n / size, size, fb, hf * wf, size]), [2, 0, 3, 1, 4])
  return {
    pictures: reshape(graph, pictures, [ci, n, h, w]),
    kernels: reshape(graph, kernels, [fb * size, n, hf, wf]),
    groups: 1,
  }
}
