import { layers, ops } from '@latent/graph'
import type { Expr, Operand, Parameter } from '@latent/graph'
import type { Profile } from '../recipe.ts'

/**
 * The networks of Encipher GAN (Panwar, Singh, Kukreja, Singh, Shakhovska, Boichuk, MDPI Systems 2023,
 * 11(1), 36). Encryption and decryption network have one architecture:
 *
 * ```text
 * image 3 -> conv 7x7, 32 -> conv /2, 64 -> conv /2, 128 -> 9 residual blocks
 *         -> transposed conv x2, 64 -> transposed conv x2, 32 -> conv 7x7, 3 -> tanh
 * ```
 *
 * The paper's table of parameters decides its dimensions (the text says 64 filters, the table 32): no
 * biases and no affine norms, 2,847,936 weights. Its 2,564,208 for the residual blocks is 2,654,208
 * with two digits swapped. What the paper calls concatenation is read as the sum of a residual block.
 * Zero padding inside and reflection before the 7x7 convolutions are our choice.
 */

/**
 * How activations are kept in range, the one thing in which our variants differ from the published one.
 * - `instance`: instance norm after each convolution, as published. (The paper has batch norm in
 *   the residual blocks; for batches of one image, the usual choice with this generator, both are the same.)
 * - `none`: no norm, leaky ReLU. Without biases such a network is positively homogeneous up to its
 *   tanh, so that no inverse of a tanh can be had from it.
 * - `frozen`: batch norm whose statistics are constants. A constant deviation only scales a convolution's
 *   weights, so that what remains of it is one constant a channel, its mean: a threshold.
 */
export type Norm = 'instance' | 'none' | 'frozen'

/** Channels behind the first layer, and how many residual blocks. */
export interface Dimensions {
  readonly width: number
  readonly blocks: number
}

/**
 * `paper` as published. A width of 24 is the least whose 4 x 24 channels hold the 48 samples of 4x4 pixels as pairs of
 * both signs.
 */
export const DIMENSIONS: Record<Profile, Dimensions> = {
  compact: { width: 24, blocks: 3 },
  paper: { width: 32, blocks: 9 },
}

/** A network from picture to picture: two halvings, residual blocks, and up again (Zhu et al. 2017). */
export type Generator<L> = {
  readonly enter: layers.Affine<L>
  readonly down1: layers.Affine<L>
  readonly down2: layers.Affine<L>
  readonly blocks: readonly layers.ResidualBlock<L>[]
  readonly up1: layers.Affine<L>
  readonly up2: layers.Affine<L>
  readonly leave: layers.Affine<L>
}

const SLOPE: Record<Norm, number> = { instance: 0, none: 0.01, frozen: 0 }
/** After the sum of a residual block, in the published variant alone. */
const PUBLISHED_SLOPE = 0.2

/** Planes that a generator takes and gives. */
interface Ends {
  readonly inputs: number
  readonly outputs: number
}

/** Initial parameters of a generator, in a profile or of other dimensions. @param norm what stands behind each layer */
export function generatorParameters(
  size: Profile | Dimensions,
  norm: Norm,
  { inputs, outputs }: Ends = { inputs: 3, outputs: 3 },
): Generator<Parameter> {
  const { width, blocks } = typeof size === 'string' ? DIMENSIONS[size] : size
  const options = { bias: norm === 'frozen', slope: SLOPE[norm] }
  // Without a norm the sum of many branches would grow with their number.
  const branch = norm === 'instance' ? options : { ...options, gain: 0.1 }
  return {
    enter: layers.conv2dParameters(inputs, width, 7, options),
    down1: layers.conv2dParameters(width, 2 * width, 3, options),
    down2: layers.conv2dParameters(2 * width, 4 * width, 3, options),
    blocks: Array.from({ length: blocks }, () => layers.residualBlockParameters(4 * width, branch)),
    up1: layers.convTranspose2dParameters(4 * width, 2 * width, 3, options),
    up2: layers.convTranspose2dParameters(2 * width, width, 3, options),
    leave: layers.conv2dParameters(width, outputs, 7, { bias: false, gain: 0.5 }),
  }
}

/** Images `[N, C, H, W]` in -1..1, C as the parameters have it, to such images; sides are multiples of 4. */
export function generate(p: Generator<Operand>, image: Expr, norm: Norm): Expr {
  const normed = (x: Expr) => (norm === 'instance' ? layers.instanceNorm(x) : x)
  const activation = (x: Expr) => ops.leakyRelu(x, SLOPE[norm])
  const active = (x: Expr) => activation(normed(x))
  let x = active(layers.conv2d(p.enter, layers.reflectionPad(image, 3), { padding: 0 }))
  x = active(layers.conv2d(p.down1, x, { stride: 2 }))
  x = active(layers.conv2d(p.down2, x, { stride: 2 }))
  for (const block of p.blocks) {
    x = layers.residualBlock(block, x, { norm: normed, activation })
    if (norm === 'instance') x = ops.leakyRelu(x, PUBLISHED_SLOPE)
  }
  x = active(layers.convTranspose2d(p.up1, x))
  x = active(layers.convTranspose2d(p.up2, x))
  return ops.tanh(layers.conv2d(p.leave, layers.reflectionPad(x, 3), { padding: 0 }))
}

/** A network that tells ciphers from noise, patch by patch (Isola et al. 2017). */
export type Discriminator<L> = {
  readonly convs: readonly layers.Affine<L>[]
  readonly norms: readonly layers.Scale<L>[]
}

/**
 * As published: 2,766,529 parameters, biases and affine norms among them; compact has a quarter of the channels.
 * @param size a profile, or how many channels stand behind the first layer
 */
export function discriminatorParameters(size: Profile | number): Discriminator<Parameter> {
  const first = size === 'paper' ? 64 : size === 'compact' ? 16 : size
  const channels = [3, first, 2 * first, 4 * first, 8 * first, 1]
  return {
    convs: channels
      .slice(1)
      .map((outputs, i) => layers.conv2dParameters(channels[i]!, outputs, 4, { slope: PUBLISHED_SLOPE })),
    norms: channels.slice(2, -1).map(layers.scaleParameters),
  }
}

/**
 * Scores of overlapping patches `[N, 1, h, w]`. Strides 2, 2, 2, 1, 1 and leaky ReLU are our choice (those of the
 * patch discriminator that goes with this generator); so is least squares in place of the last sigmoid.
 */
export function discriminate(p: Discriminator<Operand>, image: Expr): Expr {
  return p.convs.reduce((x, conv, i) => {
    const y = layers.conv2d(conv, i === 0 ? x : ops.leakyRelu(x, PUBLISHED_SLOPE), {
      stride: i < 3 ? 2 : 1,
      padding: 1,
    })
    const norm = p.norms[i - 1]
    return norm === undefined ? y : layers.instanceNorm(y, norm)
  }, image)
}
