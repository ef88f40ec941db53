import type { KeyStream } from '@latent/core'

/** Factors of brightness, contrast and saturation lie within 0.4 of 1, turns of the hue within 0.2 of a whole turn. */
const STRENGTH = { factor: 0.4, hue: 0.2 }

/** Luma of ITU-R BT.601. */
const luma = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b
const byte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)))

/** Four changes of colour; the first three are factors, 1 changing nothing. */
export interface ColourChange {
  readonly brightness: number
  readonly contrast: number
  readonly saturation: number
  /** In turns, -0.5 to 0.5. */
  readonly hue: number
  /** In which order the four are applied. */
  readonly order: ArrayLike<number>
}

/** One image with its colours changed at random, the four changes in random order. */
export async function jitterColours(samples: Uint8Array, channels: number, stream: KeyStream): Promise<Uint8Array> {
  const [a, b, c, d] = (await stream.uniforms(4)) as unknown as [number, number, number, number]
  const factor = (u: number) => 1 + STRENGTH.factor * (2 * u - 1)
  return changeColours(samples, channels, {
    brightness: factor(a),
    contrast: factor(b),
    saturation: factor(c),
    hue: STRENGTH.hue * (2 * d - 1),
    order: await stream.permutation(4),
  })
}

/**
 * Brightness multiplies, contrast moves away from the image's mean luma, saturation away from each
 * pixel's own, and the hue turns by the angle around the grey axis of hue, saturation and value. Grey
 * images have neither saturation nor hue. Samples are rounded after each change.
 */
export function changeColours(
  samples: Uint8Array,
  channels: number,
  { brightness, contrast, saturation, hue, order }: ColourChange,
): Uint8Array {
  let out: Uint8Array = samples.slice()
  for (let i = 0; i < 4; i++) {
    if (order[i] === 0) out = out.map(value => byte(brightness * value))
    else if (order[i] === 1) {
      const middle = Math.round(meanLuma(out, channels))
      out = out.map(value => byte(middle + contrast * (value - middle)))
    } else if (channels === 3)
      eachPixel(out, order[i] === 2 ? pixel => saturated(pixel, saturation) : pixel => turned(pixel, hue))
  }
  return out
}

type Pixel = readonly [number, number, number]

function eachPixel(samples: Uint8Array, change: (pixel: Pixel) => Pixel): void {
  for (let i = 0; i < samples.length; i += 3)
    samples.set(change([samples[i]!, samples[i + 1]!, samples[i + 2]!]).map(byte), i)
}

function meanLuma(samples: Uint8Array, channels: number): number {
  let sum = 0
  for (let i = 0; i < samples.length; i += channels)
    sum += channels === 3 ? luma(samples[i]!, samples[i + 1]!, samples[i + 2]!) : samples[i]!
  return sum / (samples.length / channels)
}

function saturated(pixel: Pixel, factor: number): Pixel {
  const grey = luma(...pixel)
  return pixel.map(value => grey + factor * (value - grey)) as unknown as Pixel
}

function turned([r, g, b]: Pixel, turn: number): Pixel {
  const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)]
  const range = high - low
  if (range === 0) return [r, g, b]
  const sixth = high === r ? (g - b) / range : high === g ? 2 + (b - r) / range : 4 + (r - g) / range
  const hue = 6 * ((((sixth / 6 + turn) % 1) + 1) % 1)
  // One channel of a hue: full for a third of the circle, none for another, a ramp between.
  const channel = (offset: number) => {
    const k = (offset + hue) % 6
    return high - range * Math.max(0, Math.min(k, 4 - k, 1))
  }
  return [channel(5), channel(3), channel(1)]
}
