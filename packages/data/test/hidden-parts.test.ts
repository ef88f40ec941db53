import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { decodePicture } from '../src/node/decode.ts'

/** Pictures that hold more than a decoder shows: photographers have them, and must be told. */

const noise = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24)
const picture = () => sharp(noise, { raw: { width: 40, height: 30, channels: 3 } })
const bytesOf = async (of: ReturnType<typeof sharp>) => new Uint8Array(await of.toBuffer())
const joined = (...parts: readonly (Uint8Array | string)[]) =>
  new Uint8Array(Buffer.concat(parts.map(part => Buffer.from(part as Uint8Array))))

/** A TIFF of one grey strip of 2 x 2 pixels, with more tags in its directory. */
function tiff(little: boolean, more: readonly (readonly [tag: number, value: number])[], magic = ''): Uint8Array {
  const tags = [
    [256, 2],
    [257, 2],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 16],
    [277, 1],
    [278, 2],
    [279, 4],
    ...more,
  ].toSorted(([a], [b]) => a - b)
  const out = Buffer.alloc(24 + 2 + 12 * tags.length + 4)
  const u16 = (value: number, at: number) => (little ? out.writeUInt16LE(value, at) : out.writeUInt16BE(value, at))
  const u32 = (value: number, at: number) => (little ? out.writeUInt32LE(value, at) : out.writeUInt32BE(value, at))
  out.write(little ? 'II' : 'MM', 0, 'latin1')
  u16(42, 2)
  u32(24, 4)
  out.write(magic, 8, 'latin1')
  out.set([10, 20, 30, 40], 16)
  u16(tags.length, 24)
  for (const [i, [tag, value]] of tags.entries()) {
    u16(tag, 26 + 12 * i)
    u16(4, 28 + 12 * i)
    u32(1, 30 + 12 * i)
    u32(value, 34 + 12 * i)
  }
  return new Uint8Array(out)
}

describe('raw photographs', () => {
  test.each([true, false])('little endian %s: the preview is not taken for the photograph', async little => {
    const plain = await decodePicture(tiff(little, []))
    expect([plain.format, new Set(plain.image.data), plain.lost]).toEqual(['TIFF', new Set([10, 20, 30, 40]), []])
    for (const [tags, magic] of [
      [[[50_706, 0x01_04_00_00]], ''],
      [
        [
          [254, 1],
          [330, 16],
        ],
        '',
      ],
      [[], 'CR\x02\0'],
    ] as const)
      await expect(decodePicture(tiff(little, tags, magic))).rejects.toMatchObject({
        code: 'E_IMAGE',
        message: expect.stringContaining('raw photograph'),
        hint: expect.stringContaining('latent seal'),
      })
  })

  test('a reduced picture without others, and others below a whole one, are what they are', async () => {
    expect((await decodePicture(tiff(true, [[254, 1]]))).lost).toEqual([])
    expect((await decodePicture(tiff(true, [[330, 16]]))).lost).toEqual(['1 pictures below the first one'])
  })
})

describe('behind a JPEG', () => {
  test('a film, a gain map and a second picture are named as lost', async () => {
    const jpeg = await bytesOf(picture().jpeg())
    const second = await bytesOf(picture().jpeg({ quality: 20 }))
    for (const behind of ['\0\0\0\x18ftypmp42 and so on', second, 'Samsung_Trailer'])
      expect((await decodePicture(joined(jpeg, behind))).lost).toEqual([
        `${behind.length} bytes behind the picture, such as a film or a gain map`,
      ])
  })

  test('nothing is named where nothing is: any kind of JPEG, with thumbnail, zeros or a line end', async () => {
    for (const options of [{}, { progressive: true }, { chromaSubsampling: '4:4:4' }, { optimiseCoding: true }]) {
      const jpeg = await bytesOf(picture().jpeg(options))
      for (const behind of ['', '\0\0\0', '\r\n']) expect((await decodePicture(joined(jpeg, behind))).lost).toEqual([])
    }
    // A thumbnail lies in a segment of its own, with its own end.
    const [head, rest] = [
      (await bytesOf(picture().jpeg())).subarray(0, 2),
      (await bytesOf(picture().jpeg())).subarray(2),
    ]
    const thumbnail = joined('JFXX\0\x10', await bytesOf(picture().resize(8).jpeg()))
    const segment = joined(
      Uint8Array.of(0xff, 0xe0, (thumbnail.length + 2) >> 8, (thumbnail.length + 2) & 255),
      thumbnail,
    )
    expect((await decodePicture(joined(head, segment, rest))).lost).toEqual([])
  })
})
