import { type Image, image, LatentError } from '@latent/core'

/** Parsers of the published formats of small-picture collections; pure functions of bytes. */

/**
 * The pictures of an IDX file (LeCun's MNIST format): big-endian magic 0x00000803, count, rows,
 * columns, then bytes.
 * @throws E_DATA
 */
export function parseIdxImages(bytes: Uint8Array): Image<'u8'>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 16 || view.getUint32(0) !== 0x803) throw new LatentError('E_DATA', 'this is not an IDX file of 8-bit pictures')
  const [count, height, width] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)]
  const size = width * height
  if (size === 0 || bytes.length !== 16 + count * size) throw new LatentError('E_DATA', `the IDX header promises ${count} pictures of ${width}x${height}, and the file has ${bytes.length - 16} bytes of them`)
  // Not `slice`: a Buffer's shares its memory, and an image's samples are its own.
  return Array.from({ length: count }, (_, i) => image({ width, height, channels: 1, format: 'u8', data: new Uint8Array(bytes.subarray(16 + i * size, 16 + (i + 1) * size)) }))
}

const CIFAR_SIDE = 32
const CIFAR_PLANE = CIFAR_SIDE * CIFAR_SIDE
const CIFAR_RECORD = 1 + 3 * CIFAR_PLANE

/**
 * The pictures of a CIFAR-10 binary batch: records of a label and three planes, red first.
 * @throws E_DATA
 */
export function parseCifarBatch(bytes: Uint8Array): Image<'u8'>[] {
  if (bytes.length === 0 || bytes.length % CIFAR_RECORD !== 0) throw new LatentError('E_DATA', `a CIFAR-10 batch is a multiple of ${CIFAR_RECORD} bytes, this file has ${bytes.length}`)
  return Array.from({ length: bytes.length / CIFAR_RECORD }, (_, i) => {
    const planes = bytes.subarray(i * CIFAR_RECORD + 1, (i + 1) * CIFAR_RECORD)
    const data = new Uint8Array(3 * CIFAR_PLANE)
    for (let p = 0; p < CIFAR_PLANE; p++) for (let c = 0; c < 3; c++) data[3 * p + c] = planes[c * CIFAR_PLANE + p]!
    return image({ width: CIFAR_SIDE, height: CIFAR_SIDE, channels: 3, format: 'u8', data })
  })
}

/**
 * The tiles of a contact sheet, row by row.
 * @throws E_DATA unless the sheet's sides are multiples of the tile's
 */
export function cutSheet(sheet: Image<'u8'>, side: number): Image<'u8'>[] {
  const { width, height, channels, data } = sheet
  if (width % side !== 0 || height % side !== 0) throw new LatentError('E_DATA', `a sheet of ${width}x${height} does not hold whole tiles of ${side}`)
  const across = width / side
  return Array.from({ length: across * (height / side) }, (_, i) => {
    const out = new Uint8Array(side * side * channels)
    const left = (i % across) * side
    const top = Math.floor(i / across) * side
    for (let y = 0; y < side; y++) {
      const from = ((top + y) * width + left) * channels
      out.set(data.subarray(from, from + side * channels), y * side * channels)
    }
    return image({ width: side, height: side, channels, format: 'u8', data: out })
  })
}
