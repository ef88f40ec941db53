import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { parseVortexKey, vortexMap } from '@latent/schemes/vortex'
import { drawPicture } from '@latent/data'
import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  exponentialKernel,
  gaussianKernel,
  informationLoss,
  inverseSquareKernel,
  recoverCoordinateMap,
} from '../src/index.ts'

const LATENT_DATA = process.env['LATENT_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname
const KEYS = join(LATENT_DATA, 'vortex-keys')
const KERNELS = [gaussianKernel(), inverseSquareKernel, exponentialKernel]
const identity = (n: number) => Uint32Array.from({ length: n }, (_, i) => i)
const permutation = async (n: number, seed: number) =>
  (await KeyStream.create(sha256Of(Uint8Array.of(seed)), 'latent/v1/test')).permutation(n)
const picture = (width: number, height: number, value: (i: number) => number): Image<'u8'> =>
  image({
    width,
    height,
    channels: 1,
    format: 'u8',
    data: Uint8Array.from({ length: width * height }, (_, i) => value(i)),
  })

describe('reference values of the maps, coordinates only, by three kernels', () => {
  test.skipIf(!existsSync(KEYS)).each([
    ['mnist_result', 10, 0.337, 0.317, 0.341],
    ['mnist_result', 20, 0.435, 0.406, 0.443],
    ['fashion', 10, 0.53, 0.505, 0.527],
    ['cifar', 2, 0.271, 0.255, 0.273],
  ])('published key %s, first %i vortices', (name, count, ...expected) => {
    const key = parseVortexKey(readFileSync(join(KEYS, `${name}.json`), 'utf8'))
    const map = vortexMap({ ...key, vortices: key.vortices.slice(0, count) }, 'gather')
    for (const [i, kernel] of KERNELS.entries())
      expect(Math.abs(informationLoss(map, key.width, key.height, { kernel }).total - expected[i]!)).toBeLessThan(
        0.0006,
      )
  })

  test('random permutations of 28x28 and 32x32 lie where they were measured', async () => {
    for (const side of [28, 32]) {
      const map = await permutation(side * side, side)
      const [gauss, square, exponential] = KERNELS.map(
        kernel => informationLoss(map, side, side, { kernel }).total,
      ) as [number, number, number]
      expect(gauss).toBeGreaterThan(0.94)
      expect(gauss).toBeLessThan(0.97)
      expect(square).toBeGreaterThan(0.76)
      expect(square).toBeLessThan(0.79)
      expect(exponential).toBeGreaterThan(0.945)
      expect(exponential).toBeLessThan(0.968)
    }
  })
})

describe('properties', () => {
  const grid = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
    .filter(([width, height]) => width * height > 1)

  test('the swap theorem: a swap loses wherever a third pixel is nearer to one of the two, nothing otherwise', () => {
    fc.assert(
      fc.property(grid, fc.nat(63), fc.nat(63), fc.constantFrom(...KERNELS), ([width, height], i, j, kernel) => {
        const [a, b] = [i % (width * height), j % (width * height)]
        fc.pre(a !== b)
        const map = identity(width * height)
        map[a] = b
        map[b] = a
        const far = (p: number, q: number) =>
          ((p % width) - (q % width)) ** 2 + (Math.floor(p / width) - Math.floor(q / width)) ** 2
        const thirdNearer = Array.from(identity(width * height)).some(
          q => q !== a && q !== b && far(a, q) !== far(b, q),
        )
        const { total } = informationLoss(map, width, height, { kernel })
        expect(total > 1e-12).toBe(thirdNearer)
        // Only mirror images of the whole picture: 1x2, the ends of 1x3, a diagonal of 2x2.
        expect(thirdNearer || width * height <= 4).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('no permutation gains; the identity and mirror images lose nothing; what is lost is at most all', async () => {
    await fc.assert(
      fc.asyncProperty(grid, fc.nat(255), fc.constantFrom(...KERNELS), async ([width, height], seed, kernel) => {
        const n = width * height
        const { total } = informationLoss(await permutation(n, seed), width, height, { kernel })
        expect(total).toBeGreaterThanOrEqual(-1e-12)
        expect(total).toBeLessThanOrEqual(1)
        expect(informationLoss(identity(n), width, height, { kernel }).total).toBe(0)
        expect(Math.abs(informationLoss(identity(n).toReversed(), width, height, { kernel }).total)).toBeLessThan(1e-12)
      }),
      { numRuns: 100 },
    )
  })

  test('by hand: a destroyed pixel, and a swap, on 1x3', () => {
    // Pairs 01, 12 at distance 1 and 02 at 2, each counted from both ends; 1 / d^2 gives 1, 1, 1/4.
    const options = { kernel: inverseSquareKernel }
    expect(informationLoss(Uint32Array.of(0, 1, 1), 3, 1, options).total).toBeCloseTo(1 - 1 / 2.25, 12)
    // Pixels 0 and 1 swapped: 12 goes to distance 2, 02 to 1 but keeps 1/4 by the minimum.
    expect(informationLoss(Uint32Array.of(1, 0, 2), 3, 1, options).total).toBeCloseTo(1 - 1.5 / 2.25, 12)
    const values = picture(3, 1, i => [7, 7, 9][i]!)
    const bits = 2 * Math.log2(3 / 2) + Math.log2(3)
    const lost = informationLoss(Uint32Array.of(0, 1, 1), 3, 1, { ...options, image: values, lambda: 2 })
    expect(lost.pixel).toBeCloseTo(Math.log2(3) / bits, 12)
    expect(lost.total).toBeCloseTo(1 - (2 * Math.log2(3 / 2) + 2 * 2) / (bits + 2 * 4.5), 12)
    // Weighted, the pairs across the edge count exp(-2 / 32).
    const w = Math.exp(-2 / 32)
    expect(
      informationLoss(Uint32Array.of(1, 0, 2), 3, 1, { ...options, image: values, weighted: true }).neighbour,
    ).toBeCloseTo(1 - (1 + 0.5 * w) / (1 + 1.25 * w), 12)
  })

  test('weighted by the image, stirring between a bright and a dark half counts less than within one', () => {
    const halves = picture(16, 16, i => (i % 16 < 8 ? 0 : 255))
    const map = identity(256)
    for (let y = 0; y < 16; y++) for (let x = 8; x < 16; x++) map[y * 16 + x] = (15 - y) * 16 + x
    const plain = informationLoss(map, 16, 16, { image: halves })
    const weighted = informationLoss(map, 16, 16, { image: halves, weighted: true })
    expect(weighted.neighbour).toBeLessThan(plain.neighbour / 10)
    expect(plain.pixel).toBe(0)
  })
})

test('on any cipher that moves pixels, its map taken by chosen plaintext', async () => {
  const shape = { width: 32, height: 32, channels: 3 }
  const image = await drawPicture('shapes', 32, 32)
  const loss = async (id: string) => {
    const { cipher, close } = await openScheme(id)
    const found = await recoverCoordinateMap(chosen => cipher.encrypt(chosen, sha256Of(Uint8Array.of(1))), shape)
    await close()
    return informationLoss(found!.map, 32, 32, { image, weighted: true })
  }
  const [none, vortex, all] = [await loss('identity'), await loss('vortex-2024'), await loss('fixed-permutation')]
  expect(none).toEqual({ total: 0, neighbour: 0, pixel: 0 })
  expect(vortex.neighbour).toBeGreaterThan(0)
  expect(vortex.pixel).toBeGreaterThan(0)
  expect(all.neighbour).toBeGreaterThan(vortex.neighbour)
  expect(all.pixel).toBe(0)
})

test('bad arguments are refused by code, and sizes that would take for ever', () => {
  expect(() => informationLoss(identity(5), 2, 3)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  expect(() => informationLoss(Uint32Array.of(0, 9), 2, 1)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
  expect(() => informationLoss(identity(4), 2, 2, { weighted: true })).toThrow(
    expect.objectContaining({ code: 'E_ARGUMENT' }),
  )
  expect(() => informationLoss(identity(4), 2, 2, { image: picture(4, 1, () => 0) })).toThrow(
    expect.objectContaining({ code: 'E_ARGUMENT' }),
  )
  expect(() => informationLoss(identity(256 * 256), 256, 256, { kernel: inverseSquareKernel })).toThrow(
    expect.objectContaining({ code: 'E_LIMIT' }),
  )
})
