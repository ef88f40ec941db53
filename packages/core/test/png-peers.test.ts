import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { decodePng } from '../src/png.ts'
import { arbitraryPicture, KINDS } from './reference/png-pictures.ts'
import { writePng } from './reference/png-writer.ts'

describe.each([false, true])('interlaced: %s', interlaced => {
  test.each(KINDS)('colour type %i of %i bits: the samples that libpng reads', async (colour, depth) => {
    await fc.assert(
      fc.asyncProperty(arbitraryPicture(colour, depth, interlaced), async picture => {
        const file = writePng(picture)
        const { channels, data } = decodePng(file)
        // A decoder of other people's: it gives RGBA, in which every kind can be compared.
        const other = await sharp(file)
          .pipelineColourspace(depth === 16 ? 'rgb16' : 'srgb')
          .toColourspace(depth === 16 ? 'rgb16' : 'srgb')
          .ensureAlpha(1)
          .raw(depth === 16 ? { depth: 'ushort' } : {})
          .toBuffer()
        const theirs = depth === 16 ? new Uint16Array(new Uint8Array(other).buffer) : new Uint8Array(other)
        // sharp applies gAMA to nothing; its opaque alpha of 16 bits is 255 or 65535 by version.
        expect(rgba(Array.from(theirs), 4).map(pixel => pixel.slice(0, 3))).toEqual(
          rgba(Array.from(data), channels).map(pixel => pixel.slice(0, 3)),
        )
      }),
      { numRuns: 40 },
    )
  })
})

const rgba = (samples: readonly number[], channels: number): number[][] =>
  Array.from({ length: samples.length / channels }, (_, p) => {
    const pixel = samples.slice(p * channels, (p + 1) * channels)
    return channels < 3 ? [pixel[0]!, pixel[0]!, pixel[0]!] : pixel
  })
