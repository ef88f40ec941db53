import { losses, ops, secrecy } from '@latent/graph'
import type { Expr } from '@latent/graph'
import { byPicture } from './crops.ts'

/** Weights of the terms. */
export interface Emphasis {
  /** Of L1 of the recovered picture. */
  readonly recovery: number
  /**
   * Of 1 - SSIM of the recovered picture: counted as L1 is, flat places alone would decide where its gradient points.
   */
  readonly likeness: number
  /** Of the recovered picture's total variation. */
  readonly smoothness: number
  readonly secrecy: Readonly<Record<(typeof SECRECY)[number], number>>
}

const SECRECY = ['local', 'moments', 'neighbours', 'edges', 'deviation', 'squint', 'adversarial', 'structure'] as const

/** With eight of them histograms keep waves of a few levels, which cost a tenth of a bit. */
const MOMENTS = 32

/**
 * A batch is a few crops of each of a few pictures, so that the cipher terms see what one picture's cipher looks like.
 */
export const PICTURES = 4

/** What the pair made of a batch, in 0..1; crop i is of picture i % {@link PICTURES}. */
export interface Seen {
  readonly plain: Expr
  readonly cipher: Expr
  /** Decrypted from 8 bits. */
  readonly restored: Expr
  /** What a cipher image should look like. */
  readonly noise: Expr
  /** A judge's scores of the cipher images, for variants that have one. */
  readonly judged?: Expr | undefined
}

/** @param ramp how much secrecy counts at this step, 0 to 1 */
export function pairObjective(
  { recovery, likeness, smoothness, secrecy: weights }: Emphasis,
  { plain, cipher, restored, noise, judged }: Seen,
  ramp: Expr,
): { loss: Expr; metrics: Record<string, Expr> } {
  const [l1, structure] = [losses.l1(restored, plain), ops.sub(1, losses.ssim(restored, plain))]
  const outlines = secrecy.outlines(cipher, plain)
  const terms: Record<keyof typeof weights, () => Expr> = {
    edges: () => outlines.edges,
    deviation: () => outlines.deviation,
    squint: () => outlines.squint,
    local: () => secrecy.localUniformity(cipher),
    moments: () => secrecy.uniformMoments(byPicture(cipher, PICTURES), [0, 2, 3], MOMENTS),
    neighbours: () => losses.neighbourCovariance(byPicture(cipher, PICTURES)),
    adversarial: () => losses.lsgan.generator(judged!),
    structure: () => ops.sub(1, losses.ssim(cipher, noise)),
  }
  const counted = SECRECY.filter(name => weights[name] > 0).map(name => [name, terms[name]()] as const)
  const hidden = counted.map(([name, term]) => ops.mul(weights[name], term)).reduce((a, b) => ops.add(a, b))
  const recovered = ops.add(
    ops.add(ops.mul(recovery, l1), ops.mul(likeness, structure)),
    ops.mul(smoothness, losses.totalVariation(restored)),
  )
  return {
    loss: ops.add(recovered, ops.mul(ramp, hidden)),
    metrics: { l1, structure, ...Object.fromEntries(counted.map(([name, term]) => [`secrecy.${name}`, term])) },
  }
}
