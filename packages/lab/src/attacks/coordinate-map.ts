import { type Image, image } from '@latent/core'
import { ask, type Opened, type Oracle, type TargetShape } from './chosen-plaintext.ts'

/** A cipher opened as a map of coordinates: what {@link Opened} holds, and the map itself. */
export interface OpenedMap extends Opened {
  /** For every pixel of a cipher image, the plain pixel that stands there. */
  readonly map: Uint32Array
}

/**
 * Recovers any cipher that only moves pixels, the vortex among them, however many vortices it has:
 * the chosen image says at every pixel which pixel it is, so that its cipher *is* the coordinate map.
 * Rows and columns take a byte each up to 256 pixels a side and two beyond: one RGB image or two grey
 * ones, up to 256x256.
 *
 * Exact. A pixel that the cipher destroyed is filled with the value of the nearest one left.
 * @returns undefined where the answer is no map: the cipher does more than move pixels
 */
export async function recoverCoordinateMap(oracle: Oracle, shape: TargetShape): Promise<OpenedMap | undefined> {
  const { width, height, channels } = shape
  const pixels = width * height
  const digits = [...bytesOf(height, p => Math.floor(p / width)), ...bytesOf(width, p => p % width)]
  const read: Uint8Array[] = []
  let queries = 0
  for (let first = 0; first < digits.length; first += channels) {
    const sent = digits.slice(first, first + channels)
    const answer = await ask(
      oracle,
      shape,
      Uint8Array.from({ length: pixels * channels }, (_, i) => sent[i % channels]?.(Math.floor(i / channels)) ?? 0),
    )
    queries++
    if (!answer) return undefined
    for (const c of sent.keys()) read.push(answer.filter((_, i) => i % channels === c))
  }
  const rowDigits = height > 256 ? 2 : 1
  const number = (parts: readonly Uint8Array[], p: number) =>
    parts.reduce((sum, part, place) => sum + part[p]! * 256 ** place, 0)
  const map = new Uint32Array(pixels)
  for (let p = 0; p < pixels; p++) {
    const [row, column] = [number(read.slice(0, rowDigits), p), number(read.slice(rowDigits), p)]
    if (row >= height || column >= width) return undefined
    map[p] = row * width + column
  }
  return { queries, map, open: cipher => undoCoordinates(cipher, map) }
}

/** The base-256 digits of a coordinate below `side`, the lowest first. */
function bytesOf(side: number, coordinate: (p: number) => number): ((p: number) => number)[] {
  return side > 256 ? [p => coordinate(p) & 255, p => coordinate(p) >> 8] : [coordinate]
}

/**
 * The plain image of a cipher image whose pixels came from `map`; what was destroyed takes the value of the nearest
 * that was not.
 */
export function undoCoordinates(cipher: Image<'u8'>, map: Uint32Array): Image<'u8'> {
  const { width, height, channels } = cipher
  const from = new Int32Array(map.length).fill(-1)
  for (let p = map.length - 1; p >= 0; p--) from[map[p]!] = p
  const known = from.slice()
  for (let p = 0; p < map.length; p++) if (from[p]! < 0) known[p] = nearest(from, p, width, height)
  const data = new Uint8Array(cipher.data.length)
  for (let p = 0; p < map.length; p++)
    for (let c = 0; c < channels; c++) data[p * channels + c] = cipher.data[known[p]! * channels + c]!
  return image({ width, height, channels, format: 'u8', data })
}

/** Where the nearest plain pixel that was kept stands in the cipher image. */
function nearest(from: Int32Array, p: number, width: number, height: number): number {
  const [x, y] = [p % width, Math.floor(p / width)]
  for (let radius = 1; ; radius++) {
    let best = { distance: Infinity, at: -1 }
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
        const distance = Math.hypot(u - x, v - y)
        if (from[v * width + u]! >= 0 && distance < best.distance) best = { distance, at: from[v * width + u]! }
      }
    }
    if (best.at >= 0) return best.at
  }
}
