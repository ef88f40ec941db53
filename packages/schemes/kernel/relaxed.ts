// The same as `flow.ts` for engines with relaxed SIMD, whose products of bytes add four to a sum at once. What such a
// product gives is left to the engine in two cases alone, and neither occurs: its second factor is a weight + 64, which
// is 1 to 127 (weights are -63 to 63), so that it does not matter whether it has a sign; and two products add up to at
// most 2 * 128 * 127, which 16 bits hold, so that it does not matter whether they saturate. Its first factor is an
// activation - 128. With a' = a - 128 for an activation and w' = w + 64 for a weight, over all inputs:
//
//   sum a w = sum a' w' - 64 sum a' + 128 sum w
//
// of which the last is part of the bias. Every machine gives the same sums, and these are those of `flow.ts`.
export { add, join, merge, split, subtract } from './flow'

/** Places that layers take side by side: each weight that is loaded then serves four. */
const ABREAST: usize = 4
/** Bytes of a table's line. */
const LINE: usize = 20

/**
 * Layers of 1x1 convolutions on bytes, one place like another; inputs and outputs of each are multiples of 16. Four
 * places go through all of them before the next four. What is between two layers has 8 bits a number: of each four
 * channels the activations - 128 of all four places, side by side.
 * @param table a line a layer, of 32-bit numbers: inputs, outputs, shift (1 or more), where the weights lie and where
 *   the biases do. Weights + 64 have 8 bits, ordered by eight outputs, then by four inputs, then output by output;
 *   biases hold 128 times the sum of their output's weights besides
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
  const middle = i8x16.splat(-128)
  const offset = i8x16.splat(64)
  for (let place: usize = 0; place < places; place += ABREAST) {
    let from = scratch
    let to = scratch + ABREAST * most
    for (let i: usize = 0; i < first; i += 16, input += 16) {
      const a = v128.xor(v128.load(input), middle)
      const b = v128.xor(v128.load(input + first), middle)
      const c = v128.xor(v128.load(input + 2 * first), middle)
      const d = v128.xor(v128.load(input + 3 * first), middle)
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
      const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
      const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
      const at = from + ABREAST * i
      v128.store(at, v128.shuffle<i64>(ab0, cd0, 0, 2))
      v128.store(at, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
      v128.store(at, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
      v128.store(at, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
    }
    input += (ABREAST - 1) * first
    for (let line = table; line < end; line += LINE) {
      const inputs: usize = load<u32>(line)
      const outputs: usize = load<u32>(line, 4)
      const shift = load<i32>(line, 8)
      let weights: usize = load<u32>(line, 12)
      let biases: usize = load<u32>(line, 16)
      const stop = from + ABREAST * inputs
      const last = line + LINE === end
      let sums = i32x4.splat(0)
      for (let x = from; x < stop; x += 16) sums = i32x4.add(sums, products(v128.load(x), offset))
      const a = i32x4.splat(i32x4.extract_lane(sums, 0))
      const b = i32x4.splat(i32x4.extract_lane(sums, 1))
      const c = i32x4.splat(i32x4.extract_lane(sums, 2))
      const d = i32x4.splat(i32x4.extract_lane(sums, 3))
      for (let o: usize = 0; o < outputs; o += 8, biases += 32) {
        const bias0 = v128.load(biases)
        const bias1 = v128.load(biases, 16)
        let a0 = i32x4.sub(bias0, a)
        let a1 = i32x4.sub(bias1, a)
        let b0 = i32x4.sub(bias0, b)
        let b1 = i32x4.sub(bias1, b)
        let c0 = i32x4.sub(bias0, c)
        let c1 = i32x4.sub(bias1, c)
        let d0 = i32x4.sub(bias0, d)
        let d1 = i32x4.sub(bias1, d)
        for (let x = from; x < stop; x += 16, weights += 32) {
          const w0 = v128.load(weights)
          const w1 = v128.load(weights, 16)
          let four = v128.load32_splat(x)
          a0 = i32x4.add(a0, products(four, w0))
          a1 = i32x4.add(a1, products(four, w1))
          four = v128.load32_splat(x, 4)
          b0 = i32x4.add(b0, products(four, w0))
          b1 = i32x4.add(b1, products(four, w1))
          four = v128.load32_splat(x, 8)
          c0 = i32x4.add(c0, products(four, w0))
          c1 = i32x4.add(c1, products(four, w1))
          four = v128.load32_splat(x, 12)
          d0 = i32x4.add(d0, products(four, w0))
          d1 = i32x4.add(d1, products(four, w1))
        }
        const ab = i8x16.narrow_i16x8_u(activation(a0, a1, shift), activation(b0, b1, shift))
        const cd = i8x16.narrow_i16x8_u(activation(c0, c1, shift), activation(d0, d1, shift))
        if (last) {
          v128.store64_lane(output + o, ab, 0)
          v128.store64_lane(output + o + outputs, ab, 1)
          v128.store64_lane(output + o + 2 * outputs, cd, 0)
          v128.store64_lane(output + o + 3 * outputs, cd, 1)
        } else {
          v128.store(to + ABREAST * o, v128.xor(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), middle))
          v128.store(to + ABREAST * o, v128.xor(v128.shuffle<i32>(ab, cd, 1, 3, 5, 7), middle), 16)
        }
      }
      const taken = from
      from = to
      to = taken
      if (last) output += ABREAST * outputs
    }
  }
}

/**
 * Sums of four products of bytes each. There is one instruction for this and the addition, `relaxed_dot_add`; on
 * processors that have none like it V8 makes more of it than of these two.
 * @param weights + 64
 */
function products(activations: v128, weights: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(activations, weights))
}

/** Eight sums divided by 2^shift, rounded half to even, in 16 bits each; packing them to bytes clips to 0..255. */
function activation(low: v128, high: v128, shift: i32): v128 {
  const one = i32x4.splat(1)
  const half = i32x4.splat((1 << (shift - 1)) - 1)
  const l = i32x4.shr_s(i32x4.add(i32x4.add(low, half), v128.and(i32x4.shr_s(low, shift), one)), shift)
  const h = i32x4.shr_s(i32x4.add(i32x4.add(high, half), v128.and(i32x4.shr_s(high, shift), one)), shift)
  return i16x8.narrow_i32x4_s(l, h)
}
