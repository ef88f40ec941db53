import { losses, ops, secrecy } from '@latent/graph'
import type { Expr, Operand } from '@latent/graph'
import { backward, forward } from './network.ts'
import type { FlowCrypt, Halves } from './network.ts'

/**
 * What FlowCrypt is trained for. Published: a triplet loss for sensitivity to the key and accurate
 * recovery, and a noise layer between encryption and decryption. Our choice: every formula and weight.
 */
export interface Weights {
  readonly recovery: Operand
  readonly uniform: Operand
  readonly correlation: Operand
  readonly key: Operand
  /** Of squares of 8 x 8 that show the picture: by their means, or by values that are not uniform. Default 0. */
  readonly squint?: Operand
  /** Of what a linear map of all that is local in such squares sees of the picture. Default 0. */
  readonly fit?: Operand
  /** Share of stronger noise than rounding in recovery. Default 0.5. */
  readonly noisy?: number
}

/** One batch as the losses see it. */
export interface Sample {
  readonly plain: Halves
  readonly map: Halves
  /** The noise layer: `keep * clip(cipher) + noise`, both `[N, 3, H, W]`, the halves side by side. */
  readonly keep: Expr
  readonly noise: Expr
}

/** Squared error of the wrong key's decryption that the triplet term is content with: 10 dB. */
const MARGIN = 0.1

const beside = ({ x, y }: Halves): Expr => ops.concat([x, y], 3)

function halves(image: Expr): Halves {
  const width = image.shape[3]!
  return { x: ops.slice(image, 3, 0, width / 2), y: ops.slice(image, 3, width / 2, width) }
}

const perSample = (a: Expr, b: Expr): Expr => ops.mean(ops.square(ops.sub(a, b)), [1, 2, 3])

/**
 * Loss of one batch, and what it is made of. The mask is applied before and after, on the host: halves
 * of the right mask are compared, which is the same sum. A wrong mask has no term of its own: it brings a wrong
 * map, which the term for the key covers, and it displaces pixels, which nothing in the network can change.
 */
export function objective(
  p: FlowCrypt<Operand>,
  { plain, map, keep, noise }: Sample,
  weights: Weights,
): { loss: Expr; metrics: Record<string, Expr> } {
  const cipher = beside(forward(p, plain, map))
  const sent = ops.add(ops.mul(ops.clip(cipher, 0, 1), keep), noise)
  const image = beside(plain)
  const batch = map.x.shape[0]!

  // In units of ten decibels, rounding and stronger noise apart: errors of all sizes count by their ratio.
  const error = perSample(beside(backward(p, halves(sent), map)), image)
  const some = batch / 2
  const [front, back] = [(v: Expr) => ops.slice(v, 0, 0, some), (v: Expr) => ops.slice(v, 0, some, 2 * some)]
  const logarithm = (errors: Expr) => ops.mul(ops.log(ops.add(ops.mean(errors), 1e-8)), 1 / Math.LN10)
  const [rounded, noisy] = [logarithm(front(error)), logarithm(back(error))]
  const { noisy: share = 0.5 } = weights
  const recovery = ops.add(ops.mul(1 - share, rounded), ops.mul(share, noisy))

  // Another key's map: every sample gets its neighbour's. Half the batch is enough.
  const wrong = backward(p, halves(front(cipher)), { x: back(map.x), y: back(map.y) })
  const positive = front(error)
  const negative = perSample(ops.clip(beside(wrong), 0, 1), front(image))
  const key = ops.mean(ops.relu(ops.add(ops.sub(positive, negative), MARGIN)))

  const uniform = divergence(cipher)
  // 1/12 is the variance of the uniform distribution: covariances become correlations.
  const correlation = ops.mul(144, losses.neighbourCovariance(cipher))
  const outside = ops.sqrt(losses.rangePenalty(cipher))
  const terms: [Operand, Expr][] = [
    [weights.recovery, recovery],
    [weights.uniform, uniform],
    [weights.correlation, correlation],
    [weights.key, key],
  ]
  const { squint = 0, fit = 0 } = weights
  const shown = squint === 0 ? undefined : shine(cipher, image)
  if (shown) terms.push([squint, shown])
  const fitted = fit === 0 ? undefined : seenByFit(cipher, image)
  if (fitted) terms.push([fit, fitted])
  return {
    loss: terms.map(([weight, term]) => ops.mul(weight, term)).reduce((a, b) => ops.add(a, b)),
    metrics: {
      decibel: ops.mul(-10, rounded),
      noisy: ops.mul(-10, noisy),
      wrong: ops.mean(negative),
      uniform,
      correlation: ops.sqrt(correlation),
      outside,
      ...(shown ? { shown } : {}),
      ...(fitted ? { fitted } : {}),
    },
  }
}

/**
 * What squares of 8 x 8 show of the picture. Either half of it may shine through any colour of either half of the
 * cipher image, so that each is looked at alone, within each picture and in all of a batch; and what is no line shows
 * by how far each square's values are from uniform.
 */
function shine(cipher: Expr, image: Expr): Expr {
  const [seen, plain] = [cipher, image].map(whole => Object.values(halves(whole)).map(half => secrecy.squint(half)))
  const looks = seen!.flatMap(means =>
    plain!.flatMap(shown => (['batch', 'image'] as const).map(over => secrecy.channelCorrelation(means, shown, over))),
  )
  return [secrecy.localUniformity(cipher, { apart: true }), ...looks].reduce((a, b) => ops.add(a, b))
}

/** What the best linear map of this batch sees of both halves of the picture in both halves of the cipher image. */
function seenByFit(cipher: Expr, image: Expr): Expr {
  const squares = (maps: readonly Expr[]): Expr => {
    const [n, c, h, w] = maps[0]!.shape as [number, number, number, number]
    return ops.reshape(ops.transpose(ops.concat(maps, 1), [0, 2, 3, 1]), [n * h * w, maps.length * c])
  }
  const [seen, plain] = [cipher, image].map(whole => Object.values(halves(whole)))
  return secrecy.linearShare(
    squares(seen!.map(half => secrecy.localMoments(half))),
    squares(plain!.map(half => secrecy.squint(half))),
  )
}

/** How fast the reference density falls off outside [0, 1]. */
const TAIL = 0.01

/**
 * Mean divergence of each cipher image's values, channel by channel, from a density that is flat on [0, 1] and falls
 * off exponentially outside, in nats: minus the differential entropy, by the spacings of sorted values
 * (Vasicek 1976), plus the mean distance from [0, 1] in units of the tail.
 */
function divergence(cipher: Expr): Expr {
  const [n, c, h, w] = cipher.shape as [number, number, number, number]
  const count = h * w
  const span = Math.max(1, Math.floor(count / 64))
  const sorted = ops.sort(ops.reshape(cipher, [n * c, count]))
  const spacing = ops.sub(ops.slice(sorted, 1, span, count), ops.slice(sorted, 1, 0, count - span))
  const entropy = ops.mean(ops.log(ops.add(ops.mul(spacing, count / span), 1e-3)))
  const outside = ops.mean(ops.abs(ops.sub(cipher, ops.clip(cipher, 0, 1))))
  return ops.sub(ops.mul(outside, 1 / TAIL), entropy)
}
