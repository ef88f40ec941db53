import { LatentError } from '@latent/core'
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxValue } from '../onnx.ts'
import { elementCount, tensor, tensorBytes } from '../tensor.ts'
import type { DType, Tensor } from '../tensor.ts'

/**
 * One array-valued expression of the graph under construction.
 *
 * [Note: Lazy broadcasts] A value may be a broadcast that nobody has written out: `thin` then has the
 * same rank with some dimensions 1, and `shape` is what it stands for. Element-wise operators work on
 * thin values (ONNX broadcasts them anyway), products recognise which axes each operand really has,
 * and only an operator that needs every element makes {@link Graph.full} emit an Expand.
 */
export interface Value {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly thin?: Value
  /** The same image with channels in blocks; then no plain node need exist. See [Note: Blocked images]. */
  readonly blocked?: Value
  /** The elements, for constants known while compiling. */
  readonly constant?: Tensor
  /** The node that computes it; absent for inputs and constants. */
  readonly node?: GraphNode
  /** Which of the node's outputs it is. */
  readonly output?: number
}

/** A node with the values it reads, from which rules see what was computed before. */
export interface GraphNode extends OnnxNode {
  readonly operands: readonly Value[]
}

/** Attributes of a node, and the operator set it is from unless that is ONNX's own. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  readonly domain?: string
}

/** The shape of `a` against `b` under NumPy broadcasting. @throws E_GRAPH */
export function broadcastShapes(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map(shape => shape.length))
  return Array.from({ length: rank }, (_, i) => {
    const dims = shapes.map(shape => shape[i - (rank - shape.length)] ?? 1)
    const dim = dims.find(d => d !== 1) ?? 1
    if (dims.some(d => d !== 1 && d !== dim)) {
      throw new LatentError(
        'E_GRAPH',
        `shapes ${shapes.map(shape => `[${shape.join(', ')}]`).join(' and ')} do not broadcast`,
      )
    }
    return dim
  })
}

/** Whether two shapes have equal dimensions. */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i])

/**
 * Collects ONNX nodes. Equal nodes are emitted once (common-subexpression removal), constants of up
 * to a few elements are folded by the callers through {@link Value.constant}, and nodes that no
 * output needs are left out at the end.
 */
export class Graph {
  readonly #nodes: GraphNode[] = []
  readonly #inputs: Value[] = []
  readonly #constants = new Map<string, Value>()
  readonly #known = new Map<string, readonly Value[]>()
  readonly #blocked = new Map<string, Value>()
  readonly #flipped = new Map<string, { value: Value; axes: readonly number[] }>()
  #next = 0

  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value = { name, dtype, shape }
    this.#inputs.push(value)
    return value
  }

  /** A constant; equal ones are stored once, and one that is the same number everywhere as that number. */
  constant(value: Tensor): Value {
    if (value.data.length > 1 && value.data.every(element => Object.is(element, value.data[0]))) {
      const one = { ...value, dims: value.dims.map(() => 1), data: value.data.slice(0, 1) }
      return this.broadcast(this.constant(one), value.dims)
    }
    return this.#store(value)
  }

  /** A 64-bit vector, as ONNX wants shapes, axes and positions. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): Value {
    return this.#store(tensor('i64', dims, BigInt64Array.from(values, BigInt)))
  }

  #store(value: Tensor): Value {
    const bytes = tensorBytes(value)
    // Large constants (tables, masks) are rarely equal: hashing them would cost more than it saves.
    const key = bytes.length <= 4096 ? `${value.dtype}[${value.dims.join()}]${bytes.join()}` : `#${this.#next}`
    const known = this.#constants.get(key)
    if (known) return known
    const made: Value = { name: `c${this.#next++}`, dtype: value.dtype, shape: value.dims, constant: value }
    this.#constants.set(key, made)
    return made
  }

  scalar(value: number, dtype: DType = 'f32'): Value {
    if (dtype === 'f32') return this.constant(tensor('f32', [], Float32Array.of(value)))
    if (dtype === 'i32') return this.constant(tensor('i32', [], Int32Array.of(value)))
    if (dtype === 'bool') return this.constant(tensor('bool', [], Uint8Array.of(value ? 1 : 0)))
    return this.integers([value], [])
  }

  /** One node with one output. Operands are written out in full first; `undefined` leaves an optional one away. */
  node(
    op: string,
    operands: readonly (Value | undefined)[],
    shape: readonly number[],
    options: NodeOptions & { dtype?: DType } = {},
  ): Value {
    const dtype = options.dtype ?? operands[0]!.dtype
    return this.nodes(op, operands, [{ shape, dtype }], options)[0]!
  }

  /** One node with several outputs. */
  nodes(
    op: string,
    operands: readonly (Value | undefined)[],
    outputs: readonly { shape: readonly number[]; dtype: DType }[],
    options: NodeOptions = {},
  ): readonly Value[] {
    const full = operands.map(operand => operand && this.full(operand))
    const inputs = full.map(operand => operand?.name ?? '')
    const key = JSON.stringify([op, options.domain, inputs, options.attributes, outputs.length])
    const known = this.#known.get(key)
    if (known) return known
    const names = outputs.map(() => `v${this.#next++}`)
    const node: GraphNode = {
      op,
      inputs,
      outputs: names,
      operands: full.filter(operand => operand !== undefined),
      ...options,
    }
    this.#nodes.push(node)
    const values = outputs.map(({ shape, dtype }, i): Value => ({ name: names[i]!, shape, dtype, node, output: i }))
    this.#known.set(key, values)
    return values
  }

  /** `thin` seen as `shape`, which has the same rank; nothing is computed. See [Note: Lazy broadcasts]. */
  broadcast(thin: Value, shape: readonly number[]): Value {
    if (sameShape(thin.shape, shape)) return thin
    const source = thin.thin ?? thin
    return { name: `${source.name}*`, dtype: thin.dtype, shape, thin: source }
  }

  /** An image that exists in blocks, `[N, C/B, H, W, B]`. See [Note: Blocked images]. */
  blocked(blocked: Value, shape: readonly number[]): Value {
    return { name: `${blocked.name}~`, dtype: blocked.dtype, shape, blocked }
  }

  /** The blocked form of an image, where one was computed before. */
  blockedForm(image: Value): Value | undefined {
    return image.blocked ?? this.#blocked.get(image.name)
  }

  rememberBlocked(plain: Value, blocked: Value): void {
    this.#blocked.set(plain.name, blocked)
  }

  rememberFlip(flipped: Value, value: Value, axes: readonly number[]): void {
    this.#flipped.set(flipped.name, { value, axes })
  }

  /** What a value is the mirror image of, if it is one. */
  flippedFrom(value: Value): { value: Value; axes: readonly number[] } | undefined {
    return this.#flipped.get(value.name)
  }

  /** The value with all its elements in memory, in order. */
  full(value: Value): Value {
    if (value.blocked) return this.#unblock(value, value.blocked)
    if (!value.thin) return value
    return this.node('Expand', [this.full(value.thin), this.integers(value.shape)], value.shape)
  }

  #unblock(image: Value, blocked: Value): Value {
    const [n, c, h, w, size] = blocked.shape as [number, number, number, number, number]
    let plain: Value
    if (image.dtype === 'f32') {
      const flat = this.node('Reshape', [blocked, this.integers([n, c * size, h, w])], [n, c * size, h, w])
      plain = this.node('ReorderOutput', [flat], image.shape, {
        domain: 'com.microsoft.nchwc',
        attributes: { channels: image.shape[1]! },
      })
    } else {
      // The operator moves floats alone.
      const moved = this.node('Transpose', [blocked], [n, c, size, h, w], { attributes: { perm: [0, 1, 4, 2, 3] } })
      plain = this.node('Reshape', [moved, this.integers(image.shape)], image.shape)
    }
    this.rememberBlocked(plain, blocked)
    return plain
  }

  /** Serialisable form, with only what `outputs` need. */
  model(outputs: Readonly<Record<string, Value>>, opsets: Readonly<Record<string, number>>): OnnxModel {
    const results = Object.entries(outputs).map(([name, value]) => ({ name, value: this.full(value) }))
    const needed = new Set<string>()
    const mark = (value: Value) => needed.add(value.name)
    results.forEach(({ value }) => mark(value))
    const live: GraphNode[] = []
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some(name => needed.has(name))) continue
      node.operands.forEach(mark)
      live.push(node)
    }
    // A node writes its output under the name asked for; only inputs, constants and second names need a copy.
    const renamed = new Map<string, string>()
    const copies: OnnxNode[] = []
    for (const { name, value } of results) {
      if (value.node && !renamed.has(value.name)) renamed.set(value.name, name)
      else copies.push({ op: 'Identity', inputs: [renamed.get(value.name) ?? value.name], outputs: [name] })
    }
    const rename = (name: string) => renamed.get(name) ?? name
    const nodes: OnnxNode[] = live
      .toReversed()
      .map(node => ({
        op: node.op,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
        ...(node.domain === undefined ? {} : { domain: node.domain }),
        ...(node.attributes === undefined ? {} : { attributes: node.attributes }),
      }))
    nodes.push(...copies)
    const initializers: Record<string, Tensor> = {}
    for (const value of this.#constants.values()) if (needed.has(value.name)) initializers[value.name] = value.constant!
    const describe = ({ name, dtype, shape }: Value): OnnxValue => ({ name, dtype, dims: shape })
    const domains = new Set(nodes.map(node => node.domain ?? ''))
    return {
      nodes,
      initializers,
      inputs: this.#inputs.map(describe),
      outputs: results.map(({ name, value }) => ({ ...describe(value), name })),
      opsets: Object.fromEntries(Object.entries(opsets).filter(([domain]) => domain === '' || domains.has(domain))),
    }
  }
}

/** What computes a value: its thin or blocked form, where it has one. */
export const core = (value: Value): Value => value.thin ?? value.blocked ?? value

/** The single number a value is everywhere, if the compiler knows it. */
export function splat(value: Value): number | undefined {
  const { constant } = value.thin ?? value
  return constant && elementCount(constant.dims) === 1 ? Number(constant.data[0]) : undefined
}
