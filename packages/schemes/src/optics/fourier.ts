import FFT from 'fft.js'

/**
 * A complex field of light on a grid, row by row: real and imaginary parts in turn. Sides are powers of two above 1.
 */
export interface Field {
  readonly width: number
  readonly height: number
  readonly data: Float64Array
}

/** The least power of two that is at least `side`, and 2. */
export const gridSide = (side: number): number => 2 ** Math.max(1, Math.ceil(Math.log2(side)))

const engines = new Map<number, FFT>()
function engine(size: number): FFT {
  const known = engines.get(size) ?? new FFT(size)
  engines.set(size, known)
  return known
}

/** What a lens does: the two-dimensional Fourier transform, or its inverse, scaled so that no energy is lost. */
export function lens({ width, height, data }: Field, way: 'forward' | 'backward' = 'forward'): Field {
  const out = new Float64Array(data.length)
  along(data, out, width, height, 2 * width, 2, way)
  along(out.slice(), out, height, width, 2, 2 * width, way)
  // fft.js scales the inverse by 1 / n; a lens scales either way by its root.
  const scale = way === 'forward' ? 1 / Math.sqrt(width * height) : Math.sqrt(width * height)
  return { width, height, data: out.map(value => value * scale) }
}

/** Transforms `lines` lines of `size` numbers, which lie `step` apart. */
function along(
  data: Float64Array,
  out: Float64Array,
  size: number,
  lines: number,
  apart: number,
  step: number,
  way: 'forward' | 'backward',
): void {
  const fft = engine(size)
  const [line, made] = [new Float64Array(2 * size), new Float64Array(2 * size)]
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < size; i++) {
      line[2 * i] = data[l * apart + i * step]!
      line[2 * i + 1] = data[l * apart + i * step + 1]!
    }
    if (way === 'forward') fft.transform(made, line)
    else fft.inverseTransform(made, line)
    for (let i = 0; i < size; i++) {
      out[l * apart + i * step] = made[2 * i]!
      out[l * apart + i * step + 1] = made[2 * i + 1]!
    }
  }
}
