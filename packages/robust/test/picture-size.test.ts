import sharp from 'sharp'
import { expect, test } from 'vitest'
import { pictureSize } from '../src/picture-size.ts'

const picture = sharp({ create: { width: 301, height: 77, channels: 4, background: '#4568' } })
const opaque = picture.clone().removeAlpha()
const SIZE = { width: 301, height: 77 }

test.each([
  ['lossy WebP', 'WebP', opaque.clone().webp()],
  ['lossless WebP', 'WebP', opaque.clone().webp({ lossless: true })],
  ['WebP with transparency', 'WebP', picture.clone().webp()],
  [
    'WebP with metadata',
    'WebP',
    opaque
      .clone()
      .withExif({ IFD0: { Artist: 'a' } })
      .webp(),
  ],
  ['AVIF', 'AVIF', opaque.clone().avif({ effort: 0 })],
  ['AVIF with transparency', 'AVIF', picture.clone().avif({ effort: 0 })],
] as const)('%s says its size, and cut anywhere it says that or nothing', async (_, format, made) => {
  const bytes = new Uint8Array(await made.toBuffer())
  expect(pictureSize(format, bytes)).toEqual(SIZE)
  for (let length = 0; length < Math.min(bytes.length, 600); length++)
    expect([undefined, SIZE]).toContainEqual(pictureSize(format, bytes.subarray(0, length)))
})

test('the largest of all sizes counts, whatever lies about them', async () => {
  const webp = new Uint8Array(await picture.clone().webp().toBuffer())
  expect(String.fromCharCode(...webp.subarray(12, 16))).toBe('VP8X')
  // The canvas is said to be 2 pixels, the picture in it is not.
  webp.fill(0, 24, 30)
  expect(pictureSize('WebP', webp)).toEqual(SIZE)
  webp.fill(255, 24, 30)
  expect(pictureSize('WebP', webp)).toEqual({ width: 2 ** 24, height: 2 ** 24 })
  const avif = new Uint8Array(await opaque.clone().avif({ effort: 0 }).toBuffer())
  const at = Buffer.from(avif).indexOf('ispe')
  avif.fill(255, at + 8, at + 12)
  expect(pictureSize('AVIF', avif)).toEqual({ width: 2 ** 32 - 1, height: 77 })
})

test('an animation has no size, and neither has noise', async () => {
  const frames = await sharp(Buffer.alloc(3 * 16 * 32, 7).fill(200, 3 * 16 * 16), {
    raw: { width: 16, height: 32, channels: 3, pageHeight: 16 },
  })
    .webp({ loop: 0, delay: [100, 100] })
    .toBuffer()
  expect(frames.includes('ANIM')).toBe(true)
  expect(pictureSize('WebP', new Uint8Array(frames))).toBeUndefined()
  const noise = Uint8Array.from({ length: 4096 }, (_, i) => (i * i * 31 + (i >> 3)) & 255)
  for (const format of ['WebP', 'AVIF', 'HEIC'] as const) expect(pictureSize(format, noise)).toBeUndefined()
  // A box in a box in a box, and one that ends before it begins.
  const nested = new Uint8Array(8 * 3000)
  for (let at = 0; at < nested.length; at += 8) nested.set([0, 0, 0, 0, 105, 112, 99, 111], at)
  expect(pictureSize('AVIF', nested)).toBeUndefined()
})
