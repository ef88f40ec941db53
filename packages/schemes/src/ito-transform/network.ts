import { layers, ops } from '@latent/graph'
import type { Expr, Operand, Parameter } from '@latent/graph'
import type { Profile } from '../recipe.ts'

/**
 * The transformation network of Ito, Kinoshita, Aprilpyone and Kiya ("Image to perturbation: an image
 * transformation network for generating visually protected images for privacy-preserving deep neural networks",
 * IEEE Access 2021): a U-Net that draws pictures in which people see nothing and a given
 * classifier still sees the class.
 *
 * ```text
 * image 3 -> 64 -> /2, 128 -> /2, 256 -> /2, 512 -> /2, 1024 -> x2, 512 -> ... -> 64 -> 1x1, 3 -> sigmoid
 * ```
 *
 * Each level is two 3x3 convolutions with norm and ReLU; down by max-pooling, up by repeating pixels and a
 * 3x3 convolution; the level across is joined on. Those are the widths of `paper`.
 *
 * Ours: instance norm in place of batch norm, so that the weights are all there is to it and pictures
 * are drawn one by one as they were in training; `compact` has an eighth of the channels.
 */
const WIDTHS: Record<Profile, readonly number[]> = { compact: [8, 16, 32, 64, 128], paper: [64, 128, 256, 512, 1024] }

/** Sides of an image are multiples of this: four halvings. */
export const TRANSFORM_MULTIPLE = 16

/** Of ImageNet, by channel, as published. */
const MEAN = [0.485, 0.456, 0.406]
const DEVIATION = [0.229, 0.224, 0.225]

type Level<L> = {
  readonly first: layers.Affine<L>
  readonly firstNorm: layers.Scale<L>
  readonly second: layers.Affine<L>
  readonly secondNorm: layers.Scale<L>
}
type Rise<L> = { readonly up: layers.Affine<L>; readonly upNorm: layers.Scale<L>; readonly level: Level<L> }

/** A U-Net (Ronneberger et al. 2015): levels down, levels up, each joined to its counterpart. */
export type TransformNetwork<L> = {
  readonly down: readonly Level<L>[]
  /** From the deepest level up. */
  readonly rise: readonly Rise<L>[]
  readonly leave: layers.Affine<L>
}

const levelParameters = (inputs: number, outputs: number): Level<Parameter> => ({
  first: layers.conv2dParameters(inputs, outputs, 3, { bias: false }),
  firstNorm: layers.scaleParameters(outputs),
  second: layers.conv2dParameters(outputs, outputs, 3, { bias: false }),
  secondNorm: layers.scaleParameters(outputs),
})

/** Initial parameters of the transformation network in a profile. */
export function transformParameters(profile: Profile): TransformNetwork<Parameter> {
  const widths = WIDTHS[profile]
  return {
    down: widths.map((width, i) => levelParameters(widths[i - 1] ?? 3, width)),
    rise: widths
      .slice(0, -1)
      .map((width, i) => ({
        up: layers.conv2dParameters(widths[i + 1]!, width, 3, { bias: false }),
        upNorm: layers.scaleParameters(width),
        level: levelParameters(2 * width, width),
      }))
      .toReversed(),
    leave: layers.conv2dParameters(widths[0]!, 3, 1),
  }
}

const active = (conv: layers.Affine<Operand>, norm: layers.Scale<Operand>, x: Expr): Expr =>
  ops.relu(layers.instanceNorm(layers.conv2d(conv, x), norm))
const level = (p: Level<Operand>, x: Expr): Expr => active(p.second, p.secondNorm, active(p.first, p.firstNorm, x))

/** Plain images `[N, 3, H, W]` in 0..1 to protected ones of the same kind. */
export function transform(p: TransformNetwork<Operand>, images: Expr): Expr {
  const across: Expr[] = []
  let x = ops.div(ops.sub(images, perChannel(MEAN)), perChannel(DEVIATION))
  for (const [i, parameters] of p.down.entries()) {
    x = level(parameters, i === 0 ? x : ops.maxPool(x, 2))
    across.push(x)
  }
  for (const [i, { up, upNorm, level: parameters }] of p.rise.entries()) {
    const risen = active(up, upNorm, layers.upsampleNearest(x))
    x = level(parameters, ops.concat([across[across.length - 2 - i]!, risen], 1))
  }
  return ops.sigmoid(layers.conv2d(p.leave, x))
}

const perChannel = (values: readonly number[]): Expr =>
  ops.reshape(ops.constant({ dtype: 'f32', dims: [3], data: Float32Array.from(values) }), [1, 3, 1, 1])

/**
 * The classifier that the network is trained against, ours: 3x3 convolutions with max-pooling between, then the mean.
 * **It stands in for two published ones**: the ResNet-20 or VGG-16 whose accuracy is to be kept, and the
 * ImageNet-trained VGG-16 in whose features the pictures are to differ; weights of that one are nobody's here to ship.
 * So figures are not those of the paper.
 */
export type JudgeNetwork<L> = { readonly convs: readonly layers.Affine<L>[]; readonly classes: layers.Affine<L> }

/**
 * Weight of the difference of features. The published examples have 0.01 (`p_ratio`) on features of an
 * ImageNet-trained VGG-16; ours are of another scale and taken relative to their size, where 0.01 left the
 * pictures as they were.
 */
export const DIFFERENCE = 0.3

/** Channels of each convolution, and whether its input is pooled. Few operations at full size: two cores train it. */
const JUDGE = [
  { width: 32, pooled: false },
  { width: 64, pooled: true },
  { width: 96, pooled: true },
  { width: 96, pooled: false },
] as const
/** The convolution in whose output the pictures are to differ: those of VGG-16 up to relu2_2 as published. */
const FEATURES = 1
/** Classes that the classifier tells apart: those of CIFAR-10. */
export const CLASSES = 10

/** Initial parameters of the classifier. */
export const judgeParameters = (): JudgeNetwork<Parameter> => ({
  convs: JUDGE.map(({ width }, i) => layers.conv2dParameters(JUDGE[i - 1]?.width ?? 3, width)),
  classes: layers.denseParameters(JUDGE.at(-1)!.width, CLASSES, { gain: 0.5 }),
})

/** Logits `[N, 10]` of images in 0..1, and the features in which pictures are compared. */
export function judge(p: JudgeNetwork<Operand>, images: Expr): { logits: Expr; features: Expr } {
  let x = ops.div(ops.sub(images, perChannel(MEAN)), perChannel(DEVIATION))
  let features = x
  for (const [i, conv] of p.convs.entries()) {
    x = ops.relu(layers.conv2d(conv, JUDGE[i]!.pooled ? ops.maxPool(x, 2) : x))
    if (i === FEATURES) features = x
  }
  return { logits: layers.dense(p.classes, layers.globalAvgPool(x)), features }
}
