import { elementCount } from '../tensor.ts'
import type { ConvolutionParams, ConvolutionTarget } from './convolution.ts'
import type { Graph, Value } from './graph.ts'
import { concatenate, dilate, pad, type Pair, reshape, slice, transpose } from './shape.ts'

/**
 * [Note: Devices] A graphics card starts every operator at a fixed price, and needs thousands of results
 * to work on at once. One matrix product a tap (what a processor without blocked kernels does for the
 * gradient of a convolution's weights) is the worst it can be given: dozens of small products, each with a long sum.
 * Here all taps are one product, whose sum is cut into parts that are added afterwards.
 */
export const deviceTarget: ConvolutionTarget = { weightGradient }

/** Results that a product should have at least, its parts counted: a thread for each. */
const THREADS = 2 ** 16

/** lhs is `[I, N, ...]`, rhs `[O, N, ...]`, the result `[I, O, taps...]`. */
function weightGradient(
  graph: Graph,
  lhs: Value,
  rhs: Value,
  { lhsDilation, padding, strides, rhsDilation }: ConvolutionParams,
  taps: readonly number[],
): Value {
  const padded = pad(graph, dilate(graph, lhs, [1, 1, ...lhsDilation]), [[0, 0], [0, 0], ...padding])
  const kernel = rhs.shape.slice(2)
  const [i, n, o] = [lhs.shape[0]!, lhs.shape[1]!, rhs.shape[0]!]
  const length = n * elementCount(kernel)
  // One axis after the other: taps of both together would be their product of slices.
  let unfolded = reshape(graph, padded, [i, 1, ...padded.shape.slice(1)])
  taps.forEach((count, axis) => {
    const at = axis + 3
    const parts = Array.from({ length: count }, (_, tap) => {
      const start = tap * strides[axis]!
      const ranges = unfolded.shape.map((dim, d): Pair =>
        d === at ? [start, start + (kernel[axis]! - 1) * rhsDilation[axis]! + 1] : [0, dim],
      )
      return slice(
        graph,
        unfolded,
        ranges,
        unfolded.shape.map((_, d) => (d === at ? rhsDilation[axis]! : 1)),
      )
    })
    const rest = parts[0]!.shape.slice(2)
    unfolded = reshape(
      graph,
      concatenate(
        graph,
        parts.map(part => reshape(graph, part, [i * unfolded.shape[1]!, 1, ...rest])),
        1,
      ),
      [i, unfolded.shape[1]! * count, ...rest],
    )
  })
  const rows = i * elementCount(taps)
  const parts = divisor(length, THREADS / (rows * o))
  const a = transpose(graph, reshape(graph, unfolded, [rows, parts, length / parts]), [1, 0, 2])
  const b = transpose(graph, reshape(graph, rhs, [o, parts, length / parts]), [1, 2, 0])
  const products = graph.node('MatMul', [a, b], [parts, rows, o])
  const sum =
    parts === 1
      ? reshape(graph, products, [rows, o])
      : graph.node('ReduceSum', [products, graph.integers([0])], [rows, o], { attributes: { keepdims: 0 } })
  return reshape(graph, transpose(graph, reshape(graph, sum, [i, elementCount(taps), o]), [0, 2, 1]), [i, o, ...taps])
}

/** The smallest divisor of `length` that is at least `wanted`, but leaves sums of 32 or more. */
function divisor(length: number, wanted: number): number {
  let parts = 1
  while (parts < wanted && length % (2 * parts) === 0 && length / (2 * parts) >= 32) parts *= 2
  return parts
}
