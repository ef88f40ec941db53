import { argumentError, type Image, image } from '@latent/core'

/** Pictures side by side on white, grey ones as RGB, in rows of `columns`; sizes may differ. */
export function contactSheet(pictures: readonly Image<'u8'>[], columns: number, gap = 4): Image<'u8'> {
  if (pictures.length === 0) throw argumentError('pictures', 'at least one', 0)
  const cellWidth = Math.max(...pictures.map(({ width }) => width)) + gap
  const cellHeight = Math.max(...pictures.map(({ height }) => height)) + gap
  const across = Math.min(columns, pictures.length)
  const [width, height] = [across * cellWidth - gap, Math.ceil(pictures.length / columns) * cellHeight - gap]
  const data = new Uint8Array(width * height * 3).fill(255)
  for (const [i, picture] of pictures.entries()) {
    const [left, top] = [(i % columns) * cellWidth, Math.floor(i / columns) * cellHeight]
    for (let y = 0; y < picture.height; y++) {
      for (let x = 0; x < picture.width; x++) {
        const from = (y * picture.width + x) * picture.channels
        const to = ((top + y) * width + left + x) * 3
        for (let c = 0; c < 3; c++) data[to + c] = picture.data[from + (picture.channels < 3 ? 0 : c)]!
      }
    }
  }
  return image({ width, height, channels: 3, format: 'u8', data })
}

/** Every pixel as a square of `factor` pixels a side. */
export function enlarged({ width, height, channels, data }: Image<'u8'>, factor: number): Image<'u8'> {
  const out = new Uint8Array(width * height * channels * factor ** 2)
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * channels
      for (let c = 0; c < channels; c++) out[(y * width * factor + x) * channels + c] = data[from + c]!
    }
  }
  return image({ width: width * factor, height: height * factor, channels, format: 'u8', data: out })
}
