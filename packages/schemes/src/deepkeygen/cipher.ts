import { KeyStream } from '@latent/core'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'
import { rememberLast } from '../remember.ts'
import { convolved, halved, type Layer, layer, type Planes, plus, rational, rectified, upsampled } from './layers.ts'

/** Channels at half and at a quarter of the resolution. */
const [HALF, QUARTER] = [8, 16]
const BLOCKS = 2
/** Planes of a key image. */
const PLANES = 3
/** The last layer's outputs fill -1..1 at this gain. */
const GAIN = 3

interface Generator {
  readonly down1: Layer
  readonly down2: Layer
  readonly blocks: readonly (readonly [Layer, Layer])[]
  readonly up1: Layer
  readonly up2: Layer
}

/**
 * A generator network makes a key image of a seed image, and the cipher is plain XOR key image. Nothing depends on the
 * plain image: every picture of a size meets the same key image, which is neither uniform nor without structure.
 */
const keyImage = rememberLast(async (key, { width, height, channels }) => {
  const [w, h] = [roundUp(width), roundUp(height)]
  const seed = await (await KeyStream.create(key, 'latent/v1/deepkeygen/seed')).uniforms(PLANES * w * h)
  const groups = Math.ceil(channels / PLANES)
  const made: Planes[] = []
  const generator = await drawn()
  for (let g = 0; g < groups; g++) {
    // Pictures of more than three planes meet the next key image, whose seed image is the last one turned round.
    const input = g % 2 === 0 ? seed : seed.toReversed()
    made.push(generate(generator, { width: w, height: h, data: split(input, PLANES) }))
  }
  return Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [p, c] = [Math.floor(i / channels), i % channels]
    const plane = made[Math.floor(c / PLANES)]!.data[c % PLANES]!
    return Math.floor(127.5 * (plane[Math.floor(p / width) * w + (p % width)]! + 1) + 0.5)
  })
})

const apply: ByteTransform['decrypt'] = async (bytes, { key, image }) => {
  const { width, height } = image
  return xorInto(bytes, await keyImage(key, { width, height, channels: bytes.length / (width * height) }))
}

/** XOR with the key image, either way. */
export const deepKeyGen: ByteTransform = { encrypt: (bytes, call) => apply(bytes, call, {}), decrypt: apply }

const roundUp = (side: number): number => 4 * Math.ceil(side / 4)
const split = (values: Float64Array, parts: number): Float64Array[] =>
  Array.from({ length: parts }, (_, i) =>
    values.subarray((i * values.length) / parts, ((i + 1) * values.length) / parts),
  )

let remembered: Promise<Generator> | undefined
const drawn = (): Promise<Generator> => (remembered ??= draw())

async function draw(): Promise<Generator> {
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/deepkeygen/generator')
  const make = (inputs: number, outputs: number) => layer(stream, inputs, outputs)
  const [down1, down2] = [await make(PLANES, HALF), await make(HALF, QUARTER)]
  const blocks: [Layer, Layer][] = []
  for (let b = 0; b < BLOCKS; b++) blocks.push([await make(QUARTER, QUARTER), await make(QUARTER, QUARTER)])
  return { down1, down2, blocks, up1: await make(QUARTER, HALF), up2: await make(HALF, PLANES) }
}

function generate({ down1, down2, blocks, up1, up2 }: Generator, seed: Planes): Planes {
  let x = rectified(halved(convolved(down1, seed)))
  x = rectified(halved(convolved(down2, x)))
  for (const [first, second] of blocks) x = plus(x, convolved(second, rectified(convolved(first, x))))
  x = rectified(convolved(up1, upsampled(x)))
  return rational(convolved(up2, upsampled(x)), GAIN)
}
