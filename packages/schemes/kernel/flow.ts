// The byte work of a tile, on WebAssembly SIMD: built by `npm run kernel`. Addresses are of this module's memory, in
// which the caller keeps 16 bytes of room behind every array. Each function does what its namesake in
// `../src/exact-flow/plain-bytes.ts` does, which the tests hold it to.

const UNIT: usize = 3

/** By two bits: where the bytes of two pairs of units (12) go, X in the lower half, Y in the upper one; 128 is zero. */
const SPLIT = memory.data<u8>(
  [
    0, 1, 2, 6, 7, 8, 128, 128, 3, 4, 5, 9, 10, 11, 128, 128, 3, 4, 5, 6, 7, 8, 128, 128, 0, 1, 2, 9, 10, 11, 128, 128,
    0, 1, 2, 9, 10, 11, 128, 128, 3, 4, 5, 6, 7, 8, 128, 128, 3, 4, 5, 9, 10, 11, 128, 128, 0, 1, 2, 6, 7, 8, 128, 128,
  ],
  16,
)
/** The way back: X in bytes 0 to 7, Y in 8 to 15. */
const MERGE = memory.data<u8>(
  [
    0, 1, 2, 8, 9, 10, 3, 4, 5, 11, 12, 13, 128, 128, 128, 128, 8, 9, 10, 0, 1, 2, 3, 4, 5, 11, 12, 13, 128, 128, 128,
    128, 0, 1, 2, 8, 9, 10, 11, 12, 13, 3, 4, 5, 128, 128, 128, 128, 8, 9, 10, 0, 1, 2, 11, 12, 13, 3, 4, 5, 128, 128,
    128, 128,
  ],
  16,
)

export function split(tile: usize, bits: usize, pairs: usize, x: usize, y: usize): void {
  const even = pairs & ~1
  for (let p: usize = 0; p < even; p += 2) {
    const swap = ((<usize>load<u8>(bits + (p >> 3))) >> (p & 7)) & 3
    const halves = v128.swizzle(v128.load(tile), v128.load(SPLIT + (swap << 4)))
    v128.store64_lane(x, halves, 0)
    v128.store64_lane(y, halves, 1)
    tile += 4 * UNIT
    x += 2 * UNIT
    y += 2 * UNIT
  }
  if (even < pairs) {
    const swap = (((<usize>load<u8>(bits + (even >> 3))) >> (even & 7)) & 1) * UNIT
    memory.copy(x, tile + swap, UNIT)
    memory.copy(y, tile + UNIT - swap, UNIT)
  }
}

export function merge(tile: usize, bits: usize, pairs: usize, x: usize, y: usize): void {
  const even = pairs & ~1
  for (let p: usize = 0; p < even; p += 2) {
    const swap = ((<usize>load<u8>(bits + (p >> 3))) >> (p & 7)) & 3
    const halves = v128.load64_lane(y, v128.load64_zero(x), 1)
    v128.store(tile, v128.swizzle(halves, v128.load(MERGE + (swap << 4))))
    tile += 4 * UNIT
    x += 2 * UNIT
    y += 2 * UNIT
  }
  if (even < pairs) {
    const swap = (((<usize>load<u8>(bits + (even >> 3))) >> (even & 7)) & 1) * UNIT
    memory.copy(tile + swap, x, UNIT)
    memory.copy(tile + UNIT - swap, y, UNIT)
  }
}

/** Channels of each block: 12 bytes of the half for every position, then 4 of the map for every position. */
export function join(half: usize, map: usize, picture: usize, positions: usize, block: usize): void {
  const end = picture + 16 * positions
  if (block === 1) {
    for (; picture < end; picture += 16, half += 12, map += 4)
      v128.store(picture, i32x4.replace_lane(v128.load(half), 3, load<i32>(map)))
  } else if (block === 4) {
    for (; picture < end; picture += 64, half += 48, map += 16) {
      v128.store(picture, v128.load(half))
      v128.store(picture, v128.load(half, 16), 16)
      v128.store(picture, v128.load(half, 32), 32)
      v128.store(picture, v128.load(map), 48)
    }
  } else {
    for (; picture < end; half += 12 * block, map += 4 * block, picture += 16 * block) {
      for (let i: usize = 0; i < 12 * block; i += 8) store<u64>(picture + i, load<u64>(half + i))
      for (let i: usize = 0; i < 4 * block; i += 8) store<u64>(picture + 12 * block + i, load<u64>(map + i))
    }
  }
}

/** target + t + whitening, modulo 256. */
export function add(target: usize, t: usize, whitening: usize, length: usize): void {
  const whole = length & ~15
  for (let i: usize = 0; i < whole; i += 16)
    v128.store(target + i, i8x16.add(v128.load(target + i), i8x16.add(v128.load(t + i), v128.load(whitening + i))))
  for (let i = whole; i < length; i++)
    store<u8>(target + i, load<u8>(target + i) + load<u8>(t + i) + load<u8>(whitening + i))
}

/** target - t - whitening, modulo 256. */
export function subtract(target: usize, t: usize, whitening: usize, length: usize): void {
  const whole = length & ~15
  for (let i: usize = 0; i < whole; i += 16)
    v128.store(target + i, i8x16.sub(v128.load(target + i), i8x16.add(v128.load(t + i), v128.load(whitening + i))))
  for (let i = whole; i < length; i++)
    store<u8>(target + i, load<u8>(target + i) - load<u8>(t + i) - load<u8>(whitening + i))
}

/** Places that layers take side by side: each weight that is loaded then serves four. */
const ABREAST: usize = 4
/** Bytes of a table's line. */
const LINE: usize = 20

/**
 * Layers of 1x1 convolutions on bytes, one place like another; inputs and outputs of each are multiples of 16. Four
 * places go through all of them before the next four, so that nothing leaves the nearest cache. What is between two
 * layers has 16 bits a number: of each two channels the numbers of all four places, side by side.
 * @param table a line a layer, of 32-bit numbers: inputs, outputs, shift (1 or more), where the weights lie and where
 *   the biases do. Weights have 16 bits, ordered by eight outputs, then by two inputs, then output by output
 * @param scratch room for what is between two layers, twice
 * @param most channels anywhere
 */
export function pointwise(
  input: usize,
  places: usize,
  table: usize,
  layers: usize,
  scratch: usize,
  most: usize,
  output: usize,
): void {
  const end = table + layers * LINE
  const first: usize = load<u32>(table)
  for (let place: usize = 0; place < places; place += ABREAST) {
    let from = scratch
    let to = scratch + 2 * ABREAST * most
    for (let i: usize = 0; i < first; i += 8, input += 8)
      interleave(
        v128.load8x8_u(input),
        v128.load8x8_u(input + first),
        v128.load8x8_u(input + 2 * first),
        v128.load8x8_u(input + 3 * first),
        from + 2 * ABREAST * i,
      )
    input += (ABREAST - 1) * first
    for (let line = table; line < end; line += LINE) {
      const inputs: usize = load<u32>(line)
      const outputs: usize = load<u32>(line, 4)
      const shift = load<i32>(line, 8)
      let weights: usize = load<u32>(line, 12)
      let biases: usize = load<u32>(line, 16)
      const stop = from + 2 * ABREAST * inputs
      const last = line + LINE === end
      for (let o: usize = 0; o < outputs; o += 8, biases += 32) {
        let a0 = v128.load(biases)
        let a1 = v128.load(biases, 16)
        let b0 = a0
        let b1 = a1
        let c0 = a0
        let c1 = a1
        let d0 = a0
        let d1 = a1
        for (let x = from; x < stop; x += 32, weights += 64) {
          let w0 = v128.load(weights)
          let w1 = v128.load(weights, 16)
          let pair = v128.load32_splat(x)
          a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, w0))
          a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 4)
          b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pair, w0))
          b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 8)
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, w0))
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 12)
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(pair, w0))
          d1 = i32x4.add(d1, i32x4.dot_i16x8_s(pair, w1))
          w0 = v128.load(weights, 32)
          w1 = v128.load(weights, 48)
          pair = v128.load32_splat(x, 16)
          a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, w0))
          a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 20)
          b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pair, w0))
          b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 24)
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, w0))
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load32_splat(x, 28)
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(pair, w0))
          d1 = i32x4.add(d1, i32x4.dot_i16x8_s(pair, w1))
        }
        const a = activation(a0, a1, shift)
        const b = activation(b0, b1, shift)
        const c = activation(c0, c1, shift)
        const d = activation(d0, d1, shift)
        if (last) {
          const ab = i8x16.narrow_i16x8_u(a, b)
          const cd = i8x16.narrow_i16x8_u(c, d)
          v128.store64_lane(output + o, ab, 0)
          v128.store64_lane(output + o + outputs, ab, 1)
          v128.store64_lane(output + o + 2 * outputs, cd, 0)
          v128.store64_lane(output + o + 3 * outputs, cd, 1)
        } else interleave(a, b, c, d, to + 2 * ABREAST * o)
      }
      const taken = from
      from = to
      to = taken
      if (last) output += ABREAST * outputs
    }
  }
}

/** Eight sums divided by 2^shift, rounded half to even, and clipped to 0..255, in 16 bits each. */
function activation(low: v128, high: v128, shift: i32): v128 {
  const one = i32x4.splat(1)
  const half = i32x4.splat((1 << (shift - 1)) - 1)
  const l = i32x4.shr_s(i32x4.add(i32x4.add(low, half), v128.and(i32x4.shr_s(low, shift), one)), shift)
  const h = i32x4.shr_s(i32x4.add(i32x4.add(high, half), v128.and(i32x4.shr_s(high, shift), one)), shift)
  return i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(l, h), i16x8.splat(0)), i16x8.splat(255))
}

/** Eight channels of four places, pair by pair. */
function interleave(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
}
