import { argumentError, type Image } from '@latent/core'
import { fitRidge } from './ridge.ts'

/** A plain image and its cipher image, known to the attacker; both 8-bit RGB of one size. */
export interface KnownPair {
  readonly plain: Image
  readonly cipher: Image
}

/** Which samples of the cipher image a block of the plain one is fitted to. */
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

/**
 * Known-plaintext attack on ciphers that are (nearly) linear by blocks: one affine map from a cipher
 * block, and perhaps its neighbours, to the plain block, by least squares over all blocks of the known
 * pairs. Works under one key; needs no query.
 */
export function fitLinearBlocks(pairs: readonly KnownPair[], options: LinearBlockOptions): FittedBlocks {
  const { side } = options
  const [inputs, outputs]: [Float32Array[], Float32Array[]] = [[], []]
  for (const { plain, cipher } of pairs) {
    if (plain.width !== cipher.width || plain.height !== cipher.height || cipher.channels !== CHANNELS)
      throw argumentError('pairs', 'RGB images of one size each', `${plain.width} x ${plain.height}`)
    for (const [left, top] of corners(cipher, side)) {
      inputs.push(featuresOf(cipher, left, top, options))
      outputs.push(blockOf(plain, left, top, side))
    }
  }
  const predictor = fitRidge(inputs, outputs, 0)
  return {
    blocks: inputs.length,
    open(cipher) {
      const data = new Uint8Array(cipher.width * cipher.height * CHANNELS)
      for (const [left, top] of corners(cipher, side)) {
        predictor
          .predict(featuresOf(cipher, left, top, options))
          .forEach(
            (value, index) =>
              (data[placeOf(cipher, left, top, side, index)] = Math.min(255, Math.max(0, Math.round(value)))),
          )
      }
      return { width: cipher.width, height: cipher.height, channels: CHANNELS, format: 'u8', data }
    },
  }
}

function* corners({ width, height }: Image, side: number): Generator<[left: number, top: number]> {
  for (let top = 0; top + side <= height; top += side)
    for (let left = 0; left + side <= width; left += side) yield [left, top]
}

const placeOf = ({ width }: Image, left: number, top: number, side: number, index: number): number => {
  const pixel = Math.floor(index / CHANNELS)
  return ((top + Math.floor(pixel / side)) * width + left + (pixel % side)) * CHANNELS + (index % CHANNELS)
}

function blockOf(source: Image, left: number, top: number, side: number): Float32Array {
  return Float32Array.from(
    { length: side * side * CHANNELS },
    (_, index) => source.data[placeOf(source, left, top, side, index)]!,
  )
}

/** Beyond the edge the nearest block stands in. */
function featuresOf(
  cipher: Image,
  left: number,
  top: number,
  { side, reach = 0, straighten = value => value / 255 }: LinearBlockOptions,
): Float32Array {
  const around = reach === 0 ? [[0, 0]] : [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => [dx, dy]))
  const inside = (at: number, end: number) => Math.min(end - side - (end % side), Math.max(0, at))
  return Float32Array.from(
    around.flatMap(([dx, dy]) =>
      Array.from(
        blockOf(cipher, inside(left + dx! * side, cipher.width), inside(top + dy! * side, cipher.height), side),
        straighten,
      ),
    ),
  )
}
