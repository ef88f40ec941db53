import { type Image, image } from '@latent/core'
import { type Tensor, tensor } from '@latent/graph'
import type { TargetShape } from '../chosen-plaintext.ts'
import { commonShape } from '../common-shape.ts'

/** An image in both forms. */
export interface Pair {
  readonly plain: Image<'u8'>
  readonly cipher: Image<'u8'>
}

/** Pictures as `[N, C, H, W]` with values in 0..1. */
export function planesOf(pictures: readonly Image<'u8'>[]): Tensor<'f32'> {
  const { width, height, channels } = commonShape(pictures)
  const pixels = width * height
  const data = new Float32Array(pictures.length * pixels * channels)
  for (const [n, picture] of pictures.entries()) {
    for (let i = 0; i < picture.data.length; i++)
      data[(n * channels + (i % channels)) * pixels + Math.floor(i / channels)] = picture.data[i]! / 255
  }
  return tensor('f32', [pictures.length, channels, height, width], data)
}

/** Undoes {@link planesOf}, with rounding; values outside 0..1 are clipped. */
export function picturesOf(planes: Float32Array, { width, height, channels }: TargetShape): Image<'u8'>[] {
  const pixels = width * height
  return Array.from({ length: planes.length / (pixels * channels) }, (_, n) => {
    const data = Uint8Array.from({ length: pixels * channels }, (_, i) =>
      sample(planes[(n * channels + (i % channels)) * pixels + Math.floor(i / channels)]!),
    )
    return image({ width, height, channels, format: 'u8', data })
  })
}

/** A value of a network, 0 to 1, as a sample of 8 bits: rounded, and cut off at the ends. */
export const sample = (value: number): number => Math.min(255, Math.max(0, Math.round(255 * value)))
