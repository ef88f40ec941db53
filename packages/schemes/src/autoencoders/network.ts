import { type Expr, layers, type Operand, ops, type Parameter, type Tensor } from '@latent/graph'

/**
 * A convolutional auto-encoder from three planes to one of the same size, with which three systems begin: colour to a
 * grey picture of bytes (Fawad et al. 2022), a learned compression (Wang and Lo 2024), learned compressed sensing
 * (Chen et al. 2020). Their layers are not open to us; these are ours, and the same for all.
 *
 * ```text
 * 3 -> conv 4x4 /2, 24 -> residual block -> conv 3x3, 4 -> sigmoid -> depth to space: 1 plane, a third of the samples
 * ```
 */
export type Compressor<L> = {
  readonly encoder: {
    readonly enter: layers.Affine<L>
    readonly block: layers.ResidualBlock<L>
    readonly leave: layers.Affine<L>
  }
  readonly decoder: {
    readonly enter: layers.Affine<L>
    readonly blocks: readonly layers.ResidualBlock<L>[]
    readonly leave: layers.Affine<L>
  }
}

/** Sides of a picture are padded to a multiple of it. */
export const HALVING = 2
const WIDTH = 24
const LATENTS = HALVING ** 2
const DECODER_BLOCKS = 2

/** Initial parameters. */
export function compressorParameters(): Compressor<Parameter> {
  const block = () => layers.residualBlockParameters(WIDTH, { gain: 0.1, slope: SLOPE })
  return {
    encoder: {
      enter: layers.conv2dParameters(3, WIDTH, 4, { slope: SLOPE }),
      block: block(),
      leave: layers.conv2dParameters(WIDTH, LATENTS, 3, { gain: 0.5 }),
    },
    decoder: {
      enter: layers.conv2dParameters(LATENTS, WIDTH, 3, { slope: SLOPE }),
      blocks: Array.from({ length: DECODER_BLOCKS }, block),
      leave: layers.conv2dParameters(WIDTH, 3 * LATENTS, 3, { gain: 0.5 }),
    },
  }
}

const SLOPE = 0.1
const activation = (x: Expr): Expr => ops.leakyRelu(x, SLOPE)

/** `[N, 3, H, W]` in 0..1 to `[N, 1, H, W]` in 0..1; sides are even. */
export function compress(p: Compressor<Operand>['encoder'], x: Expr): Expr {
  const first = activation(layers.conv2d(p.enter, ops.sub(ops.mul(2, x), 1), { stride: 2, padding: 1 }))
  return layers.pixelShuffle(
    ops.sigmoid(layers.conv2d(p.leave, layers.residualBlock(p.block, first, { activation }))),
    HALVING,
  )
}

/** The inverse in shape; beyond 0..1 where it errs. */
export function decompress(p: Compressor<Operand>['decoder'], plane: Expr): Expr {
  let x = activation(layers.conv2d(p.enter, ops.sub(ops.mul(2, layers.pixelUnshuffle(plane, HALVING)), 1)))
  for (const block of p.blocks) x = layers.residualBlock(block, x, { activation })
  return ops.add(layers.pixelShuffle(layers.conv2d(p.leave, x), HALVING), 0.5)
}

/** What 8 bits leave of a plane in 0..1. */
export const eightBits = (x: Expr): Expr => ops.mul(1 / 255, ops.roundStraightThrough(ops.mul(255, ops.clip(x, 0, 1))))

/** Trained weights. */
export type CompressorWeights = Compressor<Tensor<'f32'>>
