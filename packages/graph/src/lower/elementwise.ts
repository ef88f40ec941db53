import type { DType } from '../tensor.ts'
import { broadcastShapes, sameShape, splat } from './graph.ts'
import type { Graph, NodeOptions, Value } from './graph.ts'
import { reshape } from './shape.ts'

/**
 * Applies an operator element by element under broadcasting, on the thin form of every operand
 * ([Note: Lazy broadcasts]): what is equal along an axis is computed once along it.
 */
export function elementwise(graph: Graph, op: string, operands: readonly Value[], options: NodeOptions & { dtype?: DType } = {}): Value {
  const shape = broadcastShapes(...operands.map(operand => operand.shape))
  const thin = operands.map(operand => operand.thin ?? operand)
  // Constants of one element lose their rank, so that equal numbers are one value.
  const plain = thin.map(value => (value.constant && splat(value) !== undefined && value.shape.length > 0 ? graph.scalar(splat(value)!, value.dtype) : value))
  const thinShape = broadcastShapes(...thin.map(value => value.shape))
  const nodeShape = broadcastShapes(...plain.map(value => value.shape))
  const dtype = options.dtype ?? operands[0]!.dtype
  const folded = fold(graph, op, plain, dtype, options)
  const result = folded ?? graph.node(op, plain, nodeShape, { ...options, dtype })
  return spread(graph, sameShape(nodeShape, thinShape) || nodeShape.length === 0 ? result : reshape(graph, result, thinShape), shape)
}

/** A value of lower rank or with unit dimensions, seen as `shape`. */
export function spread(graph: Graph, value: Value, shape: readonly number[]): Value {
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

function fold(graph: Graph, op: string, operands: readonly Value[], dtype: DType, options: NodeOptions): Value | undefined {
  const numbers = operands.map(splat)
  const rule = FOLD[op]
  if (!rule || options.attributes || operands.some(operand => operand.shape.length > 0) || numbers.some(number => number === undefined)) return undefined
  const result = rule(numbers[0]!, numbers[1] ?? 0)
  if (dtype === 'i32') return graph.scalar(Math.trunc(result), dtype)
  return dtype === 'f32' || dtype === 'bool' ? graph.scalar(result, dtype) : undefined
}

export const notA = (graph: Graph, a: Value): Value => elementwise(graph, 'Not', [a])

export function add(graph: Graph, a: Value, b: Value): Value {
  if (a.dtype === 'bool') return elementwise(graph, 'Or', [a, b])
  const shape = broadcastShapes(a.shape, b.shape)
  if (splat(a) === 0) return spread(graph, b, shape)
  if (splat(b) === 0) return spread(graph, a, shape)
  // x + (-y), as derivatives leave it behind.
  const minusB = negated(graph, b) ?? (splat(b) !== undefined && splat(b)! < 0 && b.dtype === 'f32' ? graph.scalar(-splat(b)!) : undefined)
  if (minusB) return subtract(graph, a, minusB)
  const minusA = negated(graph, a)
  if (minusA) return subtract(graph, b, minusA)
  const selected = selection(graph, a, b) ?? selection(graph, b, a)
  if (selected) return selected
  if (a.dtype === 'f32' && sameValue(a, b)) return multiply(graph, graph.scalar(2), a)
  return elementwise(graph, 'Add', ordered(a, b))
}

export function multiply(graph: Graph, a: Value, b: Value): Value {
  if (a.dtype === 'bool') return elementwise(graph, 'And', [a, b])
  const shape = broadcastShapes(a.shape, b.shape)
  if (splat(a) === 1) return spread(graph, b, shape)
  if (splat(b) === 1) return spread(graph, a, shape)
  if (splat(a) === -1) return spread(graph, negate(graph, b), shape)
  if (splat(b) === -1) return spread(graph, negate(graph, a), shape)
  if ((splat(a) === 0 || splat(b) === 0) && a.dtype === 'f32') return graph.broadcast(reshape(graph, graph.scalar(0), shape.map(() => 1)), shape)
  const activation = leakyRelu(graph, a, b) ?? leakyRelu(graph, b, a)
  if (activation) return activation
  const divisor = definition(b, 'Reciprocal')
  if (divisor) return elementwise(graph, 'Div', [a, spread(graph, divisor, b.shape)])
  const otherDivisor = definition(a, 'Reciprocal')
  if (otherDivisor) return elementwise(graph, 'Div', [b, spread(graph, otherDivisor, a.shape)])
  const scaled = scaledTwice(graph, a, b) ?? scaledTwice(graph, b, a)
  return scaled ?? elementwise(graph, 'Mul', ordered(a, b))
}

function subtract(graph: Graph, a: Value, b: Value): Value {
  // x - x is how a chosen derivative enters a graph; it is zero, and all that hangs on it folds away.
  if (a.dtype === 'f32' && sameValue(a, b)) return graph.broadcast(reshape(graph, graph.scalar(0), a.shape.map(() => 1)), a.shape)
  if (splat(b) === 0) return spread(graph, a, broadcastShapes(a.shape, b.shape))
  return hyperbolicTangent(graph, a, b) ?? elementwise(graph, 'Sub', [a, b])
}

export function negate(graph: Graph, a: Value): Value {
  return negated(graph, a) ?? elementwise(graph, 'Neg', [a])
}

export function select(graph: Graph, condition: Value, whenTrue: Value, whenFalse: Value): Value {
  const known = splat(condition)
  const shape = broadcastShapes(condition.shape, whenTrue.shape, whenFalse.shape)
  if (known !== undefined) return spread(graph, known ? whenTrue : whenFalse, shape)
  if (whenTrue.name === whenFalse.name) return spread(graph, whenTrue, shape)
  if (whenTrue.dtype === 'bool') {
    const yes = elementwise(graph, 'And', [condition, whenTrue])
    return elementwise(graph, 'Or', [yes, elementwise(graph, 'And', [notA(graph, condition), whenFalse])])
  }
  return elementwise(graph, 'Where', [condition, whenTrue, whenFalse], { dtype: whenTrue.dtype })
}

/** The operand of the node of kind `op` that computes `value`, if one does. */
export function definition(value: Value, op: string): Value | undefined {
  const { node } = value.thin ?? value
  return node?.op === op ? node.operands[0] : undefined
}

const sameValue = (a: Value, b: Value): boolean => (a.thin ?? a).name === (b.thin ?? b).name && sameShape(a.shape, b.shape)

/** Operands of a commutative operator in one order, so that equal products are found equal. */
const ordered = (a: Value, b: Value): [Value, Value] => ((a.thin ?? a).name <= (b.thin ?? b).name ? [a, b] : [b, a])

/** c * (d * x) is (c * d) * x. */
function scaledTwice(graph: Graph, x: Value, factor: Value): Value | undefined {
  const outer = splat(factor)
  const { node } = x.thin ?? x
  if (outer === undefined || node?.op !== 'Mul' || x.dtype !== 'f32') return undefined
  const at = node.operands.findIndex(operand => splat(operand) !== undefined)
  if (at < 0) return undefined
  const inner = spread(graph, node.operands[1 - at]!, x.shape)
  return multiply(graph, inner, graph.scalar(outer * splat(node.operands[at]!)!))
}

/** 1 / (1 + e^-x) is one operator. */
export function invert(graph: Graph, x: Value): Value {
  const thin = x.thin ?? x
  const { node } = thin
  if (node?.op === 'Add') {
    const at = node.operands.findIndex(operand => splat(operand) === 1)
    const power = at < 0 ? undefined : definition(node.operands[1 - at]!, 'Exp')
    const argument = power && definition(power, 'Neg')
    if (argument) return spread(graph, elementwise(graph, 'Sigmoid', [argument]), x.shape)
  }
  return elementwise(graph, 'Reciprocal', [x])
}

/** 2 / (1 + e^-2x) - 1, as the vocabulary writes tanh, is one operator. */
function hyperbolicTangent(graph: Graph, a: Value, b: Value): Value | undefined {
  const { node } = a.thin ?? a
  if (splat(b) !== 1 || node?.op !== 'Mul') return undefined
  const at = node.operands.findIndex(operand => splat(operand) === 2)
  const argument = at < 0 ? undefined : definition(node.operands[1 - at]!, 'Sigmoid')
  if (argument?.node?.op !== 'Mul') return undefined
  const twice = argument.node.operands.findIndex(operand => splat(operand) === 2)
  if (twice < 0) return undefined
  return spread(graph, elementwise(graph, 'Tanh', [argument.node.operands[1 - twice]!]), a.shape)
}

function negated(graph: Graph, value: Value): Value | undefined {
  const inner = definition(value, 'Neg')
  return inner && spread(graph, inner, value.shape)
}

/** where(c, a, 0) + where(c, 0, b) is where(c, a, b): the two halves in which a selection's derivative comes back. */
function selection(graph: Graph, a: Value, b: Value): Value | undefined {
  if (a.thin || b.thin || a.node?.op !== 'Where' || b.node?.op !== 'Where' || !sameShape(a.shape, b.shape)) return undefined
  const [condition, yes, rest] = a.node.operands as [Value, Value, Value]
  const [otherCondition, otherRest, no] = b.node.operands as [Value, Value, Value]
  if (condition.name !== otherCondition.name || splat(rest) !== 0 || splat(otherRest) !== 0) return undefined
  return spread(graph, select(graph, condition, yes, no), a.shape)
}

/** x * where(x < 0, slope, 1), the form in which the vocabulary writes it, is one operator. */
function leakyRelu(graph: Graph, x: Value, factor: Value): Value | undefined {
  if (x.thin || factor.thin || factor.node?.op !== 'Where') return undefined
  const [condition, low, high] = factor.node.operands as [Value, Value, Value]
  const slope = splat(low)
  if (slope === undefined || splat(high) !== 1 || condition.node?.op !== 'Less') return undefined
  const [subject, threshold] = condition.node.operands as [Value, Value]
  if (subject.name !== x.name || splat(threshold) !== 0) return undefined
  if (slope === 0) return elementwise(graph, 'Relu', [x])
  return elementwise(graph, 'LeakyRelu', [x], { attributes: { alpha: { float: slope } } })
}
