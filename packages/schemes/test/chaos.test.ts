import { fromHex, image, sha256Of, toHex } from '@latent/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runTableNetwork, tableNetwork } from '../src/baselines/neural-aes.ts'
import {
  chaoticOrder,
  chaoticStream,
  DNA_RULES,
  dnaAdd,
  dnaDecoding,
  dnaEncoding,
  dnaSubtract,
  henonMap,
  logarithmicMap,
  logisticMap,
  lorenzSystem,
  piecewiseLinearMap,
  scrambled,
  skewTentMap,
  trajectory,
  unscrambled,
} from '../src/chaos/index.ts'
import { openScheme } from '../src/index.ts'

describe('chaotic maps', () => {
  test('follow their formulas and never stick', () => {
    expect(logisticMap.step(0.3, 4)).toBeCloseTo(0.84, 12)
    expect(skewTentMap.step(0.75, 0.5)).toBeCloseTo(0.5, 12)
    expect(skewTentMap.step(0.1, 0.4)).toBeCloseTo(0.25, 12)
    expect(piecewiseLinearMap.step(0.8, 0.3)).toBeCloseTo(0.2 / 0.3, 12)
    expect(piecewiseLinearMap.step(0.4, 0.3)).toBeCloseTo(0.5, 12)
    for (const map of [logisticMap, skewTentMap, piecewiseLinearMap, logarithmicMap])
      expect(new Set(chaoticStream(map, 0.5, map.parameter(0.37), 'trailing', 4096)).size).toBeGreaterThan(250)
    // A tent of slope 2 shifts one bit out a step: after 53 steps a double is 0, where it would stay for ever.
    expect(new Set(chaoticStream(skewTentMap, 0.3, 0.5, 'trailing', 4096)).size).toBeGreaterThan(20)
  })

  test('the logarithm is a logarithm', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1, noNaN: true }), x => {
        const y = 10 * -Math.log(x)
        const found = logarithmicMap.step(x, 10)
        const apart = Math.abs(found - (y - Math.floor(y)))
        expect(Math.min(apart, 1 - apart)).toBeLessThan(1e-11)
      }),
    )
  })

  test('systems stay on their attractors', () => {
    const [x, y, z] = trajectory(lorenzSystem, [0.2, 0.7, 0.4], 5000)
    expect(Math.max(...x!.map(Math.abs), ...y!.map(Math.abs))).toBeLessThan(30)
    expect([Math.min(...z!) > 0, Math.max(...z!) < 50]).toEqual([true, true])
    // The mean height of the Lorenz attractor for these parameters is 23.55.
    expect(z!.reduce((sum, value) => sum + value, 0) / z!.length).toBeCloseTo(23.55, -0.3)
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (u, v) => {
          expect(Math.max(...trajectory(henonMap, [u, v], 500)[0]!.map(Math.abs))).toBeLessThan(1.3)
        },
      ),
    )
  })

  test('an order sorts, and is undone', () => {
    const states = Float64Array.of(0.5, 0.1, 0.5, 0.9, 0)
    expect([...chaoticOrder(states)]).toEqual([4, 1, 0, 2, 3])
    const bytes = Uint8Array.of(1, 2, 3, 4, 5)
    expect(unscrambled(scrambled(bytes, chaoticOrder(states)), chaoticOrder(states))).toEqual(bytes)
  })
})

describe('DNA coding', () => {
  test('has the eight rules in which complements are complements', () => {
    expect(DNA_RULES).toBe(8)
    expect(new Set(dnaEncoding.map(table => toHex(table))).size).toBe(8)
    for (const [rule, table] of dnaEncoding.entries())
      for (let byte = 0; byte < 256; byte++) {
        expect(table[byte ^ 255]).toBe(table[byte]! ^ 255)
        expect(dnaDecoding[rule]![table[byte]!]).toBe(byte)
      }
  })

  test('adds base by base, and takes away', () => {
    // A C G T + C C C T is C G T G: 0 1 2 3 + 1 1 1 3 modulo four.
    expect(dnaAdd(0b00011011, 0b01010111)).toBe(0b01101110)
    for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b += 7) expect(dnaSubtract(dnaAdd(a, b), b)).toBe(a)
  })
})

test('AES-256-ECB gives the bytes of FIPS 197, appendix C.3, and so does its network', async () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i)
  const plain = image({
    width: 16,
    height: 1,
    channels: 1,
    format: 'u8',
    data: fromHex('00112233445566778899aabbccddeeff'),
  })
  for (const id of ['aes-256-ecb', 'aes-256-neural'] as const) {
    const { cipher } = await openScheme(id)
    expect(toHex((await cipher.encrypt(plain, key)).data as Uint8Array)).toBe('8ea2b7ca516745bfeafc49904b496089')
    // A tail of one byte steals from the block before it.
    const odd = image({ ...plain, width: 17, data: sha256Of(Uint8Array.of(1)).subarray(0, 17) })
    expect((await cipher.decrypt(await cipher.encrypt(odd, key), key)).data).toEqual(odd.data)
  }
})

test('a network of two layers is any table', () => {
  const table = sha256Of(Uint8Array.of(7))
  const all = Uint8Array.from({ length: 256 }, (_, i) => table[i % 32]! ^ i)
  const network = tableNetwork(all)
  for (let byte = 0; byte < 256; byte += 5) expect(runTableNetwork(network, byte)).toBe(all[byte])
})

test('a bit never leaves its plane', async () => {
  const { cipher } = await openScheme('bit-plane')
  const key = sha256Of(Uint8Array.of(3))
  const plain = image({ width: 8, height: 8, channels: 1, format: 'u8', data: new Uint8Array(64) })
  const black = (await cipher.encrypt(plain, key)).data
  const one = (await cipher.encrypt({ ...plain, data: plain.data.with(20, 0b101) }, key)).data
  const changes = Array.from(one, (byte, i) => byte ^ black[i]!).filter(byte => byte !== 0)
  expect(changes.reduce((all, byte) => all | byte, 0)).toBe(0b101)
})
