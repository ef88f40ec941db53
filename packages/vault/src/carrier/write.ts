import { crc32, LatentError, u32 } from '@latent/core'
import { BLOCKS_A_CHUNK, type Geometry, SIGNATURE, STORED_BLOCK } from './geometry.ts'

/** The file, part by part, from pixel bytes in parts of any size. @throws E_INTERNAL if their number is wrong */
export async function* writeCarrier(geometry: Geometry, pixels: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { width, height } = geometry
  yield SIGNATURE
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2, 0, 0, 0], 8)
  yield* chunk('IHDR', header)

  const rowBytes = width * 3
  let left = (rowBytes + 1) * height
  let column = rowBytes
  let adler = 1
  const raw = new Uint8Array(Math.min(left, STORED_BLOCK * BLOCKS_A_CHUNK))
  let filled = 0
  let first = true

  const flush = (): Uint8Array[] => {
    const data = raw.subarray(0, filled)
    adler = adler32(data, adler)
    left -= filled
    filled = 0
    const parts = storedBlocks(data, left === 0)
    if (first) parts.unshift(Uint8Array.of(0x78, 0x01))
    if (left === 0) parts.push(u32(adler))
    first = false
    return chunk('IDAT', ...parts)
  }

  for await (const part of pixels) {
    for (let at = 0; at < part.length;) {
      if (column === rowBytes) {
        if (filled === raw.length) yield* flush()
        if (left === 0) throw new LatentError('E_INTERNAL', 'more pixel bytes than the picture holds')
        raw[filled++] = 0
        column = 0
      }
      const take = Math.min(part.length - at, rowBytes - column, raw.length - filled)
      raw.set(part.subarray(at, at + take), filled)
      filled += take
      column += take
      at += take
      if (filled === raw.length) yield* flush()
    }
  }
  if (filled > 0) yield* flush()
  if (left !== 0) throw new LatentError('E_INTERNAL', 'fewer pixel bytes than the picture holds')
  yield* chunk('IEND')
}

function storedBlocks(data: Uint8Array, final: boolean): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < data.length; at += STORED_BLOCK) {
    const block = data.subarray(at, at + STORED_BLOCK)
    const last = final && at + STORED_BLOCK >= data.length
    parts.push(
      Uint8Array.of(
        last ? 1 : 0,
        block.length & 255,
        block.length >>> 8,
        ~block.length & 255,
        (~block.length >>> 8) & 255,
      ),
      block,
    )
  }
  return parts
}

function chunk(type: string, ...data: Uint8Array[]): Uint8Array[] {
  const name = new TextEncoder().encode(type)
  const length = data.reduce((sum, part) => sum + part.length, 0)
  const joined = new Uint8Array(12 + length)
  const view = new DataView(joined.buffer)
  view.setUint32(0, length)
  joined.set(name, 4)
  let at = 8
  for (const part of data) {
    joined.set(part, at)
    at += part.length
  }
  view.setUint32(at, crc32(joined.subarray(4, at)))
  return [joined]
}

/** Adler-32 (RFC 1950); sums of 3800 bytes stay below 2^31, so the remainder can wait that long. */
function adler32(bytes: Uint8Array, previous: number): number {
  let a = previous & 0xffff
  let b = previous >>> 16
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 3800)
    for (; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return ((b << 16) | a) >>> 0
}
