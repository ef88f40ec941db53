/**
 * What every cipher of this folder comes down to: values are moved and complemented, never mixed.
 * `out[i] = values[source[i]] XOR flip[i]`.
 */
export interface SampleMap {
  readonly source: Uint32Array
  /** All bits of a value where it is complemented (255, or 15 for nibbles), else 0. */
  readonly flip: Uint8Array
}

/** The values moved and turned over as a map says. */
export function applyMap(values: Uint8Array, { source, flip }: SampleMap): Uint8Array {
  const out = new Uint8Array(values.length)
  for (let i = 0; i < out.length; i++) out[i] = values[source[i]!]! ^ flip[i]!
  return out
}

/** The inverse of {@link applyMap}. */
export function undoMap(values: Uint8Array, { source, flip }: SampleMap): Uint8Array {
  const out = new Uint8Array(values.length)
  for (let i = 0; i < out.length; i++) out[source[i]!] = values[i]! ^ flip[i]!
  return out
}

/** Every byte as its low and its high nibble, one after the other. */
export function splitNibbles(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    out[2 * i] = bytes[i]! & 15
    out[2 * i + 1] = bytes[i]! >> 4
  }
  return out
}

/** Bytes of halves, low nibble first: the inverse of {@link splitNibbles}. */
export function joinNibbles(nibbles: Uint8Array): Uint8Array {
  const out = new Uint8Array(nibbles.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = nibbles[2 * i]! | (nibbles[2 * i + 1]! << 4)
  return out
}
