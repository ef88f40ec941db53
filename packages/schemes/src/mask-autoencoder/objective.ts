import { losses, ops } from '@latent/graph'
import type { Expr } from '@latent/graph'
import { decode, encode, type Variant, type Networks, quantise } from './network.ts'

const RANGE_WEIGHT = 0.1

/**
 * Mean squared error to the plain picture. Beyond the limits of a byte a latent has no effect on it, and nothing
 * would bring it back: what lies outside costs something of its own.
 */
export function objective(
  variant: Variant,
  { encoder, decoder }: Networks<Expr>,
  masked: Expr,
  plain: Expr,
): { loss: Expr; metrics: Record<string, Expr> } {
  const latents = encode(variant, encoder, masked)
  const error = losses.mse(decode(variant, decoder, quantise(latents)), plain)
  return { loss: ops.add(error, ops.mul(RANGE_WEIGHT, losses.rangePenalty(latents))), metrics: { error } }
}
