import type { Interval } from './bootstrap.ts'
import { studentQuantile } from './special.ts'

/**
 * The mean of a few independent repetitions with Student's interval, of 95 % unless another `quantile` of one side is
 * asked for; a single one is its own interval.
 */
export function studentMean(values: readonly number[], quantile = 0.975): Interval {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n < 2) return { mean, low: mean, high: mean, replicates: n }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const reach = studentQuantile(n - 1, quantile) * Math.sqrt(variance / n)
  return { mean, low: mean - reach, high: mean + reach, replicates: n }
}
