/**
 * The 8x8 discrete cosine transform of JPEG (ITU-T T.81, A.3.3), orthonormal: a block of pixels and its
 * coefficients have the same energy. Both directions work in place on 64 numbers in raster order; coefficient
 * `8v + u` has vertical frequency `v` and horizontal frequency `u`.
 */

/** Number `i` is cos(i π / 16) / 2: the factors of an orthonormal transform of 8 numbers. */
export const COSINES: readonly number[] = Array.from({ length: 8 }, (_, i) => Math.cos((i * Math.PI) / 16) / 2)
const [, C1, C2, C3, C4, C5, C6, C7] = COSINES as [number, number, number, number, number, number, number, number]

/** Coefficients from the 64 pixels of `block`. */
export function forwardDct(block: Float64Array): void {
  for (let at = 0; at < 64; at += 8) forward8(block, at, 1)
  for (let at = 0; at < 8; at++) forward8(block, at, 8)
}

/** Pixels from the 64 coefficients of `block`. */
export function inverseDct(block: Float64Array): void {
  for (let at = 0; at < 8; at++) inverse8(block, at, 8)
  for (let at = 0; at < 64; at += 8) inverse8(block, at, 1)
}

/** One dimension: sums and differences of mirrored numbers give the even and the odd frequencies. */
function forward8(x: Float64Array, at: number, step: number): void {
  const i1 = at + step
  const i2 = i1 + step
  const i3 = i2 + step
  const i4 = i3 + step
  const i5 = i4 + step
  const i6 = i5 + step
  const i7 = i6 + step
  const s0 = x[at]! + x[i7]!
  const d0 = x[at]! - x[i7]!
  const s1 = x[i1]! + x[i6]!
  const d1 = x[i1]! - x[i6]!
  const s2 = x[i2]! + x[i5]!
  const d2 = x[i2]! - x[i5]!
  const s3 = x[i3]! + x[i4]!
  const d3 = x[i3]! - x[i4]!
  const e0 = s0 + s3
  const e1 = s1 + s2
  const e2 = s1 - s2
  const e3 = s0 - s3
  x[at] = C4 * (e0 + e1)
  x[i4] = C4 * (e0 - e1)
  x[i2] = C2 * e3 + C6 * e2
  x[i6] = C6 * e3 - C2 * e2
  x[i1] = C1 * d0 + C3 * d1 + C5 * d2 + C7 * d3
  x[i3] = C3 * d0 - C7 * d1 - C1 * d2 - C5 * d3
  x[i5] = C5 * d0 - C1 * d1 + C7 * d2 + C3 * d3
  x[i7] = C7 * d0 - C5 * d1 + C3 * d2 - C1 * d3
}

/** {@link forward8} transposed. */
function inverse8(x: Float64Array, at: number, step: number): void {
  const i1 = at + step
  const i2 = i1 + step
  const i3 = i2 + step
  const i4 = i3 + step
  const i5 = i4 + step
  const i6 = i5 + step
  const i7 = i6 + step
  const x1 = x[i1]!
  const x3 = x[i3]!
  const x5 = x[i5]!
  const x7 = x[i7]!
  const e0 = C4 * (x[at]! + x[i4]!)
  const e1 = C4 * (x[at]! - x[i4]!)
  const e3 = C2 * x[i2]! + C6 * x[i6]!
  const e2 = C6 * x[i2]! - C2 * x[i6]!
  const s0 = e0 + e3
  const s3 = e0 - e3
  const s1 = e1 + e2
  const s2 = e1 - e2
  const d0 = C1 * x1 + C3 * x3 + C5 * x5 + C7 * x7
  const d1 = C3 * x1 - C7 * x3 - C1 * x5 - C5 * x7
  const d2 = C5 * x1 - C1 * x3 + C7 * x5 + C3 * x7
  const d3 = C7 * x1 - C5 * x3 + C3 * x5 - C1 * x7
  x[at] = s0 + d0
  x[i7] = s0 - d0
  x[i1] = s1 + d1
  x[i6] = s1 - d1
  x[i2] = s2 + d2
  x[i5] = s2 - d2
  x[i3] = s3 + d3
  x[i4] = s3 - d3
}
