import { type Image, KeyStream } from '@latent/core'
import { initialise, mapTree, normals, seedKey, zeros } from '@latent/graph'
import type { layers, MapTree, Parameter, Tensor } from '@latent/graph'
import type { Profile } from '../recipe.ts'
import { DIMENSIONS, type Generator, generatorParameters } from './network.ts'

/**
 * Starting weights with a structure, our own choice and no part of the publication: the pair starts as
 * a linear code of blocks of 4x4 pixels instead of at random.
 *
 * - A value travels as the pair (x, -x), of which ReLU keeps one; the two strided convolutions move
 *   the 48 samples of a block into channels (space to depth), the transposed ones back.
 * - One residual block of the encryption network multiplies these 48 values by a matrix: cosine
 *   transform and colour axes, a gain for each of the 48 bands that makes their variances more equal, then
 *   an orthogonal matrix drawn from the secret. tanh makes sums of Gaussian kind nearly uniform.
 * - The decryption network straightens the tanh by {@link STRAIGHT}, which needs thresholds, and has
 *   the inverse matrix.
 *
 * All other weights are drawn at random and nothing reads their channels yet. Such a start recovers
 * pictures at once and is, but for the tanh, a linear map of 48 samples: weak as a cipher.
 */

/** Samples of a block of 4x4 pixels. */
export const BLOCK = 48

/** A square matrix, row by row. */
export type Matrix = Float64Array

/**
 * The inverse of tanh on 8-bit samples as a sum of slope * max(0, |y| - threshold), odd: least squares
 * over the 256 levels; root mean square error 0.0035 and 0.016. The first hinges are those of the
 * outermost layer; each further one takes a residual block.
 */
const STRAIGHT: Readonly<Record<Profile, readonly Hinge[]>> = {
  paper: [
    [0, 1.0228],
    [0.3303, 0.2295],
    [0.5571, 0.4373],
    [0.7142, 0.7787],
    [0.8229, 1.3856],
    [0.8944, 2.5712],
    [0.9418, 5.6927],
    [0.9722, 13.9959],
    [0.9904, 81.1224],
  ],
  compact: [
    [0, 1.0651],
    [0.5345, 0.8327],
    [0.8158, 2.7274],
    [0.9416, 11.2326],
    [0.9891, 91.3732],
  ],
}
const LINEAR: readonly Hinge[] = [[0, 1]]

type Hinge = readonly [threshold: number, slope: number]
/** Values for every parameter of a generator. */
export type Weights = MapTree<Generator<Parameter>, Tensor<'f32'>>

/** Where sample `index` of a block lies: channels of the stream follow colour, then parity, then half of the block. */
export function placeInBlock(index: number): { x: number; y: number; channel: number } {
  const [channel, fine, coarse] = [Math.floor(index / 16), Math.floor(index / 4) % 4, index % 4]
  return { channel, y: 2 * (coarse >> 1) + (fine >> 1), x: 2 * (coarse & 1) + (fine & 1) }
}

/** Orthonormal cosine transform of the 4x4 pixels of each channel, and of the channels: rows are bands. */
export function bandMatrix(): Matrix {
  const cosine = (band: number, at: number, size: number) =>
    Math.sqrt((band === 0 ? 1 : 2) / size) * Math.cos((Math.PI * band * (2 * at + 1)) / (2 * size))
  const matrix = new Float64Array(BLOCK * BLOCK)
  for (let band = 0; band < BLOCK; band++) {
    for (let index = 0; index < BLOCK; index++) {
      const { x, y, channel } = placeInBlock(index)
      matrix[band * BLOCK + index] =
        cosine(Math.floor(band / 16), channel, 3) * cosine(Math.floor(band / 4) % 4, y, 4) * cosine(band % 4, x, 4)
    }
  }
  return matrix
}

/** A random orthogonal matrix (Gram and Schmidt on normal draws: uniform over all of them). */
export async function orthogonal(stream: KeyStream): Promise<Matrix> {
  const rows = Float64Array.from(await normals(stream, BLOCK * BLOCK))
  for (let i = 0; i < BLOCK; i++) {
    const row = rows.subarray(i * BLOCK, (i + 1) * BLOCK)
    // Twice, against rounding.
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const other = rows.subarray(j * BLOCK, (j + 1) * BLOCK)
        const along = row.reduce((sum, value, k) => sum + value * other[k]!, 0)
        for (let k = 0; k < BLOCK; k++) row[k]! -= along * other[k]!
      }
      const length = Math.hypot(...row)
      for (let k = 0; k < BLOCK; k++) row[k]! /= length
    }
  }
  return rows
}

/** What a starting code makes of the bands of pictures. */
export interface Mixing {
  /** Mean square of each band of {@link bandMatrix} over some pictures with samples in -1..1. */
  readonly bands: readonly number[]
  /** 0 keeps the bands as they are, 1 makes their variances equal. */
  readonly whitening: number
  /** Deviation of what enters the tanh. About 0.9 fits a uniform cipher best. */
  readonly deviation: number
}

/**
 * How our pairs start: powers of the bands in the 200 photographs of BSDS500 train (what {@link bandPowers}
 * measures, to two digits), and a middle way between recovered pictures, which whitening costs, and
 * neighbours of the cipher, which it makes independent.
 */
export const START: Mixing = {
  bands: [
    10, 0.23, 0.075, 0.026, 0.26, 0.076, 0.034, 0.013, 0.091, 0.037, 0.019, 0.0078, 0.032, 0.015, 0.0083, 0.0036, 1.3,
    0.0061, 0.00034, 0.00011, 0.0068, 0.0007, 8e-5, 4.1e-5, 0.00036, 8e-5, 3.2e-5, 2.6e-5, 0.00011, 3.9e-5, 2.3e-5,
    1.9e-5, 0.29, 0.0019, 0.00012, 6.2e-5, 0.0022, 0.0003, 3.9e-5, 2.5e-5, 0.00013, 3.9e-5, 1.9e-5, 1.7e-5, 5.2e-5,
    2.3e-5, 1.5e-5, 1.2e-5,
  ],
  whitening: 0.6,
  deviation: 0.87,
}

/** The matrix of the encryption network and its inverse. */
export async function mixing(
  secret: Uint8Array,
  { bands, whitening, deviation }: Mixing,
  nonce?: Uint8Array,
): Promise<{ forth: Matrix; back: Matrix }> {
  const [turn, cosines] = [
    await orthogonal(await KeyStream.create(secret, 'latent/v1/encipher-gan/mixing', nonce)),
    bandMatrix(),
  ]
  const raw = bands.map(power => power ** (-whitening / 2))
  const rms = Math.sqrt(raw.reduce((sum, gain, i) => sum + gain ** 2 * bands[i]!, 0) / BLOCK)
  const gains = raw.map(gain => (gain * deviation) / rms)
  const [forth, back] = [new Float64Array(BLOCK * BLOCK), new Float64Array(BLOCK * BLOCK)]
  for (let i = 0; i < BLOCK; i++) {
    for (let j = 0; j < BLOCK; j++) {
      let [there, again] = [0, 0]
      for (let k = 0; k < BLOCK; k++) {
        there += turn[i * BLOCK + k]! * gains[k]! * cosines[k * BLOCK + j]!
        again += (cosines[k * BLOCK + i]! / gains[k]!) * turn[j * BLOCK + k]!
      }
      forth[i * BLOCK + j] = there
      back[i * BLOCK + j] = again
    }
  }
  return { forth, back }
}

/**
 * Weights of the pair of `frozen` networks that is the code of a {@link Mixing}.
 * @param seed draws the weights that the code leaves free, for training; without one they are zero
 */
export async function structuredPair(
  profile: Profile,
  { forth, back }: { forth: Matrix; back: Matrix },
  seed?: number,
): Promise<{ encryption: Weights; decryption: Weights }> {
  const straight = STRAIGHT[profile]
  return {
    encryption: await structured(profile, { enter: LINEAR, matrix: forth, leave: LINEAR }, seed),
    decryption: await structured(
      profile,
      { enter: straight, matrix: back, leave: straight },
      seed === undefined ? undefined : seed + 1,
    ),
  }
}

/** What training starts from: {@link START} with a matrix that the seed draws. */
export const startingPair = async (
  profile: Profile,
  seed: number,
): Promise<{ encryption: Weights; decryption: Weights }> =>
  structuredPair(profile, await mixing(seedKey(seed), START), seed)

interface Plan {
  /** What is done to samples before the matrix, and after it. */
  readonly enter: readonly Hinge[]
  readonly matrix: Matrix
  readonly leave: readonly Hinge[]
}

/** Both signs of a value, with their places in its pair of channels. */
const SIGNS: readonly (readonly [place: number, sign: number])[] = [
  [0, 1],
  [1, -1],
]

async function structured(profile: Profile, plan: Plan, seed: number | undefined): Promise<Weights> {
  const { width, blocks } = DIMENSIONS[profile]
  // Three colours and two signs a hinge.
  const outermost = Math.floor(width / 6)
  const [enter, leave] = [plan.enter.slice(0, outermost), plan.leave.slice(0, outermost)]
  const parameters = generatorParameters(profile, 'frozen')
  const weights: Weights =
    seed === undefined
      ? mapTree(parameters, (_, leaf) => zeros('f32', (leaf as Parameter).dims))
      : await initialise(parameters, seed)

  const entering = taps(weights.enter)
  for (const { channel, colour, sign, threshold } of hinged(enter)) {
    entering.clear(channel)
    entering.set(channel, colour, 3, 3, sign)
    weights.enter.bias!.data[channel] = -threshold
  }
  const first = taps(weights.down1)
  for (let value = 0; value < 12; value++) {
    for (const [place, outer] of SIGNS) {
      first.clear(2 * value + place)
      for (const { channel, colour, sign, slope } of hinged(enter)) {
        if (colour === value >> 2) first.set(2 * value + place, channel, ...corner(value), outer * sign * slope)
      }
    }
  }
  const second = taps(weights.down2)
  for (let value = 0; value < BLOCK; value++) {
    for (const [place, outer] of SIGNS) {
      second.clear(2 * value + place)
      for (const [part, sign] of SIGNS)
        second.set(2 * value + place, 2 * (value >> 2) + part, ...corner(value), outer * sign)
    }
  }

  // Residual branches start silent, but for the hinges before and after and for the matrix in the middle.
  for (const block of weights.blocks) block.second.weight.data.fill(0)
  const middle = blocks >> 1
  inner(plan.enter, outermost, 'before').forEach((hinge, i) => bend(weights.blocks[i]!, hinge))
  mix(weights.blocks[middle]!, plan.matrix)
  inner(plan.leave, outermost, 'after').forEach((hinge, i) => bend(weights.blocks[middle + 1 + i]!, hinge))

  const up1 = taps(weights.up1, 'transposed')
  for (let pair = 0; pair < 24; pair++) up1.clear(pair)
  for (let value = 0; value < BLOCK; value++) {
    for (const [place, sign] of SIGNS)
      for (const [part, other] of SIGNS)
        up1.set(2 * (value >> 2) + place, 2 * value + part, ...corner(value), sign * other)
  }
  const [up2, leaving] = [taps(weights.up2, 'transposed'), taps(weights.leave)]
  for (let colour = 0; colour < 3; colour++) leaving.clear(colour)
  for (const { channel, colour, sign, threshold, slope } of hinged(leave)) {
    up2.clear(channel)
    for (let value = 4 * colour; value < 4 * colour + 4; value++)
      for (const [part, other] of SIGNS) up2.set(channel, 2 * value + part, ...corner(value), sign * other)
    weights.up2.bias!.data[channel] = -threshold
    leaving.set(colour, channel, 3, 3, sign * slope)
  }
  return weights
}

/**
 * Hinges that residual blocks take over, in terms of the value a block meets: what the outermost layer
 * has made of it `before`, or what it is yet to make of it `after`. Their thresholds lie above those of the
 * outermost layer, so that each of them only multiplies the slope beyond.
 */
function inner(hinges: readonly Hinge[], outermost: number, side: 'before' | 'after'): Hinge[] {
  const found: Hinge[] = []
  const whole = side === 'before' ? 1 : hinges.slice(0, outermost).reduce((sum, [, slope]) => sum + slope, 0)
  let [at, slope, value] = [0, 0, 0]
  hinges.forEach(([threshold, more], j) => {
    value = side === 'after' && j <= outermost ? threshold : value + (slope / whole) * (threshold - at)
    if (j >= outermost) found.push([value, more / slope])
    ;[at, slope] = [threshold, slope + more]
  })
  return found
}

/** x + matrix x - x, half of the change in the channel of either sign. */
function mix(block: layers.ResidualBlock<Tensor<'f32'>>, matrix: Matrix): void {
  const outer = taps(block.second)
  readValues(block)
  for (let value = 0; value < BLOCK; value++) {
    for (let target = 0; target < BLOCK; target++) {
      const change = matrix[target * BLOCK + value]! - (target === value ? 1 : 0)
      for (const [place, sign] of SIGNS)
        for (const [part, other] of SIGNS)
          outer.set(2 * target + part, 2 * value + place, 1, 1, (other * sign * change) / 2)
    }
  }
}

/** x + slope * max(0, |x| - threshold) with the sign of x. */
function bend(block: layers.ResidualBlock<Tensor<'f32'>>, [threshold, slope]: Hinge): void {
  const outer = taps(block.second)
  readValues(block)
  block.first.bias!.data.fill(-threshold, 0, 2 * BLOCK)
  for (let value = 0; value < BLOCK; value++) {
    for (const [place, sign] of SIGNS)
      for (const [part, other] of SIGNS)
        outer.set(2 * value + part, 2 * value + place, 1, 1, (other * sign * slope) / 2)
  }
}

/** Hidden channels that hold each value in both signs. */
function readValues({ first }: layers.ResidualBlock<Tensor<'f32'>>): void {
  const inner = taps(first)
  for (let value = 0; value < BLOCK; value++) {
    for (const [place, sign] of SIGNS) {
      inner.clear(2 * value + place)
      for (const [part, other] of SIGNS) inner.set(2 * value + place, 2 * value + part, 1, 1, sign * other)
    }
  }
}

/** The tap of a 3x3 kernel of stride 2 that moves sample `value % 4` of 2x2 pixels. */
const corner = (value: number): [y: number, x: number] => [1 + ((value >> 1) & 1), 1 + (value & 1)]

/** The channels of the widest layers: one for each colour, hinge and sign. */
function hinged(hinges: readonly Hinge[]) {
  return [0, 1, 2].flatMap(colour =>
    hinges.flatMap(([threshold, slope], j) =>
      SIGNS.map(([place, sign]) => ({
        channel: (colour * hinges.length + j) * 2 + place,
        colour,
        sign,
        threshold,
        slope,
      })),
    ),
  )
}

/** Access to a convolution's weights by output, input and tap. */
function taps({ weight: { dims, data } }: layers.Affine<Tensor<'f32'>>, kind: 'plain' | 'transposed' = 'plain') {
  const [outputs, inputs, rows, columns] = (kind === 'plain' ? dims : [dims[1], dims[0], dims[2], dims[3]]) as [
    number,
    number,
    number,
    number,
  ]
  const at = (output: number, input: number) =>
    (kind === 'plain' ? output * inputs + input : input * outputs + output) * rows * columns
  return {
    clear(output: number): void {
      for (let input = 0; input < inputs; input++) data.fill(0, at(output, input), at(output, input) + rows * columns)
    },
    set(output: number, input: number, y: number, x: number, value: number): void {
      data[at(output, input) + y * columns + x] = value
    },
  }
}

/** Mean squares of the bands of {@link bandMatrix} over all whole blocks of RGB pictures, samples in -1..1. */
export function bandPowers(pictures: readonly Image<'u8'>[]): Float64Array {
  const matrix = bandMatrix()
  // By way of the 48x48 second moments: one product a block instead of 48 transforms.
  const moments = new Float64Array(BLOCK * BLOCK)
  const places = Array.from({ length: BLOCK }, (_, i) => placeInBlock(i))
  let blocks = 0
  for (const { width, height, channels, data } of pictures) {
    for (let top = 0; top + 4 <= height; top += 4) {
      // Every fourth column of blocks is plenty for means over many pictures.
      for (let left = 0; left + 4 <= width; left += 16) {
        const values = places.map(
          ({ x, y, channel }) =>
            data[((top + y) * width + left + x) * channels + Math.min(channel, channels - 1)]! / 127.5 - 1,
        )
        for (let i = 0; i < BLOCK; i++)
          for (let j = 0; j < BLOCK; j++) moments[i * BLOCK + j]! += values[i]! * values[j]!
        blocks++
      }
    }
  }
  return Float64Array.from({ length: BLOCK }, (_, band) => {
    let power = 0
    for (let i = 0; i < BLOCK; i++)
      for (let j = 0; j < BLOCK; j++)
        power += matrix[band * BLOCK + i]! * matrix[band * BLOCK + j]! * moments[i * BLOCK + j]!
    return power / blocks
  })
}
