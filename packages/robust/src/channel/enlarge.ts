/**
 * Pictures of twice the sides that hold nothing above half the band, so that making them smaller again, down to half
 * their sides, takes nothing away. In whole numbers: the same pixels everywhere.
 */

/**
 * What pixels weigh, from 15 before to 16 behind, at a place a quarter of a pixel behind one: a sinc under a window of
 * Kaiser's with 2, in parts of 2^14.
 */
export const ENLARGING: readonly number[] = [
  -117, 139, -165, 194, -228, 267, -314, 371, -442, 533, -655, 831, -1109, 1626, -2956, 14840, 4940, -2103, 1322, -952,
  734, -589, 484, -404, 341, -290, 247, -210, 179, -151, 128, -107,
]

const BEFORE = ENLARGING.length / 2 - 1
/** Rows that are at hand at a time: more than the weights reach over. */
const RING = 64

/** Beyond its edges a picture goes on as its mirror image does, the edge between two pixels. */
export const mirrored = (at: number, length: number): number => {
  const within = ((at % (2 * length)) + 2 * length) % (2 * length)
  return within < length ? within : 2 * length - 1 - within
}

/** A grey picture of `2 width` x `2 height` pixels of one of `width` x `height`. */
export function enlarged(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const rows = Array.from({ length: RING }, () => new Int32Array(2 * width))
  const columns = Int32Array.from({ length: width + 2 * ENLARGING.length }, (_, i) =>
    mirrored(i - ENLARGING.length, width),
  )
  const widen = (y: number) => {
    const [row, from] = [rows[y % RING]!, y * width]
    for (let x = 0; x < width; x++) {
      let [left, right] = [0, 0]
      for (let k = 0; k < ENLARGING.length; k++) {
        const at = x + ENLARGING.length + k - BEFORE
        right += ENLARGING[k]! * pixels[from + columns[at]!]!
        left += ENLARGING[k]! * pixels[from + columns[2 * (x + ENLARGING.length) - at]!]!
      }
      row[2 * x] = left
      row[2 * x + 1] = right
    }
  }
  const out = new Uint8Array(4 * width * height)
  const sum = new Float64Array(2 * width)
  let widened = 0
  for (let y = 0; y < height; y++) {
    while (widened < Math.min(height, y + ENLARGING.length)) widen(widened++)
    for (const half of [0, 1]) {
      sum.fill(2 ** 27)
      for (let k = 0; k < ENLARGING.length; k++) {
        const weight = ENLARGING[k]!
        const row = rows[mirrored(half === 1 ? y + k - BEFORE : y + BEFORE - k, height) % RING]!
        for (let x = 0; x < sum.length; x++) sum[x]! += weight * row[x]!
      }
      const to = (2 * y + half) * 2 * width
      for (let x = 0; x < sum.length; x++) out[to + x] = Math.max(0, Math.min(255, Math.floor(sum[x]! / 2 ** 28)))
    }
  }
  return out
}
