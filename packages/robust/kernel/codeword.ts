// Codewords on WebAssembly SIMD: built by `npm run kernel`. Bit for bit what `addParity` in `../src/ldpc/encode.ts`
// and `PlainDecoder` in `../src/ldpc/decode.ts` do, which the tests hold it to. The checks of one row of circulants
// share no bit, so as many of them as a vector holds are done at once. Addresses are of this module's memory.

const LIFT: usize = 360
const VECTOR: usize = 16
/** A column is held twice over: whatever its shift, its bits lie in a row. */
const COLUMN: usize = 4 * LIFT
const LARGEST: i16 = 4095
const OFFSET: i16 = 4

/**
 * @param likelihoods of all bits, and of the bit that is always 0 behind them: in, and out
 * @param columns room for `count` columns, twice each
 * @param edges of each row `degree` pairs of 32 bits: where the column begins, in bytes, and its shift. The last one
 *   of the first row is the column before it by one, whose first bit is the one that is always 0
 * @param messages room for all of them
 * @param held room for `degree` vectors
 * @returns rounds that it took; 0 if not all checks hold
 */
export function decode(
  likelihoods: usize,
  columns: usize,
  count: usize,
  edges: usize,
  rows: usize,
  degree: usize,
  messages: usize,
  held: usize,
  mostRounds: i32,
): i32 {
  memory.fill(messages, 0, rows * degree * LIFT * 2)
  for (let c: usize = 0; c < count; c++) {
    memory.copy(columns + c * COLUMN, likelihoods + c * 2 * LIFT, 2 * LIFT)
    memory.copy(columns + c * COLUMN + 2 * LIFT, likelihoods + c * 2 * LIFT, 2 * LIFT)
  }
  const always = likelihoods + count * 2 * LIFT
  store<i16>(always, LARGEST)
  let rounds = 0
  for (let round = 1; round <= mostRounds; round++)
    if (pass(columns, edges, rows, degree, messages, held, always) && holds(columns, edges, rows, degree, always)) {
      rounds = round
      break
    }
  for (let c: usize = 0; c < count; c++) memory.copy(likelihoods + c * 2 * LIFT, columns + c * COLUMN, 2 * LIFT)
  return rounds
}

/** Where the bits of an edge begin. */
function bitsOf(columns: usize, edge: usize): usize {
  return columns + load<u32>(edge) + 2 * load<u32>(edge, 4)
}

function pass(
  columns: usize,
  edges: usize,
  rows: usize,
  degree: usize,
  messages: usize,
  held: usize,
  always: usize,
): bool {
  const largest = i16x8.splat(LARGEST)
  const least = i16x8.splat(-LARGEST)
  const offset = i16x8.splat(OFFSET)
  const zero = i16x8.splat(0)
  let wrong = zero
  const end = held + degree * VECTOR
  for (let row: usize = 0; row < rows; row++, edges += 8 * degree) {
    const odd = row === 0 ? bitsOf(columns, edges + 8 * (degree - 1)) : 0
    const kept: i16 = odd ? load<i16>(odd) : 0
    if (odd) store<i16>(odd, load<i16>(always))
    for (let z: usize = 0; z < 2 * LIFT; z += VECTOR) {
      let first = largest
      let second = largest
      let signs = zero
      let edge = edges
      for (let to = held; to < end; to += VECTOR, edge += 8, messages += VECTOR) {
        const value = i16x8.sub(v128.load(bitsOf(columns, edge) + z), v128.load(messages))
        v128.store(to, value)
        signs = v128.xor(signs, value)
        const size = i16x8.abs(value)
        second = i16x8.min_s(second, i16x8.max_s(first, size))
        first = i16x8.min_s(first, size)
      }
      const forFirst = i16x8.max_s(i16x8.sub(second, offset), zero)
      const forOthers = i16x8.max_s(i16x8.sub(first, offset), zero)
      let parity = zero
      edge = edges
      messages -= degree * VECTOR
      for (let from = held; from < end; from += VECTOR, edge += 8, messages += VECTOR) {
        const value = v128.load(from)
        const flip = i16x8.shr_s(v128.xor(signs, value), 15)
        const size = v128.bitselect(forFirst, forOthers, i16x8.eq(i16x8.abs(value), first))
        const message = i16x8.sub(v128.xor(size, flip), flip)
        v128.store(messages, message)
        const sum = i16x8.add(value, message)
        parity = v128.xor(parity, sum)
        v128.store(bitsOf(columns, edge) + z, i16x8.max_s(i16x8.min_s(sum, largest), least))
      }
      wrong = v128.or(wrong, parity)
    }
    if (odd) {
      store<i16>(always, load<i16>(odd))
      store<i16>(odd, kept)
    }
    for (let i: usize = 0; i < degree; i++) {
      const column = columns + load<u32>(edges + 8 * i)
      const shift = 2 * load<u32>(edges + 8 * i, 4)
      memory.copy(column, column + 2 * LIFT, shift)
      memory.copy(column + 2 * LIFT + shift, column + shift, 2 * LIFT - shift)
    }
  }
  return i16x8.bitmask(wrong) === 0
}

function holds(columns: usize, edges: usize, rows: usize, degree: usize, always: usize): bool {
  let wrong = i16x8.splat(0)
  for (let row: usize = 0; row < rows; row++, edges += 8 * degree) {
    const odd = row === 0 ? bitsOf(columns, edges + 8 * (degree - 1)) : 0
    const kept: i16 = odd ? load<i16>(odd) : 0
    if (odd) store<i16>(odd, load<i16>(always))
    for (let z: usize = 0; z < 2 * LIFT; z += VECTOR) {
      let signs = i16x8.splat(0)
      for (let i: usize = 0; i < degree; i++) signs = v128.xor(signs, v128.load(bitsOf(columns, edges + 8 * i) + z))
      wrong = v128.or(wrong, signs)
    }
    if (odd) store<i16>(odd, kept)
  }
  return i16x8.bitmask(wrong) === 0
}

/**
 * Puts the parity behind the data of a codeword, a byte a bit.
 * @param columns room for twice the data
 * @param edges as for `decode`
 */
export function encode(codeword: usize, columns: usize, count: usize, edges: usize, rows: usize, degree: usize): void {
  const data = count - rows
  for (let c: usize = 0; c < data; c++) {
    memory.copy(columns + c * 2 * LIFT, codeword + c * LIFT, LIFT)
    memory.copy(columns + c * 2 * LIFT + LIFT, codeword + c * LIFT, LIFT)
  }
  const parity = codeword + data * LIFT
  for (let row: usize = 0; row < rows; row++, edges += 8 * degree)
    // The last vector of a row reaches into the next one, which is written after it.
    for (let z: usize = 0; z < LIFT; z += VECTOR) {
      let sum = i8x16.splat(0)
      for (let edge = edges; edge < edges + 8 * (degree - 2); edge += 8)
        sum = v128.xor(sum, v128.load(columns + load<u32>(edge) / 2 + load<u32>(edge, 4) + z))
      v128.store(parity + row * LIFT + z, sum)
    }
  let sum: u8 = 0
  for (let z: usize = 0; z < LIFT; z++)
    for (let at = parity + z; at < parity + rows * LIFT; at += LIFT) {
      sum ^= load<u8>(at)
      store<u8>(at, sum)
    }
}
