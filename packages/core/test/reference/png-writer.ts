import { crc32, deflateSync } from 'node:zlib'

/** A picture as PNG stores it: raw samples of 1 to 16 bits, with a palette or a transparent colour where it has one. */
export interface StoredPicture {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly colour: number
  readonly interlaced: boolean
  /** Of every row in turn. */
  readonly filters: readonly number[]
  /** One number a sample, not scaled. */
  readonly samples: readonly number[]
  readonly palette?: readonly (readonly [number, number, number])[]
  readonly transparency?: readonly number[]
  /** Chunks before the palette, between it and the pixels, and after the pixels. */
  readonly first?: readonly Stored[]
  readonly middle?: readonly Stored[]
  readonly last?: readonly Stored[]
  /** Into how many chunks the compressed data is cut; empty ones are legal too. */
  readonly cuts?: number
}

export type Stored = readonly [type: string, data: Uint8Array]

export const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export function chunk([type, data]: Stored): Buffer {
  const out = Buffer.alloc(data.length + 12)
  out.writeUInt32BE(data.length)
  out.write(type, 4, 'latin1')
  out.set(data, 8)
  out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8)
  return out
}

/** Writes bit by bit and pixel by pixel, as the specification words it: slow, and nothing in common with what reads. */
export function writePng(picture: StoredPicture): Uint8Array {
  const {
    width,
    height,
    depth,
    colour,
    interlaced,
    palette,
    transparency,
    first = [],
    middle = [],
    last = [],
    cuts = 1,
  } = picture
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8)
  const packed = deflateSync(
    Buffer.from(
      interlaced ? interlacedRows(picture) : rowsOf(picture, range(0, height, 1), range(0, width, 1), 0).bytes,
    ),
  )
  const step = Math.ceil(packed.length / cuts)
  const data = Array.from({ length: cuts }, (_, i): Stored => ['IDAT', packed.subarray(i * step, (i + 1) * step)])
  const wide = (values: readonly number[]) => Buffer.from(values.flatMap(value => [value >>> 8, value & 255]))
  const parts: Stored[] = [
    ['IHDR', header],
    ...first,
    ...(palette ? [['PLTE', Buffer.from(palette.flat())] as const] : []),
    ...(transparency ? [['tRNS', colour === 3 ? Buffer.from(transparency) : wide(transparency)] as const] : []),
    ...middle,
    ...data,
    ...last,
    ['IEND', Buffer.alloc(0)],
  ]
  return new Uint8Array(Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts.map(chunk)]))
}

const range = (start: number, end: number, step: number): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step)

/** The pattern of the specification: the number of the pass in which each pixel of an 8 x 8 square is sent. */
const PATTERN = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777']

function interlacedRows(picture: StoredPicture): number[] {
  const bytes: number[] = []
  let row = 0
  for (const pass of '1234567') {
    const lines = range(0, picture.height, 1).filter(y => PATTERN[y % 8]!.includes(pass))
    const columns = range(0, picture.width, 1).filter(
      x => PATTERN.some(line => line[x % 8] === pass) && PATTERN[(lines[0] ?? 0) % 8]![x % 8] === pass,
    )
    if (lines.length === 0 || columns.length === 0) continue
    const written = rowsOf(picture, lines, columns, row)
    bytes.push(...written.bytes)
    row = written.next
  }
  return bytes
}

function rowsOf(
  { width, depth, colour, samples, filters }: StoredPicture,
  lines: readonly number[],
  columns: readonly number[],
  firstRow: number,
): { bytes: number[]; next: number } {
  const channels = SAMPLES[colour]!
  const back = Math.max(1, (channels * depth) / 8)
  const bytes: number[] = []
  let above: number[] = []
  let next = firstRow
  for (const y of lines) {
    const bits = columns
      .flatMap(x =>
        range(0, channels, 1).map(c => samples[(y * width + x) * channels + c]!.toString(2).padStart(depth, '0')),
      )
      .join('')
    const row = bits
      .padEnd(8 * Math.ceil(bits.length / 8), '0')
      .match(/.{8}/g)!
      .map(byte => Number.parseInt(byte, 2))
    const filter = filters[next++ % filters.length]!
    const predicted = row.map((_, i) => {
      const [a, b, c] = [row[i - back] ?? 0, above[i] ?? 0, i >= back ? (above[i - back] ?? 0) : 0]
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
      return [0, a, b, Math.floor((a + b) / 2), pa <= pb && pa <= pc ? a : pb <= pc ? b : c][filter]!
    })
    bytes.push(filter, ...row.map((value, i) => (value - predicted[i]!) & 255))
    above = row
  }
  return { bytes, next }
}

/**
 * What a decoder is to give: one number a sample, widened to 8 bits, palettes unfolded, alpha where transparency was
 * named.
 */
export function shownSamples({ depth, colour, samples, palette, transparency }: StoredPicture): {
  channels: number
  samples: number[]
} {
  if (colour === 3) {
    const alpha = transparency ? (index: number) => [transparency[index] ?? 255] : () => []
    return { channels: transparency ? 4 : 3, samples: samples.flatMap(index => [...palette![index]!, ...alpha(index)]) }
  }
  const channels = SAMPLES[colour]!
  const shown = (value: number) => (depth < 8 ? (value * 255) / (2 ** depth - 1) : value)
  if (!transparency) return { channels, samples: samples.map(shown) }
  const pixels = range(0, samples.length, channels).map(at => samples.slice(at, at + channels))
  return {
    channels: channels + 1,
    samples: pixels.flatMap(pixel => [
      ...pixel.map(shown),
      pixel.every((value, c) => value === transparency[c]) ? 0 : depth === 16 ? 65535 : 255,
    ]),
  }
}
