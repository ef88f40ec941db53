import { getFloat16, setFloat16 } from '@petamoriken/float16'

/**
 * Floats of 16 bits (11 of them significant), little-endian. Node 20 and older browsers have no array type for them.
 */
interface HalfArray extends ArrayLike<number> {
  readonly buffer: ArrayBuffer
}
interface HalfArrayConstructor {
  new (buffer: ArrayBuffer): HalfArray
  from(values: Float32Array): HalfArray
}
const native = (globalThis as { Float16Array?: HalfArrayConstructor }).Float16Array

/** Rounded to nearest, ties to even. */
export function toHalves(values: Float32Array, Native = native): Uint8Array {
  if (Native) return new Uint8Array(Native.from(values).buffer)
  const view = new DataView(new ArrayBuffer(2 * values.length))
  values.forEach((value, i) => setFloat16(view, 2 * i, value, true))
  return new Uint8Array(view.buffer)
}

/** 16-bit floats, little-endian, as 32-bit ones: exactly. @param Native the array type, where the platform has it */
export function fromHalves(bytes: Uint8Array<ArrayBuffer>, Native = native): Float32Array<ArrayBuffer> {
  if (Native) return Float32Array.from(new Native(bytes.buffer))
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => getFloat16(view, 2 * i, true))
}
