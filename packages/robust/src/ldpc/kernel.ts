import { type Code, CODEWORD_BITS, codeOf, LIFT, type Rate } from './code.ts'
import { openKernel } from '../kernel-memory.ts'
import { addParity } from './encode.ts'
import { type LdpcDecoder, PlainDecoder } from './decode.ts'
import { KERNEL } from './kernel-module.ts'

/** What `kernel/codeword.ts` exports; every argument but counts is an address. */
interface Kernel {
  encode(codeword: number, columns: number, count: number, edges: number, rows: number, degree: number): void
  decode(
    likelihoods: number,
    columns: number,
    count: number,
    edges: number,
    rows: number,
    degree: number,
    messages: number,
    held: number,
    mostRounds: number,
  ): number
}

/** Bytes of a column as the kernel holds it: every bit twice, in 16 bits. */
const COLUMN_BYTES = 4 * LIFT
/** Whole vectors are read and written, of which the last may lie behind an array. */
const SLACK = 16

/** A decoder on WebAssembly SIMD, or a plain one where that does not run (no SIMD, or not allowed). */
export function openDecoder(rate: Rate): LdpcDecoder {
  const code = codeOf(rate)
  try {
    return kernelDecoder(code)
  } catch {
    return new PlainDecoder(code)
  }
}

/** Puts the parity behind the data of one codeword after the other. */
export interface LdpcEncoder {
  /** One bit an element; the first ones are the data. */
  readonly codeword: Uint8Array
  addParity(): void
}

/** As {@link openDecoder}. */
export function openEncoder(rate: Rate): LdpcEncoder {
  const code = codeOf(rate)
  try {
    return kernelEncoder(code)
  } catch {
    const codeword = new Uint8Array(CODEWORD_BITS)
    return { codeword, addParity: () => addParity(code, codeword) }
  }
}

function kernelEncoder(code: Code): LdpcEncoder {
  const { rows, checkDegree: degree } = code
  const count = CODEWORD_BITS / LIFT
  const { kernel, buffer, at } = openKernel<Kernel, 'codeword' | 'columns' | 'edges'>(KERNEL, {
    codeword: CODEWORD_BITS + SLACK,
    columns: (count - rows) * 2 * LIFT + SLACK,
    edges: 8 * rows * degree,
  })
  new Uint32Array(buffer, at.edges, 2 * rows * degree).set(edgesOf(code))
  return {
    codeword: new Uint8Array(buffer, at.codeword, CODEWORD_BITS),
    addParity: () => kernel.encode(at.codeword, at.columns, count, at.edges, rows, degree),
  }
}

function kernelDecoder(code: Code): LdpcDecoder {
  const { rows, checkDegree: degree } = code
  const count = CODEWORD_BITS / LIFT
  const { kernel, buffer, at } = openKernel<Kernel, 'likelihoods' | 'columns' | 'edges' | 'messages' | 'held'>(KERNEL, {
    likelihoods: 2 * (CODEWORD_BITS + 1),
    columns: count * COLUMN_BYTES,
    edges: 8 * rows * degree,
    messages: 2 * rows * degree * LIFT,
    held: 16 * degree,
  })
  new Uint32Array(buffer, at.edges, 2 * rows * degree).set(edgesOf(code))
  return {
    likelihoods: new Int16Array(buffer, at.likelihoods, CODEWORD_BITS + 1),
    decode(most) {
      const { likelihoods, columns, edges, messages, held } = at
      const rounds = kernel.decode(likelihoods, columns, count, edges, rows, degree, messages, held, most)
      return rounds > 0 ? { ok: true, rounds } : { ok: false, rounds: most }
    },
  }
}

/** Of each row of checks, by column: where in the kernel's columns it begins, and its shift. Parity comes last. */
function edgesOf({ columns, rows }: Code): number[] {
  const edges: number[][] = Array.from({ length: rows }, () => [])
  const parity = (row: number) => COLUMN_BYTES * (columns.length + row)
  columns.forEach((column, index) => {
    for (const { row, shift } of column) edges[row]!.push(COLUMN_BYTES * index, shift)
  })
  // Before the first row stands the last one, a bit earlier.
  edges.forEach((edge, row) => {
    edge.push(parity(row), 0, ...(row > 0 ? [parity(row - 1), 0] : [parity(rows - 1), LIFT - 1]))
  })
  return edges.flat()
}
