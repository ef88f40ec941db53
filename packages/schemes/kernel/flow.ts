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
