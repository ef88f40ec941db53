import { type Image, image } from '@latent/core'
import { permutationsOf } from '@latent/schemes/learnable'

/** Where each sample of a block comes from, and whether it is complemented. */
export interface State {
  readonly source: Uint16Array
  readonly flip: number
}

/** Eight symmetries, two signs, and every order of the channels. */
export function statesOf(side: number, channels: number): State[] {
  const last = side - 1
  const symmetries = [0, 1, 2, 3].flatMap(quarters =>
    [false, true].map(mirrored => (row: number, column: number) => {
      let [r, c] = [row, mirrored ? last - column : column]
      for (let i = 0; i < quarters; i++) [r, c] = [last - c, r]
      return r * side + c
    }),
  )
  return symmetries.flatMap(symmetry =>
    permutationsOf(channels).flatMap(order => {
      const source = Uint16Array.from(
        { length: side * side * channels },
        (_, i) =>
          symmetry(Math.floor(i / channels / side), Math.floor(i / channels) % side) * channels + order[i % channels]!,
      )
      return [0, 255].map(flip => ({ source, flip }))
    }),
  )
}

/** As it is, and upside down. */
export const halfTurns = (side: number, channels: number): State[] =>
  [false, true].map(turned => ({
    flip: 0,
    source: Uint16Array.from({ length: side * side * channels }, (_, i) =>
      turned ? (side * side - 1 - Math.floor(i / channels)) * channels + (i % channels) : i,
    ),
  }))

/** A block in one of its states. */
export const inState = (block: Uint8Array, { source, flip }: State): Uint8Array =>
  Uint8Array.from(source, from => block[from]! ^ flip)

/** The samples of the block of this number, row by row. */
export function cutBlock({ width, channels, data }: Image<'u8'>, b: number, side: number): Uint8Array {
  const across = width / side
  const rowSamples = side * channels
  const out = new Uint8Array(side * rowSamples)
  for (let y = 0; y < side; y++) {
    const from = ((Math.floor(b / across) * side + y) * width + (b % across) * side) * channels
    out.set(data.subarray(from, from + rowSamples), y * rowSamples)
  }
  return out
}

/** Places in a block of the samples at its sides, or so many pixels further in: top, right, bottom, left. */
export function placesOf(side: number, channels: number, depth: number): readonly (readonly number[])[] {
  const along = (place: (i: number) => readonly [row: number, column: number]) =>
    Array.from({ length: side * channels }, (_, i) => {
      const [row, column] = place(Math.floor(i / channels))
      return (row * side + column) * channels + (i % channels)
    })
  const far = side - 1 - depth
  return [along(i => [depth, i]), along(i => [i, far]), along(i => [far, i]), along(i => [i, depth])]
}

/** A picture of blocks that are laid side by side, row by row. */
export function joinBlocks(
  forms: readonly Uint8Array[],
  { width, height, channels }: Pick<Image, 'width' | 'height' | 'channels'>,
  side: number,
): Image<'u8'> {
  const data = new Uint8Array(width * height * channels)
  const [across, rowSamples] = [width / side, side * channels]
  for (const [place, form] of forms.entries()) {
    for (let y = 0; y < side; y++) {
      const to = ((Math.floor(place / across) * side + y) * width + (place % across) * side) * channels
      data.set(form.subarray(y * rowSamples, (y + 1) * rowSamples), to)
    }
  }
  return image({ width, height, channels, format: 'u8', data })
}
