/** An estimate with its percentile interval. */
export interface Interval {
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly replicates: number
  /** Groups of replicates that were drawn together, where there are fewer groups than replicates. */
  readonly clusters?: number
}

/**
 * The mean of replicates (one value an image and seed, never a pixel) with its percentile bootstrap interval (Efron
 * 1979). Replicates of one cluster are drawn together (Davison, Hinkley 1997, section 3.8): six pictures under eight
 * keys each are six clusters, since what a picture does to a value it does eight times. With fewer than three clusters
 * the interval is the range. Deterministic: resampling follows a fixed generator, so that a report can be made again.
 * @param clusters the cluster of each value; each is its own by default
 */
export function bootstrapMean(
  values: readonly number[],
  level = 0.95,
  resamples = 1000,
  clusters?: readonly string[],
): Interval {
  const n = values.length
  const mean = values.reduce((sum, v) => sum + v, 0) / n
  const groups = groupsOf(values, clusters)
  const counted = { replicates: n, ...(groups.length < n && { clusters: groups.length }) }
  if (groups.length < 3 || !values.every(Number.isFinite))
    return { mean, low: Math.min(...values), high: Math.max(...values), ...counted }
  const random = mulberry32(n)
  const means = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    let [sum, count] = [0, 0]
    for (let i = 0; i < groups.length; i++) {
      const group = groups[Math.floor(random() * groups.length)]!
      sum += group.sum
      count += group.count
    }
    means[r] = sum / count
  }
  means.sort()
  const at = (p: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(p * (resamples - 1))))]!
  return { mean, low: at((1 - level) / 2), high: at((1 + level) / 2), ...counted }
}

function groupsOf(values: readonly number[], clusters: readonly string[] | undefined) {
  const groups = new Map<string, { sum: number; count: number }>()
  values.forEach((value, i) => {
    const name = clusters?.[i] ?? String(i)
    const group = groups.get(name) ?? { sum: 0, count: 0 }
    groups.set(name, { sum: group.sum + value, count: group.count + 1 })
  })
  return [...groups.values()]
}

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

// A small generator is enough to choose resamples; no secret or test statistic depends on it.
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
