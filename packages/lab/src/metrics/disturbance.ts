import { argumentError, type Image, KeyStream } from '@latent/core'
import { peak, toWire } from './samples.ts'

/**
 * What may happen to a cipher image on its way. Each keeps shape, format and annotations, and depends
 * on nothing but the image and a seed.
 */
export interface Disturbance {
  readonly kind:
    | 'occlusion'
    | 'occlusion-corner'
    | 'occlusion-blocks'
    | 'salt-pepper'
    | 'gaussian'
    | 'jpeg'
    | 'one-level'
    | 'wire-u8'
    | 'wire-u16'
  /** Area share, density, variance (of samples scaled to [0, 1]), JPEG quality, or 1. */
  readonly strength: number
}

/** The curves of a full report. */
export const DISTURBANCES: readonly Disturbance[] = [
  ...[1 / 64, 1 / 16, 1 / 4, 1 / 2].map(strength => ({ kind: 'occlusion', strength }) as const),
  { kind: 'occlusion-corner', strength: 1 / 16 },
  { kind: 'occlusion-blocks', strength: 1 / 16 },
  ...[0.01, 0.05, 0.1, 0.2].map(strength => ({ kind: 'salt-pepper', strength }) as const),
  ...[1e-4, 1e-3, 1e-2].map(strength => ({ kind: 'gaussian', strength }) as const),
  ...[95, 90, 75, 50].map(strength => ({ kind: 'jpeg', strength }) as const),
  { kind: 'one-level', strength: 1 },
  { kind: 'wire-u8', strength: 1 },
  { kind: 'wire-u16', strength: 1 },
]

/** Encodes and decodes an 8-bit image of 1 or 3 channels as JPEG; Node and browsers have different ones. */
export type JpegRoundTrip = (image: Image<'u8'>, quality: number) => Promise<Image<'u8'>>

/**
 * Disturbs a cipher image.
 * @returns undefined where the disturbance does not apply: JPEG without a codec or for samples that are
 * not 8-bit grey or RGB, and a wire format no coarser than the image's own
 */
export async function disturb(
  cipher: Image,
  { kind, strength }: Disturbance,
  seed: Uint8Array,
  jpeg?: JpegRoundTrip,
): Promise<Image | undefined> {
  switch (kind) {
    case 'occlusion':
      return occlude(cipher, strength, 'centre')
    case 'occlusion-corner':
      return occlude(cipher, strength, 'corner')
    case 'occlusion-blocks':
      return occludeBlocks(cipher, strength, await KeyStream.create(seed, 'latent/v1/lab/occlusion'))
    case 'salt-pepper':
      return saltAndPepper(cipher, strength, await KeyStream.create(seed, 'latent/v1/lab/salt-pepper'))
    case 'gaussian':
      return gaussian(cipher, strength, await KeyStream.create(seed, 'latent/v1/lab/gaussian'))
    case 'one-level':
      return oneLevel(cipher, await KeyStream.create(seed, 'latent/v1/lab/one-level'))
    case 'jpeg': {
      if (!jpeg || cipher.format !== 'u8' || (cipher.channels !== 1 && cipher.channels !== 3)) return undefined
      const { data } = await jpeg(cipher as Image<'u8'>, strength)
      return { ...cipher, data }
    }
    case 'wire-u8':
    case 'wire-u16':
      return cipher.format === 'f32' ? toWire(cipher, kind === 'wire-u8' ? 'u8' : 'u16') : undefined
    default:
      throw argumentError('kind', 'a disturbance', kind)
  }
}

/** A black rectangle of the image's own proportions and the given share of its area. */
function occlude(source: Image, share: number, place: 'corner' | 'centre'): Image {
  const data = source.data.slice()
  const width = Math.round(source.width * Math.sqrt(share))
  const height = Math.round(source.height * Math.sqrt(share))
  const left = place === 'corner' ? 0 : (source.width - width) >> 1
  const top = place === 'corner' ? 0 : (source.height - height) >> 1
  for (let y = top; y < top + height; y++)
    data.fill(0, (y * source.width + left) * source.channels, (y * source.width + left + width) * source.channels)
  return { ...source, data }
}

const BLOCK = 8

/** Black blocks of 8 x 8 pixels on a grid, each with the given probability. */
async function occludeBlocks(source: Image, share: number, stream: KeyStream): Promise<Image> {
  const data = source.data.slice()
  const across = Math.ceil(source.width / BLOCK)
  const hit = await stream.uniforms(across * Math.ceil(source.height / BLOCK))
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x += BLOCK) {
      if (hit[Math.floor(y / BLOCK) * across + x / BLOCK]! >= share) continue
      const row = y * source.width
      data.fill(0, (row + x) * source.channels, (row + Math.min(source.width, x + BLOCK)) * source.channels)
    }
  }
  return { ...source, data }
}

/** Each sample becomes 0 or the largest value with probability `density`, half and half. */
async function saltAndPepper(source: Image, density: number, stream: KeyStream): Promise<Image> {
  const data = source.data.slice()
  const words = await stream.integers(data.length, 2 ** 32)
  const top = peak(source.format)
  for (let i = 0; i < data.length; i++) {
    const u = words[i]! / 2 ** 32
    if (u < density / 2) data[i] = 0
    else if (u < density) data[i] = top
  }
  return { ...source, data }
}

/** Adds normal noise of the given variance on the scale [0, 1], rounds and clamps. */
async function gaussian(source: Image, variance: number, stream: KeyStream): Promise<Image> {
  const data = source.data.slice()
  const top = peak(source.format)
  const scale = Math.sqrt(variance) * top
  const uniforms = await stream.uniforms(data.length + (data.length & 1))
  for (let i = 0; i < data.length; i += 2) {
    // Box and Muller: two normals from two uniforms; 1 - u keeps the logarithm finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniforms[i]!)) * scale
    const angle = 2 * Math.PI * uniforms[i + 1]!
    data[i] = settled(data[i]! + radius * Math.cos(angle), source, top)
    if (i + 1 < data.length) data[i + 1] = settled(data[i + 1]! + radius * Math.sin(angle), source, top)
  }
  return { ...source, data }
}

/** Every sample moves by one level up or down; at the ends of the scale, the way that is left. */
async function oneLevel(source: Image, stream: KeyStream): Promise<Image> {
  const data = source.data.slice()
  const top = peak(source.format)
  const level = source.format === 'f32' ? 1 / 255 : 1
  const bits = await stream.bytes(data.length)
  for (let i = 0; i < data.length; i++) {
    const v = data[i]!
    const up = v + level > top ? false : v - level < 0 ? true : (bits[i]! & 1) === 1
    data[i] = up ? v + level : v - level
  }
  return { ...source, data }
}

const settled = (value: number, { format }: Image, top: number): number =>
  Math.min(top, Math.max(0, format === 'f32' ? value : Math.round(value)))

/** How one damaged cipher sample spreads through decryption. */
export interface Trail {
  /** Samples of the plain image that come out wrong. */
  readonly damaged: number
  /** The same as a share. */
  readonly share: number
  /** Samples from the first wrong one to the last, in raster order; 0 where none is wrong. */
  readonly span: number
}

/** The trail of damage between a decryption and the decryption of a damaged cipher, of one shape. */
export function trail(intact: Image, damaged: Image): Trail {
  let first = -1
  let last = -1
  let count = 0
  for (let i = 0; i < intact.data.length; i++) {
    if (intact.data[i] === damaged.data[i]) continue
    if (first < 0) first = i
    last = i
    count++
  }
  return { damaged: count, share: count / intact.data.length, span: first < 0 ? 0 : last - first + 1 }
}
