import { elementCount } from '../tensor.ts'
import type { DType } from '../tensor.ts'
import { blockedElementwise } from './blocks.ts'
import { broadcastShapes, core, sameShape, splat } from './graph.ts'
import type { Graph, NodeOptions, Value } from './graph.ts'
import { reshape } from './shape.ts'

/**
 * Applies an operator element by element under broadcasting, on the thin form of every operand
 * ([Note: Lazy broadcasts]): what is equal along an axis is computed once along it.
 */
export function elementwise(
  graph: Graph,
  op: string,
  operands: readonly Value[],
  options: NodeOptions & { dtype?: DType } = {},
): Value {
  const shape = broadcastShapes(...operands.map(operand => operand.shape))
  const inBlocks = blockedElementwise(graph, op, operands, shape, {
    ...options,
    dtype: options.dtype ?? operands[0]!.dtype,
  })
  if (inBlocks) return inBlocks
  const thin = operands.map(operand => operand.thin ?? operand)
  // Constants of one element lose their rank, so that equal numbers are one value.
  const plain = thin.map(value =>
    value.constant && splat(value) !== undefined && value.shape.length > 0
      ? graph.scalar(splat(value)!, value.dtype)
      : value,
  )
  const thinShape = broadcastShapes(...thin.map(value => value.shape))
  const nodeShape = broadcastShapes(...plain.map(value => value.shape))
  const dtype = options.dtype ?? operands[0]!.dtype
  const folded = fold(graph, op, plain, dtype, options)
  const result = folded ?? graph.node(op, plain, nodeShape, { ...options, dtype })
  return spread(
    graph,
    sameShape(nodeShape, thinShape) || nodeShape.length === 0 ? result : reshape(graph, result, thinShape),
    shape,
  )
}

/** A value of lower rank or with unit dimensions, seen as `shape`. */
export function spread(graph: Graph, value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value
  const thin = value.thin ?? value
  const rank = shape.length
  const aligned = [...Array.from({ length: rank - thin.shape.length }, () => 1), ...thin.shape]
  return graph.broadcast(sameShape(aligned, thin.shape) ? thin : reshape(graph, thin, aligned), shape)
}

const FOLD: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Neg: a => -a,
  Reciprocal: a => 1 / a,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  Not: a => 1 - a,
}

function fold(
  graph: Graph,
  op: string,
  operands: readonly Value[],
  dtype: DType,
  options: NodeOptions,
): Value | undefined {
  const numbers = operands.map(splat)
  const rule = FOLD[op]
  if (
    !rule ||
    options.attributes ||
    operands.some(operand => operand.shape.length > 0) ||
    numbers.some(number => number === undefined)
  )
    return undefined
  const result = rule(numbers[0]!, numbers[1] ?? 0)
  if (dtype === 'i32') return graph.scalar(Math.trunc(result), dtype)
  return dtype === 'f32' || dtype === 'bool' ? graph.scalar(result, dtype) : undefined
}

/** Logical not. */
export const notA = (graph: Graph, a: Value): Value => elementwise(graph, 'Not', [a])

/** a + b broadcast; adding zero costs no node, and booleans are joined by or. */
export function add(graph: Graph, a: Value, b: Value): Value {
  if (a.dtype === 'bool') return elementwise(graph, 'Or', [a, b])
  const shape = broadcastShapes(a.shape, b.shape)
  if (splat(a) === 0) return spread(graph, b, shape)
  if (splat(b) === 0) return spread(graph, a, shape)
  // x + (-y), as derivatives leave it behind.
  const minusB =
    negated(graph, b) ??
    (splat(b) !== undefined && splat(b)! < 0 && b.dtype === 'f32' ? graph.scalar(-splat(b)!) : undefined)
  if (minusB) return subtract(graph, a, minusB)
  const minusA = negated(graph, a)
  if (minusA) return subtract(graph, b, minusA)
  const withBias = biased(graph, a, b) ?? biased(graph, b, a)
  if (withBias) return withBias
  const selected = selection(graph, a, b) ?? selection(graph, b, a)
  if (selected) return selected
  if (a.dtype === 'f32' && sameValue(a, b)) return multiply(graph, graph.scalar(2), a)
  return elementwise(graph, 'Add', ordered(a, b))
}

/** a * b broadcast; factors of one, minus one and zero cost no multiplication, and booleans are joined by and. */
export function multiply(graph: Graph, a: Value, b: Value): Value {
  if (a.dtype === 'bool') return elementwise(graph, 'And', [a, b])
  const shape = broadcastShapes(a.shape, b.shape)
  if (splat(a) === 1) return spread(graph, b, shape)
  if (splat(b) === 1) return spread(graph, a, shape)
  if (splat(a) === -1) return spread(graph, negate(graph, b), shape)
  if (splat(b) === -1) return spread(graph, negate(graph, a), shape)
  if ((splat(a) === 0 || splat(b) === 0) && a.dtype === 'f32')
    return graph.broadcast(
      reshape(
        graph,
        graph.scalar(0),
        shape.map(() => 1),
      ),
      shape,
    )
  const activation = leakyRelu(graph, a, b) ?? leakyRelu(graph, b, a)
  if (activation) return activation
  const whole = (value: Value) => !value.thin && sameShape(value.shape, shape)
  // Signs go to the outside, so that the products which a derivative takes of g and of -g are one.
  const [minusA, minusB] = [a, b].map(value => (whole(value) ? negated(graph, value) : undefined))
  if (minusA) return negate(graph, multiply(graph, minusA, b))
  if (minusB) return negate(graph, multiply(graph, a, minusB))
  // A quotient of two whole arrays; where the divisor is smaller, multiplying by its reciprocal is cheaper.
  const divisor = whole(b) ? definition(b, 'Reciprocal') : undefined
  if (divisor) return elementwise(graph, 'Div', [a, rewrap(graph, divisor, b)])
  const otherDivisor = whole(a) ? definition(a, 'Reciprocal') : undefined
  if (otherDivisor) return elementwise(graph, 'Div', [b, rewrap(graph, otherDivisor, a)])
  const scaled = scaledTwice(graph, a, b) ?? scaledTwice(graph, b, a)
  return scaled ?? elementwise(graph, 'Mul', ordered(a, b))
}

function subtract(graph: Graph, a: Value, b: Value): Value {
  // x - x is how a chosen derivative enters a graph; it is zero, and all that hangs on it folds away.
  if (a.dtype === 'f32' && sameValue(a, b))
    return graph.broadcast(
      reshape(
        graph,
        graph.scalar(0),
        a.shape.map(() => 1),
      ),
      a.shape,
    )
  if (splat(b) === 0) return spread(graph, a, broadcastShapes(a.shape, b.shape))
  return hyperbolicTangent(graph, a, b) ?? elementwise(graph, 'Sub', [a, b])
}

/** -a, or what a is the negative of. */
export function negate(graph: Graph, a: Value): Value {
  return negated(graph, a) ?? elementwise(graph, 'Neg', [a])
}

/** Where the condition holds the one, elsewhere the other, broadcast; recognises leaky ReLUs. */
export function select(graph: Graph, condition: Value, whenTrue: Value, whenFalse: Value): Value {
  const known = splat(condition)
  const shape = broadcastShapes(condition.shape, whenTrue.shape, whenFalse.shape)
  if (known !== undefined) return spread(graph, known ? whenTrue : whenFalse, shape)
  const slope = slopeOf(graph, condition, whenTrue, whenFalse)
  if (slope) return spread(graph, slope, shape)
  if (whenTrue.name === whenFalse.name) return spread(graph, whenTrue, shape)
  if (whenTrue.dtype === 'bool') {
    const yes = elementwise(graph, 'And', [condition, whenTrue])
    return elementwise(graph, 'Or', [yes, elementwise(graph, 'And', [notA(graph, condition), whenFalse])])
  }
  return elementwise(graph, 'Where', [condition, whenTrue, whenFalse], { dtype: whenTrue.dtype })
}

/** The operand of the node of kind `op` that computes `value`, if one does. */
export function definition(value: Value, op: string): Value | undefined {
  const { node } = core(value)
  return node?.op === op ? node.operands[0] : undefined
}

const sameValue = (a: Value, b: Value): boolean => core(a).name === core(b).name && sameShape(a.shape, b.shape)

/** Operands of a commutative operator in one order, so that equal products are found equal. */
const ordered = (a: Value, b: Value): [Value, Value] => (core(a).name <= core(b).name ? [a, b] : [b, a])

/** c * (d * x) is (c * d) * x. */
function scaledTwice(graph: Graph, x: Value, factor: Value): Value | undefined {
  const outer = splat(factor)
  const { node } = core(x)
  if (outer === undefined || node?.op !== 'Mul' || x.dtype !== 'f32') return undefined
  const at = node.operands.findIndex(operand => splat(operand) !== undefined)
  if (at < 0) return undefined
  const inner = rewrap(graph, node.operands[1 - at]!, x)
  return multiply(graph, inner, graph.scalar(outer * splat(node.operands[at]!)!))
}

/** 1 / (1 + e^-x) is one operator. */
export function invert(graph: Graph, x: Value): Value {
  const { node } = core(x)
  if (node?.op === 'Add') {
    const at = node.operands.findIndex(operand => splat(operand) === 1)
    const power = at < 0 ? undefined : definition(node.operands[1 - at]!, 'Exp')
    const argument = power && definition(power, 'Neg')
    if (argument) return elementwise(graph, 'Sigmoid', [rewrap(graph, argument, x)])
  }
  return elementwise(graph, 'Reciprocal', [x])
}

/** 2 / (1 + e^-2x) - 1, as the vocabulary writes tanh, is one operator. */
function hyperbolicTangent(graph: Graph, a: Value, b: Value): Value | undefined {
  const { node } = core(a)
  if (splat(b) !== 1 || node?.op !== 'Mul') return undefined
  const at = node.operands.findIndex(operand => splat(operand) === 2)
  const argument = at < 0 ? undefined : definition(node.operands[1 - at]!, 'Sigmoid')
  if (argument?.node?.op !== 'Mul') return undefined
  const twice = argument.node.operands.findIndex(operand => splat(operand) === 2)
  if (twice < 0) return undefined
  return elementwise(graph, 'Tanh', [rewrap(graph, argument.node.operands[1 - twice]!, a)])
}

/** What a value is the negative of, if it is one. */
export function negated(graph: Graph, value: Value): Value | undefined {
  const inner = definition(value, 'Neg')
  return inner && rewrap(graph, inner, value)
}

/** A blocked convolution takes one number a channel along: its bias. */
function biased(graph: Graph, image: Value, bias: Value): Value | undefined {
  const convolution = image.blocked?.node?.op === 'Reshape' ? image.blocked.node.operands[0]! : undefined
  const { node } = convolution ?? {}
  const thin = core(bias)
  if (
    !convolution ||
    node?.op !== 'Conv' ||
    node.operands.length !== 2 ||
    elementCount(thin.shape) !== image.shape[1] ||
    thin.shape.at(-3) !== image.shape[1]
  )
    return undefined
  const vector = reshape(graph, thin, [image.shape[1]])
  const result = graph.node('Conv', [...node.operands, vector], convolution.shape, {
    attributes: node.attributes!,
    domain: node.domain!,
  })
  return graph.blocked(reshape(graph, result, image.blocked!.shape), image.shape)
}

/** where(c, a, 0) + where(c, 0, b) is where(c, a, b): the two halves in which a selection's derivative comes back. */
function selection(graph: Graph, a: Value, b: Value): Value | undefined {
  if (a.thin || b.thin || a.node?.op !== 'Where' || b.node?.op !== 'Where' || !sameShape(a.shape, b.shape))
    return undefined
  const [condition, yes, rest] = a.node.operands as [Value, Value, Value]
  const [otherCondition, otherRest, no] = b.node.operands as [Value, Value, Value]
  if (condition.name !== otherCondition.name || splat(rest) !== 0 || splat(otherRest) !== 0) return undefined
  return spread(graph, select(graph, condition, yes, no), a.shape)
}

/** x * where(0 < x, 1, slope), the form in which the vocabulary writes it, is one operator. */
function leakyRelu(graph: Graph, x: Value, factor: Value): Value | undefined {
  const { node } = core(factor)
  if (x.thin || factor.thin || node?.op !== 'Clip') return undefined
  const [scaled, low] = node.operands as [Value, Value]
  if (!scaled.node!.operands.some(operand => operand.name === core(x).name)) return undefined
  if (splat(low) === 0) return elementwise(graph, 'Relu', [x])
  return elementwise(graph, 'LeakyRelu', [x], { attributes: { alpha: { float: splat(low)! } } })
}

/** So large that its product with any normal positive float is at least 1. */
const HUGE = 1e38

/**
 * where(0 < x, 1, low) for 0 <= low < 1, the slope of a leaky ReLU, as clip(x * 1e38, low, 1): two passes
 * of vector arithmetic, which take a quarter of the time of a comparison and a selection.
 */
function slopeOf(graph: Graph, condition: Value, whenTrue: Value, whenFalse: Value): Value | undefined {
  const { node } = core(condition)
  const low = splat(whenFalse)
  if (node?.op !== 'Less' || splat(whenTrue) !== 1 || low === undefined || !(low >= 0 && low < 1)) return undefined
  const [threshold, inner] = node.operands as [Value, Value]
  if (splat(threshold) !== 0 || inner.dtype !== 'f32' || whenTrue.dtype !== 'f32') return undefined
  const subject = rewrap(graph, inner, condition)
  return elementwise(
    graph,
    'Clip',
    [elementwise(graph, 'Mul', [subject, graph.scalar(HUGE)]), whenFalse, whenTrue].map((value, i) =>
      i === 0 ? value : graph.scalar(splat(value)!),
    ),
  )
}

/** An operand of the node behind `like`, seen as `like` is seen. */
function rewrap(graph: Graph, inner: Value, like: Value): Value {
  if (like.blocked && inner.shape.length === 5) return graph.blocked(inner, like.shape)
  return spread(graph, inner, like.shape)
}
