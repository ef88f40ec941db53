import { KeyStream } from '@latent/core'
import { type ByteTransform } from '../contract/bytewise.ts'
import { rememberLast, type Shape } from '../remember.ts'
import { applyMap, joinNibbles, type SampleMap, splitNibbles, undoMap } from './sample-map.ts'

/** A cipher that moves samples, and may turn them over, by a map drawn from the key. */
export interface MapCipher {
  /** Names the scheme in the derivation of its key stream. */
  readonly id: string
  /** One map an image, from its nonce; otherwise the same for every image of a shape. */
  readonly perImage?: boolean
  /** What is moved: whole samples, or their halves (low nibble first). */
  readonly unit: 'sample' | 'nibble'
  /** A map for images of this shape; `channels` counts the bytes of a pixel. */
  readonly draw: (stream: KeyStream, shape: Shape) => Promise<SampleMap>
}

/** Moves and complements samples, under one map for all images or one an image. */
export function mapCipher({ id, perImage = false, unit, draw }: MapCipher): ByteTransform {
  const label = `latent/v1/learnable/${id}` as const
  const fixed = rememberLast(async (key, shape) => draw(await KeyStream.create(key, label), shape))
  const mapFor = async (key: Uint8Array, nonce: Uint8Array, shape: Shape) =>
    perImage ? draw(await KeyStream.create(key, label, nonce), shape) : fixed(key, shape)
  const shapeOf = (image: Shape, bytes: Uint8Array): Shape => ({
    width: image.width,
    height: image.height,
    channels: bytes.length / (image.width * image.height),
  })
  return {
    async encrypt(bytes, { key, nonce, image }) {
      const map = await mapFor(key, nonce, shapeOf(image, bytes))
      return unit === 'sample' ? applyMap(bytes, map) : joinNibbles(applyMap(splitNibbles(bytes), map))
    },
    async decrypt(bytes, { key, nonce, image }) {
      const map = await mapFor(key, nonce, shapeOf(image, bytes))
      return unit === 'sample' ? undoMap(bytes, map) : joinNibbles(undoMap(splitNibbles(bytes), map))
    },
  }
}

/** Side of the blocks, in pixels, that block-wise ciphers keep in place (Tanaka 2018). */
export const BLOCK_SIDE = 4

/**
 * Where the samples of 4x4 blocks lie, block after block, row by row; within a block row by row, the
 * channels of a pixel together. Both sides are multiples of 4.
 */
export interface Blocks {
  readonly count: number
  /** The first sample of a block. */
  readonly start: (block: number) => number
  /** How far behind it each of its samples lies: the same in every block, so that a large picture needs no table. */
  readonly offsets: Uint32Array
}

/** The blocks of a picture whose sides are multiples of {@link BLOCK_SIDE}, row by row. */
export function blocksOf({ width, height, channels }: Shape): Blocks {
  const across = width / BLOCK_SIDE
  return {
    count: across * (height / BLOCK_SIDE),
    start: block => (Math.floor(block / across) * width + (block % across)) * BLOCK_SIDE * channels,
    offsets: Uint32Array.from({ length: BLOCK_SIDE * BLOCK_SIDE * channels }, (_, i) => {
      const place = Math.floor(i / channels)
      return (Math.floor(place / BLOCK_SIDE) * width + (place % BLOCK_SIDE)) * channels + (i % channels)
    }),
  }
}
