import { type Image, image } from '@latent/core'

/** A picture of RGBA, as canvases have it, without what a scheme does not take. Grey is the mean by what eyes weigh. */
export function withChannels(rgba: Uint8ClampedArray, width: number, height: number, channels: 1 | 3): Image<'u8'> {
  const data = new Uint8Array(width * height * channels)
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!]
    if (channels === 1) data[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b)
    else data.set([r, g, b], 3 * i)
  }
  return image({ width, height, channels, format: 'u8', data })
}
