import { blockedImage, NCHWC, toBlocked } from './blocks.ts'
import type { PlainConvolution } from './convolution.ts'
import type { Graph, Value } from './graph.ts'
import { flip, pad, reshape, slice, transpose } from './shape.ts'
import type { Pair } from './shape.ts'

/** A convolution in blocks ([Note: Blocked images]), where enough of each block would be used. */
export function blockedConvolution(
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
  const result = convolveBlocks(graph, image, kernel, [n, filters, ...out], {
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

/** Blocks that these channels fill, the last perhaps in part. */
export const blocksOf = (channels: number, size: number): number => Math.ceil(channels / size)

/** Zeros behind the channels, which lie along `axis`, up to so many. */
export const fillChannels = (graph: Graph, value: Value, axis: number, to: number): Value =>
  pad(
    graph,
    value,
    value.shape.map((dim, i): Pair => (i === axis ? [0, to - dim] : [0, 0])),
  )

/** A convolution of what is in blocks already; `shape` is that of its result as an image. */
export function convolveBlocks(
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
