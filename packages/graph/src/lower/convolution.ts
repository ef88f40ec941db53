import { elementCount } from '../tensor.ts'
import { add, elementwise } from './elementwise.ts'
import type { Graph, Value } from './graph.ts'
import { concatenate, dilate, pad, reshape, slice, transpose } from './shape.ts'
import type { Pair } from './shape.ts'

/** jax-js's convolution: lhs `[*vmap, N, C, ...]`, rhs `[*vmap, O, C, ...]`, result `[*vmap, N, O, ...]`. */
export interface ConvolutionParams {
  readonly vmapDims: number
  readonly strides: readonly number[]
  readonly padding: readonly Pair[]
  readonly lhsDilation: readonly number[]
  readonly rhsDilation: readonly number[]
}

/** What a compile target offers beyond standard ONNX. */
export interface ConvolutionTarget {
  /** A faster convolution for these shapes, if the target has one. */
  convolution?(graph: Graph, lhs: Value, rhs: Value, params: PlainConvolution): Value | undefined
  /** A faster weight gradient, likewise. */
  weightGradient?(
    graph: Graph,
    lhs: Value,
    rhs: Value,
    params: ConvolutionParams,
    outputDims: readonly number[],
  ): Value | undefined
  /** Images that hold every `steps`-th pixel each, woven into one. */
  weave?(graph: Graph, parts: readonly Value[], steps: readonly [number, number]): Value | undefined
}

/** A convolution as ONNX has it. */
export interface PlainConvolution {
  readonly strides: readonly number[]
  readonly padding: readonly Pair[]
  readonly dilations: readonly number[]
  readonly groups: number
}

/** @param shape of the result, as traced */
export function convolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  params: ConvolutionParams,
  shape: readonly number[],
  target: ConvolutionTarget,
): Value {
  if (params.vmapDims > 0) return batchedConvolution(graph, lhs, rhs, params, shape, target)
  const inputDims = lhs.shape.slice(2)
  const kernelDims = rhs.shape.slice(2)
  const outputDims = shape.slice(2)
  // A kernel about as large as the image, read at a few places: the gradient of a convolution's weights.
  if (elementCount(kernelDims) > 4 * elementCount(outputDims) && elementCount(outputDims) <= 121) {
    return (
      target.weightGradient?.(graph, lhs, rhs, params, outputDims) ?? correlate(graph, lhs, rhs, params, outputDims)
    )
  }
  if (params.lhsDilation.some((dilation, i) => dilation > 1 && inputDims[i]! > 1)) {
    const simple = params.strides.every(stride => stride === 1) && params.rhsDilation.every(dilation => dilation === 1)
    if (simple) return transposedConvolution(graph, lhs, rhs, params, outputDims, target)
    const apart = dilate(graph, lhs, [1, 1, ...params.lhsDilation])
    return convolution(graph, apart, rhs, { ...params, lhsDilation: params.lhsDilation.map(() => 1) }, shape, target)
  }
  const crop = params.padding.map(([before, after]): Pair => [Math.min(0, before), Math.min(0, after)])
  const inside = pad(graph, lhs, [[0, 0], [0, 0], ...crop])
  const padding = params.padding.map(([before, after]): Pair => [Math.max(0, before), Math.max(0, after)])
  return plainConvolution(
    graph,
    inside,
    rhs,
    { strides: params.strides, padding, dilations: params.rhsDilation, groups: 1 },
    outputDims,
    target,
  )
}

function plainConvolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  plain: PlainConvolution,
  outputDims: readonly number[],
  target: ConvolutionTarget,
): Value {
  return target.convolution?.(graph, lhs, rhs, plain) ?? onnxConvolution(graph, lhs, rhs, plain, outputDims)
}

/** A convolution as ONNX has it, `[N, C, H, W]` by `[O, C / groups, kH, kW]`, with nothing dilated but the kernel. */
export function onnxConvolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  { strides, padding, dilations, groups }: PlainConvolution,
  outputDims: readonly number[],
): Value {
  return graph.node('Conv', [lhs, rhs], [lhs.shape[0]!, rhs.shape[0]!, ...outputDims], {
    attributes: {
      kernel_shape: rhs.shape.slice(2),
      strides,
      dilations,
      group: groups,
      pads: [...padding.map(pair => pair[0]), ...padding.map(pair => pair[1])],
    },
  })
}

/** One batch axis over both operands is a grouped convolution: groups move beside the channels and back. */
function batchedConvolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  params: ConvolutionParams,
  shape: readonly number[],
  target: ConvolutionTarget,
): Value {
  const v = params.vmapDims
  const batch = shape.slice(0, v)
  const groups = elementCount(batch)
  const whole = (value: Value) =>
    reshape(graph, graph.full(graph.broadcast(value.thin ?? value, [...batch, ...value.shape.slice(v)])), [
      groups,
      ...value.shape.slice(v),
    ])
  const [a, b] = [whole(lhs), whole(rhs)]
  const [, n, c, ...inputDims] = a.shape as [number, number, number, ...number[]]
  const [, o, , ...kernelDims] = b.shape as [number, number, number, ...number[]]
  const outputDims = shape.slice(v + 2)
  const simple =
    params.lhsDilation.every((dilation, i) => dilation === 1 || inputDims[i] === 1) &&
    params.padding.every(([before, after]) => before >= 0 && after >= 0)
  const isWeightGradient = elementCount(kernelDims) > 4 * elementCount(outputDims)
  if (!simple || isWeightGradient) {
    // Rare enough (gradients of grouped convolutions) to be done group by group.
    const one = (value: Value, i: number) =>
      reshape(
        graph,
        slice(
          graph,
          value,
          value.shape.map((dim, axis): Pair => (axis === 0 ? [i, i + 1] : [0, dim])),
        ),
        value.shape.slice(1),
      )
    const parts = Array.from({ length: groups }, (_, i) => {
      const part = convolution(graph, one(a, i), one(b, i), { ...params, vmapDims: 0 }, shape.slice(v), target)
      return reshape(graph, part, [1, ...shape.slice(v)])
    })
    return reshape(graph, concatenate(graph, parts, 0), shape)
  }
  const spatial = inputDims.map((_, i) => i + 3)
  const images = reshape(graph, transpose(graph, a, [1, 0, 2, ...spatial]), [n, groups * c, ...inputDims])
  const kernels = reshape(graph, b, [groups * o, c, ...kernelDims])
  const plain = { strides: params.strides, padding: params.padding, dilations: params.rhsDilation, groups }
  const result = plainConvolution(graph, images, kernels, plain, outputDims, target)
  const apart = reshape(graph, result, [n, groups, o, ...outputDims])
  return reshape(graph, transpose(graph, apart, [1, 0, 2, ...spatial]), shape)
}

/**
 * A convolution over an image with zeros between its pixels (a transposed convolution), by phases:
 * each output pixel of one phase meets the same part of the kernel, so every phase is an ordinary
 * convolution with that part and no multiplication with a zero is done.
 */
function transposedConvolution(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  params: ConvolutionParams,
  outputDims: readonly number[],
  target: ConvolutionTarget,
): Value {
  const steps = params.lhsDilation
  const inputDims = lhs.shape.slice(2)
  const kernelDims = rhs.shape.slice(2)
  const counts = outputDims.map((dim, i) => Math.ceil(dim / steps[i]!))
  // Output step*q + phase reads dilated position step*q + phase - before + k, an input pixel where that is a multiple
  // of step.
  const phases = kernelDims.map((kernel, i) =>
    Array.from({ length: steps[i]! }, (_, phase) => {
      const before = params.padding[i]![0]
      const first = (((before - phase) % steps[i]!) + steps[i]!) % steps[i]!
      const taps = Math.max(0, Math.ceil((kernel - first) / steps[i]!))
      const start = (phase - before + first) / steps[i]!
      return { first, taps, padding: [-start, counts[i]! - 1 + start + taps - inputDims[i]!] as Pair }
    }),
  )
  const product = phases.reduce<(typeof phases)[number][number][][]>(
    (all, axis) => all.flatMap(head => axis.map(phase => [...head, phase])),
    [[]],
  )
  const [n, o] = [lhs.shape[0]!, rhs.shape[0]!]
  const parts = product.map(choice => {
    if (choice.some(({ taps }) => taps === 0))
      return graph.broadcast(
        graph.constant({ dtype: 'f32', dims: [1, 1, ...counts.map(() => 1)], data: Float32Array.of(0) }),
        [n, o, ...counts],
      )
    const ranges: Pair[] = choice.map(({ first }, i) => [first, kernelDims[i]!])
    const kernel = slice(graph, rhs, [[0, o], [0, rhs.shape[1]!], ...ranges], [1, 1, ...steps])
    const ones = steps.map(() => 1)
    const plain = {
      vmapDims: 0,
      strides: ones,
      padding: choice.map(({ padding }) => padding),
      lhsDilation: ones,
      rhsDilation: ones,
    }
    return convolution(graph, lhs, kernel, plain, [n, o, ...counts], target)
  })
  const rank = steps.length
  const whole = rank === 2 ? target.weave?.(graph, parts, steps as [number, number]) : undefined
  if (whole) return slice(graph, whole, [[0, n], [0, o], ...outputDims.map((dim): Pair => [0, dim])])
  // Phases stand side by side as channels; interleaving them is depth to space.
  const stacked = reshape(
    graph,
    concatenate(
      graph,
      parts.map(part => reshape(graph, part, [n, 1, o, ...counts])),
      1,
    ),
    [n, ...steps, o, ...counts],
  )
  const order = [0, rank + 1, ...steps.flatMap((_, i) => [rank + 2 + i, 1 + i])]
  const woven = reshape(graph, transpose(graph, stacked, order), [n, o, ...counts.map((count, i) => count * steps[i]!)])
  return slice(graph, woven, [[0, n], [0, o], ...outputDims.map((dim): Pair => [0, dim])])
}

/**
 * A convolution with a kernel as large as the image and few output positions, one matrix product for
 * each position: rows are the images, columns the kernels, and the sum runs over channels and pixels.
 * lhs is `[I, N, ...]`, rhs `[O, N, ...]`, the result `[I, O, taps...]`.
 */
function correlate(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  params: ConvolutionParams,
  outputDims: readonly number[],
): Value {
  const apart = dilate(graph, lhs, [1, 1, ...params.lhsDilation])
  const padded = pad(graph, apart, [[0, 0], [0, 0], ...params.padding])
  const kernelDims = rhs.shape.slice(2)
  const [i, n] = [lhs.shape[0]!, lhs.shape[1]!]
  const o = rhs.shape[0]!
  const length = n * elementCount(kernelDims)
  const columns = transpose(graph, reshape(graph, rhs, [o, length]), [1, 0])
  const positions = outputDims.reduce<number[][]>(
    (all, dim) => all.flatMap(head => Array.from({ length: dim }, (_, at) => [...head, at])),
    [[]],
  )
  const products = positions.map(position => {
    const ranges = position.map((at, axis): Pair => {
      const start = at * params.strides[axis]!
      return [start, start + (kernelDims[axis]! - 1) * params.rhsDilation[axis]! + 1]
    })
    const window = slice(graph, padded, [[0, i], [0, n], ...ranges], [1, 1, ...params.rhsDilation])
    return reshape(graph, graph.node('MatMul', [reshape(graph, window, [i, length]), columns], [i, o]), [i, o, 1])
  })
  return reshape(graph, concatenate(graph, products, 2), [i, o, ...outputDims])
}

/** Overlapping or adjoining windows over the last axes: `[..., positions..., window...]`. */
export function windows(
  graph: Graph,
  value: Value,
  window: readonly number[],
  strides: readonly number[],
  shape: readonly number[],
): Value {
  const lead = value.shape.length - window.length
  const counts = shape.slice(lead, lead + window.length)
  const offsets = window.reduce<number[][]>(
    (all, size) => all.flatMap(head => Array.from({ length: size }, (_, at) => [...head, at])),
    [[]],
  )
  const parts = offsets.map(offset => {
    const ranges = value.shape.map((dim, axis): Pair =>
      axis < lead
        ? [0, dim]
        : [offset[axis - lead]!, offset[axis - lead]! + (counts[axis - lead]! - 1) * strides[axis - lead]! + 1],
    )
    const part = slice(
      graph,
      value,
      ranges,
      value.shape.map((_, axis) => (axis < lead ? 1 : strides[axis - lead]!)),
    )
    return reshape(graph, part, [...part.shape, 1])
  })
  return reshape(graph, concatenate(graph, parts, value.shape.length), shape)
}

/** The adjoint of {@link windows}: every window adds its elements where they came from. */
export function windowsTransposed(
  graph: Graph,
  value: Value,
  window: readonly number[],
  strides: readonly number[],
  shape: readonly number[],
): Value {
  const lead = shape.length - window.length
  const counts = value.shape.slice(lead, lead + window.length)
  const flat = reshape(graph, value, [...value.shape.slice(0, lead), ...counts, elementCount(window)])
  const offsets = window.reduce<number[][]>(
    (all, size) => all.flatMap(head => Array.from({ length: size }, (_, at) => [...head, at])),
    [[]],
  )
  const parts = offsets.map((offset, index) => {
    const ranges = flat.shape.map((dim, axis): Pair => (axis === flat.shape.length - 1 ? [index, index + 1] : [0, dim]))
    const part = reshape(graph, slice(graph, flat, ranges), flat.shape.slice(0, -1))
    const apart = dilate(
      graph,
      part,
      part.shape.map((_, axis) => (axis < lead ? 1 : strides[axis - lead]!)),
    )
    const widths = apart.shape.map((dim, axis): Pair =>
      axis < lead ? [0, 0] : [offset[axis - lead]!, shape[axis]! - dim - offset[axis - lead]!],
    )
    return pad(graph, apart, widths)
  })
  return parts.reduce((sum, part) =>
    sum.dtype === 'bool' ? elementwise(graph, 'Or', [sum, part]) : add(graph, sum, part),
  )
}
