import { discardBuffer } from './platform.ts'

/** Joins arrays into one. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** {@link joinBytes} for a few arrays that are named one by one. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => joinBytes(parts)

/** A 32-bit number, big-endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/**
 * Gives the memory of a large array back at once; the array is empty afterwards. The garbage
 * collector counts such memory late, and long streams would hold many times what they need.
 * Views into a larger buffer are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= 65536 && bytes.length === buffer.byteLength)
    discardBuffer(buffer)
}
