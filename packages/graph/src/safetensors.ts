import { LatentError } from '@latent/core'
import { elementCount, tensor, tensorBytes } from './tensor.ts'
import type { DType, Tensor } from './tensor.ts'

/** Named tensors with text beside them, as one file in the safetensors format (huggingface/safetensors, version 0.x). */
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
export function encodeSafetensors({ tensors, metadata }: TensorFile, { half = false }: { half?: boolean } = {}): Uint8Array {
  let offset = 0
  const header: Record<string, unknown> = { __metadata__: metadata }
  const stored = Object.entries(tensors).map(([name, value]): [string, string, readonly number[], Uint8Array] =>
    half && value.dtype === 'f32' ? [name, HALF, value.dims, new Uint8Array(Float16Array.from(value.data as Float32Array).buffer)] : [name, TYPE_NAME[value.dtype], value.dims, tensorBytes(value)],
  )
  for (const [name, dtype, dims, bytes] of stored) header[name] = { dtype, shape: dims, data_offsets: [offset, (offset += bytes.length)] }
  const text = JSON.stringify(header)
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
  new LatentError('E_WEIGHTS', `not a usable safetensors file: ${why}`, { hint: 'the file may have been cut short; restore it or train again' })

/** @throws E_WEIGHTS for anything but a whole, consistent file */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  if (file.length < 8) throw bad('shorter than its own header')
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  if (length > MAX_HEADER || 8 + length > file.length) throw bad('its header does not fit')
  let header: Record<string, unknown>
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, 8 + length))) as typeof header
  } catch {
    throw bad('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null) throw bad('its header is not an object')
  const data = file.subarray(8 + length)
  const { __metadata__: metadata = {}, ...entries } = header
  const tensors: Record<string, Tensor> = {}
  let expected = 0
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype: typeName, shape, data_offsets: offsets } = entry as { dtype?: string; shape?: number[]; data_offsets?: number[] }
    const half = typeName === HALF
    const dtype = half ? 'f32' : (Object.keys(TYPE_NAME) as DType[]).find(type => TYPE_NAME[type] === typeName)
    if (!dtype) throw bad(`${name} has element type ${String(typeName)}`)
    if (!Array.isArray(shape) || !shape.every(dim => Number.isSafeInteger(dim) && dim >= 0)) throw bad(`${name} has no valid shape`)
    const size = elementCount(shape) * (half ? 2 : BYTES[dtype])
    const [start, end] = offsets ?? []
    if (start !== expected || end !== start + size || end > data.length) throw bad(`${name} lies outside the data`)
    expected = end
    const bytes = Uint8Array.from(data.subarray(start, end))
    tensors[name] = tensor(dtype, shape, half ? Float32Array.from(new Float16Array(bytes.buffer)) : typed(dtype, bytes))
  }
  if (expected !== data.length) throw bad('bytes are left over')
  return { tensors, metadata: metadata as Record<string, string> }
}

function typed(dtype: DType, bytes: Uint8Array<ArrayBuffer>): Tensor['data'] {
  if (dtype === 'f32') return new Float32Array(bytes.buffer)
  if (dtype === 'i32') return new Int32Array(bytes.buffer)
  if (dtype === 'i64') return new BigInt64Array(bytes.buffer)
  return dtype === 'i8' ? new Int8Array(bytes.buffer) : bytes
}
