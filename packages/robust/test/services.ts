import { createHash } from 'node:crypto'
import sharp, { type Sharp } from 'sharp'
import { blocksFor } from '../src/channel/geometry.ts'
import { type Mode, modeOf } from '../src/channel/modes.ts'
import { encodePicture, pictureBytes, pictureSize } from '../src/picture.ts'

/** Bytes that look drawn and are the same every time. */
export function drawn(length: number, seed: string): Uint8Array {
  return new Uint8Array(createHash('shake256', { outputLength: length }).update(seed).digest())
}

/** A picture of some codewords, and what it carries. */
export function carrier(id: number, frames: number) {
  const mode: Mode = modeOf(id)
  const blocks = blocksFor(frames, mode)
  const content = drawn(pictureBytes(blocks, mode), `mode ${id}`)
  const descriptor = { set: drawn(8, 'set'), group: 0, groups: 1, size: content.length, data: 1, spare: 0, part: 0 }
  const pixels = encodePicture(content, descriptor, blocks, mode)
  return { mode, blocks, content, descriptor, pixels, ...pictureSize(blocks, mode) }
}

/** What a service makes of it, with sharp. */
export const picture = ({ pixels, width, height }: ReturnType<typeof carrier>): Sharp =>
  sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('srgb')
