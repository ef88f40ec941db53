import type { Expr, MapTree, Operand, Schedule } from '@latent/graph'
import type { Profile } from '../recipe.ts'
import type { Emphasis } from './pair-objective.ts'

/**
 * Two networks, one that encrypts and one that decrypts, learned together from random weights: what
 * the recipes of such schemes share. The loss is the recovery of the picture (L1 and SSIM) and what its cipher
 * image gives away: whether its values are uniform as a whole and place by place, whether neighbours
 * are alike, whether the picture's outlines show.
 */
export interface PairVariant<N> {
  /** Trees of parameters; those of a judge, if there is one, are trained in a phase before the pair's. */
  readonly networks: (profile: Profile) => { readonly encryption: N; readonly decryption: N; readonly judge?: object }
  /** Images in 0..1, both ways. */
  readonly encrypt: (p: MapTree<N, Operand>, plain: Expr) => Expr
  readonly decrypt: (p: MapTree<N, Operand>, cipher: Expr) => Expr
  /** Adversarial terms: scores of images. */
  readonly judge?: (p: never, image: Expr) => Expr
  readonly emphasis: Emphasis
  readonly rates: { readonly pair: Schedule; readonly judge: Schedule }
}
