import { type Image, image } from '@latent/core'
import { defineAttack } from '../contract.ts'
import { controls } from '../controls.ts'
import type { TargetShape } from '../chosen-plaintext.ts'
import { asPicture } from '../score.ts'

const SIDE = 4

/** Every square of {@link SIDE} pixels becomes one grey value, and the picture is stretched to full contrast. */
export function bySquares(
  { width, height, channels, data }: Image<'u8'>,
  value: (samples: readonly number[]) => number,
): Image<'u8'> {
  const values = new Float64Array(width * height)
  for (let top = 0; top < height; top += SIDE) {
    for (let left = 0; left < width; left += SIDE) {
      const samples: number[] = []
      const places: number[] = []
      for (let y = top; y < Math.min(height, top + SIDE); y++)
        for (let x = left; x < Math.min(width, left + SIDE); x++) {
          places.push(y * width + x)
          for (let c = 0; c < channels; c++) samples.push(data[(y * width + x) * channels + c]!)
        }
      const found = value(samples)
      for (const place of places) values[place] = found
    }
  }
  return stretched(values, { width, height, channels })
}

/** Values as grey pixels, the least black and the greatest white. */
export function stretched(values: Float64Array, { width, height, channels }: TargetShape): Image<'u8'> {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  return image({
    width,
    height,
    channels,
    format: 'u8',
    data: Uint8Array.from(
      { length: values.length * channels },
      (_, i) => (255 * (values[Math.floor(i / channels)]! - low)) / (high - low || 1) + 0.5,
    ),
  })
}

const mean = (samples: readonly number[]): number => samples.reduce((sum, value) => sum + value, 0) / samples.length
const deviation = (samples: readonly number[]): number => {
  const middle = mean(samples)
  return Math.sqrt(mean(samples.map(value => (value - middle) ** 2)))
}

/** Means over squares of the cipher image: what is seen with eyes half closed. */
export const squint = defineAttack({
  id: 'squint',
  title: 'squinting: means over squares',
  threat: 'ciphertext-only',
  doesNothing: true,
  positiveControl: { scheme: controls.scrambledSquares, expects: 'leaks' },
  run: async ({ shape }) => ({ open: targets => targets.map(target => bySquares(asPicture(target, shape), mean)) }),
})

/** Deviation within squares: a cipher that is lively where the picture is shows its outlines. */
export const outline = defineAttack({
  id: 'outline',
  title: 'outlines: deviation within squares',
  threat: 'ciphertext-only',
  positiveControl: { scheme: controls.keyedBlocks, expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets => targets.map(target => bySquares(asPicture(target, shape), deviation)),
  }),
})

/**
 * FlowCrypt sets its two halves side by side, and the right one is the picture squeezed to half its width under a
 * network that bends it little: that half, stretched to the full width again, squinted at.
 */
export const rightHalf = defineAttack({
  id: 'right-half',
  title: 'the right half of the cipher image, stretched and squinted at',
  threat: 'ciphertext-only',
  appliesTo: ({ id }) =>
    id.startsWith('flowcrypt') ? undefined : 'it is for ciphers that set two halves side by side',
  positiveControl: { scheme: controls.twoHalves, expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets =>
      targets.map(target => {
        const whole = asPicture(target, shape)
        const { width, height, channels } = whole
        const half = image({
          width: width >> 1,
          height,
          channels,
          format: 'u8',
          data: whole.data.filter((_, i) => Math.floor(i / channels) % width >= width - (width >> 1)),
        })
        return bySquares(asPicture(half, shape), mean)
      }),
  }),
})
