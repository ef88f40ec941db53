import { LatentError } from '@latent/core'
import { elementCount } from '../tensor.ts'
import { multiply, negate, negated, spread } from './elementwise.ts'
import { blockedReduce } from './blocks.ts'
import { broadcastShapes } from './graph.ts'
import type { Graph, Value } from './graph.ts'
import { reshape, transpose } from './shape.ts'

/** Operators that fold a dimension away. */
export type Reduction = 'Add' | 'Mul' | 'Max' | 'Min'

const REDUCE: Record<Reduction, string> = { Add: 'ReduceSum', Mul: 'ReduceProd', Max: 'ReduceMax', Min: 'ReduceMin' }

/** Reduces over `axes`, which disappear. */
export function reduce(graph: Graph, value: Value, op: string, axes: readonly number[]): Value {
  const name = REDUCE[op as Reduction]
  if (!name) throw new LatentError('E_GRAPH', `reduction ${op} has no ONNX operator`)
  const kept = value.shape.filter((_, axis) => !axes.includes(axis))
  if (axes.length === 0) return value
  if (value.dtype === 'bool') {
    const numbers = graph.node('Cast', [value], value.shape, { dtype: 'i32', attributes: { to: 6 } })
    const result = reduce(graph, numbers, op === 'Add' ? 'Max' : op === 'Mul' ? 'Min' : op, axes)
    return graph.node('Cast', [result], kept, { dtype: 'bool', attributes: { to: 9 } })
  }
  // The negative of a sum, which is small, in place of a sum of negatives.
  const positive = op === 'Add' ? negated(graph, value) : undefined
  if (positive) return negate(graph, reduce(graph, positive, op, axes))
  if (value.thin) {
    // Along broadcast axes a sum is a multiple and an extremum is the value itself.
    const thin = value.thin
    const real = axes.filter(axis => thin.shape[axis] !== 1)
    const repeats = elementCount(axes.filter(axis => thin.shape[axis] === 1).map(axis => value.shape[axis]!))
    if (op !== 'Mul' || repeats === 1) {
      const summed = reduceNode(graph, name, thin, real, axes)
      const scaled = op === 'Add' ? multiply(graph, summed, graph.scalar(repeats, value.dtype)) : summed
      return graph.broadcast(scaled, kept)
    }
  }
  return blockedReduce(graph, name, value, axes) ?? reduceNode(graph, name, graph.full(value), axes, axes)
}

/** Reduces over `axes` and drops every axis of `dropped`, of which those not reduced have length 1. */
function reduceNode(
  graph: Graph,
  op: string,
  value: Value,
  axes: readonly number[],
  dropped: readonly number[],
): Value {
  const shape = value.shape.filter((_, axis) => !dropped.includes(axis))
  const real = axes.filter(axis => value.shape[axis] !== 1)
  if (real.length === 0) return reshape(graph, value, shape)
  const reduced = value.shape.map((dim, axis) => (real.includes(axis) ? 1 : dim))
  // In operator set 17 only ReduceSum takes its axes as an input.
  const result =
    op === 'ReduceSum'
      ? graph.node(op, [value, graph.integers(real)], reduced, { attributes: { keepdims: 1 } })
      : graph.node(op, [value], reduced, { attributes: { axes: real, keepdims: 1 } })
  return reshape(graph, result, shape)
}

/**
 * sum(x * y) over the last axis, under broadcasting, as one matrix product: axes that both operands
 * have are batch axes, axes that only one has are rows or columns. The product is never written out.
 */
export function dot(graph: Graph, x: Value, y: Value): Value {
  const full = broadcastShapes(x.shape, y.shape)
  const rank = full.length
  const shape = full.slice(0, -1)
  const a = spreadThin(graph, x, rank)
  const b = spreadThin(graph, y, rank)
  const axes = Array.from({ length: rank - 1 }, (_, i) => i)
  const batch = axes.filter(axis => has(a, axis) && has(b, axis))
  const rows = axes.filter(axis => has(a, axis) && !has(b, axis))
  const columns = axes.filter(axis => !has(a, axis) && has(b, axis))
  const sizes = (picked: readonly number[]) => picked.map(axis => full[axis]!)
  const inner = full[rank - 1]!

  if (rows.length === 0 && columns.length === 0) {
    return spread(graph, reduce(graph, multiply(graph, x, y), 'Add', [rank - 1]), shape)
  }
  const rest = axes.filter(axis => !has(a, axis) && !has(b, axis))
  const arrange = (value: Value, free: readonly number[], contractionFirst: boolean) => {
    const whole =
      value.shape[rank - 1] === inner
        ? value
        : graph.full(graph.broadcast(value, value.shape.toSpliced(rank - 1, 1, inner)))
    // Without the axes it lacks, so that a transposition before and the one here meet and cancel.
    const present = [...axes.filter(axis => batch.includes(axis) || free.includes(axis)), rank - 1]
    const dense = reshape(
      graph,
      whole,
      present.map(axis => full[axis]!),
    )
    const order = [...batch, ...(contractionFirst ? [rank - 1, ...free] : [...free, rank - 1])].map(axis =>
      present.indexOf(axis),
    )
    const freeSize = elementCount(sizes(free))
    const matrix = contractionFirst ? [inner, freeSize] : [freeSize, inner]
    return reshape(graph, transpose(graph, dense, order), [...sizes(batch), ...matrix])
  }
  const left = arrange(a, rows, false)
  const right = arrange(b, columns, true)
  const product = graph.node(
    'MatMul',
    [left, right],
    [...sizes(batch), elementCount(sizes(rows)), elementCount(sizes(columns))],
  )
  const split = reshape(graph, product, [...sizes(batch), ...sizes(rows), ...sizes(columns), ...rest.map(() => 1)])
  const order = [...batch, ...rows, ...columns, ...rest]
  return spread(
    graph,
    transpose(
      graph,
      split,
      axes.map(axis => order.indexOf(axis)),
    ),
    shape,
  )
}

const has = (value: Value, axis: number): boolean => value.shape[axis] !== 1

/** The thin form of a value, with unit axes in front up to `rank`. */
function spreadThin(graph: Graph, value: Value, rank: number): Value {
  const thin = value.thin ?? value
  return reshape(graph, thin, [...Array.from({ length: rank - thin.shape.length }, () => 1), ...thin.shape])
}
