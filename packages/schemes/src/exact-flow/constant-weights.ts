import { KeyStream, sha256Of } from '@latent/core'
import { checkWeights, FIRST_SHAPE, inputsOf, type Layer, MAX_WEIGHT, type Weights } from './weights.ts'

/** The constant behind the first generation of weights: they have nothing to hide and were not chosen. */
export const WEIGHTS_CONSTANT = 'A latent image is the one on exposed film that nobody can see until it is developed.'

let generation1: Promise<Weights> | undefined

/**
 * Weights derived from {@link WEIGHTS_CONSTANT}: uniform integers from a key stream, and biases that
 * centre every output on 128 for inputs centred on 128.
 */
export function constantWeights(): Promise<Weights> {
  generation1 ??= deriveWeights(4)
  return generation1
}

async function deriveWeights(rounds: number): Promise<Weights> {
  const stream = await KeyStream.create(
    sha256Of(new TextEncoder().encode(WEIGHTS_CONSTANT)),
    'latent/v1/exact-flow/weights',
  )
  const networks: Layer[][] = []
  for (let round = 0; round < rounds; round++) {
    const layers: Layer[] = []
    for (const { outputs, kernel } of FIRST_SHAPE.layers) {
      const inputs = layers.at(-1)?.outputs ?? inputsOf(FIRST_SHAPE.block)
      const taps = inputs * kernel[0] * kernel[1]
      const weights = Int8Array.from(
        await stream.integers(outputs * taps, 2 * MAX_WEIGHT + 1),
        value => value - MAX_WEIGHT,
      )
      // 2^10 brings the spread of 144 to 288 random products back to that of a byte.
      const shift = 10
      const bias = Int32Array.from({ length: outputs }, (_, o) => {
        let sum = 0
        for (const weight of weights.subarray(o * taps, (o + 1) * taps)) sum += weight
        return 128 * (2 ** shift - sum)
      })
      layers.push({ inputs, outputs, kernel, weights, bias, shift })
    }
    networks.push(layers)
  }
  return checkWeights(networks)
}
