import { type Evidence, type SumName, SUMS } from './evidence.ts'
import { WINDOWS, type Windows } from './windows.ts'

/** {@link Evidence} as text, for a line of a file: sums as numbers of variable length, in base 64. */
export interface EncodedEvidence {
  readonly lengths: readonly (readonly [length: number, times: number])[]
  readonly sums: Readonly<Record<SumName, string>>
  readonly windows: readonly EncodedWindows[]
  readonly blackWindows: readonly EncodedWindows[]
}

type EncodedWindows = readonly [rate: number, kept: string]

/** Sums of centred bits are no whole numbers; an eighth is far below their deviations. */
const SCALE: Partial<Record<SumName, number>> = { masks: 8, maskVariances: 8, places: 8, placeVariances: 8 }

/** Evidence of one picture as JSON. */
export function encodeEvidence(evidence: Evidence): EncodedEvidence {
  // Byte counts are near their mean: what is kept is how far they are from it.
  const { bytes } = evidence
  const [length] = [...evidence.lengths.keys()]
  const mean = bytes.length === 0 ? 0 : Math.round(length! / bytes.length)
  const centred = { ...evidence, bytes: bytes.map(count => count - mean) }
  return {
    lengths: [...evidence.lengths],
    sums: Object.fromEntries(SUMS.map(name => [name, encodeSums(centred[name], SCALE[name] ?? 1)])) as Record<
      SumName,
      string
    >,
    windows: evidence.windows.map(encodeWindows),
    blackWindows: evidence.blackWindows.map(encodeWindows),
  }
}

/** What {@link encodeEvidence} made, back. */
export function decodeEvidence({ lengths, sums, windows, blackWindows }: EncodedEvidence): Evidence {
  const decoded = Object.fromEntries(SUMS.map(name => [name, decodeSums(sums[name], SCALE[name] ?? 1)])) as Record<
    SumName,
    Float64Array
  >
  const mean = decoded.bytes.length === 0 ? 0 : Math.round(lengths[0]![0] / decoded.bytes.length)
  return {
    ...decoded,
    lengths: new Map(lengths),
    bytes: decoded.bytes.map(count => count + mean),
    windows: windows.map(decodeWindows),
    blackWindows: blackWindows.map(decodeWindows),
  }
}

// Seven bits a byte, lowest first, the eighth says that more follow; signs in the lowest bit.
function encodeSums(values: ArrayLike<number>, scale: number): string {
  // Whole numbers of 53 bits and their signs take eight bytes at most.
  const out = new Uint8Array(8 * values.length)
  let length = 0
  for (let i = 0; i < values.length; i++) {
    const value = Math.round(values[i]! * scale)
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    for (; rest >= 128; rest = Math.floor(rest / 128)) out[length++] = (rest % 128) | 128
    out[length++] = rest
  }
  return toText(out.subarray(0, length))
}

function decodeSums(text: string, scale: number): Float64Array {
  const bytes = fromText(text)
  const values = new Float64Array(bytes.length)
  let length = 0
  let [value, unit] = [0, 1]
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    value += (byte & 127) * unit
    unit *= 128
    if (byte & 128) continue
    values[length++] = (value % 2 === 0 ? value / 2 : -(value + 1) / 2) / scale
    value = 0
    unit = 1
  }
  return values.slice(0, length)
}

const encodeWindows = ({ rate, kept }: Windows): EncodedWindows => {
  // In order, the differences are small and positive.
  const sorted = Float64Array.from(kept, value => value / 2 ** rate).sort()
  return [
    rate,
    encodeSums(
      Float64Array.from(sorted, (value, i) => value - (i > 0 ? sorted[i - 1]! : 0)),
      1,
    ),
  ]
}

function decodeWindows([rate, text]: EncodedWindows, at: number): Windows {
  let sum = 0
  return { length: WINDOWS[at]!, rate, kept: Array.from(decodeSums(text, 1), value => (sum += value) * 2 ** rate) }
}

function toText(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += 8192)
    binary += Reflect.apply(String.fromCharCode, String, bytes.subarray(i, i + 8192)) as string
  return btoa(binary)
}

function fromText(text: string): Uint8Array {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
