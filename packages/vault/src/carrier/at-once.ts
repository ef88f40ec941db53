import { copyRows } from './canonical.ts'
import { BLOCKS_A_CHUNK, carrierSize, type Geometry, pixelBytes, STORED_BLOCK } from './geometry.ts'
import { carrierKind } from './kind.ts'

/** Where the first block of stored data begins: signature and IHDR, length and name of an IDAT, zlib's two bytes. */
const BLOCKS_AT = 33 + 8 + 2

/**
 * What {@link readCarrier} makes of a small file that has the very layout of {@link writeCarrier}, found in one step.
 * @returns `undefined` for every other one: larger than one IDAT, stored in another way, damaged, no carrier at all
 * @throws as {@link readCarrier}, for what its first bytes say
 */
export function readAtOnce(png: Uint8Array): { geometry: Geometry; pixels: Uint8Array } | undefined {
  const { geometry, channels } = carrierKind(png)
  const rowBytes = geometry.width * 3
  const raw = (rowBytes + 1) * geometry.height
  const blocks = Math.ceil(raw / STORED_BLOCK)
  if (channels !== 3 || blocks > BLOCKS_A_CHUNK || png.length !== carrierSize(geometry)) return undefined
  const view = new DataView(png.buffer, png.byteOffset, png.length)
  const isChunk = (at: number, length: number, name: number) =>
    view.getUint32(at) === length && view.getUint32(at + 4) === name
  const isFramed =
    isChunk(33, 2 + 5 * blocks + raw + 4, IDAT) && view.getUint16(41) === ZLIB && isChunk(png.length - 12, 0, IEND)
  if (!isFramed) return undefined
  const pixels = new Uint8Array(pixelBytes(geometry))
  for (let start = 0, filled = 0; start < raw; start += STORED_BLOCK) {
    const at = BLOCKS_AT + 5 * (start / STORED_BLOCK) + start
    const length = Math.min(STORED_BLOCK, raw - start)
    const isLast = start + length === raw
    if (png[at] !== (isLast ? 1 : 0) || view.getUint16(at + 1, true) !== length) return undefined
    filled = copyRows(png.subarray(at + 5, at + 5 + length), start, rowBytes, pixels, filled)
  }
  for (let row = 0; row < raw; row += rowBytes + 1)
    if (png[BLOCKS_AT + 5 * (Math.floor(row / STORED_BLOCK) + 1) + row] !== 0) return undefined
  return { geometry, pixels }
}

const [IDAT, IEND, ZLIB] = [0x49444154, 0x49454e44, 0x7801]
