import { elementCount } from '../tensor.ts'
import { sameShape, splat } from './graph.ts'
import type { Graph, Value } from './graph.ts'

/** Before and after, or from and to, along one dimension. */
export type Pair = readonly [number, number]

const identityPermutation = (perm: readonly number[]): boolean => perm.every((from, to) => from === to)

/** The same elements, in order, in another shape; a reshape of a reshape is one. */
export function reshape(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value
  if (value.thin) {
    if (splat(value) !== undefined)
      return graph.broadcast(
        reshape(
          graph,
          value.thin,
          shape.map(() => 1),
        ),
        shape,
      )
    const thinShape = thinReshape(value, shape)
    return thinShape
      ? graph.broadcast(reshape(graph, value.thin, thinShape), shape)
      : reshape(graph, graph.full(value), shape)
  }
  if (value.constant && elementCount(shape) <= 1024) return graph.constant({ ...value.constant, dims: shape })
  // A chain of reshapes is one reshape.
  const source = value.node?.op === 'Reshape' ? value.node.operands[0]! : value
  if (sameShape(source.shape, shape)) return source
  return graph.node('Reshape', [source, graph.integers(shape)], shape)
}

/**
 * What a lazy broadcast's thin shape becomes when the broadcast is reshaped: possible if every group
 * of dimensions that are merged or split is either wholly broadcast or wholly present.
 */
function thinReshape(value: Value, shape: readonly number[]): number[] | undefined {
  const from = value.shape
  const thin = value.thin!.shape
  const result: number[] = []
  let [i, j] = [0, 0]
  while (i < from.length || j < shape.length) {
    const [startI, startJ] = [i, j]
    let [left, right] = [1, 1]
    if (i < from.length) left *= from[i++]!
    if (j < shape.length) right *= shape[j++]!
    while (left !== right) {
      if (left < right) left *= from[i++]!
      else right *= shape[j++]!
    }
    // Unit dimensions belong to the group before them, so that ends meet.
    if (j === shape.length) while (i < from.length) left *= from[i++]!
    if (i === from.length) while (j < shape.length) right *= shape[j++]!
    const group = thin.slice(startI, i)
    if (group.every(dim => dim === 1)) result.push(...shape.slice(startJ, j).map(() => 1))
    else if (sameShape(group, from.slice(startI, i))) result.push(...shape.slice(startJ, j))
    else return undefined
  }
  return result
}

/** Dimensions in another order; as few nodes as it takes, none for the identity. */
export function transpose(graph: Graph, value: Value, perm: readonly number[]): Value {
  if (identityPermutation(perm)) return value
  const shape = perm.map(axis => value.shape[axis]!)
  if (value.thin) return graph.broadcast(transpose(graph, value.thin, perm), shape)
  // Moving only unit dimensions moves no element.
  const moved = perm.filter(axis => value.shape[axis] !== 1)
  if (moved.every((axis, i) => i === 0 || moved[i - 1]! < axis)) return reshape(graph, value, shape)
  if (value.node?.op === 'Transpose') {
    const inner = value.node.attributes!['perm'] as readonly number[]
    return transpose(
      graph,
      value.node.operands[0]!,
      perm.map(axis => inner[axis]!),
    )
  }
  const before = value.node?.op === 'Reshape' ? value.node.operands[0]! : undefined
  if (before?.node?.op === 'Transpose') {
    const order = permuteGroups(before.shape, value.shape, perm)
    if (order) return reshape(graph, transpose(graph, before, order), shape)
  }
  return graph.node('Transpose', [value], shape, { attributes: { perm } })
}

/**
 * The permutation of `from` that does, before a reshape to `to`, what `perm` does after it: there is one
 * if `perm` keeps together whatever the reshape merges or splits.
 */
function permuteGroups(from: readonly number[], to: readonly number[], perm: readonly number[]): number[] | undefined {
  const groups: { sources: number[]; targets: number[] }[] = []
  let [i, j] = [0, 0]
  while (i < from.length && j < to.length) {
    const group = { sources: [i], targets: [j] }
    let [left, right] = [from[i++]!, to[j++]!]
    while (left !== right) {
      if (left < right) {
        group.sources.push(i)
        left *= from[i++]!
      } else {
        group.targets.push(j)
        right *= to[j++]!
      }
    }
    groups.push(group)
  }
  if (i < from.length || j < to.length) return undefined
  const order: number[] = []
  for (let at = 0; at < perm.length;) {
    const group = groups.find(({ targets }) => targets[0] === perm[at])
    if (!group || group.targets.some((target, k) => perm[at + k] !== target)) return undefined
    order.push(...group.sources)
    at += group.targets.length
  }
  return order
}

/** @param ranges start (inclusive) and end (exclusive) of every axis */
export function slice(
  graph: Graph,
  value: Value,
  ranges: readonly Pair[],
  steps: readonly number[] = ranges.map(() => 1),
): Value {
  const shape = ranges.map(([start, end], i) => Math.max(0, Math.ceil((end - start) / steps[i]!)))
  const cut = ranges.flatMap(([start, end], axis) =>
    start === 0 && end === value.shape[axis] && steps[axis] === 1 ? [] : [axis],
  )
  if (cut.length === 0) return value
  if (value.thin && cut.every(axis => value.thin!.shape[axis] === 1)) return graph.broadcast(value.thin, shape)
  const pick = (values: readonly number[]) => graph.integers(cut.map(axis => values[axis]!))
  const operands = [
    value,
    pick(ranges.map(range => range[0])),
    pick(ranges.map(range => range[1])),
    graph.integers(cut),
  ]
  if (cut.some(axis => steps[axis] !== 1)) operands.push(pick(steps))
  return graph.node('Slice', operands, shape)
}

/** Zeros before and after every dimension; negative widths cut off. */
export function pad(graph: Graph, value: Value, widths: readonly Pair[]): Value {
  if (widths.every(([before, after]) => before === 0 && after === 0)) return value
  if (widths.some(([before, after]) => before < 0 || after < 0)) {
    const ranges = widths.map(([before, after], i): Pair => [
      Math.max(0, -before),
      value.shape[i]! - Math.max(0, -after),
    ])
    return pad(
      graph,
      slice(graph, value, ranges),
      widths.map(([before, after]): Pair => [Math.max(0, before), Math.max(0, after)]),
    )
  }
  const shape = value.shape.map((dim, i) => dim + widths[i]![0] + widths[i]![1])
  const amounts = [...widths.map(width => width[0]), ...widths.map(width => width[1])]
  return graph.node('Pad', [value, graph.integers(amounts)], shape)
}

/** Reverses these dimensions. */
export function flip(graph: Graph, value: Value, axes: readonly number[]): Value {
  const turned = axes.filter(axis => (value.thin ?? value).shape[axis] !== 1)
  if (turned.length === 0) return value
  if (value.thin) return graph.broadcast(flip(graph, value.thin, turned), value.shape)
  const each = (number: number) => graph.integers(turned.map(() => number))
  const flipped = graph.node(
    'Slice',
    [value, each(-1), each(-(2 ** 31)), graph.integers(turned), each(-1)],
    value.shape,
  )
  graph.rememberFlip(flipped, value, turned)
  return flipped
}

/** Values one behind the other along a dimension. */
export function concatenate(graph: Graph, values: readonly Value[], axis: number): Value {
  if (values.length === 1) return values[0]!
  const shape = values[0]!.shape.map((dim, i) =>
    i === axis ? values.reduce((sum, value) => sum + value.shape[i]!, 0) : dim,
  )
  return graph.node('Concat', values, shape, { attributes: { axis } })
}

/** Parts of these sizes along a dimension. */
export function split(graph: Graph, value: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  if (sizes.length === 1) return [value]
  const outputs = sizes.map(size => ({
    dtype: value.dtype,
    shape: value.shape.map((dim, i) => (i === axis ? size : dim)),
  }))
  return graph.nodes('Split', [value, graph.integers(sizes)], outputs, { attributes: { axis } })
}

/** Puts `factor - 1` zeros between neighbours along each axis. */
export function dilate(graph: Graph, value: Value, factors: readonly number[]): Value {
  if (factors.every(factor => factor === 1)) return value
  const apart = reshape(
    graph,
    value,
    value.shape.flatMap(dim => [dim, 1]),
  )
  const padded = pad(
    graph,
    apart,
    factors.flatMap((factor): Pair[] => [
      [0, 0],
      [0, factor - 1],
    ]),
  )
  const joined = reshape(
    graph,
    padded,
    value.shape.map((dim, i) => dim * factors[i]!),
  )
  return slice(
    graph,
    joined,
    value.shape.map((dim, i): Pair => [0, (dim - 1) * factors[i]! + 1]),
  )
}
