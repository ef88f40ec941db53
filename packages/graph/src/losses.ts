import { argumentError } from '@latent/core'
import * as op from './ops.ts'
import type { Expr, Operand } from './ops.ts'
import { tensor } from './tensor.ts'

/** Losses and statistics of images `[N, C, H, W]` with values in [0, 1] unless said otherwise. All give scalars. */

/** Mean of |a - b|. */
export const l1 = (a: Expr, b: Operand): Expr => op.mean(op.abs(op.sub(a, b)))
/** Mean of (a - b)^2. */
export const mse = (a: Expr, b: Operand): Expr => op.mean(op.square(op.sub(a, b)))

/**
 * Sum of |differences| of horizontal and vertical neighbours, as means (anisotropic total variation; Rudin et al.
 * 1992).
 */
export function totalVariation(x: Expr): Expr {
  return op.add(...([2, 3].map(axis => op.mean(op.abs(difference(x, axis)))) as [Expr, Expr]))
}

function difference(x: Expr, axis: number): Expr {
  const length = x.shape[axis]!
  return op.sub(op.slice(x, axis, 1, length), op.slice(x, axis, 0, length - 1))
}

const SSIM_WINDOW = 11

/**
 * Mean structural similarity (Wang et al. 2004): 11x11 Gaussian window of deviation 1.5, K1 = 0.01,
 * K2 = 0.03, range 1, windows wholly inside the image. Images must be at least 11 pixels wide and high.
 */
export function ssim(a: Expr, b: Operand): Expr {
  const other = op.take(b)
  const [n, c, h, w] = a.shape as [number, number, number, number]
  if (h < SSIM_WINDOW || w < SSIM_WINDOW) throw argumentError('image', 'at least 11 x 11 pixels', `${w} x ${h}`)
  // The window is separable: blurring is a product with a band matrix from either side.
  const down = gaussianBand(h)
  const across = op.transpose(op.constant(gaussianBand(w)), [1, 0])
  const blur = (x: Expr) => op.matmul(op.matmul(down, op.reshape(x, [n * c, h, w])), across)
  const [ma, mb] = [blur(a), blur(other)]
  const va = op.sub(blur(op.square(a)), op.square(ma))
  const vb = op.sub(blur(op.square(other)), op.square(mb))
  const vab = op.sub(blur(op.mul(a, other)), op.mul(ma, mb))
  const luminance = op.div(op.add(op.mul(2, op.mul(ma, mb)), 1e-4), op.add(op.add(op.square(ma), op.square(mb)), 1e-4))
  const structure = op.div(op.add(op.mul(2, vab), 9e-4), op.add(op.add(va, vb), 9e-4))
  return op.mean(op.mul(luminance, structure))
}

function gaussianBand(size: number): ReturnType<typeof tensor<'f32'>> {
  const taps = Array.from({ length: SSIM_WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)))
  const total = taps.reduce((sum, tap) => sum + tap, 0)
  const rows = size - SSIM_WINDOW + 1
  const data = new Float32Array(rows * size)
  for (let row = 0; row < rows; row++) taps.forEach((tap, i) => (data[row * size + row + i] = tap / total))
  return tensor('f32', [rows, size], data)
}

/**
 * Squared distance between each channel's sorted values and the quantiles of the uniform distribution
 * on [0, 1]: the squared 2-Wasserstein distance in one dimension. Pools the batch.
 */
export function uniformDistance(x: Expr): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  const count = n * h * w
  const channels = op.reshape(op.transpose(x, [1, 0, 2, 3]), [c, count])
  const quantiles = tensor(
    'f32',
    [1, count],
    Float32Array.from({ length: count }, (_, i) => (i + 0.5) / count),
  )
  return op.mean(op.square(op.sub(op.sort(channels), quantiles)))
}

/** Mean squared covariance of horizontal, vertical and diagonal neighbours, by channel. */
export function neighbourCovariance(x: Expr): Expr {
  const [, , h, w] = x.shape as [number, number, number, number]
  const part = (dy: number, dx: number, fromY: number, fromX: number) =>
    op.slice(op.slice(x, 2, fromY, h - dy + fromY), 3, fromX, w - dx + fromX)
  const terms = [
    [0, 1],
    [1, 0],
    [1, 1],
  ].map(([dy, dx]) => {
    const a = part(dy!, dx!, 0, 0)
    const b = part(dy!, dx!, dy!, dx!)
    const axes = [0, 2, 3]
    const covariance = op.mean(op.mul(op.sub(a, op.mean(a, axes, true)), op.sub(b, op.mean(b, axes, true))), axes)
    return op.mean(op.square(covariance))
  }) as [Expr, Expr, Expr]
  return op.mul(op.add(op.add(terms[0], terms[1]), terms[2]), 1 / 3)
}

/**
 * mean over the batch of max(0, d(anchor, positive) - d(anchor, negative) + margin), d the mean squared error (Schroff
 * et al. 2015).
 */
export function triplet(anchor: Expr, positive: Expr, negative: Expr, margin = 0.05): Expr {
  const axes = anchor.shape.slice(1).map((_, i) => i + 1)
  const distance = (other: Expr) => op.mean(op.square(op.sub(anchor, other)), axes)
  return op.mean(op.relu(op.add(op.sub(distance(positive), distance(negative)), margin)))
}

/** Distance outside [0, 1], squared and averaged. */
export const rangePenalty = (x: Expr): Expr => op.mean(op.square(op.sub(x, op.clip(x, 0, 1))))

/** Least-squares adversarial terms (Mao et al. 2017) on a discriminator's scores. */
export const lsgan = {
  discriminator: (real: Expr, fake: Expr): Expr => op.mul(0.5, op.add(mse(real, 1), op.mean(op.square(fake)))),
  generator: (fake: Expr): Expr => mse(fake, 1),
}

/** Cross-entropy adversarial terms (Goodfellow et al. 2014, the non-saturating form) on logits. */
export const bceGan = {
  discriminator: (real: Expr, fake: Expr): Expr =>
    op.add(op.mean(op.softplus(op.neg(real))), op.mean(op.softplus(fake))),
  generator: (fake: Expr): Expr => op.mean(op.softplus(op.neg(fake))),
}

/** Cross-entropy of logits `[N, classes]` against one-hot or soft labels of the same shape. */
export const crossEntropy = (logits: Expr, labels: Operand): Expr =>
  op.mul(op.sum(op.mul(op.logSoftmax(logits), labels)), -1 / logits.shape[0]!)
