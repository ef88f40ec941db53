import { LatentError } from '@latent/core'
import { type Blocks, blocksFor, framesOf } from './channel/geometry.ts'
import { type Mode, modeOf } from './channel/modes.ts'
import { contentBytes } from './picture.ts'
import type { Preset } from './presets.ts'

/** How bytes are spread over pictures: one shape for all parts of a group. */
export interface Plan {
  readonly mode: Mode
  readonly blocks: Blocks
  /** Codewords a picture, and bytes of content. */
  readonly frames: number
  readonly partBytes: number
  readonly data: number
  readonly spare: number
}

/** Parts with data in a group: they are in memory together. */
export const GROUP_PARTS = 60

/** The largest picture that a preset allows. */
export function largestBlocks({ side, bytes, bitsPerPixel, mode }: Preset): Blocks {
  const pixels = bytes === undefined ? Number.POSITIVE_INFINITY : (8 * bytes) / bitsPerPixel
  const { enlargement } = modeOf(mode)
  const edge = 2 * Math.floor(Math.min(side, Math.sqrt(pixels)) / 8 / enlargement / 2)
  const blocks = { wide: edge, high: edge }
  if (framesOf(blocks, modeOf(mode)) < 1)
    throw new LatentError('E_ARGUMENT', 'the pictures of this preset are too small to carry anything')
  return blocks
}

/** Bytes of a group that is full. */
export function groupBytes(preset: Preset): number {
  const mode = modeOf(preset.mode)
  return GROUP_PARTS * framesOf(largestBlocks(preset), mode) * contentBytes(mode)
}

/** The fewest pictures for `size` bytes (at most a group), no larger than they must be. */
export function planGroup(size: number, preset: Preset): Plan {
  const mode = modeOf(preset.mode)
  const largest = largestBlocks(preset)
  const most = framesOf(largest, mode)
  const each = contentBytes(mode)
  const codewords = Math.max(1, Math.ceil(size / each))
  const data = Math.ceil(codewords / most)
  const frames = Math.ceil(codewords / data)
  const fitting = blocksFor(frames, mode)
  const blocks = fitting.wide > largest.wide || fitting.high > largest.high ? largest : fitting
  const held = framesOf(blocks, mode)
  return { mode, blocks, frames: held, partBytes: held * each, data, spare: Math.ceil(data * preset.spare) }
}
