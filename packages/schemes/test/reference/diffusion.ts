/**
 * The diffusion of dense-resnet-2024 from its formulas alone, slowly: bits as strings, bytes as arrays, the
 * S-box by searching for inverses in GF(2^8). Shares no code with packages/schemes/src/dense-resnet.
 */
export type Form = 'xor-chain' | 'xor-rot' | 'xor-add' | 'xor-sbox'
export interface Key {
  readonly start: number
  readonly mask: readonly number[]
  readonly turns: readonly number[]
}

const bits = (byte: number): string => byte.toString(2).padStart(8, '0')
const turned = (byte: number, by: number): number => Number.parseInt(bits(byte).slice(by) + bits(byte).slice(0, by), 2)
const xor = (...values: number[]): number => values.reduce((a, b) => a ^ b)

/** The product of two polynomials over GF(2), reduced by long division by x^8 + x^4 + x^3 + x + 1. */
function product(a: number, b: number): number {
  let result = 0
  for (let i = 0; i < 8; i++) if ((b >> i) % 2 === 1) result ^= a << i
  for (let degree = 14; degree >= 8; degree--) if ((result >> degree) % 2 === 1) result ^= 0b1_0001_1011 << (degree - 8)
  return result
}

export function substitute(byte: number): number {
  let inverse = 0
  for (let candidate = 1; candidate < 256; candidate++) if (product(byte, candidate) === 1) inverse = candidate
  const row = (i: number) =>
    [0, 4, 5, 6, 7].reduce(
      (sum, shift) => sum + Number(bits(inverse)[7 - ((i + shift) % 8)]),
      Number(bits(0x63)[7 - i]),
    ) % 2
  return [0, 1, 2, 3, 4, 5, 6, 7].reduce((value, i) => value + row(i) * 2 ** i, 0)
}

const SUBSTITUTES = Array.from({ length: 256 }, (_, byte) => substitute(byte))

/** All passes, each over a list that is turned round for the next. */
export function diffuse(rule: Form, plain: readonly number[], keys: readonly Key[]): number[] {
  let list = [...plain]
  keys.forEach(({ start, mask, turns }, pass) => {
    const ordered = pass % 2 === 0 ? list : list.toReversed()
    const cipher: number[] = []
    for (const [i, p] of ordered.entries()) {
      const before = i === 0 ? start : cipher[i - 1]!
      if (rule === 'xor-chain') cipher.push(xor(p, mask[i]!, before))
      else if (rule === 'xor-rot') cipher.push(xor(turned(xor(p, before), turns[i]! % 8), mask[i]!))
      else if (rule === 'xor-add') cipher.push(xor((p + before) % 256, mask[i]!))
      else cipher.push(xor(SUBSTITUTES[xor(p, before)]!, mask[i]!))
    }
    list = pass % 2 === 0 ? cipher : cipher.toReversed()
  })
  return list
}
