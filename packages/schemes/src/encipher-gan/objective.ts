import { losses, ops } from '@latent/graph'
import type { Expr } from '@latent/graph'
import { byPicture } from '../neural/crops.ts'

/** What the pair made of a batch, in 0..1; crop i is of picture i % {@link PICTURES}. */
export interface Seen {
  readonly plain: Expr
  readonly cipher: Expr
  readonly restored: Expr
  /** What a cipher image should look like. */
  readonly noise: Expr
  /** The discriminator's scores of the cipher images. */
  readonly judged: Expr
}

/** What the cipher images are to be, as a loss. */
export type CipherTerms = (seen: Seen) => Expr

/**
 * A batch is a few crops of each of a few pictures, so that the cipher terms see what one picture's cipher looks like.
 */
export const PICTURES = 4

/**
 * As published as far as it is known: adversarial and SSIM, here to uniform noise. Both weights are unknown; ours are
 * 1.
 */
export const publishedTerms: CipherTerms = ({ cipher, noise, judged }) =>
  ops.add(losses.lsgan.generator(judged), ops.sub(1, losses.ssim(cipher, noise)))

/** Weights of our cipher terms. */
const OURS = { uniform: 20, neighbours: 300, adversarial: 0.02 }

/** Ours say what the tests measure: samples of one picture's cipher uniform, its neighbours uncorrelated. */
export const structuredTerms: CipherTerms = ({ cipher, judged }) => {
  const pooled = byPicture(cipher, PICTURES)
  const samples = ops.add(
    ops.mul(OURS.uniform, losses.uniformDistance(pooled)),
    ops.mul(OURS.neighbours, losses.neighbourCovariance(pooled)),
  )
  return ops.add(samples, ops.mul(OURS.adversarial, losses.lsgan.generator(judged)))
}

/** Of L1 and of 1 - SSIM of the restored picture; unknown in the paper. */
const RECOVERY = 10

/** Of the pair. @param ramp how much the cipher terms count at this step, 0 to 1 */
export function pairObjective(
  cipherTerms: CipherTerms,
  seen: Seen,
  ramp: Expr,
): { loss: Expr; metrics: Record<string, Expr> } {
  const [l1, structure] = [losses.l1(seen.restored, seen.plain), ops.sub(1, losses.ssim(seen.restored, seen.plain))]
  const hidden = cipherTerms(seen)
  return {
    loss: ops.add(ops.mul(RECOVERY, ops.add(l1, structure)), ops.mul(ramp, hidden)),
    metrics: { l1, structure, hidden, uniform: losses.uniformDistance(byPicture(seen.cipher, PICTURES)) },
  }
}
