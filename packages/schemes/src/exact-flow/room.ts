import { argumentError } from '@latent/core'
import { MIN_TILE_BYTES } from './description.ts'
import { INPUT_ROW_BYTES, MAP_ROW_BYTES, MOST_ROWS, POSITIONS, ROW_BYTES } from './network.ts'
import { HALF_CHANNELS, MAP_CHANNELS } from './weights.ts'

const UNIT = 3

/** The two halves of a tile, by name. */
export type Half = 'x' | 'y'

/**
 * Where one tile is worked on, and what is done to its bytes around the networks. There are two: this plain one says
 * what is meant, and that of `kernel.ts` is fast. Both give equal bytes.
 */
export interface Room {
  readonly tile: Uint8Array
  readonly x: Uint8Array
  readonly y: Uint8Array
  /** A bit a pair of units, low bits first. */
  readonly bits: Uint8Array
  /** Whitening, as long as the half that it is for; behind it the secret map of whole rows. */
  readonly stream: Uint8Array
  /** What a network takes and what it gives, of as many rows as any takes at once. */
  readonly input: Uint8Array
  readonly output: Uint8Array
  /** Network rows of a half, the last one filled with zeros. */
  readonly rows: number
  /** Pair p of the tile sends its first unit to X if bit p is 0, else its second; what is no pair goes to X. */
  split(): void
  /** The inverse of {@link Room.split}. */
  merge(): void
  /** Fills the input: of each block the bytes of the half, then those of the map. */
  join(source: Half, firstRow: number, rows: number, block: number): void
  /** Adds output and whitening to rows of a half, byte by byte modulo 256. */
  add(target: Half, firstRow: number, rows: number): void
  /** The inverse of {@link Room.add}. */
  subtract(target: Half, firstRow: number, rows: number): void
}

/** Makes rooms: one at a time, whose memory the next one may take over. */
export type Rooms = (length: number) => Room

/** How a tile is divided. */
export interface Measures {
  readonly pairs: number
  readonly xLength: number
  readonly yLength: number
  readonly rows: number
}

/** Units go in pairs, one to each half; a last odd unit and odd bytes go to X. @throws E_ARGUMENT below 32 bytes */
export function measuresOf(length: number): Measures {
  if (length < MIN_TILE_BYTES) throw argumentError('tile', `at least ${MIN_TILE_BYTES} bytes`, length)
  const pairs = Math.floor(length / (2 * UNIT))
  const xLength = length - pairs * UNIT
  return { pairs, xLength, yLength: pairs * UNIT, rows: Math.ceil(xLength / ROW_BYTES) }
}

/** Bytes of every array of a room. */
export const roomSizes = (length: number, { pairs, xLength, rows }: Measures) => ({
  tile: length,
  bits: Math.ceil(pairs / 8),
  x: rows * ROW_BYTES,
  y: rows * ROW_BYTES,
  stream: xLength + rows * MAP_ROW_BYTES,
  input: Math.min(rows, MOST_ROWS) * INPUT_ROW_BYTES,
  output: Math.min(rows, MOST_ROWS) * ROW_BYTES,
})

/** Rooms in plain JavaScript. */
export const plainRooms: Rooms = length => {
  const measures = measuresOf(length)
  const { pairs, xLength, yLength, rows } = measures
  const sizes = roomSizes(length, measures)
  const tile = new Uint8Array(sizes.tile)
  const bits = new Uint8Array(sizes.bits)
  const stream = new Uint8Array(sizes.stream)
  const input = new Uint8Array(sizes.input)
  const output = new Uint8Array(sizes.output)
  const padded = { x: new Uint8Array(sizes.x), y: new Uint8Array(sizes.y) }
  const x = padded.x.subarray(0, xLength)
  const y = padded.y.subarray(0, yLength)
  const halves = { x, y }

  /** By bytes of the paired units: their place in the halves, and where the ones of X and of Y are in the tile. */
  function paired(move: (place: number, ofX: number, ofY: number) => void): void {
    for (let p = 0; p < pairs; p++) {
      const [start, swap] = [2 * UNIT * p, ((bits[p >>> 3]! >>> (p & 7)) & 1) * UNIT]
      for (let i = 0; i < UNIT; i++) move(UNIT * p + i, start + swap + i, start + UNIT - swap + i)
    }
  }

  function combine(target: Half, firstRow: number, count: number, sign: 1 | -1): void {
    const [half, start] = [halves[target], firstRow * ROW_BYTES]
    const end = Math.min(half.length, start + count * ROW_BYTES)
    for (let i = start; i < end; i++) half[i]! += sign * (output[i - start]! + stream[i]!)
  }

  return {
    tile,
    ...halves,
    bits,
    stream,
    input,
    output,
    rows,
    split() {
      paired((place, ofX, ofY) => {
        x[place] = tile[ofX]!
        y[place] = tile[ofY]!
      })
      x.set(tile.subarray(2 * yLength), yLength)
    },
    merge() {
      paired((place, ofX, ofY) => {
        tile[ofX] = x[place]!
        tile[ofY] = y[place]!
      })
      tile.set(x.subarray(yLength), 2 * yLength)
    },
    join(source, firstRow, count, block) {
      const [half, map] = [block * HALF_CHANNELS, block * MAP_CHANNELS]
      const maps = stream.subarray(otherOf(source) === 'x' ? xLength : yLength)
      for (let place = 0; place < (count * POSITIONS) / block; place++) {
        const from = (firstRow * POSITIONS) / block + place
        const at = place * (half + map)
        input.set(padded[source].subarray(from * half, (from + 1) * half), at)
        input.set(maps.subarray(from * map, (from + 1) * map), at + half)
      }
    },
    add: (target, firstRow, count) => combine(target, firstRow, count, 1),
    subtract: (target, firstRow, count) => combine(target, firstRow, count, -1),
  }
}

/** The other half. */
export const otherOf = (half: Half): Half => (half === 'x' ? 'y' : 'x')
