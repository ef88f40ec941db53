import type { Jaxpr } from '@jax-js/jax'
import { LatentError } from '@latent/core'
import type { DType } from '../tensor.ts'
import { dot, reduce } from './contraction.ts'
import { convolution, windows, windowsTransposed } from './convolution.ts'
import type { ConvolutionParams, ConvolutionTarget } from './convolution.ts'
import { add, elementwise, invert, multiply, negate, notA, select, spread } from './elementwise.ts'
import type { Graph, Value } from './graph.ts'
import { gather, remainder, scatterAdd, sort } from './indexing.ts'
import type { GatherParams } from './indexing.ts'
import { concatenate, flip, pad, reshape, slice, split, transpose } from './shape.ts'
import type { Pair } from './shape.ts'

type Equation = Jaxpr['eqns'][number]
type Variable = Jaxpr['inBinders'][number]

/** The parameters of a primitive as jax-js records them, of which each rule reads its own. */
interface Params extends ConvolutionParams, GatherParams {
  readonly op: string
  readonly axis: readonly number[]
  readonly dtype: string
  readonly shape: readonly number[]
  readonly perm: readonly number[]
  readonly sizes: readonly number[]
  readonly slice: readonly Pair[]
  readonly width: readonly Pair[]
  readonly window: readonly number[]
  readonly inShape: readonly number[]
}

interface Context {
  readonly graph: Graph
  readonly params: Params
  /** Shape of the (first) result, as traced. */
  readonly shape: readonly number[]
  readonly target: ConvolutionTarget
}

type Rule = (context: Context, ...operands: Value[]) => Value | readonly Value[]

const ONNX_TYPE: Partial<Record<DType, number>> = { f32: 1, i32: 6, bool: 9 }

const unary =
  (op: string): Rule =>
  ({ graph }, x) =>
    elementwise(graph, op, [x])

/** One rule a primitive of jax-js. What is missing here is refused by {@link lower}. */
const RULES: Record<string, Rule> = {
  add: ({ graph }, x, y) => add(graph, x, y),
  mul: ({ graph }, x, y) => multiply(graph, x, y),
  idiv({ graph }, x, y) {
    const quotient = elementwise(graph, 'Div', [x, y])
    if (x.dtype !== 'f32') return quotient
    const down = elementwise(graph, 'Floor', [quotient])
    const positive = elementwise(graph, 'Less', [graph.scalar(0), quotient], { dtype: 'bool' })
    return select(graph, positive, down, elementwise(graph, 'Ceil', [quotient]))
  },
  mod: ({ graph }, x, y) => remainder(graph, x, y),
  min: ({ graph }, x, y) => elementwise(graph, x.dtype === 'bool' ? 'And' : 'Min', [x, y]),
  max: ({ graph }, x, y) => elementwise(graph, x.dtype === 'bool' ? 'Or' : 'Max', [x, y]),
  bit_combine({ graph, params }, x, y) {
    if (x.dtype !== 'bool')
      throw new LatentError('E_GRAPH', 'bitwise arithmetic on integers cannot be compiled', {
        hint: 'do it on the host, before the graph',
      })
    return elementwise(graph, { and: 'And', or: 'Or', xor: 'Xor' }[params.op]!, [x, y])
  },
  neg: ({ graph }, x) => negate(graph, x),
  reciprocal: ({ graph }, x) => invert(graph, x),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  stop_gradient: (_, x) => x,
  cast: ({ graph, params }, x) => cast(graph, x, dtypeOf(params.dtype)),
  sin: unary('Sin'),
  cos: unary('Cos'),
  asin: unary('Asin'),
  atan: unary('Atan'),
  exp: unary('Exp'),
  log: unary('Log'),
  erf: unary('Erf'),
  erfc: ({ graph }, x) => elementwise(graph, 'Sub', [graph.scalar(1), elementwise(graph, 'Erf', [x])]),
  sqrt: unary('Sqrt'),
  reduce: ({ graph, params }, x) => reduce(graph, x, params.op, params.axis),
  dot: ({ graph }, x, y) => dot(graph, x, y),
  conv: ({ graph, params, shape, target }, x, y) => convolution(graph, x, y, params, shape, target),
  pool: ({ graph, params, shape }, x) => windows(graph, x, params.window, params.strides, shape),
  pool_transpose: ({ graph, params, shape }, x) => windowsTransposed(graph, x, params.window, params.strides, shape),
  compare({ graph, params }, x, y) {
    const [a, b] =
      x.dtype === 'bool' && params.op.startsWith('less') ? [cast(graph, x, 'i32'), cast(graph, y, 'i32')] : [x, y]
    const op = { less: 'Less', less_equal: 'LessOrEqual', equal: 'Equal', not_equal: 'Equal' }[params.op]!
    const result = elementwise(graph, op, [a, b], { dtype: 'bool' })
    return params.op === 'not_equal' ? notA(graph, result) : result
  },
  where: ({ graph }, condition, x, y) => select(graph, condition, x, y),
  concatenate: ({ graph, params }, ...xs) => concatenate(graph, xs, params.axis as unknown as number),
  split: ({ graph, params }, x) => split(graph, x, params.axis as unknown as number, params.sizes),
  gather: ({ graph, params }, x, ...indices) => gather(graph, x, indices, params),
  scatter({ graph, params }, updates, ...indices) {
    // Without a sum, indices are promised to be unique, and adding to zeros is setting.
    return scatterAdd(graph, updates, indices, params, params.shape)
  },
  transpose: ({ graph, params }, x) => transpose(graph, x, params.perm),
  broadcast({ graph, params }, x) {
    const inserted = params.shape.length - x.shape.length
    const aligned = inserted > 0 ? params.shape.flatMap((_, i) => (params.axis.includes(i) ? [1] : [-1])) : x.shape
    let next = 0
    const thinShape = aligned.map(dim => (dim === -1 ? x.shape[next++]! : dim))
    return spread(graph, reshape(graph, x, thinShape), params.shape)
  },
  reshape: ({ graph, params }, x) => reshape(graph, x, params.shape),
  flip: ({ graph, params }, x) => flip(graph, x, params.axis),
  shrink: ({ graph, params }, x) => slice(graph, x, params.slice),
  pad: ({ graph, params }, x) => pad(graph, x, params.width),
  sort: ({ graph }, x) => sort(graph, x)[0],
  argsort: ({ graph }, x) => sort(graph, x),
}

const HINTS: Record<string, string> = {
  random_bits: 'draw random numbers on the host from a key stream and feed them as an input',
  fft: 'write the transform as a product with a constant matrix',
  bit_shift: 'do bitwise arithmetic on the host, before the graph',
}

/**
 * Lowers a traced function, equation by equation, into `graph`.
 * @param inputs one value for every binder of the jaxpr
 * @returns one value for every output
 * @throws E_GRAPH for a primitive or element type without an ONNX form, with the shapes it met
 */
export function lower(graph: Graph, jaxpr: Jaxpr, inputs: readonly Value[], target: ConvolutionTarget = {}): Value[] {
  const values = new Map<Variable, Value>(jaxpr.inBinders.map((binder, i) => [binder, inputs[i]!]))
  const read = (atom: Equation['inputs'][number]): Value => {
    if ('value' in atom) return graph.scalar(atom.value, dtypeOf(atom.dtype))
    return values.get(atom)!
  }
  for (const equation of jaxpr.eqns) {
    const operands = equation.inputs.map(read)
    const rule = RULES[equation.primitive]
    const shapes = operands.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`).join(', ')
    if (!rule) {
      throw new LatentError('E_GRAPH', `${equation.primitive}(${shapes}) cannot be compiled`, {
        hint: HINTS[equation.primitive] ?? 'write the function with the operators that @latent/graph offers',
      })
    }
    const shape = equation.outBinders[0]!.aval.shape
    const results = [rule({ graph, params: equation.params as Params, shape, target }, ...operands)].flat()
    equation.outBinders.forEach((binder, i) => {
      const result = results[i]!
      if (result.shape.join() !== binder.aval.shape.join()) {
        throw new LatentError(
          'E_INTERNAL',
          `lowering ${equation.primitive}(${shapes}) gave [${result.shape.join(', ')}] for ` +
            `[${binder.aval.shape.join(', ')}]`,
        )
      }
      values.set(binder, result)
    })
  }
  return jaxpr.outs.map(read)
}

/** @throws E_GRAPH for element types that graphs do not carry */
export function dtypeOf(name: string): DType {
  if (name === 'float32') return 'f32'
  if (name === 'int32') return 'i32'
  if (name === 'bool') return 'bool'
  throw new LatentError('E_GRAPH', `element type ${name} cannot be compiled`, {
    hint: 'graphs compute in float32, int32 and bool',
  })
}

function cast(graph: Graph, value: Value, dtype: DType): Value {
  if (value.dtype === dtype) return value
  // To bool is a comparison, so that 0.5 is true as it is in NumPy.
  if (dtype === 'bool')
    return notA(graph, elementwise(graph, 'Equal', [value, graph.scalar(0, value.dtype)], { dtype: 'bool' }))
  return elementwise(graph, 'Cast', [value], { dtype, attributes: { to: ONNX_TYPE[dtype]! } })
}
