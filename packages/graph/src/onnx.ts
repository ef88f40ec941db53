import { joinBytes } from '@latent/core'
import { tensorBytes } from './tensor.ts'
import type { DType, Tensor } from './tensor.ts'

/**
 * The part of the ONNX format (onnx.proto3, IR version 8) that we write: one graph of nodes over
 * named values. Protobuf's wire format is simple enough that a hundred lines replace a library.
 */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  /** Constants by name; any node may read them. */
  readonly initializers?: Readonly<Record<string, Tensor>>
  /** Operator set version by domain; the default domain is `''`. Default: `{ '': 17 }`. */
  readonly opsets?: Readonly<Record<string, number>>
  readonly name?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** One operator of a model (ONNX `NodeProto`). */
export interface OnnxNode {
  readonly op: string
  /** Empty strings stand for optional inputs left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Such as `com.microsoft`; the model must then list it in `opsets`. */
  readonly domain?: string
  readonly name?: string
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

/** Plain numbers are integers, as most ONNX attributes are; floats are marked, because 1 and 1.0 differ on the wire. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | Tensor

/** An input or output of a model (ONNX `ValueInfoProto`). */
export interface OnnxValue {
  readonly name: string
  readonly dtype: DType
  /** A string names a dimension that is known only at run time. */
  readonly dims: readonly (number | string)[]
}

// TensorProto.DataType
const DATA_TYPE: Record<DType, number> = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, bool: 9 }

// AttributeProto.AttributeType
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 }

/** Serialises a model; the bytes are an `.onnx` file. Equal models give equal bytes. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const opsets = Object.entries(model.opsets ?? { '': 17 })
  const message = new Message().integer(1, 8).text(2, 'latent').message(7, graphMessage(model))
  for (const [domain, version] of opsets) message.message(8, new Message().text(1, domain).integer(2, version))
  for (const [key, value] of Object.entries(model.metadata ?? {}))
    message.message(14, new Message().text(1, key).text(2, value))
  return message.bytes()
}

function graphMessage(model: OnnxModel): Message {
  const message = new Message()
  for (const node of model.nodes) message.message(1, nodeMessage(node))
  message.text(2, model.name ?? 'latent')
  for (const [name, value] of Object.entries(model.initializers ?? {})) message.message(5, tensorMessage(value, name))
  for (const value of model.inputs) message.message(11, valueMessage(value))
  for (const value of model.outputs) message.message(12, valueMessage(value))
  return message
}

function nodeMessage(node: OnnxNode): Message {
  const message = new Message()
  for (const input of node.inputs) message.text(1, input)
  for (const output of node.outputs) message.text(2, output)
  if (node.name !== undefined) message.text(3, node.name)
  message.text(4, node.op)
  for (const [name, value] of Object.entries(node.attributes ?? {})) message.message(5, attributeMessage(name, value))
  if (node.domain) message.text(7, node.domain)
  return message
}

function attributeMessage(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name)
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE.int)
  if (typeof value === 'string') return message.text(4, value).integer(20, ATTRIBUTE.string)
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE.float)
  if ('floats' in value) {
    for (const item of value.floats) message.float(7, item)
    return message.integer(20, ATTRIBUTE.floats)
  }
  if ('strings' in value) {
    for (const item of value.strings) message.text(9, item)
    return message.integer(20, ATTRIBUTE.strings)
  }
  if ('dtype' in value) return message.message(5, tensorMessage(value)).integer(20, ATTRIBUTE.tensor)
  for (const item of value) message.integer(8, item)
  return message.integer(20, ATTRIBUTE.ints)
}

function tensorMessage(value: Tensor, name?: string): Message {
  const message = new Message()
  for (const dim of value.dims) message.integer(1, dim)
  message.integer(2, DATA_TYPE[value.dtype])
  if (name !== undefined) message.text(8, name)
  return message.raw(9, tensorBytes(value))
}

function valueMessage(value: OnnxValue): Message {
  const shape = new Message()
  for (const dim of value.dims) {
    shape.message(1, typeof dim === 'number' ? new Message().integer(1, dim) : new Message().text(2, dim))
  }
  const tensorType = new Message().integer(1, DATA_TYPE[value.dtype]).message(2, shape)
  return new Message().text(1, value.name).message(2, new Message().message(1, tensorType))
}

const utf8 = new TextEncoder()

/** One protobuf message under construction: a list of byte chunks, joined once at the end. */
class Message {
  readonly #chunks: Uint8Array[] = []

  integer(field: number, value: number): this {
    return this.#add(varint(field * 8), varint(value))
  }

  float(field: number, value: number): this {
    return this.#add(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer))
  }

  text(field: number, value: string): this {
    return this.raw(field, utf8.encode(value))
  }

  raw(field: number, value: Uint8Array): this {
    return this.#add(varint(field * 8 + 2), varint(value.length), value)
  }

  message(field: number, value: Message): this {
    const length = value.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#add(varint(field * 8 + 2), varint(length))
    for (const chunk of value.#chunks) this.#chunks.push(chunk)
    return this
  }

  bytes(): Uint8Array {
    return joinBytes(this.#chunks)
  }

  #add(...chunks: Uint8Array[]): this {
    this.#chunks.push(...chunks)
    return this
  }
}

/** Little-endian groups of seven bits; negative numbers as 64-bit two's complement. */
function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}
