import { losses, ops } from '@latent/graph'
import type { Expr } from '@latent/graph'
import type { Variant } from './network.ts'

/**
 * Both networks are trained together, by the weighted loss that the abstract describes:
 *
 * ```text
 * security * encryption loss + quality * decryption loss + smoothness * total variation of the decrypted image
 * ```
 *
 * Its weights, and what the first two losses are, are unknown. Ours: distance of each crop's sorted
 * values to the uniform distribution plus covariance of neighbours; L1 + (1 - SSIM). Between the
 * networks lies uniform noise of one grey level, since the diffusion needs integers.
 */
const LOSS: Record<Variant, { security: number; quality: number; smoothness: number }> = {
  published: { security: 1, quality: 10, smoothness: 0.01 },
  own: { security: 30, quality: 10, smoothness: 0.01 },
}
/** Weight of the covariance of neighbours within the encryption loss; it is a square, and small. */
const NEIGHBOURS = 100

type Objective = { readonly loss: Expr; readonly metrics: Readonly<Record<string, Expr>> }

/** Of the decryption network, all images in 0..1. */
export function decryptionObjective(variant: Variant, restored: Expr, clean: Expr): Objective {
  const { quality, smoothness } = LOSS[variant]
  const l1 = losses.l1(restored, clean)
  const structure = ops.sub(1, losses.ssim(restored, clean))
  const loss = ops.add(ops.mul(ops.add(l1, structure), quality), ops.mul(losses.totalVariation(restored), smoothness))
  return { loss, metrics: { l1, structure, mse: losses.mse(restored, clean) } }
}

/** Of the encryption network. @param ramp how much secrecy counts at this step, 0 to 1 */
export function encryptionObjective(
  variant: Variant,
  { cipher, restored, clean }: { readonly cipher: Expr; readonly restored: Expr; readonly clean: Expr },
  ramp: Expr,
): Objective {
  const uniform = losses.uniformDistance(eachImage(cipher))
  const neighbours = losses.neighbourCovariance(cipher)
  const secrecy = ops.mul(LOSS[variant].security, ops.add(uniform, ops.mul(neighbours, NEIGHBOURS)))
  return {
    loss: ops.add(decryptionObjective(variant, restored, clean).loss, ops.mul(secrecy, ramp)),
    metrics: { uniform, neighbours },
  }
}

/** Every image and channel judged by itself: a flat picture must not become a flat cipher. */
function eachImage(x: Expr): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return ops.reshape(x, [1, n * c, h, w])
}
