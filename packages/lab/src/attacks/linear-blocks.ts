import { argumentError, type Image, LatentError } from '@latent/core'

/** A plain image and its cipher image, known to the attacker; both 8-bit RGB of one size. */
export interface KnownPair {
  readonly plain: Image
  readonly cipher: Image
}

export interface LinearBlockOptions {
  /** Side of the blocks in pixels. */
  readonly side: number
  /** Blocks around that are looked at too: 0 none, 1 the eight neighbours. */
  readonly reach?: 0 | 1
  /** What is done to a cipher sample before, such as undoing a bend of the cipher's output. */
  readonly straighten?: (sample: number) => number
}

/** What the attack ends with. */
export interface FittedBlocks {
  /** Blocks that were fitted. */
  readonly blocks: number
  readonly open: (cipher: Image) => Image<'u8'>
}

const CHANNELS = 3
/** Keeps the normal equations solvable where cipher samples depend on each other; far below any signal. */
const RIDGE = 1e-9

/**
 * Known-plaintext attack on ciphers that are (nearly) linear by blocks: one affine map from a cipher
 * block, and perhaps its neighbours, to the plain block, by least squares over all blocks of the known
 * pairs. Works under one key; needs no query.
 */
export function fitLinearBlocks(pairs: readonly KnownPair[], options: LinearBlockOptions): FittedBlocks {
  const { side } = options
  const size = side * side * CHANNELS
  const features = size * (options.reach === 1 ? 9 : 1) + 1
  const gram = new Float64Array(features * features)
  const products = new Float64Array(features * size)
  let blocks = 0
  for (const { plain, cipher } of pairs) {
    if (plain.width !== cipher.width || plain.height !== cipher.height || cipher.channels !== CHANNELS) throw argumentError('pairs', 'RGB images of one size each', `${plain.width} x ${plain.height}`)
    for (const [left, top] of corners(cipher, side)) {
      const row = featuresOf(cipher, left, top, options)
      const target = blockOf(plain, left, top, side)
      for (let i = 0; i < features; i++) {
        const value = row[i]!
        for (let j = 0; j <= i; j++) gram[i * features + j]! += value * row[j]!
        for (let j = 0; j < size; j++) products[i * size + j]! += value * target[j]!
      }
      blocks++
    }
  }
  solve(gram, features, products, size)
  return {
    blocks,
    open(cipher) {
      const data = new Uint8Array(cipher.width * cipher.height * CHANNELS)
      for (const [left, top] of corners(cipher, side)) {
        const row = featuresOf(cipher, left, top, options)
        for (let j = 0; j < size; j++) {
          let value = 0
          for (let i = 0; i < features; i++) value += row[i]! * products[i * size + j]!
          data[placeOf(cipher, left, top, side, j)] = Math.min(255, Math.max(0, Math.round(value)))
        }
      }
      return { width: cipher.width, height: cipher.height, channels: CHANNELS, format: 'u8', data }
    },
  }
}

function* corners({ width, height }: Image, side: number): Generator<[left: number, top: number]> {
  for (let top = 0; top + side <= height; top += side) for (let left = 0; left + side <= width; left += side) yield [left, top]
}

const placeOf = ({ width }: Image, left: number, top: number, side: number, index: number): number => {
  const pixel = Math.floor(index / CHANNELS)
  return ((top + Math.floor(pixel / side)) * width + left + (pixel % side)) * CHANNELS + (index % CHANNELS)
}

function blockOf(source: Image, left: number, top: number, side: number): Float64Array {
  return Float64Array.from({ length: side * side * CHANNELS }, (_, index) => source.data[placeOf(source, left, top, side, index)]!)
}

/** Beyond the edge the nearest block stands in. The last feature is constant. */
function featuresOf(cipher: Image, left: number, top: number, { side, reach = 0, straighten = value => value / 255 }: LinearBlockOptions): Float64Array {
  const around = reach === 0 ? [[0, 0]] : [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => [dx, dy]))
  const inside = (at: number, end: number) => Math.min(end - side - (end % side), Math.max(0, at))
  const values = around.flatMap(([dx, dy]) => Array.from(blockOf(cipher, inside(left + dx! * side, cipher.width), inside(top + dy! * side, cipher.height), side), straighten))
  return Float64Array.from([...values, 1])
}

/** Solves gram x = right in place (Cholesky); the lower triangle of `gram` is given. */
function solve(gram: Float64Array, n: number, right: Float64Array, columns: number): void {
  let largest = 0
  for (let i = 0; i < n; i++) largest = Math.max(largest, gram[i * n + i]!)
  for (let i = 0; i < n; i++) gram[i * n + i]! += RIDGE * largest
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = gram[i * n + j]!
      for (let k = 0; k < j; k++) sum -= gram[i * n + k]! * gram[j * n + k]!
      if (i !== j) gram[i * n + j] = sum / gram[j * n + j]!
      else if (sum > 0) gram[i * n + i] = Math.sqrt(sum)
      else throw new LatentError('E_INTERNAL', 'the normal equations of the linear attack are not positive definite')
    }
  }
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      let sum = right[i * columns + c]!
      for (let k = 0; k < i; k++) sum -= gram[i * n + k]! * right[k * columns + c]!
      right[i * columns + c] = sum / gram[i * n + i]!
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = right[i * columns + c]!
      for (let k = i + 1; k < n; k++) sum -= gram[k * n + i]! * right[k * columns + c]!
      right[i * columns + c] = sum / gram[i * n + i]!
    }
  }
}
