import type { DType } from '../tensor.ts'
import { sameShape, splat } from './graph.ts'
import type { Graph, NodeOptions, Value } from './graph.ts'
import { concatenate, reshape } from './shape.ts'

/**
 * [Note: Blocked images] ONNX Runtime's fastest convolutions on CPUs want channels in blocks of a
 * vector register: `[N, C/B, H, W, B]`. Its own optimiser brings constant weights into that form, and
 * so speeds up inference alone; in training no weight is constant. So we write those operators (domain
 * `com.microsoft.nchwc`) ourselves. An image that a convolution leaves in blocks stays there: a value
 * `[N, C, H, W]` with a `blocked` form takes part in element-wise operators and reductions as it is, and
 * the plain form is computed only when an operator asks for it ({@link Graph.full}).
 */
export const NCHWC = 'com.microsoft.nchwc'

/** Wraps a blocked array `[N, C/B, H, W, B]` as the image it holds. */
export function blockedImage(graph: Graph, blocked: Value): Value {
  const [n, c, h, w, b] = blocked.shape as [number, number, number, number, number]
  return graph.blocked(blocked, [n, c * b, h, w])
}

/** The blocked form of an image whose channels fill whole blocks. */
export function toBlocked(graph: Graph, image: Value, size: number): Value | undefined {
  const known = graph.blockedForm(image)
  if (known) return known
  const [n, c, h, w] = image.shape as [number, number, number, number]
  if (image.shape.length !== 4 || image.dtype !== 'f32' || c % size !== 0) return undefined
  const plain = graph.full(image)
  const reordered = graph.node('ReorderInput', [plain], plain.shape, { domain: NCHWC })
  const blocked = reshape(graph, reordered, [n, c / size, h, w, size])
  graph.rememberBlocked(plain, blocked)
  return blocked
}

/**
 * An operator on blocked operands, if at least one is blocked and all can be brought into blocks without moving much.
 */
export function blockedElementwise(
  graph: Graph,
  op: string,
  operands: readonly Value[],
  shape: readonly number[],
  options: NodeOptions & { dtype: DType },
): Value | undefined {
  const lead = operands.find(operand => operand.blocked)
  if (!lead || !sameShape(lead.shape, shape)) return undefined
  const dims = lead.blocked!.shape
  const parts: Value[] = []
  for (const operand of operands) {
    const part = blockedOperand(graph, operand, shape, dims.at(-1)!)
    if (!part) return undefined
    parts.push(part)
  }
  return blockedImage(graph, graph.node(op, parts, dims, options))
}

function blockedOperand(graph: Graph, operand: Value, shape: readonly number[], size: number): Value | undefined {
  const number = splat(operand)
  if (number !== undefined) return graph.scalar(number, operand.dtype)
  const source = operand.thin ?? operand
  const [n, c, h, w] = [...Array.from({ length: 4 - source.shape.length }, () => 1), ...source.shape] as [
    number,
    number,
    number,
    number,
  ]
  if (c === 1) return reshape(graph, source, [n, 1, h, w, 1])
  if (h === 1 && w === 1 && (shape[2] !== 1 || shape[3] !== 1 || !source.blocked)) {
    // Written out along a row: runs of one block alone would take twice as long to broadcast.
    const perBlock = reshape(graph, source, [n, c / size, 1, 1, size])
    return graph.full(graph.broadcast(perBlock, [n, c / size, 1, shape[3]!, size]))
  }
  return sameShape(source.shape, shape) ? toBlocked(graph, source, size) : undefined
}

/** A sum or extremum over the pixels of a blocked image (and, if asked, over images too): `[N, C]` or `[C]`. */
export function blockedReduce(graph: Graph, op: string, image: Value, axes: readonly number[]): Value | undefined {
  const { blocked } = image
  if (!blocked || axes.includes(1) || !axes.includes(2) || !axes.includes(3)) return undefined
  const [n, c] = image.shape as [number, number]
  // Pixels first: sums along one middle axis are many times faster than along two apart.
  const pixels = reshape(graph, blocked, [n * blocked.shape[1]!, image.shape[2]! * image.shape[3]!, blocked.shape[4]!])
  const over = (value: Value, axis: number, shape: readonly number[]) =>
    op === 'ReduceSum'
      ? graph.node(op, [value, graph.integers([axis])], shape, { attributes: { keepdims: 0 } })
      : graph.node(op, [value], shape, { attributes: { axes: [axis], keepdims: 0 } })
  const perImage = reshape(graph, over(pixels, 1, [pixels.shape[0]!, pixels.shape[2]!]), [n, c])
  return axes.includes(0) ? over(perImage, 0, [c]) : perImage
}

/** Images that hold every `steps`-th pixel each, in order of their phases, woven into one. */
export function weaveBlocked(
  graph: Graph,
  parts: readonly Value[],
  steps: readonly [number, number],
): Value | undefined {
  const size = parts.find(part => part.blocked)?.blocked!.shape[4]
  if (size === undefined) return undefined
  const blocks = parts.map(part => toBlocked(graph, graph.full(part), size))
  if (blocks.some(block => block === undefined)) return undefined
  const [n, c, h, w] = blocks[0]!.shape as [number, number, number, number]
  const rows = Array.from({ length: steps[0] }, (_, row) => {
    const own = blocks
      .slice(row * steps[1], (row + 1) * steps[1])
      .map(block => reshape(graph, block!, [n, c, h, w, 1, size]))
    return reshape(graph, concatenate(graph, own, 4), [n, c, h, 1, w * steps[1] * size])
  })
  const woven = reshape(graph, concatenate(graph, rows, 3), [n, c, h * steps[0], w * steps[1], size])
  return blockedImage(graph, woven)
}
