import { mean } from '@latent/lab'

/** A share, 0 to 1, in percent. */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`

/** Pearson's coefficient of correlation of two lists of one length; 0 where one of them is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ma, mb] = [mean(Array.from(a)), mean(Array.from(b))]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - ma, b[i]! - mb]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}
