import { movedEdges } from './align.ts'
import { demap, informationIn } from './demap.ts'
import { equalised } from './equalise.ts'
import { type Blocks, slotsOf } from './geometry.ts'
import { measureLines } from './measure.ts'
import type { Mode } from './modes.ts'
import { type Luma, type Received, transformed } from './received.ts'
import { shrunk, type Window } from './shrink.ts'

/** Sides in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** Less than this, in pixels of what came back, makes no difference. */
const LEAST_DIFFERENCE = 0.1

/**
 * Where a picture may lie in what came back. Its sides there are whole numbers, and services stretch it to these, or
 * scale both sides alike, by what one of them asks for, and round the other: then the picture has its middle where that
 * has its middle.
 * @param made as it was made
 * @param part the rows that are looked for, if not all
 */
export function windowsOf(found: Size, made: Size, part = { top: 0, height: made.height }): Window[] {
  const [across, down] = [found.width / made.width, found.height / made.height]
  const window = (x: number, y: number): Window => ({
    left: (found.width - x * made.width) / 2,
    top: (found.height - y * made.height) / 2 + y * part.top,
    width: x * made.width,
    height: y * part.height,
  })
  const alike = [
    ...(Math.abs(across * made.height - found.height) > LEAST_DIFFERENCE ? [window(across, across)] : []),
    ...(Math.abs(down * made.width - found.width) > LEAST_DIFFERENCE ? [window(down, down)] : []),
  ]
  return [window(across, down), ...alike]
}

/** Pilots of more blocks tell better than guesses where edges are. */
const FEW_BLOCKS = 8192

/**
 * The coefficients of a picture that was enlarged when it was made, and has any size now.
 * @param windows where it may be, the likeliest first; that in which most is found is right
 */
export function regridded(luma: Luma, blocks: Blocks, mode: Mode, windows: readonly Window[]): Received {
  const [width, height] = [8 * blocks.wide, 8 * blocks.high]
  const [likeliest] = windows as [Window]
  const guess = shrunk(luma, likeliest, width, height)
  const moved = movedEdges(guess, mode)
  const seen = moved && movedWindow(likeliest, moved, width, height)
  const receive = (window: Window) =>
    transformed(equalised(window === likeliest ? guess : shrunk(luma, window, width, height), mode))
  if (blocks.wide * blocks.high > FEW_BLOCKS) return receive(seen ?? likeliest)
  const all = [...windows, ...(seen ? [seen] : [])].map(receive)
  if (all.length === 1) return all[0]!
  const slots = slotsOf(blocks, mode)
  const held = all.map(received => informationIn(demap(received, blocks, mode, measureLines(received, mode), slots)))
  return all[held.indexOf(Math.max(...held))]!
}

function movedWindow(
  window: Window,
  { left, top, right, bottom }: NonNullable<ReturnType<typeof movedEdges>>,
  width: number,
  height: number,
): Window {
  const [pixelWidth, pixelHeight] = [window.width / width, window.height / height]
  return {
    left: window.left + pixelWidth * left,
    top: window.top + pixelHeight * top,
    width: window.width + pixelWidth * (right - left),
    height: window.height + pixelHeight * (bottom - top),
  }
}
