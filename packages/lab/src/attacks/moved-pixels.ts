import type { Image, KeyStream } from '@latent/core'
import { cheapestAssignment } from './assignment.ts'
import { commonShape } from './common-shape.ts'

/** Directions in which places are laid out before they are matched; each may point either way. */
const DIRECTIONS = 4
const POWER_STEPS = 40
/** Of the ways in which directions may point, those that are looked at closely. */
const LOOKED_AT = 3
/** Assignments one after the other, as long as each leaves a part less. */
const ROUNDS = 8
const WORTH = 0.99
/** Places that are looked at before the work begins, and by which ways are compared. */
const SAMPLE = 128
/** Where the nearest of all places is not nearer than that part of the mean, no place goes with any other. */
const STRUCTURE = 0.7
/** Work grows with the cube of the pixels: so many take minutes. */
const MOST_PIXELS = 4096

/**
 * Recovers a cipher that moves pixels, all pictures under one key alike, from cipher images alone: places that vary
 * alike in many pictures were neighbours. How far apart two places are (mean L1 over pictures) needs no order of
 * places, and public pictures of the same kind tell how far apart places are that are known. Both tables are laid out
 * alike in a few directions (multidimensional scaling), matched, and the match is improved as a quadratic assignment,
 * one cheapest assignment after the other. Right up to what pictures of this kind do not tell, such as left from right.
 *
 * After what permutation-only ciphers are known to leak (Li, Li, Chen, Bourbakis and Lo 2008), without their known
 * pictures; the method is ours.
 * @param kin public pictures of the kind, of the shape of the cipher images
 * @returns for every plain pixel the place of the cipher image that has it; undefined where no place goes with any
 *   other, or there are too many pixels
 * @throws E_ARGUMENT without pictures, or where shapes differ
 */
export async function recoverMovedPixels(
  ciphers: readonly Image<'u8'>[],
  kin: readonly Image<'u8'>[],
  random: KeyStream,
): Promise<Uint32Array | undefined> {
  const { width, height, channels } = commonShape([...ciphers, ...kin])
  const n = width * height
  if (n > MOST_PIXELS) return undefined
  const seen = historiesOf(ciphers, n, channels)
  if (!hasStructure(seen, n)) return undefined
  const [found, known] = [distancesOf(seen, n), distancesOf(historiesOf(kin, n, channels), n)]
  const start = await random.uniforms(DIRECTIONS * n)
  const [theirs, ours] = [layout(found, n, start), layout(known, n, start)]
  let best: { readonly places: Uint32Array; readonly cost: number } | undefined
  for (const way of likeliestWays(theirs, ours, n)) {
    const places = cheapestAssignment(apartIn(theirs, ours, n, way), n)
    const cost = misfit(found, known, places, n)
    if (!best || cost < best.cost) best = { places, cost }
  }
  for (let round = 0; round < ROUNDS; round++) {
    const places = cheapestAssignment(gradient(found, known, best!.places, n), n)
    const cost = misfit(found, known, places, n)
    const before = best!.cost
    if (cost < before) best = { places, cost }
    if (cost > WORTH * before) break
  }
  return best!.places
}

/** What stood at each place, picture by picture: a row a place. */
function historiesOf(pictures: readonly Image<'u8'>[], n: number, channels: number): Uint8Array {
  const rows = new Uint8Array(n * channels * pictures.length)
  for (const [k, { data }] of pictures.entries())
    for (let p = 0; p < n; p++)
      for (let c = 0; c < channels; c++) rows[(p * pictures.length + k) * channels + c] = data[p * channels + c]!
  return rows
}

/** Mean L1 of two rows, in levels. */
function apart(rows: Uint8Array, length: number, a: number, b: number): number {
  let sum = 0
  for (let i = a * length, j = b * length, end = i + length; i < end; i++, j++) sum += Math.abs(rows[i]! - rows[j]!)
  return sum / length
}

function hasStructure(rows: Uint8Array, n: number): boolean {
  const length = rows.length / n
  const parts = sampleOf(n).map(i => {
    let [nearest, sum] = [Infinity, 0]
    for (let j = 0; j < n; j++) {
      if (j === i) continue
      const distance = apart(rows, length, i, j)
      nearest = Math.min(nearest, distance)
      sum += distance
    }
    return nearest / (sum / (n - 1))
  })
  return parts.toSorted((a, b) => a - b)[parts.length >> 1]! < STRUCTURE
}

/** Places spread over all. */
const sampleOf = (n: number): number[] =>
  Array.from({ length: Math.min(n, SAMPLE) }, (_, i) => Math.floor(((i + 0.5) * n) / Math.min(n, SAMPLE)))

function distancesOf(rows: Uint8Array, n: number): Float32Array {
  const length = rows.length / n
  const table = new Float32Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) table[i * n + j] = table[j * n + i] = apart(rows, length, i, j)
  return table
}

/** Classical scaling: coordinates of all places in {@link DIRECTIONS} directions, direction by direction. */
function layout(distances: Float32Array, n: number, start: Float64Array): Float64Array {
  const means = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let j = 0; j < n; j++) sum += distances[i * n + j]!
    return sum / n
  })
  const all = means.reduce((sum, mean) => sum + mean, 0) / n
  const inner = distances.map((d, at) => -0.5 * (d - means[Math.floor(at / n)]! - means[at % n]! + all))
  const found = new Float64Array(DIRECTIONS * n)
  const scales = new Float64Array(DIRECTIONS)
  for (let k = 0; k < DIRECTIONS; k++) {
    let v = start.slice(k * n, (k + 1) * n).map(x => x - 0.5)
    let scale = 0
    for (let step = 0; step < POWER_STEPS; step++) {
      for (let other = 0; other < k; other++) {
        const unit = found.subarray(other * n, (other + 1) * n)
        const along = dot(unit, v)
        for (let i = 0; i < n; i++) v[i]! -= along * unit[i]!
      }
      const next = new Float64Array(n)
      for (let i = 0; i < n; i++) next[i] = dot(inner.subarray(i * n, (i + 1) * n), v)
      scale = Math.sqrt(dot(next, next))
      v = next.map(x => x / Math.max(scale, Number.MIN_VALUE))
    }
    found.set(v, k * n)
    scales[k] = Math.sqrt(scale)
  }
  return found.map((x, at) => x * scales[Math.floor(at / n)]!)
}

function dot(a: Float32Array | Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < b.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** The sign of a direction in one of the ways, which are numbers of so many bits. */
const signOf = (way: number, k: number): 1 | -1 => ((way >> k) & 1 ? -1 : 1)

/** Ways in which their directions may point, the likeliest first: there some place of ours is near each of theirs. */
function likeliestWays(theirs: Float64Array, ours: Float64Array, n: number): number[] {
  const sample = sampleOf(n)
  const far = (way: number) =>
    sample.reduce((sum, i) => {
      let nearest = Infinity
      for (let p = 0; p < n; p++) nearest = Math.min(nearest, squared(theirs, ours, n, way, i, p))
      return sum + nearest
    }, 0)
  return Array.from({ length: 2 ** DIRECTIONS }, (_, way) => ({ way, far: far(way) }))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, LOOKED_AT)
    .map(({ way }) => way)
}

function squared(theirs: Float64Array, ours: Float64Array, n: number, way: number, i: number, p: number): number {
  let sum = 0
  for (let k = 0; k < DIRECTIONS; k++) sum += (signOf(way, k) * theirs[k * n + i]! - ours[k * n + p]!) ** 2
  return sum
}

/** How far each place of the cipher image (rows) is from each of the plain picture. */
function apartIn(theirs: Float64Array, ours: Float64Array, n: number, way: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, at) => squared(theirs, ours, n, way, Math.floor(at / n), at % n))
}

/** What a match leaves of the difference of both tables: the mean of squares. */
function misfit(found: Float32Array, known: Float32Array, places: Uint32Array, n: number): number {
  let sum = 0
  for (let p = 0; p < n; p++) {
    const row = places[p]! * n
    for (let q = 0; q < n; q++) sum += (found[row + places[q]!]! - known[p * n + q]!) ** 2
  }
  return sum / n ** 2
}

/** What it would cost to put place i (row) at p if all others stayed; what is the same for all of a row is left out. */
function gradient(found: Float32Array, known: Float32Array, places: Uint32Array, n: number): Float32Array {
  const cost = new Float32Array(n * n)
  const laid = new Float64Array(n)
  const lengths = Float64Array.from({ length: n }, (_, p) => {
    let sum = 0
    for (let q = 0; q < n; q++) sum += known[p * n + q]! ** 2
    return sum
  })
  for (let i = 0; i < n; i++) {
    for (let q = 0; q < n; q++) laid[q] = found[i * n + places[q]!]!
    for (let p = 0; p < n; p++) cost[i * n + p] = lengths[p]! - 2 * dot(known.subarray(p * n, (p + 1) * n), laid)
  }
  return cost
}
