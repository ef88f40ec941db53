import { mirrored } from './enlarge.ts'
import type { Luma } from './received.ts'

/** A part of a picture, in its pixels; edges may lie within one. */
export interface Window {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** How far the kernel reaches, in pixels of the smaller picture. */
const REACH = 16

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** What one pixel of the smaller picture is made of. */
interface Sum {
  readonly first: number
  readonly weights: Float64Array
}

/** For each of `count` pixels that share `length` pixels, from `start` on. */
function sumsOf(start: number, length: number, count: number): Sum[] {
  const ratio = length / count
  const stretch = Math.max(1, ratio)
  return Array.from({ length: count }, (_, i) => {
    const at = start + (i + 0.5) * ratio - 0.5
    const first = Math.ceil(at - REACH * stretch)
    const weights = Float64Array.from({ length: Math.floor(at + REACH * stretch) - first + 1 }, (_, k) => {
      const x = (first + k - at) / stretch
      return sinc(x) * sinc(x / REACH)
    })
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return { first, weights: weights.map(weight => weight / total) }
  })
}

/** A part of a picture with `width` x `height` pixels: what is above their band is left out. */
export function shrunk(
  { width: stride, height: rows, data }: Luma,
  window: Window,
  width: number,
  height: number,
): Luma {
  const across = sumsOf(window.left, window.width, width)
  const down = sumsOf(window.top, window.height, height)
  const margin = Math.max(
    0,
    ...[across[0]!, across.at(-1)!].map(({ first, weights }) => Math.max(-first, first + weights.length - stride)),
  )
  const line = new Float64Array(stride + 2 * margin)
  const columns = Int32Array.from(line, (_, i) => mirrored(i - margin, stride))
  const narrow = new Float32Array(width * rows)
  for (let y = 0; y < rows; y++) {
    for (let i = 0; i < line.length; i++) line[i] = data[y * stride + columns[i]!]!
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x]!
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * line[first + margin + k]!
      narrow[y * width + x] = sum
    }
  }
  const out = new Float32Array(width * height)
  const sum = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    const { first, weights } = down[y]!
    sum.fill(0)
    for (let k = 0; k < weights.length; k++) {
      const [from, weight] = [mirrored(first + k, rows) * width, weights[k]!]
      for (let x = 0; x < width; x++) sum[x]! += weight * narrow[from + x]!
    }
    out.set(sum, y * width)
  }
  return { width, height, data: out }
}
