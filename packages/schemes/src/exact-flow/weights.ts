import { concatBytes, LatentError, sha256Of, toHex } from '@latent/core'

/**
 * The integer networks of the exact flow: one a round, a few convolutions of kernels 3x3, 1x3 or 1x1.
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
  readonly kernel: Kernel
  /** Output-major: `weights[((o * inputs + i) * height + ky) * width + kx]`, each in -63..63. */
  readonly weights: Int8Array
  readonly bias: Int32Array
  /** The sum is divided by 2^shift, rounded half to even, and clipped to 0..255. */
  readonly shift: number
}

/** Height and width of a convolution's window, each 1 or 3. */
export type Kernel = readonly [height: number, width: number]

/** The integer networks of a flow, with their name. */
export interface Weights {
  /** `networks[round][layer]`; all rounds have one shape. */
  readonly networks: readonly (readonly Layer[])[]
  /** Positions that the networks take together as one place of their convolutions. */
  readonly block: number
  /** SHA-256 of {@link serializeWeights}: the name by which sealed files refer to them. */
  readonly id: string
}

/** What a network looks like, without its numbers. */
export interface NetworkShape {
  readonly block: number
  readonly layers: readonly { readonly outputs: number; readonly kernel: Kernel }[]
}

/** Bytes of a half that one position holds (4 units of 3 bytes). */
export const HALF_CHANNELS = 12
/** Bytes of the secret map that join each position, one a unit. */
export const MAP_CHANNELS = 4
/** Blocks divide a row of 128 positions. */
const BLOCKS = [1, 2, 4, 8]
const MAX_LAYERS = 8
const MAX_CHANNELS = 255
/** Weights are integers of at most this magnitude, so that sums of products stay exact in every arithmetic. */
export const MAX_WEIGHT = 63
/** Which shape the first format of weights has; the second says its own. */
const MAGIC = ['latent exact-flow weights 1\n', 'latent exact-flow weights 2\n'] as const

/** The first generation: three 3x3 convolutions, 16 -> 32 -> 32 -> 12, position by position. */
export const FIRST_SHAPE: NetworkShape = {
  block: 1,
  layers: [32, 32, HALF_CHANNELS].map(outputs => ({ outputs, kernel: [3, 3] })),
}

/** Bytes that enter the first layer. */
export const inputsOf = (block: number): number => block * (HALF_CHANNELS + MAP_CHANNELS)

/**
 * Checks shapes and the two overflow bounds, and names the weights.
 * @throws E_WEIGHTS
 */
export function checkWeights(networks: readonly (readonly Layer[])[]): Weights {
  if (networks.length < 2 || networks.length > 16 || networks.length % 2 !== 0)
    throw bad(`expected an even number of rounds from 2 to 16, received ${networks.length}`)
  const shape = shapeOf(networks[0]!)
  for (const layers of networks) {
    if (!isShaped(layers, shape)) throw bad('the rounds have networks of different shapes')
    for (const layer of layers) checkSums(layer)
  }
  return { networks, block: shape.block, id: toHex(sha256Of(serializeWeights(networks))) }
}

/** @throws E_WEIGHTS unless it is a network from half and map to half */
function shapeOf(layers: readonly Layer[]): NetworkShape {
  if (layers.length < 1 || layers.length > MAX_LAYERS)
    throw bad(`expected 1 to ${MAX_LAYERS} layers a round, received ${layers.length}`)
  const block = BLOCKS.find(positions => inputsOf(positions) === layers[0]!.inputs)
  if (block === undefined || layers.at(-1)!.outputs !== block * HALF_CHANNELS) throw wrongShape()
  for (const [l, { inputs, outputs, kernel, weights, bias }] of layers.entries()) {
    if (
      inputs !== (l === 0 ? inputsOf(block) : layers[l - 1]!.outputs) ||
      !Number.isInteger(outputs) ||
      outputs < 1 ||
      outputs > MAX_CHANNELS ||
      !kernel.every(side => side === 1 || side === 3) ||
      weights.length !== outputs * taps(inputs, kernel) ||
      bias.length !== outputs
    )
      throw wrongShape()
  }
  return { block, layers: layers.map(({ outputs, kernel }) => ({ outputs, kernel })) }
}

/** Does every layer have the outputs and the kernel that a shape says, and the sizes that follow? */
const isShaped = (layers: readonly Layer[], { block, layers: expected }: NetworkShape): boolean =>
  layers.length === expected.length &&
  layers.every(({ inputs, outputs, kernel, weights, bias }, l) => {
    const { outputs: width, kernel: window } = expected[l]!
    return (
      inputs === (l === 0 ? inputsOf(block) : expected[l - 1]!.outputs) &&
      outputs === width &&
      kernel[0] === window[0] &&
      kernel[1] === window[1] &&
      weights.length === outputs * taps(inputs, kernel) &&
      bias.length === outputs
    )
  })

/** Products in one sum. */
const taps = (inputs: number, [height, width]: Kernel): number => inputs * height * width

function checkSums({ inputs, outputs, kernel, weights, bias, shift }: Layer): void {
  if (!Number.isInteger(shift) || shift < 0 || shift > 16) throw bad(`expected a shift from 0 to 16, received ${shift}`)
  const row = taps(inputs, kernel)
  for (let o = 0; o < outputs; o++) {
    let magnitude = 0
    for (const weight of weights.subarray(o * row, (o + 1) * row)) {
      // 2 * 255 * 63 < 2^15: no pair of products saturates.
      if (Math.abs(weight) > MAX_WEIGHT) throw bad(`a weight is outside -${MAX_WEIGHT}..${MAX_WEIGHT}`)
      magnitude += Math.abs(weight)
    }
    if (magnitude * 255 + Math.abs(bias[o]!) >= 2 ** 24)
      throw bad('a sum can reach 2^24, where float32 is no longer exact')
  }
}

/**
 * Canonical bytes. Networks of {@link FIRST_SHAPE}: the first magic line; the number of rounds (one byte); then for
 * each layer inputs, outputs and shift (one byte each), the weights (one signed byte each) and the biases (signed
 * 32-bit little-endian). All others: the second magic line; the numbers of rounds and of layers in a round (one byte
 * each); then for each layer inputs, outputs, height and width of its kernel and shift (one byte each), and weights
 * and biases as before.
 */
export function serializeWeights(networks: readonly (readonly Layer[])[]): Uint8Array {
  const first = isShaped(networks[0] ?? [], FIRST_SHAPE)
  const number = (...values: number[]) => Uint8Array.from(values)
  const biases = (values: Int32Array) => {
    const view = new DataView(new ArrayBuffer(4 * values.length))
    values.forEach((value, o) => view.setInt32(4 * o, value, true))
    return new Uint8Array(view.buffer)
  }
  return concatBytes(
    new TextEncoder().encode(MAGIC[first ? 0 : 1]),
    first ? number(networks.length) : number(networks.length, networks[0]?.length ?? 0),
    ...networks
      .flat()
      .flatMap(({ inputs, outputs, kernel, shift, weights, bias }) => [
        first ? number(inputs, outputs, shift) : number(inputs, outputs, ...kernel, shift),
        new Uint8Array(weights.buffer, weights.byteOffset, weights.length),
        biases(bias),
      ]),
  )
}

/** Reads {@link serializeWeights}. @throws E_WEIGHTS */
export function parseWeights(bytes: Uint8Array): Weights {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC[0].length))
  const first = start === MAGIC[0]
  if (!first && start !== MAGIC[1]) throw bad('this is not a file of exact-flow weights')
  let at = start.length
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw bad('the file ends too early')
    at += length
    return Uint8Array.from(bytes.subarray(at - length, at))
  }
  const rounds = take(1)[0]!
  const depth = first ? FIRST_SHAPE.layers.length : take(1)[0]!
  const layer = (l: number): Layer => {
    const [inputs, outputs, height, width] = (
      first ? [...take(2), ...FIRST_SHAPE.layers[l]!.kernel] : [...take(4)]
    ) as [number, number, number, number]
    const kernel: Kernel = [height, width]
    const shift = take(1)[0]!
    // What is no network at all is said before its length is believed.
    if (first && outputs !== FIRST_SHAPE.layers[l]!.outputs) throw wrongShape()
    if (kernel.some(side => side !== 1 && side !== 3)) throw wrongShape()
    const weights = new Int8Array(take(outputs * taps(inputs, kernel)).buffer)
    const view = new DataView(take(4 * outputs).buffer)
    const bias = Int32Array.from({ length: outputs }, (_, o) => view.getInt32(4 * o, true))
    return { inputs, outputs, kernel, weights, bias, shift }
  }
  const networks = Array.from({ length: rounds }, () => Array.from({ length: depth }, (_, l) => layer(l)))
  if (at !== bytes.length) throw bad('the file is longer than its weights')
  const weights = checkWeights(networks)
  // One set of weights, one file, one name.
  if (first !== isShaped(networks[0]!, FIRST_SHAPE)) throw wrongShape()
  return weights
}

const wrongShape = () => bad('a layer has the wrong shape')

const bad = (what: string) =>
  new LatentError('E_WEIGHTS', `these weights cannot be used: ${what}`, {
    hint: 'fetch the weights again and compare their SHA-256 with the card',
  })
