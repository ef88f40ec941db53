import { LatentError } from '@latent/core'
import {
  type Expr,
  initialise,
  layers,
  ops,
  type Parameter,
  type Tensor,
  tensor,
  uniform,
  zerosOf,
} from '@latent/graph'
import {
  checkWeights,
  FIRST_SHAPE,
  inputsOf,
  type Layer,
  MAX_WEIGHT,
  type NetworkShape,
  type Weights,
} from './weights.ts'

/**
 * The round networks as training sees them: the same integers forwards, and straight-through
 * derivatives backwards (Bengio et al. 2013), so that what is trained is what runs.
 *
 * Weights are kept as real numbers in units of one integer step. Activations are bytes as float32;
 * every sum is an integer below 2^24 and therefore exact.
 */
export type FlowNetworks<L> = Record<string, Record<string, Required<layers.Affine<L>>>>

/** Bits of the division behind each layer. With 7, a weight at its limit moves an output by half of a byte's range. */
const SHIFT = 7
/**
 * The same for the hidden layers of networks over several positions. A byte that is the sum of digits is flat if the
 * units that are its digits stand at 0 or 255, and with 7 bits a quarter of them stand in between.
 */
const HIDDEN_SHIFT = 5
/** Of a layer, by the positions that its network takes together. */
const shiftOf = (block: number, hidden: boolean): number => (hidden && block > 1 ? HIDDEN_SHIFT : SHIFT)
/**
 * Largest initial weights. [Note: Flat outputs] A sum of many like parts has a bell's shape, and outputs
 * are to be flat. So all layers but the last begin far beyond a byte's range, where most units stand at 0 or
 * 255, and the last begins with one such unit at the largest weight, which is half the range or nothing,
 * and small parts that fill the halves. That alone is most of the way; training goes the rest.
 */
const INITIAL = { hidden: MAX_WEIGHT, last: 4 }
/** What a step of 1 in a bias counts in sums: about as much as a step of 1 in a weight. */
const BIAS_UNIT = 64
/** The middle of a byte: biases are stored relative to the one that answers it with itself. */
const MIDDLE = 128
/** Share of the gradient that passes where an activation is clipped, so that no unit is lost for ever. */
const LEAK = 0.05

/** Initial parameters of the networks of every round, in units of the integers that they are rounded to. */
export function flowParameters(rounds = 4, { block, layers }: NetworkShape = FIRST_SHAPE): FlowNetworks<Parameter> {
  const layer = (l: number) => {
    const { outputs, kernel } = layers[l]!
    const inputs = layers[l - 1]?.outputs ?? inputsOf(block)
    const largest = l < layers.length - 1 ? INITIAL.hidden : INITIAL.last
    return { weight: uniform([outputs, inputs, ...kernel], largest), bias: zerosOf([outputs]) }
  }
  return Object.fromEntries(
    Array.from({ length: rounds }, (_, round) => [
      `round${round}`,
      Object.fromEntries(layers.map((_, l) => [`conv${l}`, layer(l)])),
    ]),
  )
}

/**
 * One round's network on bytes of a half `[N, 12, H, W]` and a map `[N, 4, H, W]`: `[N, 12, H, W]`, the bytes that the
 * integer network gives.
 * @returns also the last layer before rounding and clipping, in units of a byte
 */
export function roundNetwork(
  p: Record<string, Required<layers.Affine<Expr>>>,
  half: Expr,
  map: Expr,
): { bytes: Expr; unclipped: Expr } {
  const block = blockOf(Object.values(p)[0]!.weight.shape)
  const x = ops.concat([gathered(half, block), gathered(map, block)], 1)
  let [bytes, unclipped] = [x, x]
  const all = Object.values(p)
  for (const layer of all) {
    const shift = shiftOf(block, layer !== all.at(-1))
    const { weight, bias } = integers(layer, shift)
    unclipped = ops.mul(layers.conv2d({ weight, bias }, bytes), 2 ** -shift)
    bytes = toByte(unclipped)
  }
  return { bytes: spread(bytes, block), unclipped }
}

const blockOf = (dims: readonly number[]): number => dims[1]! / inputsOf(1)

/** Neighbouring positions of a row as one place of as many times the channels. */
export function gathered(x: Expr, block: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  if (block === 1) return x
  const parts = ops.transpose(ops.reshape(x, [n, c, h, w / block, block]), [0, 4, 1, 2, 3])
  return ops.reshape(parts, [n, block * c, h, w / block])
}

/** The inverse of {@link gathered}. */
function spread(x: Expr, block: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  if (block === 1) return x
  const parts = ops.transpose(ops.reshape(x, [n, block, c / block, h, w]), [0, 2, 3, 4, 1])
  return ops.reshape(parts, [n, c / block, h, w * block])
}

function integers({ weight, bias }: Required<layers.Affine<Expr>>, shift: number): { weight: Expr; bias: Expr } {
  const rounded = ops.withTangent(
    ops.clip(ops.roundStraightThrough(weight), -MAX_WEIGHT, MAX_WEIGHT),
    weight,
    change => change,
  )
  const offset = ops.sub(MIDDLE * 2 ** shift, ops.mul(MIDDLE, ops.sum(rounded, [1, 2, 3])))
  return { weight: rounded, bias: ops.add(ops.roundStraightThrough(ops.mul(bias, BIAS_UNIT)), offset) }
}

function toByte(x: Expr): Expr {
  const inside = ops.stopGradient(ops.where(ops.equal(ops.clip(x, 0, 255), x), 1, LEAK))
  return ops.withTangent(ops.roundStraightThrough(ops.clip(x, 0, 255)), x, change => ops.mul(change, inside))
}

/** `x` mod 256 of whole numbers; its derivative is that of `x`, the jumps left out. */
export const modulo256 = (x: Expr): Expr => ops.sub(x, ops.stopGradient(ops.mul(256, ops.floor(ops.mul(x, 1 / 256)))))

/** The integers that the forward pass computes with. @throws E_WEIGHTS if they break a bound of {@link checkWeights} */
export function quantise(trained: FlowNetworks<Tensor<'f32'>>): Weights {
  return checkWeights(
    Object.values(trained).map(network => {
      const all = Object.values(network)
      const block = blockOf(all[0]!.weight.dims)
      return all.map(layer => quantiseLayer(layer, shiftOf(block, layer !== all.at(-1))))
    }),
  )
}

/**
 * Trained networks as {@link quantise} takes them: its inverse, to measure weights as training measures them.
 * @throws E_WEIGHTS for weights with other shifts than training has
 */
export function mastersOf({ networks, id }: Weights): FlowNetworks<Tensor<'f32'>> {
  const masters: FlowNetworks<Tensor<'f32'>> = Object.fromEntries(
    networks.map((layers, round) => [
      `round${round}`,
      Object.fromEntries(
        layers.map(({ inputs, outputs, kernel, weights, bias, shift }, l) => {
          const row = inputs * kernel[0] * kernel[1]
          const offset = (o: number) =>
            MIDDLE *
            (2 ** shift - weights.subarray(o * row, (o + 1) * row).reduce((total, weight) => total + weight, 0))
          return [
            `conv${l}`,
            {
              weight: tensor('f32', [outputs, inputs, ...kernel], Float32Array.from(weights)),
              bias: tensor(
                'f32',
                [outputs],
                Float32Array.from(bias, (value, o) => (value - offset(o)) / BIAS_UNIT),
              ),
            },
          ]
        }),
      ),
    ]),
  )
  if (quantise(masters).id !== id) throw new LatentError('E_WEIGHTS', 'training makes no weights with these shifts')
  return masters
}

/**
 * What a run with this seed starts from: every output of a last layer gets its one large weight, of a unit that no
 * other output of the round has.
 */
export async function initialNetworks(
  seed: number,
  rounds = 4,
  shape: NetworkShape = FIRST_SHAPE,
): Promise<FlowNetworks<Tensor<'f32'>>> {
  const drawn = await initialise(flowParameters(rounds, shape), seed)
  for (const round of Object.values(drawn)) {
    const { data, dims } = Object.values(round).at(-1)!.weight
    const [outputs, inputs, height, width] = dims as [number, number, number, number]
    const taps = height * width
    for (let o = 0; o < outputs; o++)
      data[(o * inputs + o) * taps + (taps >> 1)] = o % 2 === 0 ? MAX_WEIGHT : -MAX_WEIGHT
  }
  return drawn
}

function quantiseLayer({ weight, bias }: Required<layers.Affine<Tensor<'f32'>>>, shift: number): Layer {
  const [outputs, inputs, height, width] = weight.dims as [number, number, number, number]
  const row = inputs * height * width
  const weights = Int8Array.from(weight.data, value => Math.min(MAX_WEIGHT, Math.max(-MAX_WEIGHT, nearestEven(value))))
  const biases = Int32Array.from(bias.data, (value, o) => {
    const sum = weights.subarray(o * row, (o + 1) * row).reduce((total, weight) => total + weight, 0)
    return nearestEven(Math.fround(value * BIAS_UNIT)) + MIDDLE * (2 ** shift - sum)
  })
  return { inputs, outputs, kernel: [height, width], weights, bias: biases, shift }
}

function nearestEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? 1 : 0)
}

/** A run's tensors, `flow.round0.conv0.weight` and so on, as a tree. */
export function flowTree(tensors: Readonly<Record<string, Tensor<'f32'>>>): FlowNetworks<Tensor<'f32'>> {
  const tree: Record<string, Record<string, Record<string, Tensor<'f32'>>>> = {}
  for (const [path, value] of Object.entries(tensors)) {
    const [, round, layer, kind] = path.split('.') as [string, string, string, string]
    ;((tree[round] ??= {})[layer] ??= {})[kind] = value
  }
  return tree as unknown as FlowNetworks<Tensor<'f32'>>
}
