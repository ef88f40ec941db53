import { concatBytes } from '@latent/core'
import { craft, carrier, keys, payload, png, type Png, rows, sealed, text } from './craft.ts'
import { withAlpha } from './success.ts'
import type { Vector } from './vector.ts'

const identity = keys.identities.first

/** What stores and services make of a sealed file, and what never was one. */
export async function carrierVectors(): Promise<Vector[]> {
  const made = await craft({ payload: payload(1500) })
  const { width, height } = made.geometry
  const original = await carrier(made.geometry, made.pixels)
  const raw = rows(made.pixels, width * 3, 3)
  const vector = (name: string, expect: Vector['expect'], comment: string, sealed: Uint8Array): Vector => ({
    name,
    expect,
    comment,
    identity,
    size: 1500,
    released: expect === 'truncated' ? 1500 : 0,
    sealed,
  })
  const converted = (name: string, comment: string, changes: Partial<Png>) =>
    vector(`converted-${name}`, 'reencoded', comment, png({ width, height, raw, ...changes }))
  const noise = (bytes: number) => made.pixels.slice(0, bytes)
  const grey = Uint8Array.from(
    { length: width * height },
    (_, i) => (made.pixels[3 * i]! + made.pixels[3 * i + 1]! + made.pixels[3 * i + 2]!) / 3,
  )
  const halved = { width: width >> 1, height: height >> 1 }
  const resized = Uint8Array.from(
    { length: halved.width * halved.height * 3 },
    (_, i) =>
      made.pixels[
        (Math.floor(i / (halved.width * 3)) * 2 * width + (Math.floor(i / 3) % halved.width) * 2) * 3 + (i % 3)
      ]!,
  )

  const conversions = [
    converted('grey', 'an 8-bit grey PNG', { colour: 0, raw: rows(grey, width, 1) }),
    converted('grey-alpha', 'a grey PNG with alpha', {
      colour: 4,
      raw: rows(grey.slice(0, width * 2), width * 2, 2),
      height: 1,
    }),
    converted('palette', 'a PNG with a palette', { colour: 3, raw: rows(grey, width, 1) }),
    converted('16-bit', 'a PNG with 16-bit samples', {
      depth: 16,
      raw: rows(made.pixels.slice(0, width * 6), width * 6, 6),
      height: 1,
    }),
    converted('interlaced', 'an interlaced PNG', { interlace: 1 }),
    converted('transparent', 'an alpha channel that is not opaque', {
      colour: 6,
      raw: rows(withAlpha(made, 254), width * 4, 4),
    }),
    converted('resized', 'half as wide and high', { ...halved, raw: rows(resized, halved.width * 3, 3) }),
    converted('cropped', 'without the first row', { height: height - 1, raw: raw.slice(width * 3 + 1) }),
    converted('brightened', 'every sample is one level brighter', {
      raw: rows(
        made.pixels.map(byte => Math.min(255, byte + 1)),
        width * 3,
        3,
      ),
    }),
    vector(
      'converted-jpeg',
      'reencoded',
      'the first bytes of a JPEG',
      concatBytes(
        Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16),
        text('JFIF\0'),
        Uint8Array.of(1, 1, 0, 0, 1, 0, 1, 0, 0),
        noise(300),
      ),
    ),
    vector(
      'converted-webp',
      'reencoded',
      'the first bytes of a WebP',
      concatBytes(text('RIFF'), Uint8Array.of(0, 2, 0, 0), text('WEBPVP8L'), noise(300)),
    ),
    vector(
      'converted-avif',
      'reencoded',
      'the first bytes of an AVIF',
      concatBytes(Uint8Array.of(0, 0, 0, 28), text('ftypavif\0\0\0\0avifmif1miaf'), noise(300)),
    ),
    vector(
      'converted-heic',
      'reencoded',
      'the first bytes of a HEIC',
      concatBytes(Uint8Array.of(0, 0, 0, 24), text('ftypheic\0\0\0\0mif1heic'), noise(300)),
    ),
  ]

  const cut = (name: string, comment: string, length: number, expect: Vector['expect'] = 'truncated') =>
    vector(`truncated-${name}`, expect, comment, original.slice(0, length < 0 ? original.length + length : length))
  const cuts = [
    cut('in-signature', 'seven bytes: nothing says what this was', 7, 'not-sealed'),
    cut('after-signature', 'the PNG signature alone', 8),
    cut('in-ihdr', 'the file ends inside IHDR', 30),
    cut('in-header', 'the file ends inside the header', 200),
    cut('in-body', 'the file ends inside the second chunk', 49 + made.header.length + 800),
    cut('last-byte-of-data', 'the last byte of the last IDAT is missing', -17),
    cut('before-iend', 'the file ends before IEND', -12),
    cut('in-iend', 'the last byte of the file is missing', -1),
  ]
  const short = png({ width, height, raw: raw.slice(0, -width * 3) })
  return [
    ...conversions,
    ...cuts,
    vector('truncated-rows', 'truncated', 'the deflate data end a row too early, the PNG does not', short),
    vector('deflate-broken', 'chunk', 'the deflate data are broken: a block of the reserved type', broken(original)),
    vector(
      'filter-unknown',
      'chunk',
      'a row with filter 5',
      png({ width, height, level: 0, raw: Uint8Array.from(raw, (byte, i) => (i === 20 * (width * 3 + 1) ? 5 : byte)) }),
    ),
    vector('not-sealed-empty', 'not-sealed', 'no bytes at all', new Uint8Array(0)),
    vector('not-sealed-text', 'not-sealed', 'some text', text('This is a letter and not a picture.\n')),
    vector('not-sealed-ihdr', 'not-sealed', 'a PNG of no width', await carrierOf({ width: 0 })),
    vector(
      'not-sealed-method',
      'not-sealed',
      'a PNG of compression method 1',
      Uint8Array.from(original, (byte, i) => (i === 26 ? 1 : byte)),
    ),
    vector(
      'never-sealed',
      'reencoded',
      'a picture that never was sealed',
      png({ width: 16, height: 16, raw: rows(new Uint8Array(768).fill(200), 48, 3) }),
    ),
    vector(
      'too-wide',
      'limit',
      'a picture that says it is 2^24 + 1 pixels wide',
      await carrierOf({ width: 2 ** 24 + 1 }),
    ),
    vector(
      'too-many-pixels',
      'limit',
      'a picture that says it has more pixels than can be counted',
      await carrierOf({ width: 2 ** 24, height: 2 ** 31 - 1 }),
    ),
  ]
}

/** A sealed file whose IHDR says something else. */
async function carrierOf({ width, height }: { width?: number; height?: number }): Promise<Uint8Array> {
  const file = await sealed({ payload: payload(0) })
  const view = new DataView(file.buffer)
  if (width !== undefined) view.setUint32(16, width)
  if (height !== undefined) view.setUint32(20, height)
  return file
}

/** The first block's header: final, of type 3. */
const broken = (png: Uint8Array): Uint8Array => Uint8Array.from(png, (byte, i) => (i === 43 ? 7 : byte))
