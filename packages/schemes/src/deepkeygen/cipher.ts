import { KeyStream } from '@latent/core'
import type { Tensor } from '@latent/graph'
import { type ByteTransform, bytewise, xorInto } from '../contract/bytewise.ts'
import type { Transform } from '../contract/scheme.ts'
import { type Model, networkWeights } from '../models/index.ts'
import { clouds } from '../neural/clouds.ts'
import { rememberLast } from '../remember.ts'
import { convolved, halved, type Layer, layer, type Planes, plus, rational, rectified, upsampled } from './layers.ts'
import { GAIN, type Generator, generatorOf, generatorParameters, PLANES } from './network.ts'

/** What makes key images: a generator, and the initial images that it is given. */
interface KeyImages {
  readonly generator: () => Promise<Generator<Layer>>
  readonly initial: (stream: KeyStream, planes: number, width: number, height: number) => Promise<Float64Array>
}

/**
 * A generator network makes a key image of an initial image, and the cipher is plain XOR key image. Nothing depends on
 * the plain image: every picture of a size meets the same key image, which is neither uniform nor without structure.
 */
function keyImageCipher({ generator, initial }: KeyImages): ByteTransform {
  const keyImage = rememberLast(async (key, { width, height, channels }) => {
    const [w, h] = [roundUp(width), roundUp(height)]
    const seed = await initial(await KeyStream.create(key, 'latent/v1/deepkeygen/seed'), PLANES, w, h)
    const groups = Math.ceil(channels / PLANES)
    const made: Planes[] = []
    const network = await generator()
    for (let g = 0; g < groups; g++) {
      // Pictures of more than three planes meet the next key image, whose initial image is the last one turned round.
      const input = g % 2 === 0 ? seed : seed.toReversed()
      made.push(keyPlanes(network, { width: w, height: h, data: split(input, PLANES) }))
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
  return { encrypt: (bytes, call) => apply(bytes, call, {}), decrypt: apply }
}

const roundUp = (side: number): number => 4 * Math.ceil(side / 4)
const split = (values: Float64Array, parts: number): Float64Array[] =>
  Array.from({ length: parts }, (_, i) =>
    values.subarray((i * values.length) / parts, ((i + 1) * values.length) / parts),
  )

/** An initial image as uniform noise in 0..1, plane by plane: what the drawn generator is given. */
const noise: KeyImages['initial'] = (stream, planes, width, height) => stream.uniforms(planes * width * height)

let remembered: Promise<Generator<Layer>> | undefined

/** The variant whose generator is drawn from a public constant. */
export const drawnKeyImages = (): Transform =>
  bytewise(keyImageCipher({ generator: () => (remembered ??= drawn()), initial: noise }))

/** The variant whose generator is trained. @throws E_WEIGHTS if the weights do not fit */
export function trainedKeyImages(model: Model): Transform {
  const generator = layersOf(networkWeights(model, 'generator', generatorParameters()))
  return { ...bytewise(keyImageCipher({ generator: () => Promise.resolve(generator), initial: clouds })), made: model }
}

/** The kernels of a trained generator as layers of doubles. */
export function layersOf(weights: Generator<{ readonly weight: Tensor<'f32'> }>): Generator<Layer> {
  const { down1, down2, blocks, up1, up2 } = weights
  const kernels = [down1, down2, ...blocks.flat(), up1, up2]
  return generatorOf((inputs, outputs) => layerOf(inputs, outputs, kernels.shift()!.weight))
}

const layerOf = (inputs: number, outputs: number, { data }: Tensor<'f32'>): Layer => ({
  inputs,
  outputs,
  weights: Float64Array.from(data),
})

async function drawn(): Promise<Generator<Layer>> {
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/deepkeygen/generator')
  const sizes: [number, number][] = []
  generatorOf((inputs, outputs) => sizes.push([inputs, outputs]))
  const layers: Layer[] = []
  for (const [inputs, outputs] of sizes) layers.push(await layer(stream, inputs, outputs))
  return generatorOf(() => layers.shift()!)
}

/** A key image in -1..1 of an initial image in 0..1, in doubles: the same bytes on every machine. */
export function keyPlanes({ down1, down2, blocks, up1, up2 }: Generator<Layer>, seed: Planes): Planes {
  let x = rectified(halved(convolved(down1, seed)))
  x = rectified(halved(convolved(down2, x)))
  for (const [first, second] of blocks) x = plus(x, convolved(second, rectified(convolved(first, x))))
  x = rectified(convolved(up1, upsampled(x)))
  return rational(convolved(up2, upsampled(x)), GAIN)
}
