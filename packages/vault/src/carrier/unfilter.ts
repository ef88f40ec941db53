import { bytesToFill, LatentError } from '@latent/core'
import type { Geometry } from './geometry.ts'
import { reencoded, truncated } from './refusals.ts'

/** Rows leave in groups of so many bytes or a few more: one part a row would be slow for narrow pictures. */
const GROUP_BYTES = 1 << 16

/**
 * Undoes PNG's row filters (PNG 9.2), and drops an opaque alpha channel that a tool has added. Parts are whoever's who
 * asks for them.
 */
export async function* unfilter(
  { width, height }: Geometry,
  channels: 3 | 4,
  raw: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const rowBytes = width * channels
  const group = Math.max(1, Math.ceil(GROUP_BYTES / (width * 3)))
  const nextGroup = () => bytesToFill(Math.min(group, height - rows) * width * 3)
  let rows = 0
  let out = nextGroup()
  let filled = 0
  // Rows of three channels lie where they leave, others where alpha can be taken off.
  const nextRow = (last?: Uint8Array) =>
    channels === 3 ? out.subarray(filled, filled + rowBytes) : (last ?? new Uint8Array(rowBytes))
  let row = nextRow()
  /** The last row of a group that has left; what is above the first row is zero. */
  const kept = new Uint8Array(rowBytes)
  let above: Uint8Array = kept
  let filter = -1
  let column = 0

  for await (const part of raw) {
    for (let at = 0; at < part.length && rows < height;) {
      if (filter < 0) {
        filter = part[at++]!
        if (filter > 4)
          throw new LatentError('E_CHUNK', `row ${rows} of this PNG has an unknown filter`, {
            hint: 'latent open --salvage reads what is left',
          })
        continue
      }
      const take = Math.min(part.length - at, rowBytes - column)
      row.set(part.subarray(at, at + take), column)
      column += take
      at += take
      if (column < rowBytes) continue
      undoFilter(filter, row, above, channels)
      if (channels === 4) withoutAlpha(row, out, filled)
      filled += width * 3
      ;[row, above] = [nextRow(above), row]
      filter = -1
      column = 0
      rows++
      if (filled === out.length) {
        if (channels === 3) {
          kept.set(above)
          above = kept
        }
        yield out
        out = nextGroup()
        filled = 0
        if (channels === 3) row = nextRow()
      }
    }
  }
  if (filled > 0) yield out.subarray(0, filled)
  if (rows < height) {
    // The rest of an unfinished row may still complete a chunk for salvage.
    if (column > 0 && filter === 0 && channels === 3) yield row.subarray(0, column)
    throw truncated()
  }
}

function withoutAlpha(row: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < row.length; i += 4) {
    if (row[i + 3] !== 255) throw reencoded('it has become partly transparent')
    out[at++] = row[i]!
    out[at++] = row[i + 1]!
    out[at++] = row[i + 2]!
  }
}

function undoFilter(filter: number, row: Uint8Array, above: Uint8Array, bpp: number): void {
  if (filter === 0) return
  for (let i = 0; i < row.length; i++) {
    const a = i >= bpp ? row[i - bpp]! : 0
    const b = above[i]!
    const c = i >= bpp ? above[i - bpp]! : 0
    row[i]! += filter === 1 ? a : filter === 2 ? b : filter === 3 ? (a + b) >>> 1 : paeth(a, b, c)
  }
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}
