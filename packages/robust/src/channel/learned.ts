import { LLR_SCALE } from '../ldpc/decode.ts'
import type { Blocks } from './geometry.ts'
import { WEIGHTS } from './learned-weights.ts'
import type { Line } from './line.ts'
import { carriedBy, type Mode } from './modes.ts'
import { pilotIndex } from './pilots.ts'
import type { Received } from './received.ts'
import { MOST_BITS, SEEN, Sight } from './seen.ts'

/** Units of the two hidden layers, and slope of the units where they are negative. */
export const UNITS = { first: 24, second: 12, slope: 0.01 } as const
/** Factors of the outputs: of what likelihoods are multiplied with, and of what is added. */
export const OUTPUT = { times: 0.1, plus: 1 } as const

const INPUTS = SEEN.line + SEEN.block + SEEN.own
/** Arrays of the network in the order in which they are stored, with their dimensions: inputs, then outputs. */
export const LAYERS = {
  first: [INPUTS, UNITS.first],
  second: [UNITS.first, UNITS.second],
  last: [UNITS.second, 2 * MOST_BITS],
} as const

interface Layer {
  readonly weight: Float32Array
  readonly bias: Float32Array
}

/** A network, as it was learned. */
export type Network = Readonly<Record<keyof typeof LAYERS, Layer>>

/** The network that comes along. */
export const shippedNetwork = (): Network =>
  (shipped ??= networkOf(Uint8Array.from(atob(WEIGHTS), c => c.charCodeAt(0))))
let shipped: Network | undefined

/** A network from numbers of 32 bits, the lowest byte first: weights and biases, layer by layer. */
export function networkOf(bytes: Uint8Array): Network {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const numbers = (count: number) => Float32Array.from({ length: count }, () => view.getFloat32(4 * at++, true))
  const layer = ([inputs, outputs]: readonly [number, number]): Layer => ({
    weight: numbers(inputs * outputs),
    bias: numbers(outputs),
  })
  return { first: layer(LAYERS.first), second: layer(LAYERS.second), last: layer(LAYERS.last) }
}

/**
 * Corrects likelihoods by a small network that was trained on what encoders do at their worst: it sees how well a block
 * and those beside it came through, which the demapper made by hand takes for alike everywhere. Slower than that by
 * far, and so only for what could not be decoded. Whether it is right, codes and checks decide.
 */
export function corrected(
  received: Received,
  blocks: Blocks,
  mode: Mode,
  lines: readonly Line[],
  hand: Int8Array,
  { first, second, last }: Network = shippedNetwork(),
): Int8Array {
  const { places, bits } = carriedBy(mode)
  const sight = new Sight(received, blocks, mode, lines)
  const out = hand.slice()
  const lineSums = new Float64Array(places.length * UNITS.first)
  for (let i = 0; i < places.length; i++) {
    lineSums.set(first.bias, i * UNITS.first)
    addProducts(lineSums, i * UNITS.first, UNITS.first, sight.lines, i * SEEN.line, SEEN.line, first.weight, 0)
  }
  const blockSums = new Float64Array(UNITS.first)
  const own = new Float32Array(SEEN.own)
  const [hidden, deeper] = [new Float64Array(UNITS.first), new Float64Array(UNITS.second)]
  let slot = 0
  for (let y = 0; y < blocks.high; y++)
    for (let x = 0; x < blocks.wide; x++) {
      const block = y * blocks.wide + x
      const [from, isPresent] = [sight.at(x, y), sight.present[block] === 1]
      const pilot = pilotIndex(x, y, places.length)
      blockSums.fill(0)
      addProducts(blockSums, 0, UNITS.first, sight.blocks, SEEN.block * block, SEEN.block, first.weight, SEEN.line)
      for (let i = 0; i < places.length; i++) {
        if (i === pilot) continue
        const width = bits[i]!
        // What is not there stays unknown.
        if (isPresent) {
          sight.own(from, i, hand, slot, own)
          for (let unit = 0; unit < UNITS.first; unit++)
            hidden[unit] = lineSums[i * UNITS.first + unit]! + blockSums[unit]!
          addProducts(hidden, 0, UNITS.first, own, 0, SEEN.own, first.weight, SEEN.line + SEEN.block)
          for (let unit = 0; unit < UNITS.first; unit++) if (hidden[unit]! < 0) hidden[unit]! *= UNITS.slope
          deeper.set(second.bias)
          addProducts(deeper, 0, UNITS.second, hidden, 0, UNITS.first, second.weight, 0)
          for (let unit = 0; unit < UNITS.second; unit++) if (deeper[unit]! < 0) deeper[unit]! *= UNITS.slope
          for (let bit = 0; bit < width; bit++) {
            let [times, plus] = [last.bias[bit]!, last.bias[MOST_BITS + bit]!]
            for (let unit = 0; unit < UNITS.second; unit++) {
              times += deeper[unit]! * last.weight[unit * 2 * MOST_BITS + bit]!
              plus += deeper[unit]! * last.weight[unit * 2 * MOST_BITS + MOST_BITS + bit]!
            }
            const told = hand[slot + bit]! * (1 + OUTPUT.times * times) + LLR_SCALE * OUTPUT.plus * plus
            out[slot + bit] = Math.max(-127, Math.min(127, Math.round(told)))
          }
        }
        slot += width
      }
    }
  return out
}

/** Adds what some inputs contribute to sums: `weight` has a row for each input, of which the first is `row`. */
function addProducts(
  sums: Float64Array,
  to: number,
  units: number,
  inputs: Float32Array | Float64Array,
  from: number,
  count: number,
  weight: Float32Array,
  row: number,
): void {
  for (let k = 0; k < count; k++) {
    const [input, at] = [inputs[from + k]!, (row + k) * units]
    for (let unit = 0; unit < units; unit++) sums[to + unit]! += input * weight[at + unit]!
  }
}
