import type { KeyStream } from '@latent/core'

/** One octave: the distance of the points of its grid in pixels, and how much it counts. */
interface Octave {
  readonly cell: number
  readonly share: number
}

/** Soft shapes, in which neighbours are alike as in a picture. */
export const CLOUDS: readonly Octave[] = [
  { cell: 16, share: 0.5 },
  { cell: 8, share: 0.25 },
  { cell: 4, share: 0.15 },
  { cell: 2, share: 0.1 },
]

/** Fine grains. */
export const SAND: readonly Octave[] = [
  { cell: 4, share: 0.2 },
  { cell: 2, share: 0.3 },
  { cell: 1, share: 0.5 },
]

/**
 * A drawn picture in 0..1, plane by plane: noise of some octaves, bilinear between the points of their grids. Sums and
 * products alone: the same doubles on every machine.
 */
export async function clouds(
  stream: KeyStream,
  planes: number,
  width: number,
  height: number,
  octaves: readonly Octave[] = CLOUDS,
): Promise<Float64Array> {
  const out = new Float64Array(planes * width * height)
  for (const { cell, share } of octaves) {
    const [across, down] = [Math.ceil(width / cell) + 1, Math.ceil(height / cell) + 1]
    const points = await stream.uniforms(planes * across * down)
    for (let p = 0; p < planes; p++) {
      const at = (x: number, y: number): number => points[(p * down + y) * across + x]!
      for (let y = 0; y < height; y++) {
        const [row, v] = [Math.floor(y / cell), (y % cell) / cell]
        for (let x = 0; x < width; x++) {
          const [column, u] = [Math.floor(x / cell), (x % cell) / cell]
          const above = at(column, row) + u * (at(column + 1, row) - at(column, row))
          const below = at(column, row + 1) + u * (at(column + 1, row + 1) - at(column, row + 1))
          out[(p * height + y) * width + x]! += share * (above + v * (below - above))
        }
      }
    }
  }
  return out
}
