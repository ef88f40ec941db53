/** Slow twins of the optimised parts of SP 800-22. */

/** |X_k|^2 by the definition. */
export function naiveSpectrum(x: ArrayLike<number>): number[] {
  const n = x.length
  return Array.from({ length: n >> 1 }, (_, k) => {
    let re = 0
    let im = 0
    for (let i = 0; i < n; i++) {
      const angle = (2 * Math.PI * ((i * k) % n)) / n
      re += x[i]! * Math.cos(angle)
      im += x[i]! * Math.sin(angle)
    }
    return re * re + im * im
  })
}

/** Linear complexity, one bit at a time. */
export function naiveLinearComplexity(bits: ArrayLike<number>): number {
  const n = bits.length
  let c = Array.from({ length: n + 1 }, () => 0)
  let b = c.slice()
  c[0] = b[0] = 1
  let length = 0
  let m = -1
  for (let i = 0; i < n; i++) {
    let d = bits[i]!
    for (let j = 1; j <= length; j++) d ^= c[j]! & bits[i - j]!
    if (d === 0) continue
    const t = c.slice()
    for (let j = 0; j + i - m <= n; j++) c[j + i - m]! ^= b[j]!
    if (2 * length <= i) {
      length = i + 1 - length
      m = i
      b = t
    }
  }
  return length
}

/** Occurrences of a template in a block, skipping past each one found. */
export function naiveNonOverlapping(bits: ArrayLike<number>, template: string): number {
  const text = Array.from(bits).join('')
  let count = 0
  for (let at = text.indexOf(template); at >= 0; at = text.indexOf(template, at + template.length)) count++
  return count
}

/** Rank over GF(2), by elimination of one row after the other. */
export function naiveRank(rows: readonly ArrayLike<number>[]): number {
  const left = rows.map(row => Array.from(row))
  let found = 0
  for (let column = 0; column < (rows[0]?.length ?? 0); column++) {
    const at = left.findIndex(row => row[column] === 1)
    if (at < 0) continue
    const [pivot] = left.splice(at, 1)
    for (const row of left) if (row[column] === 1) row.forEach((bit, i) => (row[i] = bit ^ pivot![i]!))
    found++
  }
  return found
}
