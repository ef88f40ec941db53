import { layers, leaves, ops } from '@latent/graph'
import type { Expr, Operand, Parameter, Tree } from '@latent/graph'
import type { Profile } from '../recipe.ts'

/**
 * The networks of the masked auto-encoder (Madani and Bourennane 2025) and of its repaired variant.
 *
 * ```text
 * conv, link:  image XOR mask -> encoder -> latents, 16 bytes for every 4x4 block -> decoder -> image
 * repaired:    image          -> encoder -> latents ... (masked outside the network) -> decoder -> image
 * ```
 *
 * Published: two poolings and 16 latent channels (its sizes of 784 and 1024 bytes leave no other choice), ReLU,
 * an optional fully connected "link" on either side. Ours, where its Figure 3 is all there is: 32 and 64 channels,
 * 3x3 kernels, where the links stand, and that latents of 0 to 1 become bytes, rounding passed straight through.
 */
export const VARIANTS = ['conv', 'link', 'repaired'] as const
/** Variant of the scheme: `link` and `conv` as published, `repaired` ours. */
export type Variant = (typeof VARIANTS)[number]

/**
 * The data sets that the paper has networks for, by name; each with the side of its pictures, which is the side of a
 * tile.
 */
export const SIDES = { mnist: 28, cifar: 32 } as const
/** The data set whose pictures a network is for. */
export type SetName = keyof typeof SIDES

/** A block of 4x4 pixels of three channels becomes 16 bytes. */
export const BLOCK = 4
/** Latents of a block of 4 x 4 pixels. */
export const LATENTS = 16
/** Latents are whole numbers from 0 to this. */
export const LEVELS = 255

type Coder<L> = {
  readonly conv1: layers.Affine<L>
  readonly conv2: layers.Affine<L>
  readonly conv3: layers.Affine<L>
  readonly link?: layers.Affine<L>
}

type RepairedCoder<L> = {
  readonly linear: layers.Affine<L>
  readonly first: layers.Affine<L>
  readonly blocks: readonly layers.ResidualBlock<L>[]
  readonly last: layers.Affine<L>
}

/** The parameters of both halves: `encoder` is what the sender holds, `decoder` the receiver. */
export type Networks<L> = {
  readonly encoder: Coder<L> | RepairedCoder<L>
  readonly decoder: Coder<L> | RepairedCoder<L>
}

/** Widths and numbers of residual blocks of the repaired variant: a light encoder, a deeper decoder. */
const REPAIRED: Record<Profile, { encoder: Size; decoder: Size }> = {
  compact: { encoder: { channels: 48, blocks: 1 }, decoder: { channels: 64, blocks: 3 } },
  paper: { encoder: { channels: 128, blocks: 2 }, decoder: { channels: 128, blocks: 8 } },
}

interface Size {
  readonly channels: number
  readonly blocks: number
}

/** Initial parameters of encoder and decoder of a variant, for pictures of a set, in a profile. */
export function networkParameters(variant: Variant, set: SetName, profile: Profile): Networks<Parameter> {
  if (variant === 'repaired') {
    const samples = 3 * BLOCK ** 2
    return {
      encoder: repairedParameters(samples, LATENTS, REPAIRED[profile].encoder),
      decoder: repairedParameters(LATENTS, samples, REPAIRED[profile].decoder),
    }
  }
  const length = LATENTS * (SIDES[set] / BLOCK) ** 2
  const link = variant === 'link' ? { link: layers.denseParameters(length, length) } : {}
  return {
    encoder: {
      conv1: layers.conv2dParameters(3, 32),
      conv2: layers.conv2dParameters(32, 64),
      conv3: layers.conv2dParameters(64, LATENTS),
      ...link,
    },
    decoder: {
      conv1: layers.conv2dParameters(LATENTS, 64),
      conv2: layers.conv2dParameters(64, 32),
      conv3: layers.conv2dParameters(32, 3),
      ...link,
    },
  }
}

function repairedParameters(inputs: number, outputs: number, { channels, blocks }: Size): RepairedCoder<Parameter> {
  return {
    linear: layers.conv2dParameters(inputs, outputs, 1, { gain: Math.SQRT1_2 }),
    first: layers.conv2dParameters(inputs, channels),
    blocks: Array.from({ length: blocks }, () => layers.residualBlockParameters(channels, { gain: 0.1 })),
    last: layers.conv2dParameters(channels, outputs, 3, { gain: 0.1 }),
  }
}

/**
 * `[N, 3, H, W]` in 0..1 to latents `[N, 16, H/4, W/4]`, of which {@link quantise} makes bytes. H and W must be
 * multiples of 4; with a link they must be the set's side.
 */
export function encode(variant: Variant, p: Networks<Operand>['encoder'], x: Expr): Expr {
  if (variant === 'repaired')
    return ops.add(0.5, deep(p as RepairedCoder<Operand>, layers.pixelUnshuffle(ops.sub(x, 0.5), BLOCK)))
  const { conv1, conv2, conv3, link } = p as Coder<Operand>
  let h = halve(ops.relu(layers.conv2d(conv1, x)))
  h = halve(ops.relu(layers.conv2d(conv2, h)))
  h = layers.conv2d(conv3, h)
  return ops.relu(link === undefined ? h : linked(link, h))
}

/**
 * Latents to the nearest of 256 levels in 0..1. The backward pass does not see the rounding (straight-through), but the
 * limits.
 */
export const quantise = (latents: Expr): Expr =>
  ops.mul(ops.roundStraightThrough(ops.mul(ops.clip(latents, 0, 1), LEVELS)), 1 / LEVELS)

/**
 * Quantised latents `[N, 16, H/4, W/4]` to images `[N, 3, H, W]`; those of the repaired variant may lie a little
 * outside 0..1.
 */
export function decode(variant: Variant, p: Networks<Operand>['decoder'], latents: Expr): Expr {
  if (variant === 'repaired')
    return ops.add(0.5, layers.pixelShuffle(deep(p as RepairedCoder<Operand>, ops.sub(latents, 0.5)), BLOCK))
  const { conv1, conv2, conv3, link } = p as Coder<Operand>
  let h = link === undefined ? latents : linked(link, latents)
  h = layers.upsampleNearest(ops.relu(layers.conv2d(conv1, h)))
  h = layers.upsampleNearest(ops.relu(layers.conv2d(conv2, h)))
  return ops.sigmoid(layers.conv2d(conv3, h))
}

/**
 * A linear map of each block, which alone does what principal components do, and what a few residual blocks add to it.
 */
function deep(p: RepairedCoder<Operand>, x: Expr): Expr {
  let h = ops.relu(layers.conv2d(p.first, x))
  for (const block of p.blocks) h = layers.residualBlock(block, h)
  return ops.add(layers.conv2d(p.linear, x), layers.conv2d(p.last, ops.relu(h)))
}

/**
 * Max-pooling of 2x2 blocks after a ReLU. The backward pass gives every maximum of a block the whole gradient instead
 * of sharing it: blocks of equal values are blocks of zeros, where the ReLU passes none on. It is faster.
 */
function halve(x: Expr): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const cut = (y: Expr) => ops.reshape(y, [n, c, h / 2, 2, w / 2, 2])
  const largest = ops.stopGradient(ops.maxPool(x, 2))
  const chosen = ops.stopGradient(ops.toFloat(ops.equal(cut(x), ops.reshape(largest, [n, c, h / 2, 1, w / 2, 1]))))
  return ops.withTangent(largest, x, change => ops.sum(ops.mul(cut(change), chosen), [3, 5]))
}

/**
 * The fully connected element: every latent depends on every other one. No ReLU stands between it and the convolution
 * beside it: half of what that one finds would be lost, and the network learn half as fast.
 */
function linked(p: layers.Affine<Operand>, x: Expr): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return ops.reshape(layers.dense(p, ops.reshape(x, [n, c * h * w])), [n, c, h, w])
}

/** Multiply-accumulates of an encoder on this many pixels, by the scale that each layer works at. */
export function encoderMacs(variant: Variant, encoder: object, pixels: number): number {
  return leaves(encoder as Tree<{ readonly dims: readonly number[] }>).reduce((sum, [path, { dims }]) => {
    if (!path.endsWith('weight')) return sum
    const perUse = dims.reduce((a, b) => a * b, 1)
    const uses = path.startsWith('link')
      ? (LATENTS * pixels) / BLOCK ** 2 / dims[0]!
      : pixels / (variant === 'repaired' ? BLOCK ** 2 : (SCALES[path.split('.')[0]!] ?? 1))
    return sum + perUse * uses
  }, 0)
}

/** Pixels of the picture for each position that a published encoder's layer is applied at. */
const SCALES: Readonly<Record<string, number>> = { conv1: 1, conv2: 4, conv3: BLOCK ** 2 }
