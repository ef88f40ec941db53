import type { KeyStream } from '@latent/core'

/** Sides of a half image of FlowCrypt. */
export interface HalfSize {
  readonly width: number
  readonly height: number
}

/** What becomes of a flat grey half under a map K: three planes of values. */
export type Answer = (map: Float32Array) => Promise<Float32Array>

const COLOURS = 3
/** Where a colour looks for K, in rows and columns from its pixel: twice at the first place, once at the others. */
const TAPS = [
  [
    [0, 0],
    [-1, -1],
    [1, 0],
  ],
  [
    [0, 1],
    [-1, 0],
    [1, 1],
  ],
  [
    [1, 0],
    [0, -1],
    [-1, 1],
  ],
] as const

/** Maps that are drawn to learn what the network makes of folds. */
const DRAWN = 40
/** Times that orders of places are searched; those that are kept in each; rounds of bringing entries nearer. */
const [PASSES, KEPT, ROUNDS] = [8, 300, 6]
/** How near a value must be to what was seen to be explained; share of explained places that ends the search. */
const [EXPLAINED, DONE] = [0.02, 0.94]
/** Share of places that must be explained after the first pass, or the answers are not of such a network. */
const LEAST = 0.1
/** Correlation of the network's answers with folds below which it does something else with K. */
const FOLDS = 0.9
/** Deviations of a fold that is not explained yet, and of one that is. */
const [UNSURE, SURE] = [0.1, 0.04]

/** S folded into 0..1: up to 1, down to 2, and again. */
const fold = (s: number): number => (s % 2 > 1 ? 2 - (s % 2) : s % 2)

const at = (map: ArrayLike<number>, { width, height }: HalfSize, row: number, column: number): number =>
  row < 0 || column < 0 || row >= height || column >= width ? 0 : map[row * width + column]!

/** 2 K(a) + K(b) + K(c), which the shipped networks fold for one colour of one pixel. */
function sumAt(map: ArrayLike<number>, size: HalfSize, colour: number, place: number): number {
  const [row, column] = [Math.floor(place / size.width), place % size.width]
  return TAPS[colour]!.reduce((sum, [y, x], i) => sum + (i === 0 ? 2 : 1) * at(map, size, row + y, column + x), 0)
}

/**
 * Finds the map K of one half from what a flat grey picture became: no mask is needed, as all pixels are the same.
 *
 * The weights are public, and so is that the shipped networks fold 2 K(a) + K(b) + K(c) into the value of a pixel. Each
 * entry has two values left that agree with the fold above it, and one fold that only the right one agrees with: a
 * search through the places, that keeps the likeliest beginnings. Entries are then relaxed (any value, not a key's) and
 * brought nearer through the network itself; places that it explains stay, and the others are searched again.
 * @returns undefined where the answers are not of such a network
 */
export async function recoverFoldedMap(
  seen: Float32Array,
  answer: Answer,
  size: HalfSize,
  random: KeyStream,
): Promise<Float32Array | undefined> {
  const lines = await foldLines(answer, size, random)
  if (!lines) return undefined
  let best: { map: Float32Array; explained: number } | undefined
  let current: { map: Float32Array; made: Float32Array } | undefined
  for (let pass = 0; pass < PASSES; pass++) {
    const found = searched(seen, lines, size, current)
    const map = await nearer(found, seen, answer, size)
    current = { map, made: await answer(map) }
    const near = explainedBy(seen, current.made)
    const explained = near.reduce((sum, one) => sum + one, 0) / near.length
    if (!best || explained > best.explained) best = { map, explained }
    if (explained < LEAST) return undefined
    if (explained >= DONE) break
  }
  return best!.map
}

/** A value of the cipher image is `offset + slope` times its fold, each place and colour with a line of its own. */
interface Lines {
  readonly offset: Float64Array
  readonly slope: Float64Array
}

async function foldLines(answer: Answer, size: HalfSize, random: KeyStream): Promise<Lines | undefined> {
  const places = size.width * size.height
  const values = COLOURS * places
  const sums = Array.from({ length: 5 }, () => new Float64Array(values))
  const [x, y, xx, xy, yy] = sums as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
  for (let n = 0; n < DRAWN; n++) {
    const map = Float32Array.from(await random.uniforms(places))
    const made = await answer(map)
    for (let i = 0; i < values; i++) {
      const folded = fold(sumAt(map, size, Math.floor(i / places), i % places))
      x[i]! += folded / DRAWN
      y[i]! += made[i]! / DRAWN
      xx[i]! += folded ** 2 / DRAWN
      xy[i]! += (folded * made[i]!) / DRAWN
      yy[i]! += made[i]! ** 2 / DRAWN
    }
  }
  const spread = (a: Float64Array, b: Float64Array, ab: Float64Array, i: number) => ab[i]! - a[i]! * b[i]!
  const correlations: number[] = []
  const [offset, slope] = [new Float64Array(values), new Float64Array(values)]
  for (let i = 0; i < values; i++) {
    const [folds, both, answers] = [spread(x, x, xx, i), spread(x, y, xy, i), spread(y, y, yy, i)]
    // In a corner a colour may look at nothing of the map.
    if (folds === 0) slope[i] = 1
    else slope[i] = both / folds
    offset[i] = y[i]! - slope[i]! * x[i]!
    if (folds > 0) correlations.push(both / Math.sqrt(folds * answers || 1))
  }
  const mean = correlations.reduce((sum, one) => sum + one, 0) / correlations.length
  return mean < FOLDS ? undefined : { offset, slope }
}

/** For each place, 1 where all colours are as they were seen. */
function explainedBy(seen: Float32Array, made: Float32Array): Uint8Array {
  const places = seen.length / COLOURS
  return Uint8Array.from({ length: places }, (_, p) =>
    Number([0, 1, 2].every(c => Math.abs(made[c * places + p]! - seen[c * places + p]!) < EXPLAINED)),
  )
}

/** A beginning of a map: its entries so far, and how badly its folds agree. */
interface Beginning {
  readonly map: Float32Array
  readonly cost: number
}

/** One search through all places; those whose surroundings are explained keep their entries. */
function searched(
  seen: Float32Array,
  { offset, slope }: Lines,
  size: HalfSize,
  current: { readonly map: Float32Array; readonly made: Float32Array } | undefined,
): Float32Array {
  const { width, height } = size
  const places = width * height
  const near = current ? explainedBy(seen, current.made) : new Uint8Array(places)
  // What the network adds to the folds is known where it explains what was seen.
  const folded = Float64Array.from(seen, (value, i) => {
    const line = (sum: number) => offset[i]! + slope[i]! * fold(sum)
    const [colour, place] = [Math.floor(i / places), i % places]
    const rest = current && near[place] ? current.made[i]! - line(sumAt(current.map, size, colour, place)) : 0
    return Math.min(1, Math.max(0, (value - rest - offset[i]!) / slope[i]!))
  })
  const explained = (row: number, column: number) =>
    [-1, 0, 1].every(y =>
      [-1, 0, 1].every(x => {
        const [r, c] = [row + y, column + x]
        return r < 0 || c < 0 || r >= height || c >= width || near[r * width + c] === 1
      }),
    )
  // The second colour folds the same entries as the first does one column further.
  const own = (row: number, column: number) => {
    const first = folded[row * width + column]!
    return column === 0 ? first : (first + folded[places + row * width + column - 1]!) / 2
  }
  const misfit = (map: Float32Array, row: number, column: number) => {
    const sure = near[row * width + column] === 1 && column > 0 && near[row * width + column - 1] === 1
    const error = fold(sumAt(map, size, 0, row * width + column)) - own(row, column)
    return Math.min(9, (error / (sure ? SURE : UNSURE)) ** 2)
  }
  const candidates = (map: Float32Array, row: number, column: number): readonly number[] => {
    if (current && explained(row, column)) return [current.map[row * width + column]!]
    if (row === 0) return halvesOf(own(0, column), at(map, size, 1, column))
    const above = folded[2 * places + (row - 1) * width + column]!
    return halvesOf(above, at(map, size, row - 1, column - 1) + at(map, size, row - 2, column + 1))
  }
  let beginnings: Beginning[] = [{ map: new Float32Array(places), cost: 0 }]
  for (const [row, column] of orderOf(size)) {
    const next: Beginning[] = []
    for (const { map, cost } of beginnings)
      for (const value of candidates(map, row, column)) {
        const longer = map.slice()
        longer[row * width + column] = value
        const above = row >= 2 ? misfit(longer, row - 1, column) : 0
        next.push({ map: longer, cost: cost + above + (row === height - 1 ? misfit(longer, row, column) : 0) })
      }
    beginnings = next.toSorted((a, b) => a.cost - b.cost).slice(0, KEPT)
  }
  return beginnings[0]!.map
}

/** Half of each sum 2 K in 0..2 with which 2 K + others folds to a value. At the ends both ends are one. */
function halvesOf(folded: number, others: number): number[] {
  const slack = 0.1
  return [folded, -folded].flatMap(sum => {
    const twice = (((sum - others) % 2) + 2) % 2
    return [twice / 2, ...(twice < slack ? [1] : []), ...(twice > 2 - slack ? [0] : [])]
  })
}

/** Places in an order in which what an entry is found from comes before it: columns, leaning to the left. */
function* orderOf({ width, height }: HalfSize): Generator<readonly [row: number, column: number]> {
  for (let lean = 0; lean < width + Math.ceil(height / 2); lean++) {
    // An entry of the first row is found from the one below it.
    for (const row of [1, 0, ...Array.from({ length: height - 2 }, (_, i) => i + 2)]) {
      const column = lean - Math.floor(row / 2)
      if (column >= 0 && column < width) yield [row, column]
    }
  }
}

/** Steps of a round, and their length: below 2 / 48, from where on they would grow. */
const [STEPS, STEP] = [60, 0.025]
/** The most that one fold asks for. */
const [MOST, MOST_LEFT] = [0.2, 0.05]

/** Brings every entry nearer to what explains the answer, along the sides that its folds are on. */
async function nearer(found: Float32Array, seen: Float32Array, answer: Answer, size: HalfSize): Promise<Float32Array> {
  const { width, height } = size
  const places = width * height
  const within = (value: number, most: number) => Math.max(-most, Math.min(most, value))
  const taps = Array.from({ length: COLOURS * places }, (_, i) => {
    const [row, column] = [Math.floor((i % places) / width), i % width]
    return TAPS[Math.floor(i / places)]!.flatMap(([y, x], n) => {
      const [r, c] = [row + y, column + x]
      return r < 0 || c < 0 || r >= height || c >= width ? [] : [{ place: r * width + c, weight: n === 0 ? 2 : 1 }]
    })
  })
  const map = found.slice()
  for (let round = 0; round < ROUNDS; round++) {
    const made = await answer(map)
    const wanted = seen.map((value, i) => within(value - made[i]!, MOST))
    const side = taps.map(own =>
      own.reduce((sum, { place, weight }) => sum + weight * map[place]!, 0) % 2 > 1 ? -1 : 1,
    )
    const moved = new Float64Array(places)
    for (let step = 0; step < STEPS; step++) {
      const pull = new Float64Array(places)
      for (const [i, own] of taps.entries()) {
        const done = own.reduce((sum, { place, weight }) => sum + weight * moved[place]!, 0) * side[i]!
        const left = within(wanted[i]! - done, MOST_LEFT) * side[i]!
        for (const { place, weight } of own) pull[place]! += weight * left
      }
      for (let p = 0; p < places; p++) moved[p]! += STEP * pull[p]!
    }
    for (let p = 0; p < places; p++) map[p] = Math.min(1, Math.max(0, map[p]! + moved[p]!))
  }
  return map
}
