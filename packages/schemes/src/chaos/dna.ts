/**
 * DNA coding, as chaotic ciphers use it: two bits are one of four bases, by one of the eight rules under which
 * complementary bits (00 and 11, 01 and 10) are complementary bases (A and T, C and G). A byte is four bases; here it
 * stays a byte, A, C, G and T being 0 to 3 in pairs of bits, so that a rule is a table of 256 bytes.
 */

/** The eight rules in lexical order: base of each pair of bits. The first is the identity, A = 00, C = 01. */
const BASES: readonly (readonly number[])[] = Array.from({ length: 16 }, (_, i) => [i >> 2, i & 3])
  .filter(([zero, one]) => one !== zero && one !== 3 - zero!)
  .map(([zero, one]) => [zero!, one!, 3 - one!, 3 - zero!])

/** How many rules there are. */
export const DNA_RULES = BASES.length

const table = (bases: readonly number[]): Uint8Array =>
  Uint8Array.from(
    { length: 256 },
    (_, byte) =>
      (bases[byte >> 6]! << 6) | (bases[(byte >> 4) & 3]! << 4) | (bases[(byte >> 2) & 3]! << 2) | bases[byte & 3]!,
  )

/** For each rule, the four bases of each byte. */
export const dnaEncoding: readonly Uint8Array[] = BASES.map(table)
/** For each rule, the byte of each four bases. */
export const dnaDecoding: readonly Uint8Array[] = BASES.map(bases => table([0, 1, 2, 3].map(b => bases.indexOf(b))))

/** Base by base sum modulo four: DNA addition under the first rule. */
export const dnaAdd = (a: number, b: number): number =>
  (((a & 0x33) + (b & 0x33)) & 0x33) | (((a & 0xcc) + (b & 0xcc)) & 0xcc)

/** The inverse of {@link dnaAdd}. */
export const dnaSubtract = (a: number, b: number): number =>
  (((a & 0x33) + 0x44 - (b & 0x33)) & 0x33) | (((a & 0xcc) + 0x110 - (b & 0xcc)) & 0xcc)
