import { type Image, image } from './image.ts'

/** Raw samples and what turns them into colours. */
export interface RawPixels {
  readonly width: number
  readonly height: number
  readonly depth: number
  /** Samples a pixel: 1 for palette indices. */
  readonly channels: number
  readonly data: Uint8Array | Uint16Array
  /** Red, green and blue of every entry, in turn. */
  readonly palette?: Uint8Array | undefined
  /** With a palette, the alpha of its first entries; else the transparent colour, one 16-bit number a channel. */
  readonly transparency?: Uint8Array | undefined
}

/**
 * Palettes become RGB or RGBA, samples below 8 bits are widened to 8, a transparent colour becomes an
 * alpha channel. Undefined where an index lies outside the palette.
 */
export function colours(raw: RawPixels): Image<'u8' | 'u16'> | undefined {
  if (raw.palette) return fromPalette(raw, raw.palette)
  const { width, height, depth, data, transparency } = raw
  let channels = raw.channels
  let samples = data
  if (transparency) {
    samples = withAlpha(raw, transparency)
    channels++
  } else if (depth < 8) widen(data, depth)
  return samples instanceof Uint16Array
    ? image({ width, height, channels, format: 'u16', data: samples })
    : image({ width, height, channels, format: 'u8', data: samples })
}

function fromPalette({ width, height, data, transparency }: RawPixels, palette: Uint8Array): Image<'u8'> | undefined {
  const entries = palette.length / 3
  const channels = transparency ? 4 : 3
  const out = new Uint8Array(data.length * channels)
  for (let p = 0; p < data.length; p++) {
    const index = data[p]!
    if (index >= entries) return undefined
    out[p * channels] = palette[3 * index]!
    out[p * channels + 1] = palette[3 * index + 1]!
    out[p * channels + 2] = palette[3 * index + 2]!
    if (transparency) out[p * channels + 3] = transparency[index] ?? 255
  }
  return image({ width, height, channels, format: 'u8', data: out })
}

function widen(data: Uint8Array | Uint16Array, depth: number): void {
  const scale = 255 / (2 ** depth - 1)
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * scale
}

function withAlpha({ data, channels, depth }: RawPixels, transparency: Uint8Array): Uint8Array | Uint16Array {
  const pixels = data.length / channels
  const wide = data instanceof Uint16Array
  const out = wide ? new Uint16Array(pixels * (channels + 1)) : new Uint8Array(pixels * (channels + 1))
  // Two bytes a channel whatever the depth, of which the low bits count.
  const transparent = Array.from(
    { length: channels },
    (_, c) => ((transparency[2 * c]! << 8) | transparency[2 * c + 1]!) & (2 ** depth - 1),
  )
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1
  const opaque = wide ? 65535 : 255
  for (let p = 0; p < pixels; p++) {
    let matches = true
    for (let c = 0; c < channels; c++) {
      const value = data[p * channels + c]!
      out[p * (channels + 1) + c] = value * scale
      matches &&= value === transparent[c]!
    }
    out[p * (channels + 1) + channels] = matches ? 0 : opaque
  }
  return out
}
