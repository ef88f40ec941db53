/**
 * Levels of a coefficient that carries `bits` bits, of root mean square 1, ascending. Half way between even steps
 * and the
 * quantiles of a normal distribution: the pixels are sums of many coefficients and so normal, whatever these are, and
 * levels that are dense in the middle spend less of their power on what the outermost bits cost.
 *
 * Neighbours differ in one bit: level `i` stands for the bits of `i ^ (i >> 1)` (Gray), the highest first.
 */
export const LEVELS: readonly (readonly number[])[] = [
  [0],
  [-1, 1],
  [-1.3518, -0.4154, 0.4154, 1.3518],
  [-1.5952, -1.0307, -0.5957, -0.1957, 0.1957, 0.5957, 1.0307, 1.5952],
  [
    -1.7849, -1.3953, -1.1268, -0.8964, -0.6845, -0.4831, -0.2878, -0.0956, 0.0956, 0.2878, 0.4831, 0.6845, 0.8964,
    1.1268, 1.3953, 1.7849,
  ],
]

/** Which level stands for these bits: the inverse of Gray's code. */
export const LEVEL_OF: readonly Uint8Array[] = LEVELS.map(levels => {
  const found = new Uint8Array(levels.length)
  for (let i = 0; i < levels.length; i++) found[i ^ (i >> 1)] = i
  return found
})
