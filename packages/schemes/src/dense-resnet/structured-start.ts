import type { Image } from '@latent/core'
import { initialise } from '@latent/graph'
import type { Tensor } from '@latent/graph'
import { type DenseNetwork, networkParameters, type Widths } from './network.ts'
import {
  SAMPLES,
  SLOPE,
  OUTLIERS,
  OUTER_SLOPE,
  type BlockCode,
  type Matrix,
  at,
  blockCode,
  transposed,
} from './block-code.ts'

/**
 * Initial weights of the `own` variant that already are a cipher: our own, in no way the paper's. Without norms
 * the architecture can hold an almost lossless code of 4x4 blocks, and training then only has to bend it.
 *
 * ```text
 * encryption   first, down1, down2   the 48 samples of a block become 48 channels
 *              block 1               colour and frequency: an orthonormal transform (DCT by opponent colours);
 *                                    outliers compressed, by two ReLUs a coefficient
 *              block 2               each coefficient to unit scale, large ones compressed, by two more
 *              block 3               a pseudo-random rotation mixes all 48
 *              up1, up2, last        back to pixels, as pairs (relu(z), relu(-z)); sigmoid
 * decryption   first, down1          the sigmoid's inverse, piecewise linear
 *              down2, blocks, ups    the same steps backwards
 * ```
 *
 * Channels that the code does not need keep their random incoming weights and nobody listens to them yet.
 */
export type StructuredStart = {
  readonly encryption: DenseNetwork<Tensor<'f32'>>
  readonly decryption: DenseNetwork<Tensor<'f32'>>
}

/** Scale of what enters the sigmoid: the larger, the flatter the histogram, and the more is cut off at its ends. */
const GAIN = 1.4

/** Added where negative values must pass a ReLU, and subtracted behind it. */
const LIFT = 6

interface Logit {
  readonly slope: number
  readonly knots: readonly (readonly [knot: number, change: number])[]
  readonly last: readonly [knot: number, change: number]
}

/**
 * Piecewise linear logit(u), odd around 1/2: the slope at the centre, and its change at knots above 1/2. Least
 * squares over the 256 levels. As many knots as the first layer has channels for; the last one lies behind it.
 */
const LOGITS: readonly Logit[] = [
  {
    slope: 4.27,
    knots: [
      [0.7699, 3.39],
      [0.9082, 10.841],
      [0.9708, 44.939],
    ],
    last: [0.9941, 290.859],
  },
  {
    slope: 4.189,
    knots: [
      [0.732, 2.187],
      [0.869, 5.71],
      [0.9428, 15.532],
      [0.9785, 50.767],
    ],
    last: [0.9945, 275.806],
  },
]

/** @param pictures what scales are measured on: the training pictures */
export async function structuredStart(
  widths: Widths,
  pictures: readonly Image<'u8'>[],
  seed: number,
): Promise<StructuredStart> {
  const drawn = await initialise(
    { encryption: networkParameters('own', widths), decryption: networkParameters('own', widths) },
    seed,
  )
  const code = await blockCode(pictures, seed)
  writeEncryption(drawn.encryption, code)
  writeDecryption(drawn.decryption, code)
  return drawn
}

type Weights = DenseNetwork<Tensor<'f32'>>

function writeEncryption(p: Weights, { mean, transform, knee, scale, mix }: BlockCode): void {
  const first = convolution(p.first)
  for (let c = 0; c < 3; c++) first.output(c).from(c, 1, 3, 3)
  cutOut(p.down1, 3, () => 0)
  cutOut(p.down2, 12, () => 0)
  linear(
    p.blocks[0]!,
    transform,
    mean.map(value => -value),
  )
  const outer = knee.map(value => OUTLIERS * value)
  for (let k = 0; k < SAMPLES; k++) {
    const row = transform.subarray(at(k, 0), at(k + 1, 0))
    const level = -row.reduce((sum, value, i) => sum + value * mean[i]!, 0)
    for (const sign of [1, -1] as const) {
      const feature = featureOf(p.blocks[0]!, k, sign)
      const listener = feature.row(sign * level - outer[k]!)
      row.forEach((value, i) => listener.from(i, sign * value, 1, 1))
      feature.say(k, sign * (OUTER_SLOPE - 1))
    }
  }
  bend(p.blocks[1]!, { knee, inner: k => 1 / (knee[k]! * scale[k]!), outer: k => SLOPE / (knee[k]! * scale[k]!) })
  linear(p.blocks[2]!, mix)
  putBack(p.up1, 12, true, z => [[z, 1]])
  putBack(p.up2, 3, true, z => [
    [2 * z, 1],
    [2 * z + 1, -1],
  ])
  const last = convolution(p.last)
  for (let c = 0; c < 3; c++)
    last
      .output(c)
      .from(2 * c, GAIN, 3, 3)
      .from(2 * c + 1, -GAIN, 3, 3)
}

function writeDecryption(p: Weights, { mean, transform, knee, scale, mix }: BlockCode): void {
  const {
    slope,
    knots,
    last: lastKnot,
  } = LOGITS.findLast(({ knots }) => 3 * (1 + 2 * knots.length) <= dims(p.first)[0]!)!
  const first = convolution(p.first)
  // A colour is u itself, and relu(u - t), relu(1 - t - u) for every knot t.
  const each = 1 + 2 * knots.length
  for (let c = 0; c < 3; c++) {
    first.output(c * each).from(c, 1, 3, 3)
    knots.forEach(([t], j) => {
      first.output(c * each + 1 + 2 * j, -t).from(c, 1, 3, 3)
      first.output(c * each + 2 + 2 * j, 1 - t).from(c, -1, 3, 3)
    })
  }
  const logit: [channel: number, factor: number][] = [
    [0, slope],
    ...knots.flatMap(([, change], j): [number, number][] => [
      [1 + 2 * j, change],
      [2 + 2 * j, -change],
    ]),
  ]
  const terms = (colour: number, sign: number) =>
    logit.map(([channel, factor]): [number, number] => [colour * each + channel, (sign * factor) / GAIN])
  const centre = -slope / 2 / GAIN
  // Behind the first layer the last knot: relu(z - T) and relu(-z - T) steepen the ends.
  const [end, change] = lastKnot
  const bendAt = (slope * (end - 0.5) + knots.reduce((sum, [t, step]) => sum + step * (end - t), 0)) / GAIN
  const steepen = change / knots.reduce((sum, [, step]) => sum + step, slope)
  const down1 = convolution(p.down1)
  for (let i = 0; i < 12; i++) {
    const [colour, cell] = [i % 3, Math.floor(i / 3)]
    const read = (output: number, bias: number, sign: number) =>
      terms(colour, sign).reduce(
        (row, [channel, factor]) => row.from(channel, factor, 1 + (cell >> 1), 1 + (cell & 1)),
        down1.output(output, bias),
      )
    read(3 * i, centre + LIFT, 1)
    read(3 * i + 1, centre - bendAt, 1)
    read(3 * i + 2, -centre - bendAt, -1)
  }
  const down2 = convolution(p.down2)
  for (let i = 0; i < SAMPLES; i++) {
    const [from, cell] = [i % 12, Math.floor(i / 12)]
    const tap = [1 + (cell >> 1), 1 + (cell & 1)] as const
    down2
      .output(i)
      .from(3 * from, 1, ...tap)
      .from(3 * from + 1, steepen, ...tap)
      .from(3 * from + 2, -steepen, ...tap)
  }
  quieten(p.blocks[0]!)
  linear(p.blocks[0]!, transposed(mix), new Float64Array(SAMPLES).fill(-LIFT))
  bend(p.blocks[1]!, {
    knee: scale.map(value => 1 / value),
    inner: k => knee[k]! * scale[k]!,
    outer: k => (knee[k]! * scale[k]!) / SLOPE,
  })
  linear(p.blocks[2]!, transposed(transform), undefined, mean)
  for (let k = 0; k < SAMPLES; k++) {
    for (const sign of [1, -1] as const) {
      const feature = featureOf(p.blocks[2]!, k, sign)
      feature.row(-OUTLIERS * knee[k]!).from(k, sign, 1, 1)
      for (let i = 0; i < SAMPLES; i++) feature.say(i, sign * (1 / OUTER_SLOPE - 1) * transform[at(k, i)]!)
    }
  }
  putBack(p.up1, 12, false, z => [[z, 1]])
  putBack(p.up2, 3, false, z => [[z, 1]])
  const last = convolution(p.last)
  for (let c = 0; c < 3; c++) last.output(c).from(c, 1, 3, 3)
}

const dims = ({ weight }: { weight: Tensor<'f32'> }): readonly number[] => weight.dims

interface Row {
  /** Listens to one input channel at one tap. */
  from(channel: number, value: number, y?: number, x?: number): Row
}

type Affine = { readonly weight: Tensor<'f32'>; readonly bias?: Tensor<'f32'> }

/** Writes rows of a convolution `[O, I, kH, kW]`: asking for an output silences it first. */
function convolution({ weight, bias }: Affine): { output(o: number, level?: number): Row } {
  const [, inputs, height, width] = weight.dims as [number, number, number, number]
  return {
    output(o, level = 0) {
      weight.data.fill(0, o * inputs * height * width, (o + 1) * inputs * height * width)
      bias!.data[o] = level
      const row: Row = {
        from(channel, value, y = 0, x = 0) {
          weight.data[((o * inputs + channel) * height + y) * width + x] = value
          return row
        },
      }
      return row
    },
  }
}

/** `channels` channels become four times as many at half the size: one for each pixel of a 2 x 2 cell. */
function cutOut(layer: Affine, channels: number, level: (i: number) => number): void {
  const writer = convolution(layer)
  for (let i = 0; i < 4 * channels; i++) {
    const cell = Math.floor(i / channels)
    writer.output(i, level(i)).from(i % channels, 1, 1 + (cell >> 1), 1 + (cell & 1))
  }
}

/**
 * The inverse of {@link cutOut} as a transposed convolution `[I, O, 3, 3]`: value `i` of 4 * `channels` goes to its
 * pixel of the cell. `pairs` makes relu(z) and relu(-z) of each; `parts` names the inputs that make up a value.
 */
function putBack(
  { weight }: Affine,
  channels: number,
  pairs: boolean,
  parts: (value: number) => readonly (readonly [input: number, factor: number])[],
): void {
  const [inputs, outputs] = weight.dims as [number, number]
  const signs = pairs ? [1, -1] : [1]
  for (let i = 0; i < inputs; i++) weight.data.fill(0, i * outputs * 9, (i * outputs + channels * signs.length) * 9)
  for (let value = 0; value < 4 * channels; value++) {
    const cell = Math.floor(value / channels)
    for (const [input, factor] of parts(value)) {
      signs.forEach((sign, s) => {
        const output = (value % channels) * signs.length + s
        weight.data[(input * outputs + output) * 9 + (1 + (cell >> 1)) * 3 + 1 + (cell & 1)] = sign * factor
      })
    }
  }
}

type Block = Weights['blocks'][number]

/** x + fuse(...) = matrix * (x + before) + after, on the first 48 channels. */
function linear({ fuse }: Block, matrix: Matrix, before?: Float64Array, after?: Float64Array): void {
  const writer = convolution(fuse)
  for (let o = 0; o < SAMPLES; o++) {
    let level = after?.[o] ?? 0
    for (let i = 0; i < SAMPLES; i++) level += matrix[at(o, i)]! * (before?.[i] ?? 0)
    const row = writer.output(o, level)
    for (let i = 0; i < SAMPLES; i++) row.from(i, matrix[at(o, i)]! - Number(o === i))
  }
}

/**
 * Each of the 48 channels by an odd function of its own: slope `inner(k)` up to |x| = `knee[k]`, `outer(k)` from there
 * on.
 */
function bend(
  block: Block,
  { knee, inner, outer }: { knee: Float64Array; inner: (k: number) => number; outer: (k: number) => number },
): void {
  const writer = convolution(block.fuse)
  for (let k = 0; k < SAMPLES; k++) {
    writer.output(k).from(k, inner(k) - 1)
    for (const sign of [1, -1] as const) {
      const feature = featureOf(block, k, sign)
      feature.row(-knee[k]!).from(k, sign, 1, 1)
      feature.say(k, sign * (outer(k) - inner(k)))
    }
  }
}

/** The dense layers of a block have 96 features: two for each of the 48 channels. */
function featureOf(
  { dense, fuse }: Block,
  k: number,
  sign: 1 | -1,
): { row(level: number): Row; say(channel: number, value: number): void } {
  const growth = dims(dense[0]!)[0]!
  const [channels, inputs] = dims(fuse) as [number, number]
  const index = 2 * k + (sign === 1 ? 0 : 1)
  return {
    row: level => convolution(dense[Math.floor(index / growth)]!).output(index % growth, level),
    say: (channel, value) => void (fuse.weight.data[channel * inputs + channels + index] = value),
  }
}

/** Random features of lifted values would be as large as they are. */
function quieten({ dense }: Block): void {
  for (const { weight } of dense) for (let i = 0; i < weight.data.length; i++) weight.data[i]! *= 0.1
}
