import { LatentError } from '@latent/core'
import { readFileSync } from 'node:fs'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { sharpPixels } from '../src/node/pixels.ts'
import { isProbe, makeProbe, PROBE_SIDES, type ProbedMode, readProbe, SAFE_MARGIN } from '../src/probe.ts'
import { MODES } from '../src/channel/modes.ts'

const SIDE = 768
const probe = makeProbe(SIDE)
const served = async (serve: (image: Sharp) => Sharp) => serve(sharp(probe).toColourspace('srgb')).toBuffer()
const read = async (bytes: Uint8Array) => readProbe(bytes, SIDE, sharpPixels)

describe('a probe', () => {
  test('is told from what others made, so that --force replaces no picture of theirs', async () => {
    expect(isProbe(probe)).toBe(true)
    const others = [
      await served(image => image.jpeg()),
      await served(image => image.png()),
      readFileSync(new URL('../../../docs/pictures/plain/lake.png', import.meta.url)),
      probe.subarray(0, 60),
      new Uint8Array(0),
      new TextEncoder().encode('latent probe'),
    ]
    expect(others.map(isProbe)).toEqual(others.map(() => false))
  })

  test('comes back whole where nothing happens to it', async () => {
    const { format, scale, modes, fitting } = await read(probe)
    expect({ format, scale }).toEqual({ format: 'PNG', scale: 1 })
    expect(modes.every(({ frames, decoded }) => frames > 0 && decoded === frames)).toBe(true)
    expect(fitting.length).toBeGreaterThan(3)
  })

  test('tells quality, sampling, coding and orientation of a JPEG, and which presets fit', async () => {
    const report = await read(
      await served(image => image.withMetadata({ orientation: 6 }).jpeg({ quality: 50, progressive: true })),
    )
    expect(report.jpeg).toMatchObject({
      quality: 50,
      exact: true,
      sampling: '2x2 1x1 1x1',
      progressive: true,
      orientation: 6,
    })
    expect(report.jpeg!.metadata.some(name => name.startsWith('Exif'))).toBe(true)
    expect(report.fitting).toEqual(['robust:harsh', 'robust:resize'])
    const { decoded, information, needed } = report.modes.find(({ mode }) => mode === 4)!
    expect(decoded).toBe(0)
    expect(information).toBeLessThan(needed)
  })

  test('tells what was cropped', async () => {
    const report = await read(
      await served(image =>
        image.extract({ left: 6, top: 9, width: SIDE - 10, height: SIDE - 9 }).webp({ quality: 95 }),
      ),
    )
    expect(report.cropped).toEqual({ left: 6, top: 9, right: 4, bottom: 0 })
    expect(report.modes[0]!.gain).toBeGreaterThan(0.9)
    const { frames, decoded } = report.modes.at(-1)!
    expect(decoded).toBe(frames)
  })

  test.each([300, 400, 600])('scaled to %i pixels tells the scale, and the preset that survives it', async width => {
    const report = await read(await served(image => image.resize(width).jpeg({ quality: 75 })))
    expect(report.scale).toBeCloseTo(width / SIDE, 3)
    expect(report.modes.map(({ mode }) => mode)).toEqual([5])
    const [{ frames, decoded, information, needed }] = report.modes as [ProbedMode]
    const survives = width >= SIDE / 2
    expect(report.fitting).toEqual(survives ? ['robust:resize'] : [])
    expect(decoded).toBe(survives ? frames : 0)
    expect(information > needed + SAFE_MARGIN).toBe(survives)
  })

  test.each([PROBE_SIDES.least, 700, 1000])('of %i pixels has a codeword of every mode', async side => {
    const made = makeProbe(side)
    const { width, height, modes } = await readProbe(made, side)
    expect(Math.max(width, height)).toBeLessThanOrEqual(side)
    expect(modes.map(({ mode }) => mode)).toEqual(MODES.map(({ id }) => id))
    for (const { frames, decoded } of modes) expect([frames > 0, decoded]).toEqual([true, frames])
  })

  test('that is none is an error', async () => {
    const other = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer()
    const error = await read(other).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(LatentError)
    expect((error as LatentError).code).toBe('E_NOT_SEALED')
    expect(() => makeProbe(100)).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }) as Error)
  })
})
