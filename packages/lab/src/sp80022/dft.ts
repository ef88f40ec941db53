import FFT from 'fft.js'

/**
 * Moduli of the first floor(n/2) Fourier coefficients of a real sequence of any length n, squared.
 * Even lengths are transformed as n/2 complex numbers; lengths that are no power of two by Bluestein's
 * chirp convolution (1970). What depends on the length alone is kept for the next sequence.
 */
export function spectrum(x: Int8Array): Float64Array {
  const n = x.length
  const even = n % 2 === 0
  const size = even ? n / 2 : n
  const z = new Float64Array(2 * size)
  if (even) z.set(x)
  else for (let i = 0; i < n; i++) z[2 * i] = x[i]!
  const transformed = transform(z, size)
  const half = n >> 1
  const out = new Float64Array(half)
  for (let k = 0; k < half; k++) {
    const re = transformed[2 * k]!
    const im = transformed[2 * k + 1]!
    if (!even) {
      out[k] = re * re + im * im
      continue
    }
    // The even and odd halves of a real sequence, told apart by their symmetry, then one butterfly.
    const mirror = k === 0 ? 0 : size - k
    const mre = transformed[2 * mirror]!
    const mim = -transformed[2 * mirror + 1]!
    const ere = (re + mre) / 2
    const eim = (im + mim) / 2
    const ore = (im - mim) / 2
    const oim = (mre - re) / 2
    const angle = (-2 * Math.PI * k) / n
    const c = Math.cos(angle)
    const s = Math.sin(angle)
    const xre = ere + ore * c - oim * s
    const xim = eim + ore * s + oim * c
    out[k] = xre * xre + xim * xim
  }
  return out
}

function transform(z: Float64Array, n: number): Float64Array {
  if (n === 1) return z
  if ((n & (n - 1)) === 0) {
    const out = new Float64Array(2 * n)
    new FFT(n).transform(out, z)
    return out
  }
  return bluestein(z, n)
}

interface Chirp {
  readonly n: number
  readonly fft: FFT
  readonly chirp: Float64Array
  readonly filter: Float64Array
}

let last: Chirp | undefined

function chirpFor(n: number): Chirp {
  if (last?.n === n) return last
  let size = 2
  while (size < 2 * n - 1) size *= 2
  const fft = new FFT(size)
  const chirp = new Float64Array(2 * n)
  const kernel = new Float64Array(2 * size)
  for (let k = 0; k < n; k++) {
    // k^2 mod 2n first: the angle keeps its precision.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n
    chirp[2 * k] = Math.cos(angle)
    chirp[2 * k + 1] = -Math.sin(angle)
    for (const at of k === 0 ? [0] : [k, size - k]) {
      kernel[2 * at] = Math.cos(angle)
      kernel[2 * at + 1] = Math.sin(angle)
    }
  }
  const filter = new Float64Array(2 * size)
  fft.transform(filter, kernel)
  last = { n, fft, chirp, filter }
  return last
}

function bluestein(z: Float64Array, n: number): Float64Array {
  const { fft, chirp, filter } = chirpFor(n)
  const a = new Float64Array(2 * fft.size)
  multiply(a, z, chirp, n)
  const b = new Float64Array(2 * fft.size)
  fft.transform(b, a)
  multiply(a, b, filter, fft.size)
  fft.inverseTransform(b, a)
  const out = new Float64Array(2 * n)
  multiply(out, b, chirp, n)
  return out
}

function multiply(out: Float64Array, a: Float64Array, b: Float64Array, n: number): void {
  for (let i = 0; i < 2 * n; i += 2) {
    const re = a[i]! * b[i]! - a[i + 1]! * b[i + 1]!
    out[i + 1] = a[i]! * b[i + 1]! + a[i + 1]! * b[i]!
    out[i] = re
  }
}
