/**
 * An erasure code over parts: Reed and Solomon's over GF(2^8), with a Cauchy matrix (Blömer and others, 1995).
 * Any `data`
 * of `data + spare` parts give all of them back, byte by byte.
 */

/** x^8 + x^4 + x^3 + x^2 + 1, whose root 2 generates the field. */
const POLYNOMIAL = 0x11d
const EXP = new Uint8Array(510)
const LOG = new Uint8Array(256)
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = EXP[i + 255] = x
  LOG[x] = i
  x = x & 128 ? (x << 1) ^ POLYNOMIAL : x << 1
}

const multiply = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!)
const invert = (a: number): number => EXP[255 - LOG[a]!]!

/** The factor of data part `column` in part `row`, counted from 0: spare parts come behind the data. */
function factor(row: number, column: number, data: number): number {
  if (row < data) return row === column ? 1 : 0
  return invert(row ^ column)
}

/** `out += factor * bytes`. */
function accumulate(out: Uint8Array, factor: number, bytes: Uint8Array): void {
  if (factor === 0) return
  const products = Uint8Array.from({ length: 256 }, (_, byte) => multiply(factor, byte))
  for (let i = 0; i < bytes.length; i++) out[i]! ^= products[bytes[i]!]!
}

/** The spare parts of some data parts of one length. Both together are at most 255. */
export function spareParts(data: readonly Uint8Array[], spare: number): Uint8Array[] {
  return Array.from({ length: spare }, (_, index) => {
    const out = new Uint8Array(data[0]!.length)
    data.forEach((bytes, column) => accumulate(out, factor(data.length + index, column, data.length), bytes))
    return out
  })
}

/**
 * Fills in the data parts that are missing.
 * @param parts `data` ones and the spare ones, with gaps
 * @returns the data parts, or nothing if there are too few
 */
export function restoreParts(parts: readonly (Uint8Array | undefined)[], data: number): Uint8Array[] | undefined {
  const there = parts.flatMap((bytes, row) => (bytes ? [row] : []))
  if (there.length < data) return undefined
  const lost = Array.from({ length: data }, (_, column) => column).filter(column => !parts[column])
  if (lost.length === 0) return parts.slice(0, data) as Uint8Array[]
  const spare = there.filter(row => row >= data).slice(0, lost.length)
  // What the spare parts say of the lost ones alone: the others are taken out.
  const sums = spare.map(row => {
    const sum = parts[row]!.slice()
    parts.slice(0, data).forEach((bytes, column) => bytes && accumulate(sum, factor(row, column, data), bytes))
    return sum
  })
  const matrix = inverse(spare.map(row => lost.map(column => factor(row, column, data))))
  const restored = matrix.map(factors => {
    const out = new Uint8Array(sums[0]!.length)
    factors.forEach((factor, i) => accumulate(out, factor, sums[i]!))
    return out
  })
  return Array.from({ length: data }, (_, column) => parts[column] ?? restored[lost.indexOf(column)]!)
}

/** By Gauss and Jordan; a square piece of a Cauchy matrix always has one. */
function inverse(square: readonly (readonly number[])[]): number[][] {
  const size = square.length
  const rows = square.map((row, i) => [...row, ...Array.from({ length: size }, (_, j) => (i === j ? 1 : 0))])
  for (let column = 0; column < size; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row[column] !== 0)
    const [a, b] = [rows[column]!, rows[pivot]!]
    rows[column] = b
    rows[pivot] = a
    const scale = invert(rows[column]![column]!)
    const head = (rows[column] = rows[column]!.map(value => multiply(value, scale)))
    rows.forEach((row, i) => {
      const times = row[column]!
      if (i !== column && times !== 0) rows[i] = row.map((value, j) => value ^ multiply(times, head[j]!))
    })
  }
  return rows.map(row => row.slice(size))
}
