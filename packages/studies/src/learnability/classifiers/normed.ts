import { layers, ops } from '@latent/graph'
import type { Expr, Operand } from '@latent/graph'
import type { Applied, Norm } from './classifier.ts'

/** Parameters of {@link normed}. */
export const normedParameters = (inputs: number, outputs: number, kernel = 3) => ({
  conv: layers.conv2dParameters(inputs, outputs, kernel, { bias: false }),
  norm: layers.scaleParameters(outputs),
})

/** What {@link normed} takes: a convolution without bias, and scales and shifts after it. */
export type Normed = Applied<ReturnType<typeof normedParameters>>

/**
 * Convolution, then batch norm; the maximum over squares of side `pool`, if any, between them. A kernel of odd side
 * keeps the size, but for the stride.
 */
export function normed(
  p: Normed,
  statistics: layers.RunningStatistics<Operand>,
  x: Expr,
  norm: Norm,
  { stride = 1, pool = 1 }: { stride?: number; pool?: number } = {},
): Expr {
  const side = (p.conv.weight as Expr).shape[2]!
  const y = layers.conv2d(p.conv, x, { stride, padding: Math.floor((side - 1) / 2) })
  return norm(pool === 1 ? y : ops.maxPool(y, pool), p.norm, statistics)
}
