import { argumentError, type Image } from '@latent/core'
import { commonShape } from './common-shape.ts'
import { cutBlock, inState, joinBlocks, placesOf, type State, statesOf } from './block-states.ts'

/** Where blocks belong. */
export interface Layout {
  /** For every block of the picture, row by row, the block of the cipher image that was put there. */
  readonly order: Uint32Array
  /** The state that it was put there in, by number. */
  readonly states: Uint8Array
}

/** What a solver ends with. */
export interface Assembled extends Layout {
  /** The first cipher image, laid so. */
  readonly picture: Image<'u8'>
  /** L1 between samples that meet where blocks meet, a sample. */
  readonly seam: number
}

/** How a cipher image is cut into blocks and put together. */
export interface JigsawOptions {
  /** Pixels a side of a block. */
  readonly side?: number
  /** Block of the cipher image to begin with. */
  readonly start?: number
  /** How edges are compared: sample with sample, or also each with what the other goes on to (its slope continued). */
  readonly meeting?: 'samples' | 'slopes'
}

/**
 * Assembles the blocks of encryption-then-compression without key or query, as a jigsaw puzzle
 * (after Chuman, Kurihara and Kiya's work on such solvers): blocks may be turned, mirrored, complemented and have their
 * channels in any order (96 states for three channels). Greedy: of all free places beside placed blocks, that one is
 * filled next where some block in some state fits best at all its edges (mean L1), within the size of the image.
 *
 * The first block's state is not known either: the outcome is right up to one of those states for the
 * whole picture. Blocks that are alike (a plain sky) can take one another's places. Work grows with the square of the
 * number of blocks.
 *
 * Several cipher images under one key are one puzzle: a block is then the pile of blocks that lie at one place in all
 * of them, and edges fit where they do in all. What is plain in one picture is not in the next.
 * @throws E_ARGUMENT unless the sides are multiples of the block's, and all images have the shape of the first
 */
export function assembleBlocks(
  ciphers: Image<'u8'> | readonly Image<'u8'>[],
  { side = 4, start = 0, meeting = 'samples' }: JigsawOptions = {},
): Assembled {
  const pile = 'data' in ciphers ? [ciphers] : ciphers
  const { width, height, channels } = commonShape(pile)
  const cipher = pile[0]!
  if (width % side !== 0 || height % side !== 0)
    throw argumentError('cipher', `sides that are multiples of ${side}`, `${width}x${height}`)
  const [across, down] = [width / side, height / side]
  const count = across * down
  const states = statesOf(side, channels)
  const length = side * channels * pile.length
  const rims = rimsOf(pile, states, side, meeting)
  const rim = (own: number, { block, state }: { block: number; state: number }) => {
    const [at, { edges, slopes, sums }] = [block * states.length + state, rims[own]!]
    return {
      edge: edges.subarray(at * length, (at + 1) * length),
      slope: slopes?.subarray(at * length, (at + 1) * length),
      sum: sums[at]!,
    }
  }

  // Positions are relative to the first block, and the frame is wherever the placed blocks fit into it.
  const placed = new Map<string, { row: number; column: number; block: number; state: number }>()
  const left = new Set(Array(count).keys())
  const slots = new Map<string, Slot>()
  const box = { top: 0, bottom: 0, left: 0, right: 0 }
  const neighbours = (row: number, column: number) =>
    AROUND.map(([dy, dx, own, theirs]) => ({ own, theirs, there: placed.get(`${row + dy},${column + dx}`) })).filter(
      ({ there }) => there !== undefined,
    )

  const rate = (row: number, column: number): Slot => {
    const around = neighbours(row, column).map(({ own, theirs, there }) => ({
      own: rims[own]!,
      ...rim(theirs, there!),
    }))
    let best = { block: -1, state: -1, cost: Infinity }
    for (const block of left) {
      for (let state = 0, at = block * states.length; state < states.length; state++, at++) {
        let cost = 0
        const most = best.cost * around.length
        for (const { own, edge, slope, sum } of around) {
          // No two edges are nearer than their sums; the rest is rounding.
          if (cost + Math.abs(own.sums[at]! - sum) / length > most + 1e-6) cost = Infinity
          else cost += distance(own.edges, at * length, edge)
          if (slope && cost < most)
            cost += distance(own.edges, at * length, slope) + distance(own.slopes!, at * length, edge)
          if (cost > most) break
        }
        cost /= around.length
        if (cost < best.cost) best = { block, state, cost }
      }
    }
    return { row, column, ...best }
  }
  const fits = (row: number, column: number) =>
    Math.max(box.bottom, row) - Math.min(box.top, row) < down &&
    Math.max(box.right, column) - Math.min(box.left, column) < across
  const put = (row: number, column: number, block: number, state: number) => {
    placed.set(`${row},${column}`, { row, column, block, state })
    left.delete(block)
    slots.delete(`${row},${column}`)
    box.top = Math.min(box.top, row)
    box.bottom = Math.max(box.bottom, row)
    box.left = Math.min(box.left, column)
    box.right = Math.max(box.right, column)
    const stale = new Set(AROUND.map(([dy, dx]) => `${row + dy},${column + dx}`).filter(key => !placed.has(key)))
    for (const [key, slot] of slots) if (slot.block === block) stale.add(key)
    for (const key of stale) {
      const [r, c] = key.split(',').map(Number) as [number, number]
      if (left.size > 0) slots.set(key, rate(r, c))
    }
  }
  put(0, 0, start, 0)
  while (left.size > 0) {
    let best: Slot | undefined
    for (const [key, slot] of slots) {
      if (!fits(slot.row, slot.column)) slots.delete(key)
      else if (!best || slot.cost < best.cost) best = slot
    }
    put(best!.row, best!.column, best!.block, best!.state)
  }
  const pieces = Array.from(placed.values(), ({ row, column, block, state }) => ({
    place: (row - box.top) * across + column - box.left,
    block,
    state,
  })).toSorted((a, b) => a.place - b.place)
  const layout = {
    order: Uint32Array.from(pieces, ({ block }) => block),
    states: Uint8Array.from(pieces, ({ state }) => state),
  }
  const picture = layBlocks(cipher, layout, side)
  return { ...layout, picture, seam: seamOf(picture.data, width, height, channels, side) }
}

/** A cipher image whose blocks are laid as a solver says, in the states of {@link assembleBlocks}. */
export function layBlocks(cipher: Image<'u8'>, { order, states }: Layout, side: number): Image<'u8'> {
  const known = statesOf(side, cipher.channels)
  const forms = Array.from(order, (block, place) => inState(cutBlock(cipher, block, side), known[states[place]!]!))
  return joinBlocks(forms, cipher, side)
}

interface Slot {
  readonly row: number
  readonly column: number
  readonly block: number
  readonly state: number
  readonly cost: number
}

const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3] as const
/** Row and column steps to a neighbour, the own edge that meets it, and its edge. */
const AROUND = [
  [-1, 0, TOP, BOTTOM],
  [0, 1, RIGHT, LEFT],
  [1, 0, BOTTOM, TOP],
  [0, -1, LEFT, RIGHT],
] as const

/** One side of every block in every state: the samples at its rim, picture by picture, one state after the other. */
interface Rim {
  readonly edges: Int16Array
  /** What the samples go on to beyond the rim; left out where edges alone are compared. */
  readonly slopes: Int16Array | undefined
  /** Sum of each edge. */
  readonly sums: Int32Array
}

/** In the order of {@link AROUND}. */
function rimsOf(
  pile: readonly Image<'u8'>[],
  states: readonly State[],
  side: number,
  meeting: JigsawOptions['meeting'],
): Rim[] {
  const { width, height, channels } = pile[0]!
  const count = (width / side) * (height / side)
  const each = side * channels
  const length = each * pile.length
  const blocks = pile.map(picture => Array.from({ length: count }, (_, b) => cutBlock(picture, b, side)))
  const [outer, inner] = [placesOf(side, channels, 0), placesOf(side, channels, 1)]
  return outer.map((places, own) => {
    const edges = new Int16Array(count * states.length * length)
    const slopes = meeting === 'samples' ? undefined : new Int16Array(edges.length)
    const sums = new Int32Array(count * states.length)
    for (const [n, of] of blocks.entries()) {
      for (const [b, block] of of.entries()) {
        for (const [state, { source, flip }] of states.entries()) {
          const at = b * states.length + state
          const from = at * length + n * each
          for (let i = 0; i < each; i++) {
            const sample = block[source[places[i]!]!]! ^ flip
            edges[from + i] = sample
            sums[at]! += sample
            if (slopes) slopes[from + i] = 2 * sample - (block[source[inner[own]![i]!]!]! ^ flip)
          }
        }
      }
    }
    return { edges, slopes, sums }
  })
}

/** Mean L1 between `b` and as many samples of `a`. */
function distance(a: Int16Array, from: number, b: Int16Array): number {
  let sum = 0
  for (let i = 0; i < b.length; i++) sum += Math.abs(a[from + i]! - b[i]!)
  return sum / b.length
}

function seamOf(data: Uint8Array, width: number, height: number, channels: number, side: number): number {
  let [sum, met] = [0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [meets, step] of [
        [x % side === 0 && x > 0, 1],
        [y % side === 0 && y > 0, width],
      ] as const) {
        if (!meets) continue
        for (let c = 0; c < channels; c++)
          sum += Math.abs(data[(y * width + x) * channels + c]! - data[(y * width + x - step) * channels + c]!)
        met += channels
      }
    }
  }
  return met === 0 ? 0 : sum / met
}

/**
 * Share of block neighbourhoods (left-right and above-below, in any turn or mirror) of the plain picture that
 * an assembly has too.
 * @param plain for every place of the plain picture, the block of the cipher image that belongs there
 */
export function neighbourhoodsKept(plain: Uint32Array, found: Uint32Array, across: number): number {
  const pairs = (order: Uint32Array) =>
    new Set(
      Array.from(order, (block, at) => [
        ...((at + 1) % across > 0 ? [[block, order[at + 1]!]] : []),
        ...(at + across < order.length ? [[block, order[at + across]!]] : []),
      ])
        .flat()
        .map(([a, b]) => `${Math.min(a!, b!)} ${Math.max(a!, b!)}`),
    )
  const [wanted, got] = [pairs(plain), pairs(found)]
  return Array.from(wanted).filter(pair => got.has(pair)).length / wanted.size
}
