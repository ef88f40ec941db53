/**
 * The PNG that carries sealed bytes: 8-bit RGB, not interlaced, filter 0, stored (uncompressed)
 * deflate. Written and read as a stream, so that a file of any size needs the memory of a few rows.
 *
 * A reader must accept whatever keeps the pixels: other filters, other compression, an opaque alpha
 * channel, extra chunks. Checksums are not needed for integrity (the body is authenticated), so a
 * wrong one is not an error here.
 */
export interface Geometry {
  readonly width: number
  readonly height: number
}

/** The first bytes of every PNG. */
export const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10)
/** Bytes in a block of stored deflate, but the last. */
export const STORED_BLOCK = 65535
/** Blocks in an IDAT chunk, but the last. */
export const BLOCKS_A_CHUNK = 16

/**
 * The most square picture that holds at least `bytes` pixel bytes with the least left over: widths up
 * to a third above the square's are tried, and more than 1024 of them only while more than `most`
 * bytes are left over.
 */
export function geometryFor(bytes: number, most = Number.POSITIVE_INFINITY): Geometry {
  const pixels = Math.ceil(bytes / 3)
  const square = Math.ceil(Math.sqrt(pixels))
  let best = { width: square, height: Math.ceil(pixels / square) }
  for (
    let width = square;
    width <= square * 1.33 + 1 && (width < square + 1024 || pixelBytes(best) - bytes > most);
    width++
  ) {
    const height = Math.ceil(pixels / width)
    if (width * height < best.width * best.height) best = { width, height }
  }
  return best
}

/** Bytes of all samples: three a pixel. */
export const pixelBytes = ({ width, height }: Geometry): number => width * height * 3

/** The size of the file that {@link writeCarrier} makes. */
export function carrierSize(geometry: Geometry): number {
  const raw = (geometry.width * 3 + 1) * geometry.height
  const blocks = Math.ceil(raw / STORED_BLOCK)
  return 8 + 25 + 12 + raw + 5 * blocks + 12 * Math.ceil(blocks / BLOCKS_A_CHUNK) + 2 + 4
}
