import type { Graph, Value } from './graph.ts'
import { broadcastShapes } from './graph.ts'
import { elementwise, spread } from './elementwise.ts'
import { concatenate, reshape, transpose } from './shape.ts'

/** jax-js's gather: `indices[i]` runs along `axis[i]`; their common shape stands at `outDim` of the result. */
export interface GatherParams {
  readonly axis: readonly number[]
  readonly outDim: number
}

/** Slices of a value at indices: what {@link GatherParams} says. */
export function gather(graph: Graph, value: Value, indices: readonly Value[], { axis, outDim }: GatherParams): Value {
  const indexShape = broadcastShapes(...indices.map(index => index.shape))
  if (axis.length === 1) {
    const at = axis[0]!
    const shape = [...value.shape.slice(0, at), ...indexShape, ...value.shape.slice(at + 1)]
    const taken = graph.node('Gather', [value, indices[0]!], shape, { attributes: { axis: at } })
    return transpose(graph, taken, moved(shape.length, at, indexShape.length, outDim))
  }
  const rest = value.shape.flatMap((_, i) => (axis.includes(i) ? [] : [i]))
  const front = transpose(graph, value, [...axis, ...rest])
  const shape = [...indexShape, ...rest.map(i => value.shape[i]!)]
  const taken = graph.node('GatherND', [front, coordinates(graph, indices, indexShape)], shape)
  return transpose(graph, taken, moved(shape.length, 0, indexShape.length, outDim))
}

/** The adjoint of {@link gather}: adds every update where it was taken from, in an array of `shape`. */
export function scatterAdd(
  graph: Graph,
  updates: Value,
  indices: readonly Value[],
  { axis, outDim }: GatherParams,
  shape: readonly number[],
): Value {
  const indexShape = broadcastShapes(...indices.map(index => index.shape))
  const rest = shape.flatMap((_, i) => (axis.includes(i) ? [] : [i]))
  const order = [...axis, ...rest]
  const back = moved(updates.shape.length, 0, indexShape.length, outDim)
  const front = transpose(graph, updates, inverse(back))
  const dims = order.map(i => shape[i]!)
  const zero = graph.full(
    graph.broadcast(
      reshape(
        graph,
        graph.scalar(0, updates.dtype),
        dims.map(() => 1),
      ),
      dims,
    ),
  )
  const sum = graph.node('ScatterND', [zero, coordinates(graph, indices, indexShape), front], dims, {
    attributes: { reduction: 'add' },
  })
  return transpose(graph, sum, inverse(order))
}

/** Ascending order along the last axis; ties keep their order. */
export function sort(graph: Graph, value: Value): readonly [values: Value, order: Value] {
  const length = value.shape.at(-1)!
  const [values, order] = graph.nodes(
    'TopK',
    [value, graph.integers([length])],
    [value, { shape: value.shape, dtype: 'i64' }],
    { attributes: { axis: -1, largest: 0, sorted: 1 } },
  )
  return [values!, graph.node('Cast', [order!], value.shape, { dtype: 'i32', attributes: { to: 6 } })]
}

function coordinates(graph: Graph, indices: readonly Value[], shape: readonly number[]): Value {
  const columns = indices.map(index => {
    const wide = graph.node('Cast', [index], index.shape, { dtype: 'i64', attributes: { to: 7 } })
    return reshape(graph, graph.full(spread(graph, wide, shape)), [...shape, 1])
  })
  return concatenate(graph, columns, shape.length)
}

/** The permutation that moves `count` axes from position `from` to position `to` of those that remain. */
function moved(rank: number, from: number, count: number, to: number): number[] {
  const block = Array.from({ length: count }, (_, i) => from + i)
  const rest = Array.from({ length: rank }, (_, i) => i).filter(i => !block.includes(i))
  return rest.toSpliced(to, 0, ...block)
}

const inverse = (perm: readonly number[]): number[] => perm.map((_, i) => perm.indexOf(i))

/** C-style remainder, with the sign of the dividend. */
export const remainder = (graph: Graph, a: Value, b: Value): Value =>
  elementwise(graph, 'Mod', [a, b], { attributes: { fmod: 1 } })
