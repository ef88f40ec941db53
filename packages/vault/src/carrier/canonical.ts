import { closing } from '../streams.ts'
import { ByteReader } from './byte-reader.ts'
import { BLOCKS_A_CHUNK, type Geometry, STORED_BLOCK } from './geometry.ts'
import type { CarrierReader } from './read.ts'

/**
 * The pixel bytes of a file that has the very layout of {@link writeCarrier}, found by position
 * alone: nothing in between is looked at. Ends quietly where the file ends.
 */
export function readCanonical(
  { width, height }: Geometry,
  source: AsyncIterable<Uint8Array>,
): Pick<CarrierReader, 'pixels' | 'close'> {
  const input = new ByteReader(source)
  return {
    pixels: closing(positioned(input, width * 3, (width * 3 + 1) * height), () => input.close()),
    close: () => input.close(),
  }
}

async function* positioned(input: ByteReader, rowBytes: number, total: number): AsyncGenerator<Uint8Array> {
  // Signature and IHDR; length and name of the first IDAT; zlib's two bytes.
  if ((await input.upTo(33)).length < 33) return
  for (let raw = 0, block = 0; raw < total; block++) {
    const between = (block === 0 ? 8 + 2 : block % BLOCKS_A_CHUNK === 0 ? 4 + 8 : 0) + 5
    if ((await input.upTo(between)).length < between) return
    const data = await input.upTo(Math.min(STORED_BLOCK, total - raw))
    if (data.length === 0) return
    const out = new Uint8Array(data.length)
    const filled = copyRows(data, raw, rowBytes, out)
    raw += data.length
    yield out.subarray(0, filled)
  }
}

/**
 * Copies what of filtered rows is pixel bytes: all but the byte in front of each.
 * @param raw where in all of the rows `data` begins
 * @param filled bytes of `out` that are there already
 * @returns bytes that are there then
 */
export function copyRows(data: Uint8Array, raw: number, rowBytes: number, out: Uint8Array, filled = 0): number {
  for (let at = 0; at < data.length;) {
    const column = (raw + at) % (rowBytes + 1)
    if (column === 0) {
      at++
      continue
    }
    const take = Math.min(data.length - at, rowBytes + 1 - column)
    out.set(data.subarray(at, at + take), filled)
    filled += take
    at += take
  }
  return filled
}
