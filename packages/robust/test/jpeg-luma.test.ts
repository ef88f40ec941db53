import fc from 'fast-check'
import sharp, { type JpegOptions } from 'sharp'
import { describe, expect, test } from 'vitest'
import { LatentError } from '@latent/core'
import { forwardDct, inverseDct } from '../src/channel/dct.ts'
import { pixelsOf } from '../src/channel/received.ts'
import { readJpegLuma } from '../src/jpeg/index.ts'
import { annexKSteps, qualityOf } from '../src/jpeg/quality.ts'
import { drawn } from './services.ts'

const [WIDTH, HEIGHT] = [148, 92]
const colours = Uint8Array.from(drawn(3 * WIDTH * HEIGHT, 'colours'), byte => 96 + (byte >> 2))
const image = () => sharp(colours, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })

describe('the luma of a JPEG', () => {
  test.each<[string, JpegOptions, string, boolean]>([
    ['baseline', { quality: 75 }, '2x2 1x1 1x1', false],
    ['4:4:4', { quality: 90, chromaSubsampling: '4:4:4' }, '1x1 1x1 1x1', false],
    ['progressive', { quality: 75, progressive: true }, '2x2 1x1 1x1', true],
    ['by mozjpeg', { quality: 60, mozjpeg: true }, '2x2 1x1 1x1', true],
    ['with optimised tables', { quality: 50, optimiseCoding: true }, '2x2 1x1 1x1', false],
  ])('is what libjpeg makes of it: %s', async (_, options, sampling, progressive) => {
    const file = await image().jpeg(options).toBuffer()
    const read = readJpegLuma(file, { pixels: 2 ** 20 })
    expect(read.facts.sampling).toBe(sampling)
    expect(read.facts.progressive).toBe(progressive)
    expect(read.cut).toBe(false)
    const luma = pixelsOf({ ...read, wide: read.blocksWide, high: read.blocksHigh }, WIDTH, HEIGHT)
    const decoded = await sharp(file).raw().toBuffer()
    let worst = 0
    luma.data.forEach((value, i) => {
      const [r, g, b] = decoded.subarray(3 * i, 3 * i + 3)
      worst = Math.max(worst, Math.abs(value - (0.299 * r! + 0.587 * g! + 0.114 * b!)))
    })
    // Rounding of three channels, nothing else.
    expect(worst).toBeLessThan(3)
  })

  test('is told apart by quality', async () => {
    for (const quality of [30, 50, 75, 92])
      expect(qualityOf(readJpegLuma(await image().jpeg({ quality }).toBuffer(), { pixels: 1e6 }).steps)).toEqual({
        quality,
        exact: true,
      })
    expect(annexKSteps(50)[63]).toBe(99)
  })

  test('of a broken file is an error with a code, or what there was', async () => {
    const file = await image().jpeg({ quality: 75, progressive: true }).toBuffer()
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 3), fc.nat(255)), { minLength: 1, maxLength: 6 }), changes => {
        const broken = Uint8Array.from(file)
        for (const [at, byte] of changes) broken[at + 2] = byte
        expect(['read', 'E_IMAGE', 'E_LIMIT']).toContain(outcome(broken))
      }),
      { numRuns: 300 },
    )
  })
})

test('the transform keeps energy and is its own way back', () => {
  const block = Float64Array.from(drawn(64, 'block'))
  const kept = block.slice()
  const energy = (numbers: Float64Array) => numbers.reduce((sum, x) => sum + x * x, 0)
  forwardDct(block)
  expect(energy(block)).toBeCloseTo(energy(kept), 5)
  expect(block[0]).toBeCloseTo(kept.reduce((sum, x) => sum + x, 0) / 8, 8)
  // The definition, for one coefficient: T.81, A.3.3.
  const direct = kept.reduce(
    (sum, x, i) =>
      sum + x * Math.cos(((2 * (i & 7) + 1) * 3 * Math.PI) / 16) * Math.cos(((2 * (i >> 3) + 1) * 5 * Math.PI) / 16),
    0,
  )
  expect(block[8 * 5 + 3]).toBeCloseTo(direct / 4, 8)
  inverseDct(block)
  block.forEach((value, i) => expect(value).toBeCloseTo(kept[i]!, 8))
})

/** What reading ends with: a code, or `read`. Anything else is thrown. */
function outcome(file: Uint8Array): string {
  try {
    readJpegLuma(file, { pixels: 2 ** 20 })
    return 'read'
  } catch (error) {
    if (error instanceof LatentError) return error.code
    throw error
  }
}
