/** Binary expansions, computed: the sequences of SP 800-22's worked examples. */

/** `bits` bits of e = 10.101101..., the integer part first, by binary splitting of sum 1/k!. */
export function bitsOfE(bits: number): Uint8Array {
  let terms = 10
  for (let log = 0; log < bits + 64; terms++) log += Math.log2(terms)
  const split = (a: number, b: number): [p: bigint, q: bigint] => {
    if (b - a === 1) return [1n, BigInt(b)]
    const m = (a + b) >> 1
    const [p1, q1] = split(a, m)
    const [p2, q2] = split(m, b)
    return [p1 * q2 + p2, q1 * q2]
  }
  const [p, q] = split(0, terms)
  return toBits(((p + q) << BigInt(bits)) / q, bits)
}

/** `bits` bits of pi = 11.001001..., by Chudnovsky's series. */
export function bitsOfPi(bits: number): Uint8Array {
  const terms = Math.ceil(bits / 47.11) + 2
  const c = 640320n ** 3n / 24n
  const split = (a: bigint, b: bigint): [p: bigint, q: bigint, t: bigint] => {
    if (b - a === 1n) {
      const p = a === 0n ? 1n : (6n * a - 5n) * (2n * a - 1n) * (6n * a - 1n)
      const q = a === 0n ? 1n : a * a * a * c
      const t = p * (13591409n + 545140134n * a)
      return [p, q, a % 2n === 0n ? t : -t]
    }
    const m = (a + b) / 2n
    const [p1, q1, t1] = split(a, m)
    const [p2, q2, t2] = split(m, b)
    return [p1 * p2, q1 * q2, q2 * t1 + p1 * t2]
  }
  const [, q, t] = split(0n, BigInt(terms))
  const precision = BigInt(bits + 64)
  return toBits((q * 426880n * squareRoot(10005n << (2n * precision))) / t, bits)
}

/** `bits` bits of the root of a small integer, the integer part first. */
export function bitsOfRoot(of: number, bits: number): Uint8Array {
  return toBits(squareRoot(BigInt(of) << BigInt(2 * bits)), bits)
}

// Newton's iteration, from a root of half the digits.
function squareRoot(n: bigint): bigint {
  const bits = n.toString(16).length * 4
  if (bits < 100) {
    let x = BigInt(Math.floor(Math.sqrt(Number(n))))
    while (x * x > n) x--
    while ((x + 1n) * (x + 1n) <= n) x++
    return x
  }
  const shift = BigInt(bits >> 2)
  let x = (squareRoot(n >> (2n * shift)) + 1n) << shift
  for (;;) {
    const y = (x + n / x) >> 1n
    if (y >= x) return x
    x = y
  }
}

function toBits(value: bigint, count: number): Uint8Array {
  const hex = value.toString(16)
  const bits = new Uint8Array(hex.length * 4)
  for (let i = 0; i < hex.length; i++) {
    const digit = Number.parseInt(hex[i]!, 16)
    for (let b = 0; b < 4; b++) bits[4 * i + b] = (digit >> (3 - b)) & 1
  }
  const first = bits.indexOf(1)
  return bits.slice(first, first + count)
}
