/**
 * Gives the memory of a large array back at once; the array is empty afterwards. The garbage
 * collector counts such memory late, and long streams would hold many times what they need.
 * Views into a larger buffer are left alone.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= 65536 && bytes.length === buffer.byteLength) buffer.transfer(0)
}
