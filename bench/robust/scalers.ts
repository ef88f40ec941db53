import sharp from 'sharp'
import type { Picture } from './encoders.ts'

export interface Scaler {
  /** Was it looked at when the mode was chosen? */
  readonly tuned: boolean
  /** A picture of so much of its sides. */
  scale(picture: Picture, scale: number): Promise<Picture> | Picture
}

/** The width is rounded, and the height is what comes of it: few scales are those of whole pixels. */
const bySharp = (kernel: 'lanczos3' | 'lanczos2' | 'cubic' | 'mitchell' | 'linear' | 'nearest'): Scaler['scale'] =>
  async function scale({ width, height, pixels }, scale) {
    const { data, info } = await sharp(pixels, { raw: { width, height, channels: 1 } })
      .resize(Math.round(width * scale), undefined, { kernel })
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, pixels: data }
  }

/** Every pixel is the mean of those that it covers, as phones do to save memory. */
function byMeans({ width, height, pixels }: Picture, scale: number): Picture {
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
  const covered = (length: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const [from, to] = [(i * length) / count, ((i + 1) * length) / count]
      return Array.from({ length: Math.ceil(to) - Math.floor(from) }, (_, k) => {
        const at = Math.floor(from) + k
        return { at, part: (Math.min(to, at + 1) - Math.max(from, at)) / (to - from) }
      })
    })
  const [across, down] = [covered(width, wide), covered(height, high)]
  const out = new Uint8Array(wide * high)
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      let sum = 0
      for (const row of down[y]!)
        for (const column of across[x]!) sum += row.part * column.part * pixels[row.at * width + column.at]!
      out[y * wide + x] = Math.round(sum)
    }
  return { width: wide, height: high, pixels: out }
}

/** What makes pictures smaller, by name. */
export const SCALERS: Readonly<Record<string, Scaler>> = {
  'sharp lanczos3': { tuned: true, scale: bySharp('lanczos3') },
  'sharp cubic': { tuned: true, scale: bySharp('cubic') },
  'sharp mitchell': { tuned: true, scale: bySharp('mitchell') },
  'sharp linear': { tuned: true, scale: bySharp('linear') },
  'sharp lanczos2': { tuned: false, scale: bySharp('lanczos2') },
  means: { tuned: false, scale: byMeans },
  'sharp nearest': { tuned: false, scale: bySharp('nearest') },
}
