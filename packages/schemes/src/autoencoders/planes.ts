import {
  chaoticOrder,
  chaoticSeeds,
  chaoticStart,
  DNA_RULES,
  dnaAdd,
  dnaDecoding,
  dnaEncoding,
  dnaSubtract,
  logisticMap,
  lorenzSystem,
  orbit,
  trailingBytes,
  trajectory,
} from '../chaos/index.ts'
import { xorInto } from '../contract/bytewise.ts'
import type { PlaneCipher } from './cipher.ts'

const VALUES = 256
const BOXES = 3

/**
 * In the spirit of Fawad et al. 2022: bases of a chaotic key stream are added to the DNA of each byte, and one of three
 * S-boxes, which chaos orders and picks, replaces what comes of it.
 */
export const dnaAndBoxes: PlaneCipher = {
  async encrypt(bytes, { key }) {
    const { boxes, stream, rules, picks } = await dna(key, bytes.length)
    return bytes.map((byte, i) => {
      const bases = dnaAdd(dnaEncoding[rules[i]! % DNA_RULES]![byte]!, stream[i]!)
      return boxes[picks[i]! % BOXES]!.box[dnaDecoding[rules[i]! % DNA_RULES]![bases]!]!
    })
  },
  async decrypt(bytes, { key }) {
    const { boxes, stream, rules, picks } = await dna(key, bytes.length)
    return bytes.map((byte, i) => {
      const rule = rules[i]! % DNA_RULES
      return dnaDecoding[rule]![dnaSubtract(dnaEncoding[rule]![boxes[picks[i]! % BOXES]!.inverse[byte]!]!, stream[i]!)]!
    })
  },
}

async function dna(key: Uint8Array, length: number) {
  const seeds = await chaoticSeeds(key, 'fawad-2022', 5)
  const [x, y, z] = trajectory(lorenzSystem, seeds, length)
  const states = orbit(logisticMap, ...chaoticStart(logisticMap, seeds[3]!, seeds[4]!), BOXES * VALUES)
  const boxes = Array.from({ length: BOXES }, (_, b) => {
    const box = Uint8Array.from(chaoticOrder(states.subarray(b * VALUES, (b + 1) * VALUES)))
    const inverse = new Uint8Array(VALUES)
    for (const [value, to] of box.entries()) inverse[to] = value
    return { box, inverse }
  })
  return { boxes, stream: trailingBytes(x!), rules: trailingBytes(y!), picks: trailingBytes(z!) }
}

/**
 * In the spirit of Chen et al. 2020: rows and then columns slide round by as much as chaos says, and bytes are XORed
 * with its stream.
 */
export const slidAndMasked: PlaneCipher = {
  async encrypt(bytes, { key, width, height }) {
    const { rows, columns, stream } = await slides(key, width, height)
    return xorInto(slid(slid(bytes, width, height, rows, 'rows', 1), width, height, columns, 'columns', 1), stream)
  },
  async decrypt(bytes, { key, width, height }) {
    const { rows, columns, stream } = await slides(key, width, height)
    const bare = xorInto(bytes, stream)
    return slid(slid(bare, width, height, columns, 'columns', -1), width, height, rows, 'rows', -1)
  },
}

async function slides(key: Uint8Array, width: number, height: number) {
  const [u, v] = await chaoticSeeds(key, 'chen-2020', 2)
  const states = orbit(logisticMap, ...chaoticStart(logisticMap, u!, v!), width * height + width + height)
  const by = (side: number) => (x: number) => Math.floor(x * side)
  return {
    rows: states.slice(0, height).map(by(width)),
    columns: states.slice(height, height + width).map(by(height)),
    stream: trailingBytes(states.subarray(width + height)),
  }
}

/** Each row, or each column, turned round by so many places, or back. */
function slid(
  bytes: Uint8Array,
  width: number,
  height: number,
  by: Float64Array,
  which: 'rows' | 'columns',
  sign: 1 | -1,
): Uint8Array {
  const out = new Uint8Array(bytes.length)
  const round = (place: number, side: number) => ((place % side) + side) % side
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [toX, toY] = which === 'rows' ? [round(x + sign * by[y]!, width), y] : [x, round(y + sign * by[x]!, height)]
      out[toY * width + toX] = bytes[y * width + x]!
    }
  return out
}
