import { type Image, image, LatentError } from '@latent/core'

/** Parsers of the published formats of small-picture collections; pure functions of bytes. */

/**
 * The pictures of an IDX file (LeCun's MNIST format): big-endian magic 0x00000803, count, rows,
 * columns, then bytes.
 * @throws E_DATA
 */
export function parseIdxImages(bytes: Uint8Array): Image<'u8'>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 16 || view.getUint32(0) !== 0x803)
    throw new LatentError('E_DATA', 'this is not an IDX file of 8-bit pictures')
  const [count, height, width] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)]
  const size = width * height
  if (size === 0 || bytes.length !== 16 + count * size)
    throw new LatentError(
      'E_DATA',
      `the IDX header promises ${count} pictures of ${width}x${height}, and the file has ${bytes.length - 16} ` +
        'bytes of them',
    )
  // Not `slice`: a Buffer's shares its memory, and an image's samples are its own.
  return Array.from({ length: count }, (_, i) =>
    image({
      width,
      height,
      channels: 1,
      format: 'u8',
      data: new Uint8Array(bytes.subarray(16 + i * size, 16 + (i + 1) * size)),
    }),
  )
}

/** Bytes of one CIFAR-10 record: a label, and three planes of 32x32. */
export const CIFAR_RECORD = 1 + 3 * 32 * 32
const CIFAR_SIDE = 32
const CIFAR_PLANE = CIFAR_SIDE * CIFAR_SIDE

/**
 * The pictures of a CIFAR-10 binary batch: records of a label and three planes, red first.
 * @throws E_DATA
 */
export function parseCifarBatch(bytes: Uint8Array): Image<'u8'>[] {
  if (bytes.length === 0 || bytes.length % CIFAR_RECORD !== 0) throw notACifarBatch(bytes.length)
  return Array.from({ length: bytes.length / CIFAR_RECORD }, (_, i) => {
    const planes = bytes.subarray(i * CIFAR_RECORD + 1, (i + 1) * CIFAR_RECORD)
    const data = new Uint8Array(3 * CIFAR_PLANE)
    for (let p = 0; p < CIFAR_PLANE; p++) for (let c = 0; c < 3; c++) data[3 * p + c] = planes[c * CIFAR_PLANE + p]!
    return image({ width: CIFAR_SIDE, height: CIFAR_SIDE, channels: 3, format: 'u8', data })
  })
}

/**
 * The inverse of {@link parseCifarBatch}: one record a picture.
 * @throws E_DATA unless every picture is 32x32 RGB and has a label
 */
export function encodeCifarBatch(pictures: readonly Image<'u8'>[], labels: Uint8Array): Uint8Array {
  if (labels.length !== pictures.length)
    throw new LatentError('E_DATA', `${pictures.length} pictures need as many labels, received ${labels.length}`)
  const out = new Uint8Array(pictures.length * CIFAR_RECORD)
  for (const [i, { width, height, channels, data }] of pictures.entries()) {
    if (width !== CIFAR_SIDE || height !== CIFAR_SIDE || channels !== 3)
      throw new LatentError(
        'E_DATA',
        `a CIFAR-10 batch holds 32x32 RGB pictures, received ${width}x${height}x${channels}`,
      )
    const at = i * CIFAR_RECORD
    out[at] = labels[i]!
    for (let p = 0; p < CIFAR_PLANE; p++)
      for (let c = 0; c < 3; c++) out[at + 1 + c * CIFAR_PLANE + p] = data[3 * p + c]!
  }
  return out
}

/**
 * The labels of a CIFAR-10 binary batch.
 * @throws E_DATA for a label above 9
 */
export function cifarLabels(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length % CIFAR_RECORD !== 0) throw notACifarBatch(bytes.length)
  const labels = new Uint8Array(bytes.length / CIFAR_RECORD)
  for (let i = 0; i < labels.length; i++) labels[i] = bytes[i * CIFAR_RECORD]!
  const unknown = labels.findIndex(label => label > 9)
  if (unknown >= 0)
    throw new LatentError('E_DATA', `record ${unknown} of the CIFAR-10 batch has the unknown label ${labels[unknown]}`)
  return labels
}

const notACifarBatch = (length: number) =>
  new LatentError('E_DATA', `a CIFAR-10 batch is a multiple of ${CIFAR_RECORD} bytes, this file has ${length}`)

/**
 * The labels of an IDX file: big-endian magic 0x00000801, count, bytes.
 * @throws E_DATA
 */
export function parseIdxLabels(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 8 || view.getUint32(0) !== 0x801)
    throw new LatentError('E_DATA', 'this is not an IDX file of labels')
  if (bytes.length !== 8 + view.getUint32(4))
    throw new LatentError(
      'E_DATA',
      `the IDX header promises ${view.getUint32(4)} labels, and the file has ${bytes.length - 8}`,
    )
  return bytes.slice(8)
}

/**
 * The tiles of a contact sheet, row by row.
 * @throws E_DATA unless the sheet's sides are multiples of the tile's
 */
export function cutSheet(sheet: Image<'u8'>, side: number): Image<'u8'>[] {
  const { width, height, channels, data } = sheet
  if (width % side !== 0 || height % side !== 0)
    throw new LatentError('E_DATA', `a sheet of ${width}x${height} does not hold whole tiles of ${side}`)
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
