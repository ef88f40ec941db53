import { argumentError, LatentError } from '@latent/core'
import { fromHalves, toHalves } from './half.ts'
import { elementCount, tensor, tensorBytes } from './tensor.ts'
import type { DType, Tensor } from './tensor.ts'

/**
 * Named tensors with text beside them, as one file in the safetensors format (huggingface/safetensors, version 0.x).
 */
export interface TensorFile {
  readonly tensors: Readonly<Record<string, Tensor>>
  readonly metadata: Readonly<Record<string, string>>
}

const TYPE_NAME: Record<DType, string> = { f32: 'F32', u8: 'U8', i8: 'I8', i32: 'I32', i64: 'I64', bool: 'BOOL' }
const BYTES: Record<DType, number> = { f32: 4, u8: 1, i8: 1, i32: 4, i64: 8, bool: 1 }

/** Stored with 16 bits, a float32 in memory. */
const HALF = 'F16'

/** The format allows 100 MB of header; ours are a thousandth of that, and what is read is bounded. */
const MAX_HEADER = 2 ** 24

/** @param half stores floats with 16 bits (11 of them significant): half the size, for weights that are shipped */
export function encodeSafetensors(
  { tensors, metadata }: TensorFile,
  { half = false }: { half?: boolean } = {},
): Uint8Array {
  let offset = 0
  if (Object.hasOwn(tensors, '__metadata__'))
    throw argumentError('a tensor', 'any name but __metadata__', '__metadata__')
  const stored = Object.entries(tensors).map(([name, value]): [string, string, readonly number[], Uint8Array] =>
    half && value.dtype === 'f32'
      ? [name, HALF, value.dims, toHalves(value.data as Float32Array)]
      : [name, TYPE_NAME[value.dtype], value.dims, tensorBytes(value)],
  )
  const entries = stored.map(([name, dtype, dims, bytes]) => [
    name,
    { dtype, shape: dims, data_offsets: [offset, (offset += bytes.length)] },
  ])
  const text = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries]))
  // Spaces after the header align the data to eight bytes.
  const json = new TextEncoder().encode(text + ' '.repeat((8 - (new TextEncoder().encode(text).length % 8)) % 8))
  const file = new Uint8Array(8 + json.length + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  let at = 8 + json.length
  for (const [, , , bytes] of stored) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}

const bad = (why: string): LatentError =>
  new LatentError('E_WEIGHTS', `not a usable safetensors file: ${why}`, {
    hint: 'the file may have been cut short; restore it or train again',
  })

/** What a header says of one tensor, checked. */
interface Stored {
  readonly name: string
  readonly dtype: DType
  readonly half: boolean
  readonly dims: readonly number[]
  readonly start: number
  readonly end: number
}

/** @throws E_WEIGHTS for anything but a whole, consistent file */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  if (file.length < 8) throw bad('shorter than its own header')
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  if (length > MAX_HEADER || 8 + length > file.length) throw bad('its header does not fit')
  const { __metadata__: metadata = {}, ...entries } = parseHeader(file.subarray(8, 8 + length))
  if (!isObject(metadata) || !Object.values(metadata).every(value => typeof value === 'string'))
    throw bad('its notes are not text')
  const data = file.subarray(8 + length)
  // In the order of their bytes: a header may list them in any other.
  const stored = Object.entries(entries)
    .map(([name, entry]) => readEntry(name, entry))
    .sort((a, b) => a.start - b.start || a.end - b.end)
  let expected = 0
  for (const { name, start, end } of stored) {
    if (start !== expected || end > data.length) throw bad(`${name} lies outside the data`)
    expected = end
  }
  if (expected !== data.length) throw bad('bytes are left over')
  // From entries, so that a tensor may have any name: assigned to, `__proto__` would vanish.
  return {
    tensors: Object.fromEntries(stored.map(entry => [entry.name, readTensor(entry, data)])),
    metadata: metadata as Record<string, string>,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch {
    throw bad('its header is not JSON')
  }
  if (!isObject(header)) throw bad('its header is not an object')
  // JSON.parse keeps the last of two equal names, other readers the first: the file would hold two sets of weights.
  if (namesAtTop(text) !== Object.keys(header).length) throw bad('a name is there twice')
  return header
}

/** Names of an object in valid JSON, repeated ones counted each time: its strings, one level deep, before a colon. */
function namesAtTop(text: string): number {
  let [depth, names] = [0, 0]
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (token === ':' && depth === 1) names++
  }
  return names
}

function readEntry(name: string, entry: unknown): Stored {
  if (!isObject(entry)) throw bad(`${name} is not described`)
  const { dtype: typeName, shape: dims, data_offsets: offsets } = entry
  const half = typeName === HALF
  const dtype = half ? 'f32' : (Object.keys(TYPE_NAME) as DType[]).find(type => TYPE_NAME[type] === typeName)
  if (!dtype) throw bad(`${name} has element type ${String(typeName)}`)
  if (!isCounts(dims)) throw bad(`${name} has no valid shape`)
  if (!isCounts(offsets) || offsets.length !== 2) throw bad(`${name} has no valid place`)
  const [start, end] = offsets as [number, number]
  if (end - start !== elementCount(dims) * (half ? 2 : BYTES[dtype]))
    throw bad(`${name} has another size than its shape`)
  return { name, dtype, half, dims, start, end }
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(count => Number.isSafeInteger(count) && count >= 0)

function readTensor({ name, dtype, half, dims, start, end }: Stored, data: Uint8Array): Tensor {
  const bytes = Uint8Array.from(data.subarray(start, end))
  if (dtype === 'bool' && bytes.some(byte => byte > 1))
    throw bad(`${name} holds values that are neither true nor false`)
  return tensor(dtype, dims, half ? fromHalves(bytes) : typed(dtype, bytes))
}

function typed(dtype: DType, bytes: Uint8Array<ArrayBuffer>): Tensor['data'] {
  if (dtype === 'f32') return new Float32Array(bytes.buffer)
  if (dtype === 'i32') return new Int32Array(bytes.buffer)
  if (dtype === 'i64') return new BigInt64Array(bytes.buffer)
  return dtype === 'i8' ? new Int8Array(bytes.buffer) : bytes
}
