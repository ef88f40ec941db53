/** `bytes` in another order: byte i of the result is byte `order[i]` of them. */
export function scrambled(bytes: Uint8Array, order: Uint32Array): Uint8Array {
  return Uint8Array.from(order, from => bytes[from]!)
}

/** The inverse of {@link scrambled}. */
export function unscrambled(bytes: Uint8Array, order: Uint32Array): Uint8Array {
  const out = new Uint8Array(bytes.length)
  for (let i = 0; i < order.length; i++) out[order[i]!] = bytes[i]!
  return out
}
