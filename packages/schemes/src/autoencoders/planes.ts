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
  scrambled,
  trailingBytes,
  trajectory,
  unscrambled,
} from '../chaos/index.ts'
import { xorInto } from '../contract/bytewise.ts'
import type { PlaneCipher } from './cipher.ts'
import { HALVING } from './network.ts'

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

/** Codes of one place of the auto-encoder: a square of two by two samples of its plane. */
const CODES = HALVING ** 2
/** Mirrors whose product is the parameter matrix. */
const MIRRORS = 4

/**
 * In the spirit of Wang and Lo 2024: the four codes of each place are multiplied by a matrix that a logistic map makes
 * under the key, and places change by the order of its states. The synthesis network begins with the inverse, which is
 * the same as replacing the parameters of its first layer: without the key those that it has are of no use. Codes
 * become bytes again, so that what comes back errs by a level or two.
 */
export const replacedParameters: PlaneCipher = {
  async encrypt(bytes, { key, width, height }) {
    const { matrix, order } = await parameters(key, width, height)
    return scrambled(mixed(bytes, width, matrix, 0.5), order)
  },
  async decrypt(bytes, { key, width, height }) {
    const { matrix, order } = await parameters(key, width, height)
    const inverse = matrix.map((_, i) => matrix[(i % CODES) * CODES + Math.floor(i / CODES)]!)
    return mixed(unscrambled(bytes, order), width, inverse, 2)
  },
}

async function parameters(key: Uint8Array, width: number, height: number) {
  const [u, v] = await chaoticSeeds(key, 'wang-lo-2024', 2)
  const states = orbit(logisticMap, ...chaoticStart(logisticMap, u!, v!), MIRRORS * CODES + (width * height) / CODES)
  const places = chaoticOrder(states.subarray(MIRRORS * CODES))
  const [across, order] = [width / HALVING, new Uint32Array(width * height)]
  for (const [to, from] of places.entries())
    for (let c = 0; c < CODES; c++) order[codeAt(to, c, across)] = codeAt(from, c, across)
  return { matrix: orthogonal(states.subarray(0, MIRRORS * CODES)), order }
}

/** Where the c-th code of a place lies in the plane. */
const codeAt = (place: number, c: number, across: number): number =>
  (HALVING * Math.floor(place / across) + Math.floor(c / HALVING)) * across * HALVING +
  HALVING * (place % across) +
  (c % HALVING)

/** An orthogonal matrix, row by row: a product of mirrors, whose normals are the states less one half. */
function orthogonal(states: Float64Array): Float64Array {
  let product = Float64Array.from({ length: CODES ** 2 }, (_, i) => (i % (CODES + 1) === 0 ? 1 : 0))
  for (let m = 0; m < MIRRORS; m++) {
    const normal = states.subarray(m * CODES, (m + 1) * CODES).map(x => x - 0.5)
    const square = normal.reduce((sum, x) => sum + x * x, 0)
    product = product.map((value, i) => {
      const [row, column] = [Math.floor(i / CODES), i % CODES]
      const along = normal.reduce((sum, x, k) => sum + x * product[k * CODES + column]!, 0)
      return value - (2 * normal[row]! * along) / square
    })
  }
  return product
}

/** Each place's codes, from the middle of their range, through a matrix and a gain. */
function mixed(bytes: Uint8Array, width: number, matrix: Float64Array, gain: number): Uint8Array {
  const out = new Uint8Array(bytes.length)
  const across = width / HALVING
  for (let place = 0; place < bytes.length / CODES; place++)
    for (let row = 0; row < CODES; row++) {
      let sum = 0
      for (let c = 0; c < CODES; c++) sum += matrix[row * CODES + c]! * (bytes[codeAt(place, c, across)]! - 127.5)
      out[codeAt(place, row, across)] = Math.floor(Math.min(255, Math.max(0, 127.5 + gain * sum)) + 0.5)
    }
  return out
}
