import { argumentError, type Image, image, LatentError, type SampleFormat } from '@latent/core'
import type { Shape } from '../contract/scheme.ts'

/** What a network asks of the tiles it is given. */
export interface TileRule {
  /** Largest side of a tile in pixels; a multiple of `multiple`. Bounds the memory that an image of any size needs. */
  readonly tile: number
  /** Sides of a tile are padded to a multiple of this, by repeating the last column and row. */
  readonly multiple: number
  /** Smallest side of an image. */
  readonly minimum: number
  /**
   * Planes that the three of a tile become in the cipher image: 3 unless said otherwise, 1 where a network compresses
   * to a third.
   */
  readonly cipherPlanes?: 1 | 3
}

/** One tile: its number in the image, and its sides after padding. */
export interface Tile {
  readonly index: number
  readonly width: number
  readonly height: number
}

/**
 * Planes of a tile, `[3, height, width]` of the plain image and `[cipherPlanes, height, width]` of the cipher image;
 * samples in 0..1.
 */
export type TileTransform = (planes: Float32Array, tile: Tile) => Promise<Float32Array>

const PLANES = 3
const PEAK: Record<SampleFormat, number> = { u8: 255, u16: 65535, f32: 1 }

/**
 * The shape of the cipher image that has a place for every sample of every padded tile. RGB pictures
 * keep their size but for the padding; others are cut into groups of three planes (the last one
 * repeated), one group below the other: grey becomes RGB, RGBA twice as high.
 */
export function paddedShape(
  { width, height, channels }: Shape,
  { multiple, cipherPlanes = PLANES }: TileRule,
  format: SampleFormat,
): Shape {
  return {
    width: roundUp(width, multiple),
    height: roundUp(height, multiple) * Math.ceil(channels / PLANES),
    channels: cipherPlanes,
    format,
  }
}

/**
 * Encrypts: reads the plain image tile by tile, and writes what the transform makes of each into an
 * image of {@link paddedShape}. Integers are clamped and rounded half up; floats are kept as they are.
 * @throws E_IMAGE below the smallest size
 */
export async function encryptTiles(
  plain: Image,
  rule: TileRule,
  format: SampleFormat,
  transform: TileTransform,
): Promise<Image> {
  requireSize(plain, rule)
  const cipher = blank(paddedShape(plain, rule, format))
  for (const place of places(plain, rule)) {
    writePlanes(await transform(readPlanes(plain, place, PLANES), place), place, cipher, {
      planes: cipher.channels,
      down: place.group * (cipher.height / groupsOf(plain)),
      group: 0,
    })
  }
  return cipher
}

/**
 * Decrypts: the inverse of {@link encryptTiles} in shape; padding and repeated planes are dropped.
 * @throws E_IMAGE if the cipher image cannot have come from a plain one of this shape
 */
export async function decryptTiles(
  cipher: Image,
  plainShape: Shape,
  rule: TileRule,
  transform: TileTransform,
): Promise<Image> {
  requireSize(plainShape, rule)
  const expected = paddedShape(plainShape, rule, cipher.format)
  if (cipher.width !== expected.width || cipher.height !== expected.height || cipher.channels !== expected.channels) {
    throw new LatentError(
      'E_IMAGE',
      `a cipher image of ${plainShape.width} x ${plainShape.height} pixels in ${plainShape.channels} channels ` +
        `has ${expected.width} x ${expected.height} in ${expected.channels}, this one ${cipher.width} ` +
        `x ${cipher.height} in ${cipher.channels}`,
      { hint: 'it was resized, cropped or converted on its way; only the file that was written decrypts' },
    )
  }
  const plain = blank(plainShape)
  const below = cipher.height / groupsOf(plainShape)
  for (const place of places(plainShape, rule)) {
    const planes = readPlanes(cipher, { ...place, group: 0, top: place.top + place.group * below }, cipher.channels)
    writePlanes(await transform(planes, place), place, plain, { planes: PLANES, down: 0, group: place.group })
  }
  return plain
}

interface Place extends Tile {
  readonly left: number
  readonly top: number
  /** Which three planes of the plain image. */
  readonly group: number
}

function* places({ width, height, channels }: Shape, { tile, multiple }: TileRule): Generator<Place> {
  if (tile % multiple !== 0) throw argumentError('tile', `a multiple of ${multiple}`, tile)
  let index = 0
  for (let group = 0; group < groupsOf({ channels }); group++) {
    for (let top = 0; top < height; top += tile) {
      for (let left = 0; left < width; left += tile) {
        yield {
          index: index++,
          group,
          left,
          top,
          width: Math.min(tile, roundUp(width - left, multiple)),
          height: Math.min(tile, roundUp(height - top, multiple)),
        }
      }
    }
  }
}

/** Beyond the right and lower edge, and beyond the last channel, the last one is repeated. */
function readPlanes({ width, height, channels, format, data }: Image, place: Place, count: number): Float32Array {
  const planes = new Float32Array(count * place.width * place.height)
  const scale = 1 / PEAK[format]
  let at = 0
  for (let plane = 0; plane < count; plane++) {
    const channel = Math.min(channels - 1, PLANES * place.group + plane)
    for (let y = 0; y < place.height; y++) {
      const row = Math.min(height - 1, place.top + y) * width
      for (let x = 0; x < place.width; x++)
        planes[at++] = data[(row + Math.min(width - 1, place.left + x)) * channels + channel]! * scale
    }
  }
  return planes
}

interface Destination {
  readonly planes: number
  /** Rows to skip in the target. */
  readonly down: number
  /** The first of three channels of the target, in threes. */
  readonly group: number
}

function writePlanes(
  planes: Float32Array,
  place: Place,
  target: Image,
  { planes: count, down, group }: Destination,
): void {
  const { width, height, channels, format, data } = target
  if (planes.length !== count * place.width * place.height)
    throw argumentError('a transformed tile', `${count * place.width * place.height} values`, planes.length)
  const top = PEAK[format]
  const rows = Math.min(place.height, height - down - place.top)
  const columns = Math.min(place.width, width - place.left)
  for (let plane = 0; plane < count && PLANES * group + plane < channels; plane++) {
    for (let y = 0; y < rows; y++) {
      const from = (plane * place.height + y) * place.width
      const to = ((down + place.top + y) * width + place.left) * channels + PLANES * group + plane
      for (let x = 0; x < columns; x++) {
        const value = planes[from + x]! * top
        data[to + x * channels] = format === 'f32' ? value : Math.floor(Math.min(top, Math.max(0, value)) + 0.5)
      }
    }
  }
}

function requireSize({ width, height }: Shape, { minimum }: TileRule): void {
  if (width >= minimum && height >= minimum) return
  throw new LatentError(
    'E_IMAGE',
    `this picture has ${width} x ${height} pixels, and this cipher needs at least ${minimum} each way`,
    { hint: 'seal the file instead: latent seal takes any size' },
  )
}

function blank({ width, height, channels, format }: Shape): Image {
  const count = width * height * channels
  return image({
    width,
    height,
    channels,
    format,
    data: format === 'u8' ? new Uint8Array(count) : format === 'u16' ? new Uint16Array(count) : new Float32Array(count),
  })
}

const groupsOf = ({ channels }: Pick<Shape, 'channels'>): number => Math.ceil(channels / PLANES)
const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple
