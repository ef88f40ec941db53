import { heNormal, layers, ops, parameterCount, zerosOf } from '@latent/graph'
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
/** Bound on the logarithm of one block's scale. */
export const CLAMP = 1
/** Full He values in the fifth convolutions make the chain diverge. */
const LAST_GAIN = 0.1
/** Of the leaky ReLU after the first four convolutions. */
export const SLOPE = 0.01
/** Name of the last convolution of a sub-network: the one whose weights begin small. */
export const LAST = `conv${CONVOLUTIONS - 1}`

/** A sub-network: convolutions by name, one behind the other. */
export type Stack<L> = Record<string, layers.Affine<L>>

/** The four sub-networks of an invertible block: scales and shifts of either half. */
export type Block<L> = {
  readonly omega: Stack<L>
  readonly phi: Stack<L>
  readonly rho: Stack<L>
  readonly eta: Stack<L>
}

/** The blocks of a chain, by name. */
export type FlowCrypt<L> = Record<string, Block<L>>

/** The two halves of an image, `[N, 3, H, W/2]` each, or of the map K, `[N, 1, H, W/2]` each. */
export interface Halves {
  readonly x: Expr
  readonly y: Expr
}

const widths = (hidden: number): number[] => [
  COLOURS + MAP_CHANNELS,
  ...Array.from({ length: CONVOLUTIONS - 1 }, () => hidden),
  COLOURS,
]

/**
 * Parameters of a chain with He's initial values, convolutions nearly of single pixels; `initial.ts` says what training
 * starts from.
 */
export function flowCryptParameters({ blocks, hidden }: FlowCryptShape): FlowCrypt<Parameter> {
  const channels = widths(hidden)
  const stack = (): Stack<Parameter> =>
    Object.fromEntries(
      channels.slice(1).map((outputs, i) => {
        const inputs = channels[i]!
        return [
          `conv${i}`,
          {
            weight: heNormal([outputs, inputs, 3, 3], inputs * 9, {
              slope: SLOPE,
              gain: i === CONVOLUTIONS - 1 ? LAST_GAIN : 1,
              outer: 0.02,
            }),
            bias: zerosOf([outputs]),
          },
        ]
      }),
    )
  return Object.fromEntries(
    Array.from({ length: blocks }, (_, i) => [
      `block${i}`,
      { omega: stack(), phi: stack(), rho: stack(), eta: stack() },
    ]),
  )
}

/** One sub-network on a half image and its half of K. */
export function apply(p: Stack<Operand>, half: Expr, map: Expr): Expr {
  return Object.values(p).reduce(
    (x, layer, i) => layers.conv2d(layer, i === 0 ? x : ops.leakyRelu(x, SLOPE)),
    ops.concat([half, map], 1),
  )
}

/** log E(s) = a (2 sigmoid(s) - 1) = a tanh(s / 2), between -a and a. */
const logScale = (s: Expr): Expr => ops.mul(CLAMP, ops.tanh(ops.mul(0.5, s)))

/**
 * The forward pass:
 *
 * ```text
 * X' = X E(omega(Y|K_Y)) + phi(Y|K_Y),  Y' = Y E(rho(X'|K_X)) + eta(X'|K_X)
 * ```
 *
 * @param map K, the same for all blocks, values in 0..1. It is split like the image (our choice): each
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
  return {
    parameters: parameterCount(flowCryptParameters(shape)),
    macs: shape.blocks * 4 * weights * Math.ceil(pixels / 2),
  }
}
