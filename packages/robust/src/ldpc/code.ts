import { Draws } from '../draws.ts'

/**
 * The low-density parity-check codes of the robust carrier: irregular repeat-accumulate codes (Jin, Khandekar and
 * McEliece, 2000) made of circulants of {@link LIFT} bits. All codewords have {@link CODEWORD_BITS} bits: data first,
 * parity behind them. The degrees are those that are known to come within 0.7 dB of the limit at this length; rows and
 * shifts are our own: drawn, and drawn again where they would close a cycle of four.
 */
export const LIFT = 360
const COLUMNS = 180
/** Bits of a codeword. */
export const CODEWORD_BITS = LIFT * COLUMNS

/** Names of the codes: data bits per coded bit. */
export type Rate = '1/2' | '3/5' | '2/3' | '3/4' | '4/5' | '5/6'

/** Of how many columns of data which degree is; all others have degree 3. */
const FAMILY: Readonly<Record<Rate, { readonly rows: number; readonly heavy: number; readonly degree: number }>> = {
  '1/2': { rows: 90, heavy: 36, degree: 8 },
  '3/5': { rows: 72, heavy: 36, degree: 12 },
  '2/3': { rows: 60, heavy: 12, degree: 13 },
  '3/4': { rows: 45, heavy: 15, degree: 12 },
  '4/5': { rows: 36, heavy: 18, degree: 11 },
  '5/6': { rows: 30, heavy: 15, degree: 13 },
}

/** All rates, the most redundant first. */
export const RATES = Object.keys(FAMILY) as readonly Rate[]

/** Data bits of a codeword. */
export const dataBits = (rate: Rate): number => CODEWORD_BITS - FAMILY[rate].rows * LIFT

/** A circulant: check `z` of its row of checks holds bit `(z + shift) mod LIFT` of its column. */
export interface Circulant {
  readonly row: number
  readonly shift: number
}

/** A code: the circulants of each column of data. What holds the parity together is the same everywhere. */
export interface Code {
  readonly rate: Rate
  readonly rows: number
  /** Bits in each check, those of parity included. */
  readonly checkDegree: number
  readonly columns: readonly (readonly Circulant[])[]
}

const codes = new Map<Rate, Code>()

/** The code of a rate. Made once, in some milliseconds. */
export function codeOf(rate: Rate): Code {
  const made = codes.get(rate) ?? construct(rate)
  codes.set(rate, made)
  return made
}

/**
 * Columns in order, heavy ones first. Each takes the rows that have fewest circulants yet, ties by a draw; each
 * shift is
 * drawn until no two columns meet twice: for two rows, the difference of a column's shifts must be its own. The
 * accumulator has the differences 0 of neighbouring rows, and 1 of the last and the first.
 */
function construct(rate: Rate): Code {
  const { rows, heavy, degree } = FAMILY[rate]
  const draws = new Draws(0x4c44_5043 + rows)
  const filled = new Uint32Array(rows)
  const taken = new Set<number>()
  const key = (a: number, b: number, difference: number) => (a * rows + b) * LIFT + ((difference + LIFT) % LIFT)
  for (let row = 0; row + 1 < rows; row++) taken.add(key(row, row + 1, 0))
  taken.add(key(0, rows - 1, LIFT - 1))

  const columns = Array.from({ length: COLUMNS - rows }, (_, index) => {
    const wanted = index < heavy ? degree : 3
    const chosen = [...draws.permutation(rows)].sort((a, b) => filled[a]! - filled[b]!).slice(0, wanted)
    chosen.sort((a, b) => a - b)
    const column: Circulant[] = []
    for (const row of chosen) {
      filled[row]!++
      let shift: number
      do shift = draws.below(LIFT)
      while (column.some(other => taken.has(key(other.row, row, other.shift - shift))))
      for (const other of column) taken.add(key(other.row, row, other.shift - shift))
      column.push({ row, shift })
    }
    return column
  })
  const edges = heavy * degree + (COLUMNS - rows - heavy) * 3
  return { rate, rows, checkDegree: edges / rows + 2, columns }
}
