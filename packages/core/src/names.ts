/**
 * File names as text. A name on Unix is bytes; those that are no UTF-8 are held as Python holds them
 * (PEP 383): every byte that belongs to no UTF-8 sequence becomes a lone surrogate, U+DC80 to U+DCFF.
 * Well-formed text is itself, and the way back is exact.
 */
export function nameOfBytes(bytes: Uint8Array): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const decode = (part: Uint8Array): string | undefined => {
    try {
      return strict.decode(part)
    } catch {
      return undefined
    }
  }
  const whole = decode(bytes)
  if (whole !== undefined) return whole
  let name = ''
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at]!
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const sequence = decode(bytes.subarray(at, at + length))
    name += sequence ?? String.fromCodePoint(0xdc00 + lead)
    at += sequence === undefined ? 1 : length
  }
  return name
}

/** The bytes of such a name. Surrogates that stand for no byte become U+FFFD, as everywhere. */
export function bytesOfName(name: string): Uint8Array {
  if (name.isWellFormed()) return new TextEncoder().encode(name)
  const parts = Array.from(name, char => {
    const byte = rawByte(char)
    return byte === undefined ? [...new TextEncoder().encode(char)] : [byte]
  })
  return Uint8Array.from(parts.flat())
}

/** The byte that a lone surrogate stands for. */
export function rawByte(char: string): number | undefined {
  const code = char.codePointAt(0)!
  return code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : undefined
}
