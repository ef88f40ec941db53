import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { drawText } from './glyphs.ts'

/**
 * Test pictures drawn by the project, so that everything runs with no data at all and documents can
 * show pictures that are ours: landscapes, houses, lettering, textures, gradients. RGB, 8 bits, no
 * people. The same name, size and release give the same bytes.
 */
export const PROCEDURAL_KINDS = [
  'landscape',
  'street',
  'lettering',
  'weave',
  'marble',
  'gradient',
  'shapes',
  'dunes',
] as const
/** One kind of drawing: what {@link drawPicture} takes. */
export type ProceduralKind = (typeof PROCEDURAL_KINDS)[number]

type Colour = readonly [number, number, number]
/** A colour for every point of the unit square (y downwards), given some fixed random numbers. */
type Painter = (u: number, v: number, random: Float64Array) => Colour

/** Draws one picture. `variant` gives another of the same kind. */
export async function drawPicture(
  kind: ProceduralKind,
  width: number,
  height: number,
  variant = 0,
): Promise<Image<'u8'>> {
  const stream = await KeyStream.create(
    sha256Of(new TextEncoder().encode(`${kind}/${variant}`)),
    'latent/v1/lab/picture',
  )
  const random = await stream.uniforms(512)
  // Sensor noise of about one level: real photos have no perfectly flat parts.
  const grain = await stream.bytes(width * height * 3)
  const data = new Uint8Array(width * height * 3)
  const paint = PAINTERS[kind]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = paint((x + 0.5) / width, (y + 0.5) / height, random)
      const at = 3 * (y * width + x)
      for (let c = 0; c < 3; c++)
        data[at + c] = Math.min(255, Math.max(0, Math.round(colour[c]! + grain[at + c]! / 128 - 1)))
    }
  }
  const picture = image({ width, height, channels: 3, format: 'u8', data })
  if (kind === 'lettering') {
    const scale = Math.max(1, Math.floor(Math.min(width / 72, height / 40)))
    drawText(picture, 'LATENT', Math.floor(width * 0.08), Math.floor(height * 0.14), 2 * scale, [30, 34, 60])
    drawText(picture, 'ON FILM', Math.floor(width * 0.06), Math.floor(height * 0.52), scale, [120, 40, 30])
    drawText(picture, 'NOT YET SEEN', Math.floor(width * 0.06), Math.floor(height * 0.74), scale, [50, 50, 50])
  }
  return picture
}

const mix = (a: Colour, b: Colour, t: number): Colour => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
]
const smooth = (t: number): number => t * t * (3 - 2 * t)
const step = (edge: number, width: number, x: number): number => smooth(Math.min(1, Math.max(0, (x - edge) / width)))

/** Value noise on a lattice of 16 x 16 random numbers, repeated; 0 to 1. */
function noise(x: number, y: number, random: Float64Array): number {
  const at = (i: number, j: number) => random[256 + (((j & 15) << 4) | (i & 15))]!
  const i = Math.floor(x)
  const j = Math.floor(y)
  const s = smooth(x - i)
  const t = smooth(y - j)
  return (at(i, j) * (1 - s) + at(i + 1, j) * s) * (1 - t) + (at(i, j + 1) * (1 - s) + at(i + 1, j + 1) * s) * t
}

function fractal(x: number, y: number, octaves: number, random: Float64Array): number {
  let sum = 0
  let weight = 0.5
  for (let o = 0; o < octaves; o++) {
    sum += weight * noise(x * 2 ** o + 5 * o, y * 2 ** o + 3 * o, random)
    weight /= 2
  }
  return sum / (1 - 2 * weight)
}

const PAINTERS: Record<ProceduralKind, Painter> = {
  landscape(u, v, r) {
    const sun = Math.hypot((u - 0.2 - 0.6 * r[0]!) * 1.5, v - 0.22)
    let colour = mix([92, 146, 208], [236, 214, 186], step(0, 0.62, v))
    colour = mix(colour, [255, 250, 225], Math.exp(-((sun / 0.09) ** 2)))
    colour = mix(
      colour,
      [244, 244, 248],
      0.75 * step(0.52, 0.2, fractal(u * 4 + r[1]! * 9, v * 11, 4, r)) * step(0.5, -0.35, v),
    )
    const far = 0.42 + 0.16 * fractal(u * 3.2 + 20 * r[2]!, 1.5, 5, r)
    if (v > far) colour = mix([118, 132, 158], [92, 108, 126], (v - far) * 3)
    const near = 0.56 + 0.2 * fractal(u * 2.1 + 20 * r[3]!, 7.5, 4, r) - 0.06
    if (v > near)
      colour = mix([64, 98, 58], [36, 66, 38], step(near, 0.3, v) * 0.8 + 0.2 * fractal(u * 30, v * 30, 2, r))
    if (v > 0.8) {
      const ripple = fractal(u * 6, v * 60, 3, r)
      colour = mix(
        mix([72, 112, 150], [196, 200, 190], 1 - (v - 0.8) * 4),
        [235, 238, 236],
        0.5 * step(0.62, 0.2, ripple),
      )
    }
    return colour
  },
  street(u, v, r) {
    let colour = mix([150, 178, 214], [224, 228, 232], step(0, 0.6, v))
    const houses = 5
    const i = Math.floor(u * houses)
    const top = 0.2 + 0.3 * r[10 + i]!
    const within = u * houses - i
    if (v > top) {
      const wall = mix([186, 128, 96], [214, 204, 180], r[20 + i]!)
      colour = mix(wall, [120, 96, 80], 0.15 * fractal(u * 40, v * 40, 2, r) + 0.25 * step(0.9, 0.1, within))
      const wx = (within * 3) % 1
      const wy = ((v - top) * 9) % 1
      if (wx > 0.28 && wx < 0.72 && wy > 0.25 && wy < 0.75 && v < 0.74 && v > top + 0.03)
        colour =
          r[30 + ((i * 29 + Math.floor(within * 3) * 7 + Math.floor((v - top) * 9)) % 60)]! > 0.7
            ? [250, 226, 150]
            : [52, 64, 84]
    } else if (v > top - 0.07 * (1 - Math.abs(2 * within - 1))) colour = [112, 60, 48]
    if (v > 0.8) {
      colour = mix([96, 96, 100], [70, 70, 74], fractal(u * 50, v * 50, 3, r))
      if (Math.abs(v - 0.9) < 0.012 && (u * 8) % 1 < 0.55) colour = [226, 224, 210]
    }
    return colour
  },
  lettering(u, v, r) {
    return mix([238, 232, 216], [214, 204, 182], 0.7 * fractal(u * 9, v * 9, 4, r) + 0.3 * Math.hypot(u - 0.5, v - 0.5))
  },
  weave(u, v, r) {
    const x = u * 22
    const y = v * 16
    const over = (Math.floor(x) + Math.floor(y)) % 2 === 0
    const across = Math.sin(Math.PI * (over ? y % 1 : x % 1))
    const along = Math.sin(Math.PI * (over ? x % 1 : y % 1))
    const thread: Colour = over ? [168, 52, 60] : [226, 200, 148]
    return mix(
      [40, 20, 24],
      thread,
      0.25 + 0.75 * across * (0.55 + 0.45 * along) * (0.85 + 0.15 * noise(x * 3, y * 3, r)),
    )
  },
  marble(u, v, r) {
    const vein = Math.abs(Math.sin(Math.PI * (3 * u + 2 * v + 2.2 * fractal(u * 4, v * 4, 6, r))))
    return mix([74, 82, 96], [236, 232, 226], step(0, 0.75, vein) * 0.9 + 0.1 * fractal(u * 20, v * 20, 3, r))
  },
  gradient(u, v, r) {
    const turn = 2 * Math.PI * r[0]!
    const along = 0.5 + 0.5 * ((u - 0.5) * Math.cos(turn) + (v - 0.5) * Math.sin(turn)) * 1.4
    return [255 * along, 255 * (1 - Math.hypot(u - r[1]!, v - r[2]!) * 0.8), 255 * v]
  },
  shapes(u, v, r) {
    let colour = mix([244, 240, 232], [206, 222, 232], v)
    for (let i = 0; i < 9; i++) {
      const [x, y, size, hue] = [r[4 * i]!, r[4 * i + 1]!, 0.07 + 0.13 * r[4 * i + 2]!, r[4 * i + 3]!]
      const d =
        i % 3 === 0
          ? Math.hypot(u - x, v - y)
          : i % 3 === 1
            ? Math.max(Math.abs(u - x), Math.abs(v - y))
            : Math.abs(u - x) + Math.abs(v - y)
      const fill: Colour = [
        128 + 120 * Math.sin(6.3 * hue),
        128 + 110 * Math.sin(6.3 * hue + 2.1),
        128 + 110 * Math.sin(6.3 * hue + 4.2),
      ]
      colour = mix(colour, fill, 0.9 * step(size, -0.006, d))
    }
    return colour
  },
  dunes(u, v, r) {
    const ridge = 0.35 + 0.2 * Math.sin(3.1 * u + 6 * r[0]!) + 0.12 * fractal(u * 2, 3, 3, r)
    const sky = mix([58, 84, 148], [246, 184, 132], step(0, 0.5, v))
    if (v < ridge) return sky
    const ripple = Math.sin(90 * (v + 0.25 * fractal(u * 3, v * 3, 3, r)) + 14 * u)
    return mix([150, 92, 52], [240, 196, 132], 0.5 + 0.22 * ripple + 0.28 * Math.sin(5 * u + 9 * v))
  },
}

/** A picture that is drawn when it is asked for. Equal ids give equal pixels on every machine. */
export interface NamedPicture {
  readonly id: string
  load(): Promise<Image<'u8'>>
}

/** `count` pictures, kinds in turn. */
export function proceduralSet(count: number, width = 256, height = 192): NamedPicture[] {
  return Array.from({ length: count }, (_, i) => {
    const kind = PROCEDURAL_KINDS[i % PROCEDURAL_KINDS.length]!
    const variant = Math.floor(i / PROCEDURAL_KINDS.length)
    return { id: `${kind}-${variant}`, load: () => drawPicture(kind, width, height, variant) }
  })
}
