import { type Image, sampleBytes } from './image.ts'

/** A PNG's rows as they lie in its compressed data: one filter byte, then the samples, 16-bit ones high byte first. */
export interface RowShape {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly sampleBytes: number
}

/** Rows without filters: what a filter gains in size is little for cipher images, which are what is written most. */
export function packRows(source: Image<'u8' | 'u16'>): Uint8Array {
  const bytes = source.format === 'u8' ? (source.data as Uint8Array) : sampleBytes(source)
  const rowBytes = bytes.length / source.height
  const rows = new Uint8Array(bytes.length + source.height)
  for (let y = 0; y < source.height; y++) rows.set(bytes.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1)
  return rows
}

/** Samples with filters undone (PNG specification, section 9), or undefined where rows are missing or a filter is unknown. */
export function unpackRows(rows: Uint8Array, { width, height, channels, sampleBytes }: RowShape): Uint8Array | Uint16Array | undefined {
  const pixelBytes = channels * sampleBytes
  const rowBytes = width * pixelBytes
  if (rows.length < height * (rowBytes + 1)) return undefined
  const out = new Uint8Array(height * rowBytes)
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1)
    const row = out.subarray(y * rowBytes, (y + 1) * rowBytes)
    row.set(rows.subarray(at + 1, at + 1 + rowBytes))
    const undo = FILTERS[rows[at]!]
    if (!undo) return undefined
    undo(row, above, pixelBytes)
    above = row
  }
  if (sampleBytes === 1) return out
  const samples = new Uint16Array(out.length / 2)
  for (let i = 0; i < samples.length; i++) samples[i] = (out[2 * i]! << 8) | out[2 * i + 1]!
  return samples
}

/** Filters 0 to 4: none, sub, up, average, Paeth. Each adds a prediction from left, above and above left; those outside are 0. */
const FILTERS: readonly ((row: Uint8Array, above: Uint8Array, pixelBytes: number) => void)[] = [
  () => undefined,
  (row, _, pixel) => {
    for (let i = pixel; i < row.length; i++) row[i] = row[i]! + row[i - pixel]!
  },
  (row, above) => {
    for (let i = 0; i < row.length; i++) row[i] = row[i]! + above[i]!
  },
  (row, above, pixel) => {
    for (let i = 0; i < row.length; i++) row[i] = row[i]! + (((i < pixel ? 0 : row[i - pixel]!) + above[i]!) >> 1)
  },
  (row, above, pixel) => {
    for (let i = 0; i < row.length; i++) row[i] = row[i]! + (i < pixel ? above[i]! : paeth(row[i - pixel]!, above[i]!, above[i - pixel]!))
  },
]

function paeth(left: number, up: number, corner: number): number {
  // The distances of left + up - corner from each of the three.
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}
