import { type Image, image } from '@latent/core'
import { defineAttack } from '../contract.ts'
import { controls } from '../controls.ts'
import type { TargetShape } from '../chosen-plaintext.ts'
import { asPicture } from '../score.ts'

const SIDE = 4

/** Samples and places of every square of {@link SIDE} pixels; those at the right and lower edge may be smaller. */
function squaresOf({ width, height, channels, data }: Image<'u8'>): { samples: number[]; places: number[] }[] {
  const squares: { samples: number[]; places: number[] }[] = []
  for (let top = 0; top < height; top += SIDE) {
    for (let left = 0; left < width; left += SIDE) {
      const samples: number[] = []
      const places: number[] = []
      for (let y = top; y < Math.min(height, top + SIDE); y++)
        for (let x = left; x < Math.min(width, left + SIDE); x++) {
          places.push(y * width + x)
          for (let c = 0; c < channels; c++) samples.push(data[(y * width + x) * channels + c]!)
        }
      squares.push({ samples, places })
    }
  }
  return squares
}

/** Every square of {@link SIDE} pixels becomes one grey value, and the picture is stretched to full contrast. */
export function bySquares(picture: Image<'u8'>, value: (samples: readonly number[]) => number): Image<'u8'> {
  const values = new Float64Array(picture.width * picture.height)
  for (const { samples, places } of squaresOf(picture)) {
    const found = value(samples)
    for (const place of places) values[place] = found
  }
  return stretched(values, picture)
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
 * FlowCrypt sets its two halves side by side, each the picture squeezed to half its width or height, and any colour of
 * either may show it, as a negative too: of the six, the one whose means over squares differ the most from each other
 * for how much they differ within, stretched to the full width again.
 */
export const eitherHalf = defineAttack({
  id: 'either-half',
  title: 'the half and colour of the cipher image that shows the most, stretched and squinted at',
  threat: 'ciphertext-only',
  upTo: 'appearance',
  appliesTo: ({ id }) =>
    id.startsWith('flowcrypt') ? undefined : 'it is for ciphers that set two halves side by side',
  positiveControl: { scheme: controls.twoHalves, expects: 'leaks' },
  run: async ({ shape }) => ({
    open: targets =>
      targets.map(target => {
        const views = halvesByColour(asPicture(target, shape)).map(view => ({ view, shown: shows(view) }))
        const { view } = views.reduce((one, other) => (other.shown > one.shown ? other : one))
        return bySquares(asPicture(view, shape), mean)
      }),
  }),
})

/** Each colour of each half, as a grey picture of half the width. */
function halvesByColour({ width, height, channels, data }: Image<'u8'>): Image<'u8'>[] {
  const half = width >> 1
  return [0, width - half].flatMap(left =>
    Array.from({ length: channels }, (_, colour) =>
      image({
        width: half,
        height,
        channels: 1,
        format: 'u8',
        data: Uint8Array.from({ length: half * height }, (_, i) => {
          const place = Math.floor(i / half) * width + left + (i % half)
          return data[place * channels + colour]!
        }),
      }),
    ),
  )
}

/** Variance of the means of squares for the variance within them: about 1 / SIDE^2 for noise. */
function shows(view: Image<'u8'>): number {
  const squares = squaresOf(view).map(({ samples }) => samples)
  const within = mean(squares.map(samples => deviation(samples) ** 2))
  return deviation(squares.map(mean)) ** 2 / (within + 1e-9)
}
