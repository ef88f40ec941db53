import { argumentError, type Image, image } from '@latent/core'
import { permutationsOf } from '@latent/schemes/learnable'

/**
 * The basic feature-reconstruction attack (Chang and Li, "Attacks on image encryption schemes for
 * privacy-preserving deep neural networks", 2020): every sample v becomes the smaller of v and 255 - v.
 * No key and no query. Where a cipher only complements samples, the outcome is the same as that of the
 * plain image, and its edges are there again. Applying it twice changes nothing.
 */
export function featureReconstruction(cipher: Image<'u8'>): Image<'u8'> {
  const { width, height, channels } = cipher
  return image({
    width,
    height,
    channels,
    format: 'u8',
    data: cipher.data.map(value => (value > 127 ? 255 - value : value)),
  })
}

/** What the advanced attack presumes of a picture: its first pixel, and which neighbour a pixel is likest to. */
export interface AdvancedOptions {
  /** What the attacker takes the first pixel to be: a colour of sky, or of paper. Grey by default. */
  readonly first?: readonly number[]
  /**
   * `published`: the pixel to the left in the first row, the one above elsewhere. `both`: ours, the nearest to both
   * together.
   */
  readonly neighbours?: 'published' | 'both'
}

/**
 * The advanced feature-reconstruction attack of the same paper, against complemented and shuffled
 * channels under a new key for every image: what a pixel can have been (6 orders and 8 patterns of
 * complements for three channels) is tried, and what is nearest (L1) to its decoded neighbour is kept.
 *
 * No key, no query, one image. Distances do not change if one order and one pattern are applied to every
 * pixel, so the outcome is one of 48 pictures that differ in colour alone ({@link recolourings}); the
 * guess of the first pixel picks one. A wrong choice at a sharp edge goes on along its column.
 * @throws E_ARGUMENT above 4 channels, or if `first` has another number
 */
export function advancedFeatureReconstruction(
  cipher: Image<'u8'>,
  { first, neighbours = 'published' }: AdvancedOptions = {},
): Image<'u8'> {
  const { width, height, channels } = cipher
  const turns = turnsOf(channels)
  const start = first ?? Array.from({ length: channels }, () => 128)
  if (start.length !== channels) throw argumentError('first', `${channels} values`, start.length)
  const out = new Uint8Array(cipher.data.length)
  const candidate = new Uint8Array(channels)
  for (let p = 0; p < width * height; p++) {
    const references = p === 0 ? [] : referencesOf(p, width, neighbours)
    let best = Infinity
    for (const turn of turns) {
      let distance = 0
      for (let c = 0; c < channels; c++) {
        const value = turned(cipher.data, p * channels, turn, c)
        candidate[c] = value
        if (p === 0) distance += Math.abs(value - start[c]!)
        for (const q of references) distance += Math.abs(value - out[q * channels + c]!)
      }
      if (distance >= best) continue
      best = distance
      out.set(candidate, p * channels)
    }
  }
  return image({ width, height, channels, format: 'u8', data: out })
}

function referencesOf(p: number, width: number, neighbours: 'published' | 'both'): number[] {
  const [left, above] = [p % width > 0 ? [p - 1] : [], p >= width ? [p - width] : []]
  return neighbours === 'both' ? [...left, ...above] : above.length > 0 ? above : left
}

/**
 * The pictures that complements and an order of channels, the same at every pixel, make of one: 48 for three channels.
 */
export function recolourings(picture: Image<'u8'>): Image<'u8'>[] {
  const { width, height, channels, data } = picture
  return turnsOf(channels).map(turn =>
    image({
      width,
      height,
      channels,
      format: 'u8',
      data: data.map((_, i) => turned(data, i - (i % channels), turn, i % channels)),
    }),
  )
}

interface Turn {
  readonly order: readonly number[]
  readonly flips: readonly number[]
}

function turnsOf(channels: number): Turn[] {
  if (channels > 4) throw argumentError('channels', 'at most 4', channels)
  return permutationsOf(channels).flatMap(order =>
    Array.from({ length: 2 ** channels }, (_, bits) => ({
      order,
      flips: order.map((_, c) => ((bits >> c) & 1) * 255),
    })),
  )
}

const turned = (data: Uint8Array, at: number, { order, flips }: Turn, channel: number): number =>
  data[at + order[channel]!]! ^ flips[channel]!
