import { image, KeyStream } from '@latent/core'
import { describe, expect, test } from 'vitest'
import {
  addWindows,
  decodeEvidence,
  encodeEvidence,
  endBits,
  foldBits,
  gatherEvidence,
  LAGS,
  maskSums,
  PARITY_BLOCKS,
  paritySums,
  partSums,
  PERIODS,
  periodStart,
  placesAt,
  placeSums,
  PLAIN_MASKS,
  pool,
  repeats,
  serialSums,
  walsh,
  windowsOf,
} from '../src/index.ts'

/** Slow twins of the sums that are added up over pictures. */

const stream = async (length: number, seed = 1) =>
  (await KeyStream.create(new Uint8Array(32).fill(seed), 'latent/v1/test/evidence')).bytes(length)

const bit = (byte: number, at: number): number => (byte >> at) & 1
const parity = (byte: number): number => Array.from({ length: 8 }, (_, b) => bit(byte, b)).reduce((a, b) => a ^ b, 0)
const sign = (value: number): number => 1 - 2 * value
const total = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0)

describe('bits by their place', () => {
  test.each([1, 63, 64, 65, 700, 70_001])('%i bytes in every period, phase and bit', async length => {
    const bytes = await stream(length)
    const found = foldBits(bytes)
    for (const period of [1, 2, 7, 37, 48, 63, PERIODS]) {
      for (const phase of new Set([0, 1 % period, period - 1])) {
        const there = bytes.filter((_, i) => i % period === phase)
        expect(placesAt(length, period, phase)).toBe(there.length)
        for (let b = 0; b < 8; b++)
          expect(found[8 * (periodStart(period) + phase) + b]).toBe(
            2 * total(there.map(byte => bit(byte, b))) - there.length,
          )
      }
    }
  })

  test('where every bit is set, no count is cut off', () => {
    const found = foldBits(new Uint8Array(40_000).fill(255))
    for (let period = 1; period <= PERIODS; period++)
      for (let i = 0; i < 8 * period; i++)
        expect(found[8 * periodStart(period) + i]).toBe(placesAt(40_000, period, i >> 3))
  })

  test('in parts of the picture and at its ends', async () => {
    const bytes = await stream(19 * 13 * 3)
    const cipher = image({ width: 19, height: 13, channels: 3, format: 'u8', data: bytes })
    const { sums, places } = partSums(cipher, bytes)
    const expected = new Float64Array(sums.length)
    bytes.forEach((byte, i) => {
      const [x, y] = [Math.floor(i / 3) % 19, Math.floor(i / 57)]
      // The row's part is the last whose first row is not below it.
      const part = [7, 6, 5, 4, 3, 2, 1, 0].find(k => Math.floor((k * 13) / 8) <= y)!
      for (let b = 0; b < 8; b++) expected[8 * (8 * part + Math.floor((x * 8) / 19)) + b]! -= sign(bit(byte, b))
    })
    expect(sums).toEqual(expected)
    expect(total(places)).toBe(bytes.length)
    const ends = endBits(bytes)!
    expect([ends[0], ends[8 * 63 + 7], ends[8 * 64], ends.at(-1)]).toEqual(
      [bit(bytes[0]!, 0), bit(bytes[63]!, 7), bit(bytes.at(-64)!, 0), bit(bytes.at(-1)!, 7)].map(value => -sign(value)),
    )
    expect(endBits(bytes.subarray(0, 127))).toBeUndefined()
  })
})

test('Walsh: every XOR of bits of an index, and along a column', () => {
  const values = Float64Array.from({ length: 16 }, (_, i) => (i * i) % 7)
  const found = values.slice()
  walsh(found)
  const column = new Float64Array(64).fill(9)
  values.forEach((value, i) => (column[2 + 4 * i] = value))
  walsh(column, 16, 2, 4)
  for (let k = 0; k < 16; k++) {
    const expected = total(values.map((value, v) => value * sign(parity(k & v))))
    expect(found[k]).toBe(expected)
    expect(column[2 + 4 * k]).toBe(expected)
    expect(column[4 * k]).toBe(9)
  }
})

describe('pairs and parities', () => {
  test('two bits at every distance', async () => {
    const bytes = await stream(500)
    const { sums, pairs } = serialSums(bytes, 21)
    for (const [at, lag] of [...LAGS, 21].entries()) {
      expect(pairs[at]).toBe(500 - lag)
      for (const [a, b] of [
        [0, 0],
        [3, 6],
        [7, 1],
      ] as const) {
        const equal = total(bytes.subarray(lag).map((byte, i) => (bit(byte, b) === bit(bytes[i]!, a) ? 1 : 0)))
        expect(sums[64 * at + 8 * a + b]).toBe(2 * equal - (500 - lag))
      }
    }
  })

  test('of blocks, bit by bit and of all bits', async () => {
    const bytes = await stream(500)
    const { sums, blocks } = paritySums(bytes)
    for (const [at, size] of PARITY_BLOCKS.entries()) {
      const xors = Array.from({ length: Math.floor(500 / size) }, (_, k) =>
        bytes.subarray(k * size, (k + 1) * size).reduce((x, byte) => x ^ byte, 0),
      )
      expect(blocks[at]).toBe(xors.length)
      for (let b = 0; b < 8; b++) expect(sums[9 * at + b]).toBe(total(xors.map(xor => sign(bit(xor, b)))))
      expect(sums[9 * at + 8]).toBe(total(xors.map(xor => sign(parity(xor)))))
    }
  })
})

describe('plain against cipher', () => {
  test('every XOR of cipher bits, and every place of 64: centred products and their variances', async () => {
    const [cipher, noise] = [await stream(900), await stream(900, 2)]
    const plain = noise.map((byte, i) => (i % 3 === 0 ? byte & 240 : byte | 3))
    const { masks, maskVariances } = maskSums(plain, cipher)
    const centred = (values: readonly number[]) => values.map(value => value - total(values) / values.length)
    for (const [at, mask] of PLAIN_MASKS.entries()) {
      const t = centred(Array.from(plain, byte => sign(parity(byte & mask))))
      expect(maskVariances[at]).toBeCloseTo(total(t.map(value => value * value)), 6)
      for (const k of [1, 6, 128, 255])
        expect(masks[256 * at + k]).toBeCloseTo(total(t.map((value, i) => value * sign(parity(cipher[i]! & k)))), 6)
    }
    const { places, placeVariances, periods } = placeSums(plain, cipher)
    let largest = 0
    for (let phase = 0; phase < 64; phase++) {
      const there = Array.from(cipher.keys()).filter(i => i % 64 === phase)
      for (let a = 0; a < 8; a++) {
        const t = centred(there.map(i => sign(bit(plain[i]!, a))))
        const variance = total(t.map(value => value * value))
        expect(placeVariances[8 * phase + a]).toBeCloseTo(variance, 8)
        for (let b = 0; b < 8; b++) {
          const sum = total(t.map((value, i) => value * sign(bit(cipher[there[i]!]!, b))))
          expect(places[64 * phase + 8 * a + b]).toBeCloseTo(sum, 8)
        }
      }
    }
    // One byte in three has four bits that say nothing; period 1 is that of all bytes.
    for (let a = 0; a < 8; a++) {
      const t = centred(Array.from(plain, byte => sign(bit(byte, a))))
      const variance = total(t.map(value => value * value))
      for (let b = 0; b < 8; b++)
        largest = Math.max(
          largest,
          Math.abs(total(t.map((value, i) => value * sign(bit(cipher[i]!, b))))) / Math.sqrt(variance),
        )
    }
    expect(periods.largest[1]).toBeCloseTo(largest, 8)
  })

  test('a copied bit stands out in its period and in no other that it does not divide', async () => {
    const [cipher, plain] = [await stream(20_000), await stream(20_000, 2)]
    for (let i = 5; i < cipher.length; i += 48) cipher[i] = (cipher[i]! & ~4) | (plain[i]! & 4)
    const { largest } = placeSums(plain, cipher).periods
    expect(largest[48]).toBeCloseTo(Math.sqrt(placesAt(2 ** 14, 48, 5)), 0)
    expect(Math.max(...largest.filter((_, period) => period < 8))).toBeLessThan(9)
    expect(Math.max(largest[47]!, largest[49]!, largest[61]!)).toBeLessThan(9)
  })
})

describe('windows that come again', () => {
  const naive = (parts: readonly Uint8Array[], length: number): number => {
    const seen = new Map<string, number>()
    let pairs = 0
    for (const bytes of parts) {
      for (let i = 0; i + length <= bytes.length; i++) {
        const name = bytes.subarray(i, i + length).join()
        pairs += seen.get(name) ?? 0
        seen.set(name, (seen.get(name) ?? 0) + 1)
      }
    }
    return pairs
  }

  test.each([4, 8, 16])('of %i bytes: pairs within and across, as many as a slow count', async length => {
    const first = await stream(400)
    first.copyWithin(100, 20, 60)
    first.copyWithin(300, 20, 45)
    const second = await stream(300, 3)
    second.set(first.subarray(20, 50), 77)
    const together = addWindows(windowsOf(first, length), windowsOf(second, length))
    const { pairs, expected } = repeats(together)
    expect(pairs).toBe(naive([first, second], length))
    expect(pairs).toBeGreaterThan(20)
    const count = 700 - 2 * (length - 1)
    expect(expected).toBeCloseTo((count * (count - 1)) / 2 / 2 ** (length === 4 ? 32 : 48), 15)
  })

  test('thinning keeps the same windows of every picture, and the expectation follows', async () => {
    const bytes = await stream(40_000)
    const thin = windowsOf(bytes, 8)
    expect(thin.rate).toBe(7)
    expect(thin.kept.length / (39_993 / 128)).toBeCloseTo(1, 0)
    const whole = addWindows(thin, windowsOf(bytes.subarray(0, 300), 8))
    expect(whole.rate).toBe(7)
    // What both have is counted twice, and nothing else comes again.
    expect(repeats(whole).pairs).toBe(whole.kept.length - thin.kept.length)
    expect(repeats(thin).expected).toBeCloseTo((thin.kept.length * (thin.kept.length - 1)) / 2 / 2 ** 41, 20)
  })

  test('fair bytes repeat four bytes as often as birthdays have it', async () => {
    const bytes = await stream(2_000_000, 5)
    const all = Array.from({ length: 100 }, (_, k) => windowsOf(bytes.subarray(20_000 * k, 20_000 * (k + 1)), 4))
    const { pairs, expected } = repeats(all.reduce(addWindows))
    expect(expected).toBeGreaterThan(5)
    expect(Math.abs(pairs - expected) / Math.sqrt(expected)).toBeLessThan(4)
  })
})

describe('evidence', () => {
  const gather = async (seed: number, channels: 1 | 3, width = 24) => {
    const data = await stream(width * 16 * channels, seed)
    const cipher = image({ width, height: 16, channels, format: 'u8', data })
    return gatherEvidence(cipher, { ...cipher, data: data.map(byte => byte ^ 90) }, cipher).evidence
  }

  test('is the sum of that of its pictures, of several sizes and channels', async () => {
    const parts = [await gather(1, 3), await gather(2, 1), await gather(3, 3, 40)]
    const all = pool(parts)!
    expect([...all.lengths]).toEqual([
      [24 * 16 * 3, 1],
      [24 * 16, 1],
      [40 * 16 * 3, 1],
    ])
    expect(total(all.bytes)).toBe(24 * 16 * 4 + 40 * 16 * 3)
    expect(all.bytes[256 + 7]).toBe(parts[0]!.bytes[256 + 7]! + parts[2]!.bytes[256 + 7]!)
    for (const name of ['ones', 'serial', 'parity', 'parts', 'ends', 'masks', 'places'] as const)
      expect(all[name][41]).toBeCloseTo(total(parts.map(part => part[name][41]!)), 9)
    expect(pool([])).toBeUndefined()
    // Twice the same picture: every window of 16 bytes twice, as that is what a repeated key stream looks like.
    const twice = pool([parts[0]!, parts[0]!])!
    expect(repeats(twice.windows[2]!).pairs).toBe(parts[0]!.windows[2]!.kept.length)
  })

  test('comes back from its text, sums to an eighth', async () => {
    const evidence = await gather(4, 3)
    const back = decodeEvidence(JSON.parse(JSON.stringify(encodeEvidence(evidence))) as never)
    for (const name of ['bytes', 'ones', 'serial', 'serialPairs', 'parity', 'parts', 'partPlaces', 'ends'] as const)
      expect(back[name]).toEqual(evidence[name])
    for (const name of ['masks', 'maskVariances', 'places', 'placeVariances'] as const)
      expect(Math.max(...back[name].map((value, i) => Math.abs(value - evidence[name][i]!)))).toBeLessThanOrEqual(
        1 / 16,
      )
    expect(back.lengths).toEqual(evidence.lengths)
    expect(back.windows.map(({ kept }) => kept)).toEqual(
      evidence.windows.map(({ kept }) => kept.toSorted((a, b) => a - b)),
    )
  })
})
