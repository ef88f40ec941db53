import type { Image } from '@latent/core'
import { fitRidge, mean } from '@latent/lab'
import { cutHalves, gatherHalf, type SplitOrder } from '@latent/schemes/flowcrypt'
import { pearson } from '../numbers.ts'
import type { Planes } from './planes.ts'

/** Side of the squares of a cipher image that are looked at, in pixels of a half. */
const SQUARE = 8

/** The halves of a picture, as the mask splits it. */
const HALVES = ['first', 'second'] as const

/**
 * Where a pixel of the picture is to be expected in a half: the mask takes about every second one of a row, for the
 * first half, or of a column. Half pictures are `height` rows of `width / 2`.
 */
const EXPECTED = {
  first: (x: number, y: number, { width }: Size) => y * (width / 2) + (x >> 1),
  second: (x: number, y: number, { height }: Size) => x * (height / 2) + (y >> 1),
} as const

/**
 * One way to look at a cipher image with eyes half closed: a colour of one of its halves, as means over squares of
 * 8 x 8, against the means of the brightness of a half of the picture, as the mask split it.
 */
export interface Look extends View {
  readonly correlation: number
}

/** What is seen of a half of a picture, a value a square. */
interface View {
  readonly plain: keyof typeof EXPECTED
  readonly means: readonly number[]
}

/**
 * Every way to look at a cipher image: either half of the picture may shine through any colour of either half. Colours
 * are looked at one by one, because means of opposite signs hide each other.
 * @returns twelve looks, always in the same order
 */
export function looksAt(cipher: Planes, plain: Planes, order: SplitOrder): Look[] {
  const halves = HALVES.map(which => ({
    which,
    means: brightness(squareMeans(coloursOf(gatherHalf(plain.values, order[which])), plain)),
  }))
  return Object.values(cutHalves(cipher.values, { w: plain.width / 2 })).flatMap(half =>
    squareMeans(coloursOf(half), plain).flatMap(means =>
      halves.map(({ which, means: shown }) => ({ plain: which, means, correlation: pearson(means, shown) })),
    ),
  )
}

/** A look the right way up: bright where the picture is. */
export const upright = ({ plain, means, correlation }: Look): View => ({
  plain,
  means: means.map(value => (correlation < 0 ? -value : value)),
})

/** What is seen, as a picture with stretched contrast; pixels where they are to be expected without the mask. */
export function pictureSeen({ plain, means }: View, { width, height }: Size): Image<'u8'> {
  const [low, high] = [Math.min(...means), Math.max(...means)]
  const data = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = means[squareOf(EXPECTED[plain](x, y, { width, height }), { width, height })]!
      data[y * width + x] = Math.round((255 * (value - low)) / (high - low || 1))
    }
  }
  return { width, height, channels: 1, format: 'u8', data }
}

type Size = Pick<Planes, 'width' | 'height'>

/** Of a place in a half, the square that it lies in; what is left over at an edge belongs to the last. */
function squareOf(place: number, { width, height }: Size): number {
  const [columns, rows] = [Math.floor(width / 2 / SQUARE), Math.floor(height / SQUARE)]
  const [x, y] = [place % (width / 2), Math.floor(place / (width / 2))]
  return Math.min(rows - 1, Math.floor(y / SQUARE)) * columns + Math.min(columns - 1, Math.floor(x / SQUARE))
}

/** Means over the squares of a half, a list for each of its planes. */
function squareMeans(planes: readonly Float32Array[], size: Size): number[][] {
  const squares = Math.floor(size.width / 2 / SQUARE) * Math.floor(size.height / SQUARE)
  const sums = planes.map(() => Array.from({ length: squares }, () => 0))
  const counts = Array.from({ length: squares }, () => 0)
  for (let place = 0; place < planes[0]!.length; place++) {
    const square = squareOf(place, size)
    counts[square]!++
    for (const [i, list] of sums.entries()) list[square]! += planes[i]![place]!
  }
  return sums.map(list => list.map((sum, i) => sum / counts[i]!))
}

/** Red, green and blue of a half. */
const coloursOf = (half: Float32Array): Float32Array[] =>
  [0, 1, 2].map(c => half.subarray((c * half.length) / 3, ((c + 1) * half.length) / 3))

/** Rec. 601 luma of means. */
const brightness = ([red, green, blue]: readonly (readonly number[])[]): number[] =>
  red!.map((value, i) => 0.299 * value + 0.587 * green![i]! + 0.114 * blue![i]!)

/** What is seen of one picture in its cipher image. */
export interface Seen {
  /** What every {@link Look} shows: correlations without their sign, in the order of {@link looksAt}. */
  readonly looks: readonly number[]
  /** Of every square of the cipher image what {@link localPlanes} have there as means, both halves. */
  readonly local: readonly (readonly number[])[]
  /** The brightness of both halves of the picture in that place. */
  readonly bright: readonly (readonly [number, number])[]
}

/** Looks at a cipher image in every way. */
export function seenOf(cipher: Planes, plain: Planes, order: SplitOrder): Seen {
  const [first, second] = HALVES.map(which =>
    brightness(squareMeans(coloursOf(gatherHalf(plain.values, order[which])), plain)),
  )
  const columns = Object.values(cutHalves(cipher.values, { w: plain.width / 2 })).flatMap(half =>
    squareMeans(localPlanes(coloursOf(half), plain.width / 2), plain),
  )
  return {
    looks: looksAt(cipher, plain, order).map(({ correlation }) => Math.abs(correlation)),
    local: first!.map((_, square) => columns.map(column => column[square]!)),
    bright: first!.map((value, square) => [value, second![square]!]),
  }
}

/** Colours, and products of two samples: of each with itself, of two colours, of neighbours across and down. */
function localPlanes(colours: readonly Float32Array[], width: number): Float32Array[] {
  const product = (a: Float32Array, b: Float32Array, by = 0) => a.map((value, i) => value * b[(i + by) % b.length]!)
  return [
    ...colours,
    ...colours.map(colour => product(colour, colour)),
    ...colours.map((colour, c) => product(colour, colours[(c + 1) % 3]!)),
    ...colours.map(colour => product(colour, colour, 1)),
    ...colours.map(colour => product(colour, colour, width)),
  ]
}

/** Sees the brightness of a picture in what is local in the squares of its cipher image. */
export type Fit = (seen: Pick<Seen, 'local'>) => { readonly plain: (typeof HALVES)[number]; readonly means: number[] }

/** A linear map to the brightness of the half of a picture that it shows better, of those that it is fitted to. */
export function fitTo(known: readonly Seen[]): Fit {
  const inputs = known.flatMap(({ local }) => local)
  const scales = inputs[0]!.map((_, i) => {
    const column = inputs.map(row => row[i]!)
    return Math.sqrt(mean(column.map(value => value ** 2)) - mean(column) ** 2) || 1
  })
  const scaled = (row: readonly number[]) => row.map((value, i) => value / scales[i]!)
  const { predict } = fitRidge(
    inputs.map(scaled),
    known.flatMap(({ bright }) => bright),
  )
  const at =
    (half: 0 | 1): Fit =>
    ({ local }) => ({ plain: HALVES[half], means: local.map(row => predict(scaled(row))[half]!) })
  const [first, second] = [at(0), at(1)]
  return shownBy(first, known) > shownBy(second, known) ? first : second
}

/** Correlation of what a fit sees with the brightness of pictures, mean over them. */
const shownBy = (fit: Fit, pictures: readonly Seen[]): number =>
  mean(
    pictures.map(seen => {
      const { plain, means } = fit(seen)
      return pearson(
        means,
        seen.bright.map(halves => halves[HALVES.indexOf(plain)]!),
      )
    }),
  )

/** Pictures that a fit needs: half of them to be fitted to. */
const FITTED = 4

/**
 * What a linear map from all that is local in a square to the brightness of the picture sees: fitted to every second
 * picture, its correlation with the brightness of the others, mean over them. About 0 for noise.
 * @returns undefined for fewer than four pictures
 */
export function seenByFit(pictures: readonly Seen[]): number | undefined {
  if (pictures.length < FITTED) return undefined
  const [known, others] = [0, 1].map(rest => pictures.filter((_, i) => i % 2 === rest)) as [Seen[], Seen[]]
  return shownBy(fitTo(known), others)
}
