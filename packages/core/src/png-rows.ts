import type { Image } from './image.ts'

/** A PNG's raster as its header describes it; samples have 1, 2, 4, 8 or 16 bits, 16-bit ones high byte first. */
export interface RowShape {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly depth: number
  readonly interlaced: boolean
}

/** Rows without filters: what a filter gains in size is little for cipher images, which are what is written most. */
export function packRows(source: Image<'u8' | 'u16'>): Uint8Array {
  const { width, height, channels, data } = source
  const rowSamples = width * channels
  const stride = data.byteLength / height + 1
  const rows = new Uint8Array(height * stride)
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * rowSamples, (y + 1) * rowSamples)
    const at = y * stride + 1
    if (row instanceof Uint8Array) rows.set(row, at)
    else {
      for (let i = 0; i < rowSamples; i++) {
        rows[at + 2 * i] = row[i]! >>> 8
        rows[at + 2 * i + 1] = row[i]! & 255
      }
    }
  }
  return rows
}

/** Adam7 (PNG specification, section 8.2): where each pass begins, and how far apart its pixels lie. */
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
]
const SEQUENTIAL: readonly Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }]

interface Pass {
  readonly x: number
  readonly y: number
  readonly dx: number
  readonly dy: number
}

/** A pass as it lies in the unpacked data: rows of one filter byte and whole bytes of samples. */
interface Reduced extends Pass {
  readonly columns: number
  readonly rows: number
  readonly rowBytes: number
}

/** Passes that hold pixels; in one without columns or rows not even filter bytes are stored. */
function passesOf({ width, height, channels, depth, interlaced }: RowShape): Reduced[] {
  return (interlaced ? ADAM7 : SEQUENTIAL)
    .map(pass => {
      const columns = Math.ceil((width - pass.x) / pass.dx)
      return {
        ...pass,
        columns,
        rows: Math.ceil((height - pass.y) / pass.dy),
        rowBytes: Math.ceil((columns * channels * depth) / 8),
      }
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
}

/** How many bytes the rows of a picture unpack to, filter bytes included. */
export const unpackedSize = (shape: RowShape): number =>
  passesOf(shape).reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0)

/**
 * Samples with filters undone, one element each and not scaled, or undefined where rows are missing or a
 * filter is unknown. The array of rows is used up: the samples may lie in its memory, so that a picture is held once.
 */
export function unpackRows(rows: Uint8Array, shape: RowShape): Uint8Array | Uint16Array | undefined {
  if (rows.length < unpackedSize(shape)) return undefined
  const { width, height, channels, depth, interlaced } = shape
  const pixelBytes = Math.max(1, (channels * depth) / 8)
  const whole = !interlaced && depth >= 8
  const out = whole
    ? undefined
    : depth === 16
      ? new Uint16Array(width * height * channels)
      : new Uint8Array(width * height * channels)
  let at = 0
  for (const pass of passesOf(shape)) {
    const bytes = unfilter(rows.subarray(at, at + pass.rows * (pass.rowBytes + 1)), pass, pixelBytes)
    if (!bytes) return undefined
    if (!out) return depth === 8 ? bytes : wideSamples(bytes)
    for (let y = 0; y < pass.rows; y++)
      scatter(
        bytes.subarray(y * pass.rowBytes, (y + 1) * pass.rowBytes),
        out,
        (pass.y + y * pass.dy) * width,
        pass,
        shape,
      )
    at += pass.rows * (pass.rowBytes + 1)
  }
  return out
}

/** Undoes filters in place, moving each row to the front over the filter bytes before it. */
function unfilter(rows: Uint8Array, { rows: count, rowBytes }: Reduced, pixelBytes: number): Uint8Array | undefined {
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < count; y++) {
    const at = y * (rowBytes + 1)
    const undo = FILTERS[rows[at]!]
    if (!undo) return undefined
    rows.copyWithin(y * rowBytes, at + 1, at + 1 + rowBytes)
    const row = rows.subarray(y * rowBytes, (y + 1) * rowBytes)
    undo(row, above, pixelBytes)
    above = row
  }
  return rows.subarray(0, count * rowBytes)
}

function wideSamples(bytes: Uint8Array): Uint16Array {
  // Each sample is written where its own two bytes lay.
  const samples =
    bytes.byteOffset % 2 === 0
      ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
      : new Uint16Array(bytes.length / 2)
  for (let i = 0; i < samples.length; i++) samples[i] = (bytes[2 * i]! << 8) | bytes[2 * i + 1]!
  return samples
}

/** One row of a pass to its places in the picture; `start` is the number of the first pixel of the picture's row. */
function scatter(
  row: Uint8Array,
  out: Uint8Array | Uint16Array,
  start: number,
  { x, dx, columns }: Reduced,
  { channels, depth }: RowShape,
): void {
  const mask = 2 ** depth - 1
  for (let column = 0; column < columns; column++) {
    const to = (start + x + column * dx) * channels
    for (let c = 0; c < channels; c++) {
      const from = column * channels + c
      const bit = from * depth
      out[to + c] =
        depth === 8
          ? row[from]!
          : depth === 16
            ? (row[2 * from]! << 8) | row[2 * from + 1]!
            : (row[bit >>> 3]! >>> (8 - depth - (bit & 7))) & mask
    }
  }
}

/**
 * Filters 0 to 4: none, sub, up, average, Paeth. Each adds a prediction from left, above and above left; those outside
 * are 0.
 */
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
    for (let i = 0; i < row.length; i++)
      row[i] = row[i]! + (i < pixel ? above[i]! : paeth(row[i - pixel]!, above[i]!, above[i - pixel]!))
  },
]

function paeth(left: number, up: number, corner: number): number {
  // The distances of left + up - corner from each of the three.
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}
