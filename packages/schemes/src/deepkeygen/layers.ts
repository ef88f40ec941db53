import type { KeyStream } from '@latent/core'

/** Planes of one size. Their layers take sums and products in one order: the same doubles on every machine. */
export interface Planes {
  readonly width: number
  readonly height: number
  readonly data: readonly Float64Array[]
}

/** 3 x 3 kernels, output by output. */
export interface Layer {
  readonly inputs: number
  readonly outputs: number
  readonly weights: Float64Array
}

/** Uniform weights of the variance that keeps activations in size. */
export async function layer(stream: KeyStream, inputs: number, outputs: number): Promise<Layer> {
  const reach = Math.sqrt(6 / (9 * inputs))
  const weights = (await stream.uniforms(9 * inputs * outputs)).map(u => reach * (2 * u - 1))
  return { inputs, outputs, weights }
}

/** A convolution with zeros around. */
export function convolved({ inputs, outputs, weights }: Layer, { width, height, data }: Planes): Planes {
  const made = Array.from({ length: outputs }, () => new Float64Array(width * height))
  for (const [o, out] of made.entries()) {
    for (let i = 0; i < inputs; i++) {
      const plane = data[i]!
      for (let k = 0; k < 9; k++) {
        const [dy, dx] = [Math.floor(k / 3) - 1, (k % 3) - 1]
        const weight = weights[(o * inputs + i) * 9 + k]!
        for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
          const [row, from] = [y * width, (y + dy) * width + dx]
          for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++)
            out[row + x]! += weight * plane[from + x]!
        }
      }
    }
  }
  return { width, height, data: made }
}

const every = ({ width, height, data }: Planes, value: (x: number) => number): Planes => ({
  width,
  height,
  data: data.map(plane => plane.map(value)),
})

/** max(x, 0). */
export const rectified = (planes: Planes): Planes => every(planes, x => Math.max(x, 0))
/** g x / (1 + |g x|), in -1..1. */
export const rational = (planes: Planes, gain: number): Planes =>
  every(planes, x => (gain * x) / (1 + Math.abs(gain * x)))

/** The sum of two. */
export const plus = (a: Planes, b: Planes): Planes => ({
  ...a,
  data: a.data.map((plane, i) => plane.map((value, at) => value + b.data[i]![at]!)),
})

const sampled = ({ data, width: from }: Planes, width: number, height: number, scale: number): Planes => ({
  width,
  height,
  data: data.map(plane =>
    Float64Array.from(
      { length: width * height },
      (_, i) => plane[Math.floor(Math.floor(i / width) * scale) * from + Math.floor((i % width) * scale)]!,
    ),
  ),
})

/** Every second row and column: a stride of two behind a convolution. */
export const halved = (planes: Planes): Planes => sampled(planes, planes.width / 2, planes.height / 2, 2)
/** Every pixel four times. */
export const upsampled = (planes: Planes): Planes => sampled(planes, 2 * planes.width, 2 * planes.height, 0.5)
