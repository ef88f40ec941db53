import { concatBytes } from '@latent/core'
import { readFile } from 'node:fs/promises'
import sharp, { type KernelEnum } from 'sharp'
import { describe, expect, test } from 'vitest'
import { type Moved, movedEdges } from '../src/channel/align.ts'
import { ENLARGING, enlarged, mirrored } from '../src/channel/enlarge.ts'
import { windowsOf } from '../src/channel/regrid.ts'
import { shrunk, type Window } from '../src/channel/shrink.ts'
import { collectPictures } from '../src/collect.ts'
import { sharpPixels } from '../src/node/pixels.ts'
import { pictureSize } from '../src/picture.ts'
import { largestBlocks, planGroup } from '../src/plan.ts'
import { PRESETS } from '../src/presets.ts'
import { type ReadPicture, readPicture } from '../src/read.ts'
import { showsCarrier } from '../src/recognise.ts'
import { atLength, LONG } from '../../../test/long.ts'
import { carrier, drawn, picture } from './services.ts'

const made = carrier(5, 2)
const png = await picture(made).png().toBuffer()
const scaled = (scale: number, kernel: keyof KernelEnum = 'lanczos3', of = made, bytes = png) =>
  sharp(bytes)
    .resize(Math.round(scale * of.width), Math.round(scale * of.height), { kernel, fit: 'fill' })
    .toColourspace('srgb')
const read = async (bytes: Uint8Array) => readPicture(bytes, sharpPixels)
const contentOf = ({ frames }: ReadPicture) =>
  frames.every(frame => frame !== undefined) ? concatBytes(...frames.map(({ content }) => content)) : undefined

describe('a carrier that may be made smaller', () => {
  type Service = [scale: number, kernel: keyof KernelEnum, format: 'jpeg' | 'webp', quality: number]
  const expectBack = async (scale: number, kernel: keyof KernelEnum, format: 'jpeg' | 'webp', quality: number) => {
    const found = await read(await scaled(scale, kernel).toFormat(format, { quality }).toBuffer())
    expect(found.channel.mode.id).toBe(5)
    expect(found.scale).toBeCloseTo(scale, 2)
    expect(contentOf(found)).toEqual(made.content)
    expect(found.frames[0]!.descriptor).toEqual(made.descriptor)
  }

  test.each<Service>([
    [1, 'lanczos3', 'jpeg', 75],
    [0.5, 'lanczos3', 'jpeg', 75],
    [0.6, 'mitchell', 'jpeg', 75],
    [0.7, 'cubic', 'webp', 75],
  ])('comes back to the bit at %d by %s, then %s q%i', (...service) => expectBack(...service))

  test.runIf(LONG).each<Service>([
    [0.5, 'cubic', 'jpeg', 75],
    [0.5, 'mitchell', 'jpeg', 75],
    [0.5, 'linear', 'jpeg', 85],
    [0.5, 'lanczos3', 'webp', 75],
    [0.53, 'lanczos3', 'jpeg', 75],
    [0.93, 'mitchell', 'jpeg', 75],
  ])(`comes back to the bit at %d by %s, then %s q%i${atLength}`, (...service) => expectBack(...service))

  test('comes back where one side was asked for, and the other rounded, from the hardest scale', async () => {
    const small = carrier(5, 4)
    const width = Math.round(0.53 * small.width)
    // The kernel knows the exact scale: the picture does not end where pixels end.
    expect(Math.abs(((small.height * width) / small.width) % 1) - 0.5).toBeLessThan(0.3)
    const served = sharp(await picture(small).png().toBuffer()).resize(width, undefined, { kernel: 'cubic' })
    expect(contentOf(await read(await served.jpeg({ quality: 75 }).toBuffer()))).toEqual(small.content)
  })

  test('lies in what came back as it was stretched, or scaled alike from the middle', () => {
    const made = { width: 1000, height: 600 }
    expect(windowsOf({ width: 500, height: 300 }, made)).toEqual([{ left: 0, top: 0, width: 500, height: 300 }])
    const close = (window: Window) => Object.values(window).map(value => Math.round(1e6 * value) / 1e6)
    expect(windowsOf({ width: 501, height: 301 }, made).map(close)).toEqual([
      [0, 0, 501, 301],
      [0, 0.2, 501, 300.6],
      [-0.333333, 0, 501.666667, 301],
    ])
    const lower = windowsOf({ width: 501, height: 301 }, made, { top: 300, height: 300 })
    expect(lower.map(close)[1]).toEqual([0, 150.5, 501, 150.3])
  })

  test('is found where it lies between pixels: its scale need not be that of its sides', () => {
    const large = carrier(5, 12)
    const luma = { width: large.width, height: large.height, data: Float32Array.from(large.pixels) }
    const [width, height] = [large.width / 2, large.height / 2]
    const seen = ({ left, top, right, bottom }: Moved) => {
      const window = {
        left: -2 * left,
        top: -2 * top,
        width: 2 * (width + left - right),
        height: 2 * (height + top - bottom),
      }
      return movedEdges(shrunk(luma, window, width, height), large.mode)
    }
    expect(seen({ left: 0, top: 0, right: 0, bottom: 0 })).toBeUndefined()
    for (const moved of [
      { left: 0.1, top: 0.5, right: -0.1, bottom: -0.5 },
      { left: 0.4, top: 0, right: 0.4, bottom: 0.6 },
    ]) {
      const found = seen(moved)!
      for (const edge of ['left', 'top', 'right', 'bottom'] as const)
        expect([edge, Math.abs(found[edge] - moved[edge]) < 0.15]).toEqual([edge, true])
    }
  })

  test.each([90, 270])('comes back scaled and turned by %i degrees', async angle => {
    const half = await scaled(0.6).png().toBuffer()
    const found = await read(await sharp(half).rotate(angle).jpeg({ quality: 85 }).toBuffer())
    expect(contentOf(found)).toEqual(made.content)
  })

  test.each([
    ['was made far too small', async () => scaled(0.3).jpeg({ quality: 90 }).toBuffer(), 'E_NOT_SEALED', 'to 30 %'],
    [
      'lost pixels between others',
      async () => scaled(0.6, 'nearest').jpeg({ quality: 75 }).toBuffer(),
      'E_REENCODED',
      'to 60 %',
    ],
    [
      'was scaled and cut',
      async () =>
        sharp(await scaled(0.8).png().toBuffer())
          .extract({ left: 0, top: 0, width: Math.round(0.77 * made.width), height: Math.round(0.73 * made.height) })
          .jpeg()
          .toBuffer(),
      'E_NOT_SEALED',
      'to 80 % of its sides and cut',
    ],
  ])('that %s is refused with its scale', async (_, serve, code, said) => {
    const { files, errors } = await collectPictures([{ name: 'one', bytes: await serve() }], sharpPixels)
    expect(files).toEqual([])
    expect(errors.map(({ error }) => error.code)).toEqual([code])
    expect(errors[0]!.error.message).toContain(said)
  })

  test('is told from a photograph, at any scale', async () => {
    const shows = (bytes: Uint8Array) => showsCarrier(new Blob([bytes.slice()]), sharpPixels)
    for (const scale of [0.5, 0.77, 1])
      expect([scale, await shows(await scaled(scale).jpeg({ quality: 75 }).toBuffer())]).toEqual([scale, true])
    expect(await shows(await readFile(new URL('../../../docs/pictures/robust/lake.jpg', import.meta.url)))).toBe(false)
  })

  test('has twice the sides of its blocks, and no more than its preset allows', () => {
    const preset = PRESETS['robust:resize']!
    for (const side of [640, 1000, 2560]) {
      const { mode, blocks } = planGroup(2 ** 20, { ...preset, side })
      const { width, height } = pictureSize(blocks, mode)
      expect([width % 32, height % 32]).toEqual([0, 0])
      expect(Math.max(width, height)).toBeLessThanOrEqual(side)
    }
    const bytes = 1e6
    const { wide, high } = largestBlocks({ ...preset, bytes })
    expect((64 * 4 * wide * high * preset.bitsPerPixel) / 8).toBeLessThanOrEqual(bytes)
  })
})

describe('enlarging', () => {
  test('is the sum of pixels under two weights, as the format has it', () => {
    const [width, height] = [24, 40]
    const pixels = drawn(width * height, 'enlarging')
    // Place `at` of a line twice as long: weights by how far pixels are.
    const weights = (at: number, length: number) =>
      ENLARGING.map((weight, k) => {
        const [pixel, offset] = [Math.floor(at / 2), k - 15]
        return { weight, from: mirrored(at % 2 === 1 ? pixel + offset : pixel - offset, length) }
      })
    const expected = Uint8Array.from({ length: 4 * width * height }, (_, i) => {
      const [x, y] = [i % (2 * width), Math.floor(i / (2 * width))]
      let sum = 0
      for (const row of weights(y, height))
        for (const column of weights(x, width))
          sum += row.weight * column.weight * pixels[row.from * width + column.from]!
      return Math.max(0, Math.min(255, Math.floor(sum / 2 ** 28 + 0.5)))
    })
    expect(enlarged(pixels, width, height)).toEqual(expected)
    expect(ENLARGING.reduce((sum, weight) => sum + weight, 0)).toBe(2 ** 14)
  })

  test('is undone by shrinking, but for what lies at the end of the band', () => {
    const [width, height] = [64, 48]
    const wave = (at: number) => Math.sin(at / 3) + Math.cos(at / 1.7)
    const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
      Math.round(128 + 25 * wave(i % width) * wave(0.9 * Math.floor(i / width))),
    )
    const data = Float32Array.from(enlarged(pixels, width, height))
    const large = { width: 2 * width, height: 2 * height, data }
    const back = shrunk(large, { left: 0, top: 0, width: 2 * width, height: 2 * height }, width, height)
    expect(Math.max(...back.data.map((value, i) => Math.abs(value - pixels[i]!)))).toBeLessThan(3)
  })
})
