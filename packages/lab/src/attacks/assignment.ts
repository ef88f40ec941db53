/**
 * The cheapest one-to-one assignment of columns to rows: shortest augmenting paths with potentials (Jonker and
 * Volgenant 1987). Cubic in `n` at worst. The package that does the same brings ten others.
 * @param cost `n` x `n`, row by row
 * @returns for every column its row
 */
export function cheapestAssignment(cost: Float32Array, n: number): Uint32Array {
  // Row and column 0 are no row and no column: where paths begin.
  const [ofRow, ofColumn] = [new Float64Array(n + 1), new Float64Array(n + 1)]
  const [rowOf, before] = [new Int32Array(n + 1), new Int32Array(n + 1)]
  const [least, reached] = [new Float64Array(n + 1), new Uint8Array(n + 1)]
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row
    least.fill(Infinity)
    reached.fill(0)
    let column = 0
    do {
      reached[column] = 1
      const at = rowOf[column]!
      let [step, next] = [Infinity, 0]
      for (let j = 1; j <= n; j++) {
        if (reached[j]) continue
        const reduced = cost[(at - 1) * n + j - 1]! - ofRow[at]! - ofColumn[j]!
        if (reduced < least[j]!) {
          least[j] = reduced
          before[j] = column
        }
        if (least[j]! < step) [step, next] = [least[j]!, j]
      }
      for (let j = 0; j <= n; j++) {
        if (reached[j]) {
          ofRow[rowOf[j]!]! += step
          ofColumn[j]! -= step
        } else least[j]! -= step
      }
      column = next
    } while (rowOf[column] !== 0)
    for (; column !== 0; column = before[column]!) rowOf[column] = rowOf[before[column]!]!
  }
  return Uint32Array.from({ length: n }, (_, j) => rowOf[j + 1]! - 1)
}
