import { KeyStream, LatentError, sha256Of, toHex } from '@latent/core'

/**
 * The integer networks of the exact flow: one a round, three 3x3 convolutions, 16 -> 32 -> 32 -> 12.
 *
 * [Note: Why the numbers are the same everywhere] Activations are bytes, weights are integers in
 * -63..63, so (a) every sum is an integer below 2^24 and therefore exact in float32 in any order of
 * summation, and (b) the sum of two products stays below 2^15, so that kernels which add pairs in
 * 16 bits (AVX2) cannot saturate. The division is by a power of two, rounded half to even. Both
 * bounds are checked for every set of weights before it is used.
 */
export interface Layer {
  readonly inputs: number
  readonly outputs: number
  /** Output-major: `weights[((o * inputs + i) * 3 + ky) * 3 + kx]`, each in -63..63. */
  readonly weights: Int8Array
  readonly bias: Int32Array
  /** The sum is divided by 2^shift, rounded half to even, and clipped to 0..255. */
  readonly shift: number
}

/** The integer networks of a flow, with their name. */
export interface Weights {
  /** `networks[round][layer]` */
  readonly networks: readonly (readonly Layer[])[]
  /** SHA-256 of {@link serializeWeights}: the name by which sealed files refer to them. */
  readonly id: string
}

/** Channels of a network: what enters, two hidden layers, what leaves. */
export const CHANNELS = [16, 32, 32, 12] as const
/** Weights are integers of at most this magnitude, so that sums of products stay exact in every arithmetic. */
export const MAX_WEIGHT = 63
const MAGIC = 'latent exact-flow weights 1\n'

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
    for (let l = 0; l < 3; l++) {
      const inputs = CHANNELS[l]!
      const outputs = CHANNELS[l + 1]!
      const taps = inputs * 9
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
      layers.push({ inputs, outputs, weights, bias, shift })
    }
    networks.push(layers)
  }
  return checkWeights(networks)
}

/**
 * Checks shapes and the two overflow bounds, and names the weights.
 * @throws E_WEIGHTS
 */
export function checkWeights(networks: readonly (readonly Layer[])[]): Weights {
  if (networks.length < 2 || networks.length > 16 || networks.length % 2 !== 0)
    throw bad(`expected an even number of rounds from 2 to 16, received ${networks.length}`)
  for (const layers of networks) {
    if (layers.length !== CHANNELS.length - 1)
      throw bad(`expected ${CHANNELS.length - 1} layers a round, received ${layers.length}`)
    for (const [l, layer] of layers.entries()) checkLayer(layer, CHANNELS[l]!, CHANNELS[l + 1]!)
  }
  return { networks, id: toHex(sha256Of(serializeWeights(networks))) }
}

function checkLayer(
  { inputs, outputs, weights, bias, shift }: Layer,
  expectedInputs: number,
  expectedOutputs: number,
): void {
  const taps = inputs * 9
  if (
    inputs !== expectedInputs ||
    outputs !== expectedOutputs ||
    weights.length !== outputs * taps ||
    bias.length !== outputs
  )
    throw bad('a layer has the wrong shape')
  if (!Number.isInteger(shift) || shift < 0 || shift > 16) throw bad(`expected a shift from 0 to 16, received ${shift}`)
  for (let o = 0; o < outputs; o++) {
    let magnitude = 0
    for (const weight of weights.subarray(o * taps, (o + 1) * taps)) {
      // 2 * 255 * 63 < 2^15: no pair of products saturates.
      if (Math.abs(weight) > MAX_WEIGHT) throw bad(`a weight is outside -${MAX_WEIGHT}..${MAX_WEIGHT}`)
      magnitude += Math.abs(weight)
    }
    if (magnitude * 255 + Math.abs(bias[o]!) >= 2 ** 24)
      throw bad('a sum can reach 2^24, where float32 is no longer exact')
  }
}

/**
 * Canonical bytes: the magic line; the number of rounds (one byte); then for each layer inputs,
 * outputs and shift (one byte each), the weights (one signed byte each) and the biases (signed 32-bit
 * little-endian).
 */
export function serializeWeights(networks: readonly (readonly Layer[])[]): Uint8Array {
  const layers = networks.flat()
  const magic = new TextEncoder().encode(MAGIC)
  const size = layers.reduce((sum, layer) => sum + 3 + layer.weights.length + 4 * layer.bias.length, magic.length + 1)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes.set(magic)
  bytes[magic.length] = networks.length
  let at = magic.length + 1
  for (const { inputs, outputs, shift, weights, bias } of layers) {
    bytes.set([inputs, outputs, shift], at)
    bytes.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), at + 3)
    at += 3 + weights.length
    for (const value of bias) {
      view.setInt32(at, value, true)
      at += 4
    }
  }
  return bytes
}

/** Reads {@link serializeWeights}. @throws E_WEIGHTS */
export function parseWeights(bytes: Uint8Array): Weights {
  const magic = new TextEncoder().encode(MAGIC)
  if (!magic.every((byte, i) => bytes[i] === byte)) throw bad('this is not a file of exact-flow weights')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const networks: Layer[][] = []
  let at = magic.length + 1
  const rounds = bytes[magic.length]
  if (rounds === undefined) throw bad('the file ends too early')
  for (let round = 0; round < rounds; round++) {
    const layers: Layer[] = []
    for (let l = 0; l < CHANNELS.length - 1; l++) {
      const [inputs, outputs] = [CHANNELS[l]!, CHANNELS[l + 1]!]
      const taps = inputs * outputs * 9
      if (at + 3 + taps + 4 * outputs > bytes.length) throw bad('the file ends too early')
      if (bytes[at] !== inputs || bytes[at + 1] !== outputs) throw bad('a layer has the wrong shape')
      const shift = bytes[at + 2]!
      at += 3
      const weights = new Int8Array(bytes.slice(at, at + taps).buffer)
      at += taps
      const bias = Int32Array.from({ length: outputs }, (_, o) => view.getInt32(at + 4 * o, true))
      at += 4 * outputs
      layers.push({ inputs, outputs, weights, bias, shift })
    }
    networks.push(layers)
  }
  if (at !== bytes.length) throw bad('the file is longer than its weights')
  return checkWeights(networks)
}

const bad = (what: string) =>
  new LatentError('E_WEIGHTS', `these weights cannot be used: ${what}`, {
    hint: 'fetch the weights again and compare their SHA-256 with the card',
  })
