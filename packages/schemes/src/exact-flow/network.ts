import { HALF_CHANNELS, inputsOf, type Layer, MAP_CHANNELS, type Weights } from './weights.ts'

/** Positions in one row of a network's picture. */
export const POSITIONS = 128
/** Bytes of one half of a tile in one row. */
export const ROW_BYTES = POSITIONS * HALF_CHANNELS
/** Bytes of the map, key stream for the network, in one row. */
export const MAP_ROW_BYTES = POSITIONS * MAP_CHANNELS
/** Bytes of a row as the network takes it: of each block the half's bytes, then the map's. */
export const INPUT_ROW_BYTES = POSITIONS * inputsOf(1)
/**
 * A half is cut into pictures of at most this many rows, each padded with zeros on its own: small
 * enough that activations stay in cache and ONNX Runtime's arenas stay small (17 MB for four
 * sessions instead of 95 with whole halves, at the same speed).
 */
export const PICTURE_ROWS = 32
/**
 * What networks take at most at once. More would hardly be quicker, and what ONNX Runtime keeps for its sessions grows
 * with it.
 */
export const MOST_ROWS = 64

/**
 * How many rows the networks take at once: a picture, or more of them where no row sees another, so that its edges are
 * nowhere.
 */
export const rowsAtOnce = ({ networks }: Weights): number =>
  networks.every(layers => layers.every(({ kernel: [height] }) => height === 1)) ? MOST_ROWS : PICTURE_ROWS

/**
 * The round networks on some backend. All backends give equal bytes.
 *
 * `rows` is 1 to {@link rowsAtOnce}. `input` holds `rows * 128` positions in blocks of b: 12b channels of the half,
 * then 4b of the secret map, channels last; `output` takes as many blocks of 12b channels. What a kernel sees beyond
 * the edges is zero.
 */
export interface RoundNetworks {
  readonly backend: string
  readonly weights: Weights
  run(round: number, input: Uint8Array, rows: number, output: Uint8Array): Promise<void>
  close(): Promise<void>
}

/**
 * The plain loop: no dependency, no speed, and the definition of what every other backend must give.
 */
export function loopNetworks(weights: Weights): RoundNetworks {
  return {
    backend: 'loop',
    weights,
    run(round, input, rows, output) {
      const columns = POSITIONS / weights.block
      output.set(weights.networks[round]!.reduce((bytes, layer) => convolve(layer, bytes, rows, columns), input))
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

/** Zeros: what is left of the cipher are its key streams. */
export function silentNetworks(weights: Weights): RoundNetworks {
  return {
    backend: 'none',
    weights,
    run: (_round, _input, _rows, output) => Promise.resolve(void output.fill(0)),
    close: () => Promise.resolve(),
  }
}

function convolve(
  { inputs, outputs, kernel: [height, width], weights, bias, shift }: Layer,
  input: Uint8Array,
  rows: number,
  columns: number,
): Uint8Array {
  const output = new Uint8Array(rows * columns * outputs)
  const taps = height * width
  // Outputs of one tap side by side: the inner loop then runs over neighbours.
  const byTap = Int32Array.from({ length: weights.length }, (_, j) => {
    const [o, i, tap] = [j % outputs, Math.floor(j / outputs) % inputs, Math.floor(j / (outputs * inputs))]
    return weights[(o * inputs + i) * taps + tap]!
  })
  const sums = new Int32Array(outputs)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      sums.set(bias)
      for (let ky = 0; ky < height; ky++) {
        for (let kx = 0; kx < width; kx++) {
          const [sy, sx] = [y + ky - (height >> 1), x + kx - (width >> 1)]
          if (sy < 0 || sy >= rows || sx < 0 || sx >= columns) continue
          for (let i = 0; i < inputs; i++) {
            const value = input[(sy * columns + sx) * inputs + i]!
            const tap = ((ky * width + kx) * inputs + i) * outputs
            for (let o = 0; o < outputs; o++) sums[o]! += value * byTap[tap + o]!
          }
        }
      }
      for (let o = 0; o < outputs; o++) {
        output[(y * columns + x) * outputs + o] = Math.min(255, Math.max(0, shiftHalfEven(sums[o]!, shift)))
      }
    }
  }
  return output
}

/** value / 2^shift, rounded to nearest, ties to even. */
export function shiftHalfEven(value: number, shift: number): number {
  if (shift === 0) return value
  const floor = value >> shift
  const rest = value - floor * 2 ** shift
  const half = 2 ** (shift - 1)
  return floor + (rest > half || (rest === half && (floor & 1) === 1) ? 1 : 0)
}
