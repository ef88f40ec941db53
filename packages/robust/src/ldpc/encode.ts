import { type Code, CODEWORD_BITS, LIFT } from './code.ts'

/**
 * Puts the parity behind the data of a codeword.
 * @param codeword one bit an element; the first ones are the data
 */
export function addParity({ columns, rows }: Code, codeword: Uint8Array): void {
  const parityAt = CODEWORD_BITS - rows * LIFT
  const parity = codeword.subarray(parityAt)
  parity.fill(0)
  columns.forEach((column, index) => {
    const from = index * LIFT
    for (const { row, shift } of column) {
      const to = row * LIFT
      for (let z = 0; z < LIFT - shift; z++) parity[to + z]! ^= codeword[from + z + shift]!
      for (let z = LIFT - shift; z < LIFT; z++) parity[to + z]! ^= codeword[from + z + shift - LIFT]!
    }
  })
  // The accumulator: each parity bit is the sum of the one before it and its check. Rows run fastest.
  let sum = 0
  for (let z = 0; z < LIFT; z++)
    for (let row = 0; row < rows; row++) {
      sum ^= parity[row * LIFT + z]!
      parity[row * LIFT + z] = sum
    }
}
