/** Slow twins: the formulas written out, one window or one pair at a time. */

interface Plane {
  readonly width: number
  readonly height: number
  readonly data: ArrayLike<number>
}

/** SSIM of one channel: every 11 x 11 window weighted directly. */
export function naiveSsim(a: Plane, b: Plane, top = 255): number {
  const weights: number[] = []
  for (let y = -5; y <= 5; y++) for (let x = -5; x <= 5; x++) weights.push(Math.exp(-(x * x + y * y) / 4.5))
  const total = weights.reduce((s, w) => s + w)
  const c1 = (0.01 * top) ** 2
  const c2 = (0.03 * top) ** 2
  let sum = 0
  let windows = 0
  for (let cy = 5; cy < a.height - 5; cy++) {
    for (let cx = 5; cx < a.width - 5; cx++) {
      const expectation = (f: (x: number, y: number) => number) => {
        let value = 0
        let k = 0
        for (let y = -5; y <= 5; y++) {
          for (let x = -5; x <= 5; x++) {
            const at = (cy + y) * a.width + cx + x
            value += (weights[k++]! / total) * f(a.data[at]!, b.data[at]!)
          }
        }
        return value
      }
      const mx = expectation(x => x)
      const my = expectation((_, y) => y)
      const vx = expectation(x => (x - mx) ** 2)
      const vy = expectation((_, y) => (y - my) ** 2)
      const cov = expectation((x, y) => (x - mx) * (y - my))
      sum += ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
      windows++
    }
  }
  return sum / windows
}

const mean = (values: number[]): number => values.reduce((s, v) => s + v, 0) / values.length

/** Pearson's coefficient from means and deviations. */
export function naivePearson(pairs: readonly (readonly [number, number])[]): number {
  const mx = mean(pairs.map(([x]) => x))
  const my = mean(pairs.map(([, y]) => y))
  const cov = mean(pairs.map(([x, y]) => (x - mx) * (y - my)))
  return cov / Math.sqrt(mean(pairs.map(([x]) => (x - mx) ** 2)) * mean(pairs.map(([, y]) => (y - my) ** 2)))
}
