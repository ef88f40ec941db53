import { movedEdges } from './align.ts'
import { equalised } from './equalise.ts'
import type { Blocks } from './geometry.ts'
import type { Mode } from './modes.ts'
import { type Luma, type Received, transformed } from './received.ts'
import { shrunk, type Window } from './shrink.ts'

/**
 * The coefficients of a picture that was enlarged when it was made, and has any size now.
 * @param window where it is, if there is something beside it
 */
export function regridded(luma: Luma, { wide, high }: Blocks, mode: Mode, window?: Window): Received {
  const [width, height] = [8 * wide, 8 * high]
  const first = window ?? { left: 0, top: 0, width: luma.width, height: luma.height }
  const guess = shrunk(luma, first, width, height)
  const moved = movedEdges(guess, mode)
  if (!moved) return transformed(equalised(guess, mode))
  const { left, top, right, bottom } = moved
  const [pixelWidth, pixelHeight] = [first.width / width, first.height / height]
  const second = {
    left: first.left + pixelWidth * left,
    top: first.top + pixelHeight * top,
    width: first.width + pixelWidth * (right - left),
    height: first.height + pixelHeight * (bottom - top),
  }
  return transformed(equalised(shrunk(luma, second, width, height), mode))
}
