import { argumentError } from '@latent/core'

/** Element types that cross the border between our code and a compiled graph. Booleans travel as bytes 0 and 1. */
export type DType = 'f32' | 'u8' | 'i8' | 'i32' | 'i64' | 'bool'

/** The array that holds the elements of each type; booleans are bytes of 0 and 1. */
export interface DTypeArrays {
  f32: Float32Array
  u8: Uint8Array
  i8: Int8Array
  i32: Int32Array
  i64: BigInt64Array
  bool: Uint8Array
}

/** A dense array in row-major order. A scalar has `dims` of length 0 and one element. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D
  readonly dims: readonly number[]
  readonly data: DTypeArrays[D]
}

const ARRAYS = {
  f32: Float32Array,
  u8: Uint8Array,
  i8: Int8Array,
  i32: Int32Array,
  i64: BigInt64Array,
  bool: Uint8Array,
}

/** The product of the dimensions: 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** Wraps `data` (not copied) as a tensor. @throws E_ARGUMENT if type or length do not fit */
export function tensor<D extends DType>(dtype: D, dims: readonly number[], data: DTypeArrays[D]): Tensor<D> {
  if (!(data instanceof ARRAYS[dtype])) throw argumentError('data', ARRAYS[dtype].name, data)
  if (data.length !== elementCount(dims))
    throw argumentError('data', `${elementCount(dims)} elements for dims [${dims.join(', ')}]`, data.length)
  return { dtype, dims, data }
}

/** A tensor of zeros. */
export function zeros<D extends DType>(dtype: D, dims: readonly number[]): Tensor<D> {
  return { dtype, dims, data: new ARRAYS[dtype](elementCount(dims)) as DTypeArrays[D] }
}

/** The elements as raw little-endian bytes, sharing memory with `value`. */
export function tensorBytes(value: Tensor): Uint8Array {
  return new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength)
}
