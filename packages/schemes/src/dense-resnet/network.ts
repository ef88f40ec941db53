import { elementCount, layers, leaves, ops } from '@latent/graph'
import type { Expr, Operand, Parameter, Tree } from '@latent/graph'
import type { Profile } from '../recipe.ts'

/**
 * The encryption and the decryption network of Bao et al. ("Color image encryption based on lite
 * dense-ResNet and bit-XOR diffusion", Multimedia Tools and Applications 83, 2024): two networks of one
 * shape with weights of their own.
 *
 * ```text
 * image [N, 3, H, W] in 0..1
 *   conv 7x7, conv 3x3 stride 2, conv 3x3 stride 2     H/4 x W/4
 *   3 dense residual blocks
 *   up, up                                             H x W
 *   conv 7x7 -> 3 channels
 * ```
 *
 * Only the abstract of the paper could be read: layer counts, widths and the order of norm and
 * activation are unknown, so every size here is our choice. A variant fixes what we vary:
 *
 * - `published`: instance norm after every convolution (which the paper cites), nearest-neighbour
 *   up-sampling followed by a convolution, and a sigmoid at both ends.
 * - `own`: no norm, since instance norm forgets each channel's level and contrast, which the decryption
 *   network then cannot restore; transposed convolutions; and a decryption network that ends linearly.
 */
export type Variant = 'published' | 'own'

/** Channels at full, half and quarter size, features that a dense layer adds, and dense blocks. */
export interface Widths {
  readonly full: number
  readonly half: number
  readonly quarter: number
  readonly growth: number
  readonly blocks: number
}

/**
 * `compact` has about half the weights. With a quarter of the channels it could not hold the 48 samples of a 4x4 block.
 */
export const WIDTHS: Record<Profile, Widths> = {
  paper: { full: 32, half: 64, quarter: 128, growth: 32, blocks: 3 },
  compact: { full: 24, half: 48, quarter: 64, growth: 32, blocks: 3 },
}

/** Both sides of an image must be multiples of this. */
export const MULTIPLE = 4
const DENSE_LAYERS = 3

/** A convolution and, in the published variant, the norm after it. */
type Layer<L> = layers.Affine<L> & { readonly scale?: L; readonly shift?: L }

type DenseBlock<L> = { readonly dense: readonly Layer<L>[]; readonly fuse: Layer<L> }

/** The network of one direction: down to a quarter of the side, dense blocks, and up again. */
export type DenseNetwork<L> = {
  readonly first: Layer<L>
  readonly down1: Layer<L>
  readonly down2: Layer<L>
  readonly blocks: readonly DenseBlock<L>[]
  readonly up1: Layer<L>
  readonly up2: Layer<L>
  readonly last: layers.Affine<L>
}

/** The parameters of one network. */
export function networkParameters(
  variant: Variant,
  { full, half, quarter, growth, blocks }: Widths,
): DenseNetwork<Parameter> {
  // A norm subtracts the mean, and with it any bias before it.
  const layer = (inputs: number, outputs: number, kernel: number): Layer<Parameter> =>
    variant === 'own'
      ? layers.conv2dParameters(inputs, outputs, kernel)
      : { ...layers.conv2dParameters(inputs, outputs, kernel, { bias: false }), ...layers.scaleParameters(outputs) }
  const up = (inputs: number, outputs: number): Layer<Parameter> =>
    variant === 'own' ? layers.convTranspose2dParameters(inputs, outputs) : layer(inputs, outputs, 3)
  return {
    first: layer(3, full, 7),
    down1: layer(full, half, 3),
    down2: layer(half, quarter, 3),
    blocks: Array.from({ length: blocks }, () => ({
      dense: Array.from({ length: DENSE_LAYERS }, (_, i) => layer(quarter + i * growth, growth, 3)),
      fuse: layers.conv2dParameters(quarter + DENSE_LAYERS * growth, quarter, 1, { gain: 0.3 }),
    })),
    up1: up(quarter, half),
    up2: up(half, full),
    last: layers.conv2dParameters(full, 3, 7),
  }
}

function backbone(variant: Variant, p: DenseNetwork<Operand>, image: Expr): Expr {
  const active = (layer: Layer<Operand>, y: Expr) =>
    ops.relu(variant === 'own' ? y : layers.instanceNorm(y, normOf(layer)))
  const conv = (layer: Layer<Operand>, x: Expr, stride = 1) =>
    active(layer, layers.conv2d(layer, x, { stride, padding: (kernelOf(layer) - 1) / 2 }))
  const up = (layer: Layer<Operand>, x: Expr) =>
    variant === 'own' ? active(layer, layers.convTranspose2d(layer, x)) : conv(layer, layers.upsampleNearest(x))
  let x = conv(p.down2, conv(p.down1, conv(p.first, image), 2), 2)
  for (const block of p.blocks) x = ops.add(x, denseBranch(block, x, conv))
  return layers.conv2d(p.last, up(p.up2, up(p.up1, x)))
}

const normOf = ({ scale, shift }: Layer<Operand>): layers.Scale<Operand> =>
  scale === undefined || shift === undefined ? {} : { scale, shift }

/**
 * Every layer sees the block's input and what all layers before it made (Huang et al. 2017); a 1x1 convolution joins
 * them.
 */
function denseBranch(block: DenseBlock<Operand>, x: Expr, conv: (layer: Layer<Operand>, x: Expr) => Expr): Expr {
  let seen = x
  for (const layer of block.dense) seen = ops.concat([seen, conv(layer, seen)], 1)
  return layers.conv2d(block.fuse, seen)
}

function kernelOf({ weight }: Layer<Operand>): number {
  if (typeof weight === 'number') return 1
  return 'dims' in weight ? weight.dims[3]! : weight.shape[3]!
}

/** An intermediate cipher in 0..1 of an image in 0..1. */
export const encryptNetwork = (variant: Variant, p: DenseNetwork<Operand>, image: Expr): Expr =>
  ops.sigmoid(backbone(variant, p, image))

/** The image of an intermediate cipher. In the `own` variant it may leave 0..1 by a little: clip what is shown. */
export function decryptNetwork(variant: Variant, p: DenseNetwork<Operand>, cipher: Expr): Expr {
  const image = backbone(variant, p, cipher)
  return variant === 'own' ? image : ops.sigmoid(image)
}

/** Multiply-accumulates of one network for an image whose sides are multiples of 4. */
export function multiplications(variant: Variant, p: DenseNetwork<Parameter>, width: number, height: number): number {
  const weights = (part: Tree<Parameter>) =>
    leaves(part).reduce((sum, [path, { dims }]) => sum + (path.endsWith('weight') ? elementCount(dims) : 0), 0)
  const full = width * height
  const [half, quarter] = [full / 4, full / 16]
  // A transposed convolution works at the size of its input, a convolution behind up-sampling at that of its output.
  const [up1, up2] = variant === 'own' ? [quarter, half] : [half, full]
  const blocks = p.blocks.reduce((sum, block) => sum + weights(block), 0)
  return (
    full * (weights(p.first) + weights(p.last)) +
    half * weights(p.down1) +
    quarter * (weights(p.down2) + blocks) +
    up1 * weights(p.up1) +
    up2 * weights(p.up2)
  )
}
