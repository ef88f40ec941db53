// Adler-32 (RFC 1950) on WebAssembly SIMD: built by `npm run kernel`. The tests hold it to the plain loop in
// `../src/carrier/adler32.ts`.

/** What 16 bytes count in the second sum: the first of them in all that follow. */
const WEIGHTS = memory.data<i16>([16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 16)
const MODULUS: u64 = 65521
/** Bytes after which remainders are taken: lanes of 32 bits hold the sums of so many. */
const RUN: usize = 5552

export function adler(bytes: usize, length: usize, previous: u32): u32 {
  let a: u64 = previous & 0xffff
  let b: u64 = previous >> 16
  const end = bytes + length
  const first = v128.load(WEIGHTS)
  const second = v128.load(WEIGHTS, 16)
  while (end - bytes >= 16) {
    const whole = min((end - bytes) & ~15, RUN)
    const stop = bytes + whole
    let sums = i32x4.splat(0)
    let before = i32x4.splat(0)
    let within = i32x4.splat(0)
    for (; bytes < stop; bytes += 16) {
      const sixteen = v128.load(bytes)
      before = i32x4.add(before, sums)
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(sixteen)))
      within = i32x4.add(within, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(sixteen), first))
      within = i32x4.add(within, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(sixteen), second))
    }
    b = (b + a * whole + 16 * total(before) + total(within)) % MODULUS
    a = (a + total(sums)) % MODULUS
  }
  for (; bytes < end; bytes++) {
    a = (a + load<u8>(bytes)) % MODULUS
    b = (b + a) % MODULUS
  }
  return <u32>((b << 16) | a)
}

function total(lanes: v128): u64 {
  return (
    <u64>(<u32>i32x4.extract_lane(lanes, 0)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 1)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 2)) +
    <u64>(<u32>i32x4.extract_lane(lanes, 3))
  )
}
