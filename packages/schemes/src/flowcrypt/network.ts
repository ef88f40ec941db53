import { constantOf, heNormal, layers, ops, parameterCount, zerosOf } from '@latent/graph'
import type { Expr, Operand, Parameter } from '@latent/graph'
import type { Profile } from '../recipe.ts'

/**
 * The network of FlowCrypt (Yang, Ping, Xu; arXiv 2509.18696): a chain of invertible blocks on two half
 * images, each block with four sub-networks of five convolutions that also see a secret map K.
 *
 * Published: the chain, affine coupling, four sub-networks named eta, rho, phi and omega, five
 * convolutions with leaky ReLU each, K beside the features. Our choices, the source being silent: the
 * number of blocks, all widths and kernels, one channel of K, the equations of the coupling (after
 * HiNet, with both halves scaled and shifted), the clamp, no activation after a fifth convolution.
 */
export interface FlowCryptShape {
  readonly blocks: number
  readonly hidden: number
}

/** `paper` has 953,440 parameters, which fits the published "1M"; `compact` has 127,792. */
export const SHAPES: Record<Profile, FlowCryptShape> = {
  paper: { blocks: 8, hidden: 32 },
  compact: { blocks: 4, hidden: 16 },
}

/** Colours of a half image; one channel of K joins them. */
const COLOURS = 3
const MAP_CHANNELS = 1
const CONVOLUTIONS = 5
/** Deviation of K's entries, which have mean 0 (our choice): K speaks louder in a network's first layer than the image, whose values lie in 0..1. */
export const MAP_DEVIATION = 10
/** Bound on the logarithm of one block's scale. */
const CLAMP = 1

type Stack<L> = Record<string, layers.Affine<L>>

export type Block<L> = {
  readonly omega: Stack<L>
  readonly phi: Stack<L>
  readonly rho: Stack<L>
  readonly eta: Stack<L>
}

export type FlowCrypt<L> = Record<string, Block<L>>

/** The two halves of an image, `[N, 3, H, W/2]` each, or of the map K, `[N, 1, H, W/2]` each. */
export interface Halves {
  readonly x: Expr
  readonly y: Expr
}

const widths = (hidden: number): number[] => [COLOURS + MAP_CHANNELS, ...Array.from({ length: CONVOLUTIONS - 1 }, () => hidden), COLOURS]

/**
 * Initial values (our choice): He's for the first four convolutions and a fraction of them for the fifth,
 * so that all blocks together move a half by about the range of an image. The scales start where the
 * chain as a whole shrinks an image to a quarter, and the shifts where its mean stays in the middle: it
 * then begins near `image / 4 + a function of K`, which training turns into a cipher.
 */
export function flowCryptParameters({ blocks, hidden }: FlowCryptShape): FlowCrypt<Parameter> {
  const shrink = 0.25 ** (1 / blocks)
  // E(s) = shrink solved for s; and shrink * 1/2 + shift = 1/2.
  const level = (Math.log(shrink) / CLAMP + 1) / 2
  const scaleBias = Math.log(level / (1 - level))
  const shiftBias = (1 - shrink) / 2
  const stack = (bias: number, gain: number): Stack<Parameter> => {
    const channels = widths(hidden)
    return Object.fromEntries(
      channels.slice(1).map((outputs, i) => {
        const inputs = channels[i]!
        const last = i === CONVOLUTIONS - 1
        const weight = heNormal([outputs, inputs, 3, 3], inputs * 9, { slope: 0.01, gain: last ? gain : i === 0 ? 3 / MAP_DEVIATION : 1, outer: 0.1 })
        return [`conv${i}`, { weight, bias: last ? constantOf([outputs], bias) : zerosOf([outputs]) }]
      }),
    )
  }
  const shiftGain = 0.12 / Math.sqrt(blocks)
  return Object.fromEntries(
    Array.from({ length: blocks }, (_, i) => [
      `block${i}`,
      { omega: stack(scaleBias, 0.03), phi: stack(shiftBias, shiftGain), rho: stack(scaleBias, 0.03), eta: stack(shiftBias, shiftGain) },
    ]),
  )
}

function apply(p: Stack<Operand>, half: Expr, map: Expr): Expr {
  return Object.values(p).reduce((x, layer, i) => layers.conv2d(layer, i === 0 ? x : ops.leakyRelu(x)), ops.concat([half, map], 1))
}

/** log E(s) = a (2 sigmoid(s) - 1) = a tanh(s / 2), between -a and a. */
const logScale = (s: Expr): Expr => ops.mul(CLAMP, ops.tanh(ops.mul(0.5, s)))

/**
 * The forward pass:
 *
 *     X' = X E(omega(Y|K_Y)) + phi(Y|K_Y),  Y' = Y E(rho(X'|K_X)) + eta(X'|K_X)
 *
 * @param map K, the same for all blocks, of mean 0 and deviation {@link MAP_DEVIATION}. It is split like the image (our choice): each
 * pixel has its entry, and a wrong mask brings a wrong map.
 */
export function forward(p: FlowCrypt<Operand>, { x, y }: Halves, map: Halves): Halves {
  for (const block of Object.values(p)) {
    x = ops.add(ops.mul(x, ops.exp(logScale(apply(block.omega, y, map.y)))), apply(block.phi, y, map.y))
    y = ops.add(ops.mul(y, ops.exp(logScale(apply(block.rho, x, map.x)))), apply(block.eta, x, map.x))
  }
  return { x, y }
}

/** The exact inverse of {@link forward}, with the same parameters. */
export function backward(p: FlowCrypt<Operand>, { x, y }: Halves, map: Halves): Halves {
  for (const block of Object.values(p).toReversed()) {
    y = ops.mul(ops.sub(y, apply(block.eta, x, map.x)), ops.exp(ops.neg(logScale(apply(block.rho, x, map.x)))))
    x = ops.mul(ops.sub(x, apply(block.phi, y, map.y)), ops.exp(ops.neg(logScale(apply(block.omega, y, map.y)))))
  }
  return { x, y }
}

/** Parameters, and multiply-accumulates for an image of this many pixels (both halves). */
export function networkCost(shape: FlowCryptShape, pixels: number): { parameters: number; macs: number } {
  const channels = widths(shape.hidden)
  const weights = channels.slice(1).reduce((sum, outputs, i) => sum + 9 * channels[i]! * outputs, 0)
  return { parameters: parameterCount(flowCryptParameters(shape)), macs: shape.blocks * 4 * weights * Math.ceil(pixels / 2) }
}
