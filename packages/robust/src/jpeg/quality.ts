/** The luma table of T.81, annex K.1, in raster order: the one that quality 50 of the common scale means. */
export const ANNEX_K = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
] as const

/** The table that encoders make of {@link ANNEX_K} at a quality of 1 to 100. */
export function annexKSteps(quality: number): number[] {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality
  return ANNEX_K.map(step => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))))
}

/** The quality whose table is nearest, and whether it is that very table. */
export function qualityOf(steps: ArrayLike<number>): { readonly quality: number; readonly exact: boolean } {
  let best = { quality: 1, distance: Number.POSITIVE_INFINITY }
  for (let quality = 1; quality <= 100; quality++) {
    const distance = annexKSteps(quality).reduce((sum, step, i) => sum + Math.abs(Math.log(step / steps[i]!)), 0)
    if (distance < best.distance) best = { quality, distance }
  }
  return { quality: best.quality, exact: best.distance === 0 }
}
