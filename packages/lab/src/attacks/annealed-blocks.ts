import type { Image, KeyStream } from '@latent/core'
import { cutBlock, inState, joinBlocks, type State } from './block-states.ts'
import { type Seam, stripsOf } from './seams.ts'

/** How long is looked for the best order of blocks. */
export interface AnnealOptions {
  readonly side: number
  /** What may have been done to a block beside moving it. */
  readonly states: readonly State[]
  readonly moves: number
  readonly starts: number
  /** Where to begin, if not anywhere: for each place the block, and the number of its state. */
  readonly from?: { readonly order: Uint32Array; readonly states: Uint8Array }
}

/** Temperatures, in units of a seam, between which it is cooled; and that of a beginning that is no guess. */
const [HOT, COLD, WARM] = [4, 0.001, 0.5]
/** Entries of the table of seams that is kept whole. */
const TABLE = 2 ** 20
const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3] as const

/**
 * Lays the blocks of a cipher image so that their sides fit, all together: simulated annealing over orders and states
 * (two blocks change places, one is turned, all are pushed along), from several beginnings.
 */
export async function annealBlocks(
  cipher: Image<'u8'>,
  seam: Seam,
  { side, states, moves, starts, from }: AnnealOptions,
  random: KeyStream,
): Promise<Image<'u8'>> {
  const { width, height, channels } = cipher
  const [across, down] = [width / side, height / side]
  const count = across * down
  const forms = Array.from({ length: count }, (_, b) => cutBlock(cipher, b, side)).flatMap(block =>
    states.map(state => inState(block, state)),
  )
  const strips = forms.map(form => stripsOf(form, side, channels))
  // A table where it is small: most of the time is spent in it.
  const names = 2 * forms.length ** 2
  const known = names <= TABLE ? new Float64Array(names).fill(NaN) : new Map<number, number>()
  const meeting = (a: number, b: number, below: boolean): number => {
    const name = 2 * (a * forms.length + b) + Number(below)
    const there = known instanceof Map ? known.get(name) : known[name]
    if (there !== undefined && !Number.isNaN(there)) return there
    const cost = seam(strips[a]![below ? BOTTOM : RIGHT]!, strips[b]![below ? TOP : LEFT]!)
    if (known instanceof Map) known.set(name, cost)
    else known[name] = cost
    return cost
  }
  const costOf = (laid: Uint16Array): number => {
    let sum = 0
    for (let p = 0; p < count; p++) {
      if ((p + 1) % across > 0) sum += meeting(laid[p]!, laid[p + 1]!, false)
      if (p + across < count) sum += meeting(laid[p]!, laid[p + across]!, true)
    }
    return sum
  }
  let best: { readonly cost: number; readonly laid: Uint16Array } = { cost: Infinity, laid: new Uint16Array(count) }
  for (let start = 0; start < starts; start++) {
    const order = from?.order ?? (await random.permutation(count))
    const draws = await random.uniforms(5 * moves)
    let laid: Uint16Array = Uint16Array.from(order, (block, p) => block * states.length + (from?.states[p] ?? 0))
    let cost = costOf(laid)
    for (let move = 0; move < moves; move++) {
      const heat = (from ? WARM : HOT) * (1 - move / moves) ** 2 + COLD
      const next = moved(laid, { across, down, states: states.length }, draws.subarray(5 * move, 5 * move + 4))
      const after = costOf(next)
      if (after > cost && draws[5 * move + 4]! >= Math.exp((cost - after) / heat)) continue
      ;[laid, cost] = [next, after]
      if (cost < best.cost) best = { cost, laid }
    }
  }
  return joinBlocks(
    Array.from(best.laid, form => forms[form]!),
    cipher,
    side,
  )
}

interface Grid {
  readonly across: number
  readonly down: number
  readonly states: number
}

/** One change of an order of blocks, chosen by four numbers from 0 to 1. */
function moved(laid: Uint16Array, { across, down, states }: Grid, draws: Float64Array): Uint16Array {
  const [kind, first, second, third] = draws as unknown as readonly [number, number, number, number]
  const next = laid.slice()
  const at = Math.floor(first * laid.length)
  const turned = (piece: number) => piece - (piece % states) + Math.floor(third * states)
  if (kind < 0.5) {
    const other = Math.floor(second * laid.length)
    ;[next[at], next[other]] = [laid[other]!, kind < 0.15 ? turned(laid[at]!) : laid[at]!]
  } else if (kind < 0.8) next[at] = turned(laid[at]!)
  else if (kind < 0.9) {
    const by = 1 + Math.floor(second * (across - 1))
    for (let p = 0; p < laid.length; p++) next[p] = laid[p - (p % across) + ((p + by) % across)]!
  } else {
    const by = across * (1 + Math.floor(second * (down - 1)))
    for (let p = 0; p < laid.length; p++) next[p] = laid[(p + by) % laid.length]!
  }
  return next
}
