import { type Image, image, KeyStream, sha256Of } from '@latent/core'

/**
 * Digits drawn by the project, in the manner of handwritten ones: white strokes on black, 28 x 28, each
 * variant bent, shifted and pressed a little differently. They stand in for MNIST wherever a picture is
 * shown or a label needed.
 */
export const DIGIT_SIDE = 28

type Point = readonly [x: number, y: number]

/** A circle's part, in turns clockwise from the top. */
const arc = (x: number, y: number, rx: number, ry: number, from: number, to: number): Point[] =>
  Array.from({ length: 17 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / 16)
    return [x + rx * Math.sin(angle), y - ry * Math.cos(angle)]
  })

/** Strokes of each digit in the unit square, y downwards. */
const STROKES: readonly (readonly (readonly Point[])[])[] = [
  [arc(0.5, 0.5, 0.27, 0.4, 0, 1)],
  [
    [
      [0.38, 0.24],
      [0.54, 0.1],
      [0.52, 0.9],
    ],
  ],
  [[...arc(0.5, 0.32, 0.24, 0.22, -0.22, 0.36), [0.24, 0.88], [0.78, 0.86]]],
  [[...arc(0.46, 0.3, 0.24, 0.2, -0.2, 0.5), ...arc(0.46, 0.7, 0.27, 0.2, 0, 0.72)]],
  [
    [
      [0.6, 0.1],
      [0.22, 0.62],
      [0.82, 0.6],
    ],
    [
      [0.62, 0.36],
      [0.6, 0.92],
    ],
  ],
  [[[0.74, 0.12], [0.34, 0.13], [0.3, 0.46], ...arc(0.48, 0.66, 0.25, 0.22, -0.06, 0.68)]],
  [[[0.62, 0.09], [0.36, 0.4], ...arc(0.5, 0.68, 0.22, 0.21, -0.25, 0.75)]],
  [
    [
      [0.22, 0.14],
      [0.76, 0.13],
      [0.42, 0.92],
    ],
  ],
  [arc(0.5, 0.3, 0.2, 0.19, 0, 1), arc(0.5, 0.69, 0.24, 0.21, 0, 1)],
  [[...arc(0.5, 0.33, 0.22, 0.21, 0.25, 1.25), [0.66, 0.9]]],
]

/** One digit, 0 to 9; `variant` gives another hand. */
export async function drawDigit(digit: number, variant = 0): Promise<Image<'u8'>> {
  const stream = await KeyStream.create(
    sha256Of(new TextEncoder().encode(`digit ${digit}/${variant}`)),
    'latent/v1/lab/picture',
  )
  const [slant, wide, high, right, down, bend, pressure] = Array.from(
    await stream.uniforms(7),
    value => 2 * value - 1,
  ) as [number, number, number, number, number, number, number]
  const scale = 20 * (1 + 0.08 * high)
  const place = ([x, y]: Point): Point => [
    14 + right + scale * (1 + 0.12 * wide) * (x - 0.5 + 0.3 * slant * (0.5 - y) + 0.06 * bend * Math.sin(5 * y)),
    14 + down + scale * (y - 0.5 + 0.05 * bend * Math.sin(4 * x)),
  ]
  const strokes = STROKES[digit]!.map(stroke => stroke.map(place))
  const thickness = 1.35 + 0.4 * pressure
  const data = Uint8Array.from({ length: DIGIT_SIDE ** 2 }, (_, i) => {
    const at: Point = [(i % DIGIT_SIDE) + 0.5, Math.floor(i / DIGIT_SIDE) + 0.5]
    const distance = Math.min(
      ...strokes.flatMap(stroke => stroke.slice(1).map((end, s) => distanceTo(at, stroke[s]!, end))),
    )
    return Math.round(255 * Math.min(1, Math.max(0, thickness - distance + 0.5)))
  })
  return image({ width: DIGIT_SIDE, height: DIGIT_SIDE, channels: 1, format: 'u8', data })
}

function distanceTo([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length))
  return Math.hypot(x - ax - along * dx, y - ay - along * dy)
}
