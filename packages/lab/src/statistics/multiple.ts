import { chiSquareUpper } from './special.ts'

/** The smallest p that logarithms are taken of: sums stay finite, and nothing is called more certain than this. */
const FLOOR = 1e-300

/**
 * One p-value from several independent ones (Fisher 1925): -2 sum ln p against chi-square with 2 k degrees of freedom.
 * Many small shifts in one direction add up in it, where each alone shows nothing.
 */
export function fisher(pValues: readonly number[]): number {
  if (pValues.length === 0) return 1
  return chiSquareUpper(
    2 * pValues.length,
    pValues.reduce((sum, p) => sum - 2 * Math.log(Math.max(p, FLOOR)), 0),
  )
}

/** p of the smallest among `count` p-values, however they depend on each other (Bonferroni): at most 1. */
export const smallestOf = (p: number, count: number): number => Math.min(1, p * count)

/**
 * p-values adjusted for being looked at together (Holm 1979): all that stay below a level may be called found, and the
 * chance of a single false one among them is at most that level, however they depend on each other.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, at) => at).sort((a, b) => pValues[a]! - pValues[b]!)
  const adjusted = pValues.slice()
  let largest = 0
  order.forEach((at, rank) => {
    largest = Math.max(largest, smallestOf(pValues[at]!, pValues.length - rank))
    adjusted[at] = largest
  })
  return adjusted
}
