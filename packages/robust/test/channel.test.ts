import { concatBytes, LatentError } from '@latent/core'
import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { sharpPixels } from '../src/node/pixels.ts'
import { type ReadPicture, readPicture } from '../src/read.ts'
import { carrier, drawn, picture } from './services.ts'

const [robust, harsh] = [carrier(2, 3), carrier(1, 3)]
const read = async (bytes: Uint8Array) => readPicture(bytes, sharpPixels)
const contentOf = ({ frames }: ReadPicture) =>
  frames.every(frame => frame !== undefined) ? concatBytes(...frames.map(({ content }) => content)) : undefined

describe('a carrier comes back to the bit', () => {
  test.each<[string, typeof robust, (image: Sharp) => Sharp | Promise<Uint8Array>]>([
    ['as it is', robust, image => image.png()],
    ['as JPEG q75', robust, image => image.jpeg({ quality: 75 })],
    ['as JPEG q75 4:4:4', robust, image => image.jpeg({ quality: 75, chromaSubsampling: '4:4:4' })],
    ['as grey JPEG q75', robust, image => image.toColourspace('b-w').jpeg({ quality: 75 })],
    ['as progressive JPEG q75', robust, image => image.jpeg({ quality: 75, progressive: true })],
    ['by mozjpeg q75', robust, image => image.jpeg({ quality: 75, mozjpeg: true })],
    ['as WebP q75', robust, image => image.webp({ quality: 75 })],
    ['as AVIF q60', robust, image => image.avif({ quality: 60 })],
    ['as JPEG q50', harsh, image => image.jpeg({ quality: 50 })],
    ['by mozjpeg q50', harsh, image => image.jpeg({ quality: 50, mozjpeg: true })],
    [
      'as JPEG q85, then q75',
      robust,
      async image =>
        sharp(await image.jpeg({ quality: 85 }).toBuffer())
          .jpeg({ quality: 75 })
          .toBuffer(),
    ],
    [
      'with an orientation written',
      robust,
      async image => image.withMetadata({ orientation: 6 }).jpeg({ quality: 80 }).toBuffer(),
    ],
  ])('%s', async (_, made, encode) => {
    const encoded = await encode(picture(made))
    const found = await read(encoded instanceof Uint8Array ? encoded : await encoded.toBuffer())
    expect(found.channel.mode.id).toBe(made.mode.id)
    expect(contentOf(found)).toEqual(made.content)
    expect(found.frames[0]!.descriptor).toEqual(made.descriptor)
  })

  test.each([
    [
      { left: 3, top: 5, width: robust.width - 9, height: robust.height - 7 },
      { left: 3, top: 5 },
    ],
    [
      { left: 8, top: 16, width: robust.width - 8, height: robust.height - 16 },
      { left: 8, top: 16 },
    ],
    [
      { left: 0, top: 0, width: robust.width - 3, height: robust.height },
      { left: 0, top: 0 },
    ],
  ])('with a border cropped: %j', async (kept, cropped) => {
    const cut = await sharp(await picture(robust).png().toBuffer())
      .extract(kept)
      .jpeg({ quality: 85 })
      .toBuffer()
    const found = await read(cut)
    expect(found.cropped).toEqual(cropped)
    expect(contentOf(found)).toEqual(robust.content)
  })

  test.each([90, 180, 270])('turned by %i degrees', async angle => {
    const found = await read(
      await sharp(await picture(robust).png().toBuffer())
        .rotate(angle)
        .jpeg({ quality: 85 })
        .toBuffer(),
    )
    expect(contentOf(found)).toEqual(robust.content)
  })
})

describe('what cannot be decoded', () => {
  test('says what was measured, and gives no byte', async () => {
    const found = await read(await picture(robust).jpeg({ quality: 40 }).toBuffer())
    expect(found.channel.mode.id).toBe(2)
    expect(found.channel.information).toBeLessThan(found.channel.needed)
    expect(found.frames.filter(Boolean)).toEqual([])
  })

  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string]>([
    [
      'noise that was never a carrier',
      () =>
        sharp(drawn(65536, 'noise'), { raw: { width: 256, height: 256, channels: 1 } })
          .jpeg()
          .toBuffer(),
      'E_NOT_SEALED',
    ],
    ['no picture', () => drawn(4096, 'bytes'), 'E_NOT_SEALED'],
    ['a JPEG of nothing but its first bytes', () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), 'E_IMAGE'],
  ])('%s is an error with a code', async (_, make, code) => {
    const error = await read(await make()).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(LatentError)
    expect((error as LatentError).code).toBe(code)
  })

  test.each([0.5, 0.64])('a carrier scaled to %d of its sides is told from what never was one', async scale => {
    const scaled = sharp(await picture(robust).png().toBuffer()).resize(Math.round(scale * robust.width))
    await expect(read(await scaled.jpeg().toBuffer())).rejects.toMatchObject({
      code: 'E_NOT_SEALED',
      message: expect.stringContaining(`scaled to ${100 * scale} % of its sides`) as string,
    })
  })

  test('a photograph is not taken for a carrier that was scaled', async () => {
    const photograph = await readFile(new URL('../../../docs/pictures/robust/lake.jpg', import.meta.url))
    await expect(read(photograph)).rejects.toMatchObject({
      code: 'E_NOT_SEALED',
      message: expect.stringContaining('nothing of a robust carrier') as string,
    })
  })

  test('a JPEG that lacks its last rows is made up for by the code', async () => {
    const whole = await picture(robust).jpeg({ quality: 90 }).toBuffer()
    const found = await read(whole.subarray(0, Math.floor(0.93 * whole.length)))
    expect(found.opened.jpeg?.cut).toBe(true)
    expect(contentOf(found)).toEqual(robust.content)
  })

  test('half a JPEG gives no wrong byte', async () => {
    const whole = await picture(robust).jpeg({ quality: 75 }).toBuffer()
    const found = await read(whole.subarray(0, whole.length >> 1))
    expect(found.opened.jpeg?.cut).toBe(true)
    expect(found.frames.filter(Boolean)).toEqual([])
  })
})
